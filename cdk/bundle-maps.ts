import { dirname, resolve } from 'node:path';
import type { SourceNames } from './bundle-paths.ts';

interface SourceMapText {
  readonly version: 3;
  readonly sources: readonly string[];
  readonly names: readonly string[];
  readonly mappings: string;
}

/**
 * The map of a bundle's file with the names that sources have wherever they were bundled, and without their text.
 * `lazy`: the module for whose sake the file is one; `x_lazyModule` in the map tells it to whoever looks at what is deployed.
 */
export function namedMap(text: string, mapFile: string, names: SourceNames, lazy: string | undefined): string {
  const { sources, names: identifiers, mappings } = JSON.parse(text) as SourceMapText;
  const named = sources.map((source) => names.nameOf(resolve(dirname(mapFile), source)));
  const module = lazy === undefined ? {} : { x_lazyModule: lazy };
  return JSON.stringify({ version: 3, ...module, sources: named, names: identifiers, mappings });
}
