import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * The invariants of docs/architecture.md are what code and tests cite by number: each that is cited is there, and each that is
 * there is cited where it is upheld and where it is proven.
 */
const root = resolve(import.meta.dirname, '../..');

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return name === 'node_modules' ? [] : filesUnder(path);
    return /\.(ts|md)$/.test(name) && path !== import.meta.filename ? [path] : [];
  });
}

/** In a sentence of a comment, a page or a test's name: neither a part of a word, nor of a key. */
const citation = /(?<![\w#<.-])[IL]\d{1,2}(?![\w>'"`-])/g;
const citedIn = (text: string) => [...text.matchAll(citation)].map(([name]) => name);

const page = join(root, 'docs/architecture.md');
const declared = [...readFileSync(page, 'utf8').matchAll(/^- \*\*([IL]\d+)\b/gm)].map((match) => match[1] as string);
const folders = ['src', 'connectors', 'functions', 'cdk', 'local', 'test', 'docs'];
const citations = folders
  .flatMap((folder) => filesUnder(join(root, folder)))
  .map((path) => ({ file: relative(root, path), cited: citedIn(readFileSync(path, 'utf8')) }));
const citers = (name: string, folder: string) =>
  citations.filter(({ file, cited }) => file.startsWith(folder) && cited.includes(name)).map(({ file }) => file);

describe('invariants', () => {
  it('are declared once each, in order', () => {
    const numbered = (letter: string) => declared.filter((name) => name.startsWith(letter));
    expect(numbered('I')).toEqual(numbered('I').map((_, index) => `I${index + 1}`));
    expect(numbered('L')).toEqual(numbered('L').map((_, index) => `L${index + 1}`));
    expect([numbered('I').length, numbered('L').length]).toEqual([7, 6]);
  });

  it('that are cited are in docs/architecture.md', () => {
    const unknown = citations.flatMap(({ file, cited }) =>
      cited.filter((name) => !declared.includes(name)).map((name) => `${file} cites ${name}`),
    );
    expect(unknown).toEqual([]);
    expect(citations.flatMap(({ cited }) => cited).length).toBeGreaterThan(100);
  });

  it('are each cited by the code that upholds them and by a test that proves them', () => {
    expect(declared.filter((name) => citers(name, 'src/').length === 0)).toEqual([]);
    expect(declared.filter((name) => citers(name, 'test/').length === 0)).toEqual([]);
  });

  it('are seen where they are cited', () => {
    expect(citedIn("it('I5: commits in order (I3)') // I1, I2: and L4.")).toEqual(['I5', 'I3', 'I1', 'I2', 'L4']);
    expect(citedIn("'I9' `L8` I123x x.I1 TASK#I4 VI2")).toEqual([]);
  });
});
