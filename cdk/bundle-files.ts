import { cpSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, relative, resolve } from 'node:path';
import { type Loader, type PartialMessage, type Plugin, transform } from 'esbuild';
import { isWithin, type SourceNames } from './bundle-paths.ts';

/**
 * Files that lie beside a module and that it reads: `new URL('./q.sql', import.meta.url)`, `join(__dirname, 'q.sql')`.
 * A module that asks where it is gets a place of its own below `files/` of the bundle, and what it names from there is
 * copied to where it looks for it.
 */

/** What a module says for its place, and what that is called in a bundle; see `placeOf`. */
export const placeDefines: Readonly<Record<string, string>> = {
  'import.meta.url': '$moduleUrl',
  'import.meta.filename': '$moduleFile',
  'import.meta.dirname': '$moduleFolder',
  __filename: '$moduleFile',
  __dirname: '$moduleFolder',
};

/** For the first line of every file of a bundle; all of them lie in one folder. */
export const placeBanner =
  "import{createRequire as $require}from'node:module';import{fileURLToPath as $path}from'node:url';" +
  'const $chunk=import.meta.url,require=$require($chunk);';

const loaders: Readonly<Record<string, Loader>> = {
  '.js': 'js',
  '.mjs': 'js',
  '.cjs': 'js',
  '.jsx': 'jsx',
  '.ts': 'ts',
  '.mts': 'ts',
  '.cts': 'ts',
  '.tsx': 'tsx',
};

const place = /\bimport\.meta\.(?:url|filename|dirname)\b|\b__(?:filename|dirname)\b/;

export function copyFiles(names: SourceNames, outdir: string): Plugin {
  return {
    name: 'copy-files',
    setup(build) {
      build.onLoad({ filter: /\.[mc]?[jt]sx?$/, namespace: 'file' }, async ({ path }) => {
        const text = readFileSync(path, 'utf8');
        if (!place.test(text)) return;
        const loader = loaders[extname(path)]!;
        const plain = await plainText(text, loader);
        // A syntax error is told better by who loads the module.
        if (plain === null || !place.test(plain)) return;
        const { files, errors, warnings } = filesOf(plain, path, names);
        for (const file of files) copyInto(file, join(outdir, placeOf(names, path), '..'), dirname(path));
        return { contents: withPlace(text, placeOf(names, path)), loader, errors, warnings };
      });
    },
  };
}

/** Where a module believes itself to be, below the folder of the bundle's files. */
function placeOf(names: SourceNames, file: string): string {
  return `files/${names.nameOf(file)}`;
}

/** The code alone: no comments, no types, strings in double quotes wherever that can be. */
async function plainText(text: string, loader: Loader): Promise<string | null> {
  const options = { loader, legalComments: 'none', minifySyntax: true, logLevel: 'silent' } as const;
  return (await transform(text, options).catch(() => null))?.code ?? null;
}

/** On the first line that may hold it, so that the numbers of lines stay. */
function withPlace(text: string, name: string): string {
  const url = `new URL(${JSON.stringify(encodeURI(name))},$chunk)`;
  const declared = `const $moduleUrl=${url}.href,$moduleFile=$path($moduleUrl),$moduleFolder=$path(new URL(".",$moduleUrl)).slice(0,-1);`;
  const start = text.startsWith('#!') ? text.indexOf('\n') + 1 : 0;
  return `${text.slice(0, start)}${declared}${text.slice(start)}`;
}

interface Found {
  readonly files: ReadonlySet<string>;
  readonly errors: PartialMessage[];
  readonly warnings: PartialMessage[];
}

const string = String.raw`"((?:[^"\\\n]|\\.)*)"`;
const ownUrl = new RegExp(String.raw`new URL\(\s*${string},\s*import\.meta\.url\s*\)`, 'g');
const joined = new RegExp(String.raw`\b(?:join|resolve)\(\s*[\w$.]*(?:\([^()]*\))?\s*((?:,\s*${string}\s*)+)\)`, 'g');
const appended =
  /(?:\$\{(?:import\.meta\.dirname|__dirname)\}([^`$\n]+)|(?:import\.meta\.dirname|__dirname) \+ "([^"\n]+)")/g;
const strings = new RegExp(string, 'g');

function filesOf(code: string, module: string, names: SourceNames): Found {
  const files = new Set<string>();
  const errors: PartialMessage[] = [];
  const root = names.rootOf(module);
  const apps = names.isApps(module);
  const refuse = (text: string, reason: string) => {
    if (apps) errors.push({ text: `${names.nameOf(module)} names ${text} beside it: ${reason}` });
  };
  const take = (file: string, folders: boolean): boolean => {
    if (!isWithin(root, file) || isWithin(file, module) || !existsSync(file)) return false;
    if (!folders && !statSync(file).isFile()) return false;
    files.add(file);
    return true;
  };
  for (const [, literal = ''] of code.matchAll(ownUrl)) {
    const text = unquoted(literal);
    if (/^[a-z][a-z0-9+.-]*:|^\//i.test(text)) continue;
    const file = resolve(dirname(module), decodeURI(text.replace(/[?#].*$/, '')));
    if (isWithin(file, module)) continue;
    if (!existsSync(file)) refuse(text, 'there is no such file');
    else if (!isWithin(root, file))
      refuse(text, `it lies outside of ${basename(root)}, of which alone files are bundled`);
    else if (apps && extname(file) in loaders) {
      refuse(
        text,
        'it is code, which is bundled where it is imported; a worker thread cannot be started from a bundle',
      );
    } else take(file, true);
  }
  for (const [, list = ''] of code.matchAll(joined)) {
    const parts = [...list.matchAll(strings)].map(([, literal = '']) => unquoted(literal));
    take(resolve(dirname(module), ...parts), apps);
  }
  for (const [, inTemplate, added] of code.matchAll(appended)) {
    take(resolve(dirname(module), `.${inTemplate ?? added}`), apps);
  }
  for (const [, literal = ''] of code.matchAll(strings)) {
    const text = unquoted(literal);
    const isName = /^[\w@./ -]{1,200}$/.test(text) && !text.startsWith('/') && !(extname(text) in loaders);
    if (isName) take(resolve(dirname(module), text), false);
  }
  const warnings: PartialMessage[] = [];
  if (apps && files.size === 0 && errors.length === 0 && /dirname/.test(code)) {
    const text =
      `${names.nameOf(module)} asks for its folder, but names no file in it that could be found. Name files in full, as ` +
      "new URL('./file', import.meta.url): what is put together at run time is not bundled";
    warnings.push({ text });
  }
  return { files, errors, warnings };
}

/** Empty when it is nothing that could name a file. */
function unquoted(literal: string): string {
  try {
    return JSON.parse(`"${literal}"`) as string;
  } catch {
    return '';
  }
}

function copyInto(file: string, folder: string, from: string): void {
  const target = join(folder, relative(from, file));
  mkdirSync(dirname(target), { recursive: true });
  cpSync(file, target, { recursive: true, filter: (path) => !/[/\\](?:node_modules|\.git)$/.test(path) });
}
