import { writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type BuildFailure, type BuildOptions, build, type Metafile, type OutputFile } from 'esbuild';

/** A file of a bundle with its map, before sources are named. */
export interface BundledFile {
  readonly path: string;
  readonly text: string;
  readonly map: string;
  /** Files that `import()` loads. */
  readonly loads: readonly string[];
}

/**
 * What esbuild has split, with the entry and all that it imports at once in one file. esbuild puts what the entry shares with code
 * that is loaded when it is needed into files of their own, two dozen of them, and each costs a cold start a look-up, a
 * read and a module: together a quarter of its CPU. In their place are files that pass on what lies in the entry by now.
 * Left as it is where something awaits when it is loaded.
 */
export async function mergeStart(
  { outputFiles, metafile }: { readonly outputFiles: readonly OutputFile[]; readonly metafile: Metafile },
  entry: string,
  alike: BuildOptions & { readonly banner: { readonly js: string }; readonly metafile: true; readonly write: false },
): Promise<BundledFile[]> {
  const files = filesOf(outputFiles, metafile);
  const start = filesAtOnce(metafile, entry);
  if (start.length === 1) return files;
  const folder = dirname(files[0]!.path);
  for (const { path, text, map } of files.filter((file) => start.includes(basename(file.path)))) {
    // The line stays, and with it what the map says of the others.
    writeFileSync(
      path,
      text.replace(alike.banner.js, () => ''),
    );
    writeFileSync(`${path}.map`, map);
  }
  const passed = new Map(start.map((file, number) => [file, passedOn(metafile, file, entry, number)]));
  const contents = [...passed].map(([file, names]) =>
    names.map(([own, name]) => `export{${own} as ${name}}from"./${file}";`),
  );
  const merged = await build({
    ...alike,
    stdin: { contents: [`export*from"./${entry}";`, ...contents.flat()].join('\n'), resolveDir: folder, loader: 'js' },
    outfile: join(folder, entry),
    allowOverwrite: true,
    // What is loaded meanwhile would wait for the entry, and the entry for that.
    supported: { 'top-level-await': false },
    plugins: [
      {
        name: 'at-once',
        // What is left beside its files is Node's, by whatever name.
        setup: ({ onResolve }) =>
          onResolve({ filter: /^/ }, ({ path, kind }) => {
            const isAtOnce = path.startsWith('./') && kind !== 'dynamic-import' && start.includes(basename(path));
            return isAtOnce ? undefined : { path, external: true };
          }),
      },
    ],
  }).catch((error: BuildFailure) => {
    if (error.errors?.every(({ text }) => text.startsWith('Top-level await'))) return null;
    throw error;
  });
  if (merged === null) return files;
  const [whole] = filesOf(merged.outputFiles, merged.metafile);
  return files.map((file) => {
    const name = basename(file.path);
    const names = passed.get(name);
    if (name === entry) return whole!;
    return names === undefined ? file : { ...file, text: textOf(name, names, entry), map: emptyMap, loads: [] };
  });
}

const emptyMap = '{"version":3,"sources":[],"names":[],"mappings":""}';

/** What others import of a file, by its name there and the one that it has in the entry. */
function passedOn({ outputs }: Metafile, file: string, entry: string, number: number): [string, string][] {
  if (file === entry) return [];
  return outputOf(outputs, file).exports.map((own) => [own, `$${number}_${own}`]);
}

function textOf(file: string, names: readonly (readonly [string, string])[], entry: string): string {
  const list = names.map(([own, name]) => `${name} as ${own}`).join(',');
  return `export{${list}}from"./${entry}";\n//# sourceMappingURL=${file}.map\n`;
}

/** The entry, and what it imports without `import()`. */
function filesAtOnce({ outputs }: Metafile, entry: string): string[] {
  const found = new Set([entry]);
  for (const file of found) {
    for (const { path, kind, external } of outputOf(outputs, file).imports) {
      if (kind === 'import-statement' && external !== true) found.add(basename(path));
    }
  }
  return [...found];
}

function filesOf(outputFiles: readonly OutputFile[], { outputs }: Metafile): BundledFile[] {
  const texts = new Map(outputFiles.map(({ path, text }) => [path, text]));
  return [...texts.keys()]
    .filter((path) => !path.endsWith('.map'))
    .map((path) => {
      const imports = outputOf(outputs, basename(path)).imports.filter(({ kind }) => kind === 'dynamic-import');
      const loads = [...new Set(imports.map((one) => basename(one.path)))];
      return { path, text: texts.get(path)!, map: texts.get(`${path}.map`)!, loads };
    });
}

function outputOf(outputs: Metafile['outputs'], file: string): Metafile['outputs'][string] {
  return Object.entries(outputs).find(([path]) => basename(path) === file)![1];
}
