import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * What is exported somebody imports, a test at least: functions, classes and constants that nobody does are either dead or
 * nobody else's business. Types may be exported beside what they are the shape of.
 */
const root = resolve(import.meta.dirname, '../..');
const folders = ['src', 'connectors', 'functions', 'cdk', 'local', 'test'];

/** Loaded by their path: by Lambda, by Node, by a tool; `#java` is no path. */
const entries = [
  'functions/',
  'test/',
  'src/plugins/no-java.ts',
  'src/api/index.ts',
  'src/testing/index.ts',
  'cdk/index.ts',
];

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return name === 'node_modules' ? [] : filesUnder(path);
    return path.endsWith('.ts') ? [path] : [];
  });
}

const declared = /^export (?:abstract )?(?:async )?(?:function\*?|class|const|let|enum) ([\w$]+)/gm;
const imported = /\b(?:import|export)\s+(?:type\s+)?([^'";]*?)\s*from\s*'(\.[^']+)'/g;

/** What a clause takes of a module whose whole text uses it: names, or everything. */
function namesIn(clause: string, text: string): string[] | 'all' {
  const space = /\*(?:\s*as\s+([\w$]+))?/.exec(clause);
  if (space !== null) {
    const alias = space[1];
    if (alias === undefined) return 'all';
    // A whole module handed on, to compiled code for one, is used in ways that no text shows.
    if (new RegExp(`(?<![\\w.])${alias}\\b(?!\\.)(?!\\s+from)`).test(text)) return 'all';
    return [...text.matchAll(new RegExp(`\\b${alias}\\.([\\w$]+)`, 'g'))].map((match) => match[1] as string);
  }
  const braces = /\{([\s\S]*)\}/.exec(clause)?.[1] ?? '';
  const names = braces.split(',').map((part) => part.trim().replace(/^type\s+/, ''));
  return names.filter((name) => name !== '').map((name) => name.split(/\s+as\s+/)[0] as string);
}

function deadIn(texts: ReadonlyMap<string, string>): string[] {
  const used = new Map<string, Set<string> | 'all'>();
  for (const [file, text] of texts) {
    for (const match of text.matchAll(imported)) {
      const target = resolve(dirname(file), match[2] as string);
      const names = namesIn(match[1] as string, text);
      const known = used.get(target) ?? new Set();
      used.set(target, names === 'all' || known === 'all' ? 'all' : new Set([...known, ...names]));
    }
    for (const match of text.matchAll(/\bimport\('(\.[^']+)'\)/g)) {
      used.set(resolve(dirname(file), match[1] as string), 'all');
    }
  }
  return [...texts].flatMap(([file, text]) => {
    const name = relative(root, file);
    const known = used.get(file) ?? new Set<string>();
    if (known === 'all' || entries.some((entry) => name.startsWith(entry))) return [];
    const names = [...text.matchAll(declared)].map((match) => match[1] as string);
    return names.filter((exported) => !known.has(exported)).map((exported) => `${name}: ${exported}`);
  });
}

/**
 * What tests alone import, from a file that makes no use of it itself: each with its reason. Nothing is added here that a
 * test can do by the way that the product goes, or keep in test/support.
 */
const forTests = new Map([
  ['src/data/values.ts: convertToDecimal', "one of Java's Values, held against Java itself"],
  ['src/invocation/in-process.ts: InProcessInvoker', 'the other side of the contract of invokers'],
  ['src/rest/http-server.ts: startHttpServer', 'the app without API Gateway, for parity with Java'],
  ['src/storage/dynamodb/create-table.ts: createTable', 'the table without CloudFormation'],
  ['src/telemetry/telemetry.ts: silentTelemetry', 'a process that is killed and has nothing to say'],
  ['src/plugins/plugin-reference.ts: pluginReference', 'npm run docs'],
  ['src/plugins/plugin-reference.ts: connectorPage', 'npm run docs'],
  ['src/plugins/plugin-reference.ts: connectorIndex', 'npm run docs'],
]);

describe('exports', () => {
  const textsOf = (names: readonly string[]) => {
    const files = names.flatMap((folder) => filesUnder(join(root, folder)));
    return new Map(files.map((file) => [file, readFileSync(file, 'utf8')]));
  };

  it('are imported by somebody', () => {
    expect(deadIn(textsOf(folders))).toEqual([]);
  });

  it('are not kept alive by tests alone', () => {
    const texts = textsOf(folders.filter((folder) => folder !== 'test'));
    const alone = deadIn(texts).filter((dead) => {
      const [file, name] = dead.split(': ') as [string, string];
      // Tools that tests start as well; text for the pages.
      if (file.startsWith('local/') || /[/-]example\.ts$/.test(file)) return false;
      const text = texts.get(join(root, file)) ?? '';
      return [...text.matchAll(new RegExp(`(?<![\\w$])${name}(?![\\w$])`, 'g'))].length === 1;
    });
    expect(alone.filter((dead) => !forTests.has(dead))).toEqual([]);
    expect([...forTests.keys()].filter((dead) => !alone.includes(dead))).toEqual([]);
  });

  it('that nobody imports are told', () => {
    const texts = {
      'src/a.ts': 'export const one = 1;\nexport function two() {}\nexport class Three {}\nexport interface Four {}',
      'src/b.ts': "import { type Three, one as first } from './a.ts';",
      'src/c.ts': 'export const five = 5;\nexport const six = 6;',
      'src/d.ts': "import * as c from './c.ts';\nc.five;",
      'src/e.ts': 'export const seven = 7;',
      'src/f.ts': "import * as e from './e.ts';\ncompile(e);",
    };
    const dead = deadIn(new Map(Object.entries(texts).map(([name, text]) => [join(root, name), text])));
    expect(dead).toEqual(['src/a.ts: two', 'src/c.ts: six']);
  });
});
