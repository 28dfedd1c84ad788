import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * No file imports itself by way of others, types included: each can be read after the ones that it names. What breaks
 * this is a type that lives beside what is made of it (give it a file of its own), or two files that are one.
 */
const root = resolve(import.meta.dirname, '../..');
const folders = ['src', 'connectors', 'functions', 'cdk', 'cli', 'local'];

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return name === 'node_modules' ? [] : filesUnder(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

const specifiers = /(?:^|\n)\s*(?:import|export)\s(?:[^'"\n;{]*\{[^}]*\}[^'"\n;]*|[^'"\n;{]*)from\s*'([^']+)'/g;
const bare = /(?:^|\n)\s*import\s*'([^']+)'|\bimport\('([^']+)'\)/g;

function importsOf(file: string, text = readFileSync(file, 'utf8')): string[] {
  return [...text.matchAll(specifiers), ...text.matchAll(bare)]
    .map((match) => (match[1] ?? match[2]) as string)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => resolve(dirname(file), specifier));
}

/** One circle for each file at which a walk comes back to where it has been, as its files in order. */
function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string) => {
    const at = path.indexOf(file);
    if (at >= 0) circles.push([...path.slice(at), file]);
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of imports.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of imports.keys()) visit(file);
  return circles;
}

describe('imports', () => {
  const files = folders.flatMap((folder) => filesUnder(join(root, folder)));

  it('run in no circle', () => {
    const circles = circlesOf(new Map(files.map((file) => [file, importsOf(file)])));
    expect(circles.map((circle) => circle.map((file) => relative(root, file)).join(' → '))).toEqual([]);
  });

  it('are all seen', () => {
    const known = new Set(files);
    const seen = files.flatMap((file) => importsOf(file)).filter((path) => path.endsWith('.ts'));
    expect(seen.filter((path) => !known.has(path))).toEqual([]);
    expect(seen.length).toBeGreaterThan(1000);
    const forms = [
      "import './a.ts';",
      "import type { B } from './b.ts';",
      "import c, {\n  type D,\n  e,\n} from './c.ts';",
      "export * from './f.ts';",
      "export type { G } from './g.ts';",
      "const h = await import('./h.ts');",
      "let i: import('./i.ts').I;",
    ];
    const read = importsOf('/x.ts', forms.join('\n')).sort();
    expect(read).toEqual(['/a.ts', '/b.ts', '/c.ts', '/f.ts', '/g.ts', '/h.ts', '/i.ts']);
  });

  it('in a circle are told as that circle', () => {
    const found = circlesOf(
      new Map([
        ['a', ['b', 'c']],
        ['b', ['c']],
        ['c', ['b']],
        ['d', ['d']],
      ]),
    );
    expect(found).toEqual([
      ['b', 'c', 'b'],
      ['d', 'd'],
    ]);
  });
});
