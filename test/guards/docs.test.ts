import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { binFolder, projectFolder } from '../../local/folders.ts';
import { guideFile, MarkdownPage, manifestFor, pagesUnder, type Snippet, slugOf } from '../support/markdown.ts';

// Every page of the project is followed and compiled; a line that breaks names the page, the line and what it says.
const pages = pagesUnder(projectFolder).map((path) => new MarkdownPage(projectFolder, path));
const byPath = new Map(pages.map((page) => [resolve(projectFolder, page.path), page]));
const snippets = pages.flatMap((page) => page.snippets);
const work = mkdtempSync(join(tmpdir(), 'drover-docs-'));

afterAll(() => rmSync(work, { recursive: true, force: true }));

const of = (language: string) => snippets.filter((snippet) => snippet.language === language);
const at = ({ page, line }: Snippet) => `${page}:${line}`;

describe('links', () => {
  it('there are pages, and links between them', () => {
    expect(pages.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['README.md', 'CONTRIBUTING.md', 'docs/architecture.md', 'src/api/README.md']),
    );
    expect(pages.flatMap(({ links }) => links).length).toBeGreaterThan(80);
  });

  it('lead to files of the project, and to headings on their pages', () => {
    const broken: string[] = [];
    for (const page of pages) {
      for (const { line, target } of page.links) {
        if (/^(?:https?|mailto):/.test(target)) continue;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? resolve(projectFolder, page.path) : resolve(projectFolder, dirname(page.path), path);
        const where = `${page.path}:${line} links to ${target}`;
        if (target.startsWith('/') || relative(projectFolder, file).startsWith('..')) broken.push(`${where}: not ours`);
        else if (!existsSync(file)) broken.push(`${where}: there is no such file`);
        else if (anchor !== undefined && !byPath.get(file)?.anchors.has(decodeURIComponent(anchor))) {
          broken.push(`${where}: there is no such heading`);
        }
      }
    }
    expect(broken).toEqual([]);
  });

  it('paths in running text are files of the project too', () => {
    const rooms = /^(?:src|connectors|functions|cdk|local|test|docs|examples)\/[\w./-]+$/;
    const named = pages.flatMap((page) =>
      page.code.filter(({ text }) => rooms.test(text)).map((code) => ({ page: page.path, ...code })),
    );
    expect(named.length).toBeGreaterThan(10);
    const missing = named.filter(({ text }) => !existsSync(join(projectFolder, text)));
    expect(missing.map(({ page, line, text }) => `${page}:${line} names ${text}`)).toEqual([]);
  });

  it('every page can be reached from the README', () => {
    const reached = new Set<string>();
    const visit = (file: string) => {
      const page = byPath.get(file);
      if (page === undefined || reached.has(page.path)) return;
      reached.add(page.path);
      for (const { target } of page.links) visit(resolve(dirname(file), target.split('#')[0]!));
    };
    visit(join(projectFolder, 'README.md'));
    const lost = pages.map(({ path }) => path).filter((path) => !reached.has(path));
    expect(lost).toEqual([]);
  });

  it.each([
    ['Walk A: one record, from `poll` to the offset commit', 'walk-a-one-record-from-poll-to-the-offset-commit'],
    ['What is different, and what cannot be', 'what-is-different-and-what-cannot-be'],
    ['`drover.*` keys [here](x.md)', 'drover-keys-here'],
  ])('%s is linked to as #%s', (heading, slug) => expect(slugOf(heading)).toBe(slug));
});

