import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectFolder } from '../../local/folders.ts';

interface Manifest {
  readonly version?: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly engines?: { readonly node?: string };
}

const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
const modules = join(projectFolder, 'node_modules');

/** All that an app installs with the package, with what each says of Node. */
function installed(): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (name: string, from: string) => {
    const nested = join(from, 'node_modules', name);
    const folder = existsSync(nested) ? nested : join(modules, name);
    if (found.has(folder) || !existsSync(folder)) return;
    const manifest = manifestOf(folder);
    found.set(folder, manifest.engines?.node ?? '*');
    for (const next of Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })) visit(next, folder);
  };
  const own = manifestOf(projectFolder);
  for (const name of Object.keys({ ...own.dependencies, ...own.optionalDependencies })) visit(name, projectFolder);
  return found;
}

const partsOf = (version: string) => version.split('.').map(Number);

function compare(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let index = 0; index < 3; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The least version that `>=A`, `^A` or several of them with `||` between allow. */
function leastOf(range: string): string {
  const versions = range.split('||').map((part) => /\d+(?:\.\d+)*/.exec(part)?.[0] ?? '0');
  return versions.sort(compare)[0]!;
}

test('package.json asks for the Node that the most demanding dependency asks for', () => {
  const all = installed();
  expect(all.size).toBeGreaterThan(20);
  const demanding = [...all.values()].map(leastOf).sort(compare).at(-1)!;
  expect(leastOf(manifestOf(projectFolder).engines?.node ?? '')).toBe(demanding);
});

test('the example app asks for this package, and for what it asks for', () => {
  const own = manifestOf(projectFolder);
  const example = manifestOf(join(projectFolder, 'examples', 'app'));
  expect(example.dependencies).toEqual({ ...own.peerDependencies, drover: `^${own.version}` });
  expect(example.engines).toEqual(own.engines);
});
