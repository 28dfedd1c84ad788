import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openApi } from '../../src/rest/openapi.ts';
import { routes } from '../../src/rest/routes.ts';

const read = (path: string) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));

describe('openapi.json', () => {
  it('is what the route table prints; if not, run: node src/rest/print-openapi.ts', () => {
    const { version } = read('../../package.json');
    expect(read('../../src/rest/openapi.json')).toEqual(openApi(version));
  });

  it('tells every route, under a name of its own', () => {
    const names = routes.map(({ operation }) => operation);
    expect(new Set(names).size).toBe(names.length);
    const { paths } = read('../../src/rest/openapi.json');
    for (const { method, path, internal } of routes) {
      if (internal !== true) expect(paths[path][method.toLowerCase()]).toBeDefined();
    }
  });
});