describe('commands', () => {
  const known = new Set(['install', 'ci', 'test', 'start', 'stop', 'pack', 'create', 'init', 'exec']);

  it('name scripts that package.json has, and files that are there', () => {
    const broken: string[] = [];
    for (const page of pages) {
      const manifest = manifestFor(projectFolder, page.path);
      const { scripts } = JSON.parse(readFileSync(manifest, 'utf8')) as { scripts: Record<string, string> };
      const shell = page.snippets
        .filter(({ language }) => language === 'sh')
        .flatMap(({ text, line }) => text.split('\n').map((one, index) => ({ line: line + 1 + index, text: one })));
      for (const { line, text } of [...shell, ...page.code]) {
        const where = `${page.path}:${line} says "${text.trim()}"`;
        for (const [, script] of text.matchAll(/\bnpm run (?:-s |--silent )?([\w:-]+)/g)) {
          if (!(script! in scripts)) broken.push(`${where}: there is no script ${script}`);
        }
        for (const [, verb] of text.matchAll(/(?:^|[;&|]\s*)npm ([a-z]+)/g)) {
          if (verb !== 'run' && !known.has(verb!)) broken.push(`${where}: npm has no ${verb}`);
          if (/^(?:start|stop|test)$/.test(verb!) && !(verb! in scripts)) broken.push(`${where}: no script ${verb}`);
        }
        for (const [, path, name] of text.matchAll(/\bvitest run .*?(\S+\.test\.ts) -t '([^']+)'/g)) {
          const names = existsSync(join(projectFolder, path!))
            ? [...readFileSync(join(projectFolder, path!), 'utf8').matchAll(/\b(?:it|test)\(\s*(['"`])(.*?)\1,/g)]
            : [];
          if (!names.some((found) => found[2]!.includes(name!))) broken.push(`${where}: no test there is named so`);
        }
        for (const [path] of text.matchAll(/(?<=\s)(?:test|\.ci|local|cdk|src)\/[\w./-]+/g)) {
          if (!existsSync(join(dirname(manifest), path))) broken.push(`${where}: there is no ${path}`);
        }
      }
    }
    expect(of('sh').length).toBeGreaterThan(3);
    expect(broken).toEqual([]);
  });

  it('are shell that can be read', () => {
    const broken = of('sh').flatMap((snippet) => {
      try {
        execFileSync('bash', ['-n'], { input: snippet.text, stdio: ['pipe', 'pipe', 'pipe'] });
        return [];
      } catch (error) {
        return [`${at(snippet)}: ${(error as { stderr: Buffer }).stderr}`];
      }
    });
    expect(broken).toEqual([]);
  });

  it('JSON is JSON, in blocks and where a command sends it', () => {
    const sent = of('sh').flatMap((snippet) =>
      [...snippet.text.matchAll(/(?:-d|--data) '([^']+)'/g)].map((match) => ({ ...snippet, text: match[1]! })),
    );
    expect(sent.length).toBeGreaterThan(0);
    const broken = [...of('json'), ...sent].flatMap((snippet) => {
      try {
        JSON.parse(snippet.text);
        return [];
      } catch (error) {
        return [`${at(snippet)}: ${error}`];
      }
    });
    expect(broken).toEqual([]);
  });
});

describe('operations', () => {
  it('say of every alarm what it means and what to do', () => {
    const source = readFileSync(join(projectFolder, 'cdk/alarms.ts'), 'utf8');
    const alarms = [...source.matchAll(/\balarm\(\s*'(\w+)'/g)].map((match) => match[1]!);
    const page = readFileSync(join(projectFolder, 'docs/operations.md'), 'utf8');
    const rows = page.split('\n').filter((line) => line.startsWith('| `'));
    expect(alarms.length).toBeGreaterThan(6);
    expect(alarms.filter((alarm) => !rows.some((row) => row.split('|')[1]!.includes(`\`${alarm}\``)))).toEqual([]);
  });
});

/** A file of the app that the README shows, where the two must be the same; by the first thing that only it says. */
const shownFiles = { 'class ConnectStack': 'lib/connect-stack.ts', 'class CountdownConnector': 'lib/plugins.ts' };

/** The sources of what the package exports and imports, by the names that it gives them. */
function packagePaths(): Record<string, string[]> {
  const { exports, imports } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string }>;
    imports: Record<string, string>;
  };
  const built: [string, string][] = [
    ...Object.entries(exports).map(([name, target]): [string, string] => [
      name.replace('.', 'drover'),
      typeof target === 'string' ? target : target.default,
    ]),
    ...Object.entries(imports),
  ];
  return Object.fromEntries(
    built
      .filter(([, file]) => file.endsWith('.js'))
      .map(([name, file]) => [name, [join(projectFolder, file.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts'))]]),
  );
}

/** What an app has around a snippet that shows a part of its stack. */
const around = `
import { Stack as AroundStack } from 'aws-cdk-lib';
import type { ITable as AroundTable } from 'aws-cdk-lib/aws-dynamodb';
import type { IVpc as AroundVpc } from 'aws-cdk-lib/aws-ec2';
import type { Drover as AroundDrover, KafkaSecurity as AroundSecurity } from 'drover/cdk';
declare const bootstrapServers: string[];
declare const security: AroundSecurity;
declare const vpc: AroundVpc;
declare const table: AroundTable;
declare const drover: AroundDrover;
`;

function asModule(text: string): string {
  if (!/\bthis,/.test(text) || /^export /m.test(text)) return text;
  const isImport = /^import [^;]*;\n?/gm;
  const imports = text.match(isImport)?.join('') ?? '';
  const body = text.replaceAll(isImport, '');
  return `${imports}${around}\nexport class AroundSnippet extends AroundStack {\n  build() {\n${body}\n  }\n}\n`;
}

describe('TypeScript', () => {
  it('in every page compiles against the sources, and so does the example app', () => {
    const shown = of('ts');
    expect(shown.length).toBeGreaterThan(8);
    for (const snippet of shown) {
      const folder = snippet.page.replaceAll(/[^\w]+/g, '-');
      const name = guideFile(snippet.text, `line-${snippet.line}`);
      const text = asModule(snippet.text).replaceAll(/from '(\.\/[\w-]+)'/g, "from '$1.ts'");
      mkdirSync(join(work, folder), { recursive: true });
      writeFileSync(join(work, folder, `${name}.ts`), text);
    }
    const base = JSON.parse(readFileSync(join(projectFolder, 'tsconfig.json'), 'utf8')) as { compilerOptions: object };
    const paths = packagePaths();
    expect(Object.keys(paths)).toEqual(expect.arrayContaining(['drover', 'drover/cdk']));
    // The CDK's own types do not hold with exact optional properties.
    const asAnApp = { exactOptionalPropertyTypes: false, paths };
    const compilerOptions = { ...base.compilerOptions, ...asAnApp };
    const include = [work, ...['bin', 'lib', 'test'].map((folder) => join(projectFolder, 'examples/app', folder))];
    writeFileSync(join(work, 'tsconfig.json'), JSON.stringify({ compilerOptions, include }));
    writeFileSync(join(work, 'package.json'), '{"type":"module"}');
    symlinkSync(join(projectFolder, 'node_modules'), join(work, 'node_modules'));
    expect(compile(work)).toBe('');
  }, 300_000);

  it('in the README is what the example app holds', () => {
    const shown = of('ts').filter(({ page }) => page === 'README.md');
    for (const [mark, file] of Object.entries(shownFiles)) {
      const source = readFileSync(join(projectFolder, 'examples/app', file), 'utf8');
      const snippet = shown.find(({ text }) => text.includes(mark));
      expect(snippet?.text, `paste examples/app/${file} into README.md`).toBe(source);
    }
  });
});

function compile(folder: string): string {
  try {
    execFileSync(join(binFolder, 'tsc'), ['-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
    return '';
  } catch (error) {
    return (error as { stdout: string }).stdout;
  }
}
