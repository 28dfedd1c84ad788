import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * Imports go up one ladder. Each room lists the rooms it may know; a line that breaks this names the file, what it
 * imports and what to do. Beside the ladder of `src/`: connectors/ know what plugin authors know, functions/ wire
 * everything, cdk/ points at functions/ by path.
 */
const base = ['errors', 'clock', 'version', 'aws-signature', 'files', 'java', 'data', 'config'];
const lower = [...base, 'aws-requests', 'api', 'telemetry', 'environment', 'invocation'];
const rooms: Record<string, readonly string[]> = {
  errors: [],
  clock: [],
  version: [],
  'aws-signature': [],
  'aws-requests': ['aws-signature', 'version'],
  files: ['errors'],
  java: ['errors'],
  data: ['errors', 'java'],
  config: ['errors', 'java', 'data'],
  environment: base,
  api: base,
  telemetry: [...base, 'api'],
  invocation: [...base, 'aws-requests', 'telemetry'],
  'schema-registry': [...base, 'api', 'telemetry'],
  plugins: [...base, 'api', 'telemetry', 'schema-registry'],
  'java-host': [...lower, 'plugins', 'storage'],
  kafka: [...base, 'api', 'telemetry'],
  storage: lower,
  worker: [...lower, 'plugins', 'kafka', 'storage'],
  herder: [...lower, 'plugins', 'storage'],
  mirror: [...lower, 'kafka', 'storage'],
  testing: [...lower, 'plugins', 'kafka', 'storage', 'worker', 'herder'],
  rest: [...base, 'telemetry', 'herder'],
};

/** Rooms see the store interfaces; only functions/ picks an implementation, and what runs without functions. */
const hiddenFolders = ['storage/dynamodb', 'storage/memory'];

const packageHomes: Record<string, readonly string[]> = {
  kafkajs: ['kafka'],
  '@platformatic/kafka': ['kafka'],
  '@aws-sdk/client-dynamodb': ['storage'],
  '@aws-sdk/client-lambda': ['invocation'],
  '@aws-sdk/client-sqs': ['invocation'],
};

const root = resolve(import.meta.dirname, '../..');
const src = join(root, 'src');

function filesUnder(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? filesUnder(path) : path.endsWith('.ts') ? [path] : [];
  });
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s[^'"\n;]*?(?:\{[^}]*\}\s*)?from\s*'([^']+)'|import\('([^']+)'\)/g,
  );
  return [...found].map((match) => (match[1] ?? match[2]) as string);
}

const roomOf = (path: string) => (relative(src, path).split('/')[0] as string).replace(/\.ts$/, '');

const files = filesUnder(src);
const connectorFiles = filesUnder(join(root, 'connectors'));
// An example is text for a page, with code of an app in it.
const runtimeFiles = [...files, ...connectorFiles, ...filesUnder(join(root, 'functions'))].filter(
  (file) => !/[/-]example\.ts$/.test(file),
);
const isForCdk = (file: string) => relative(root, file).startsWith('cdk/') || file.endsWith('/cdk.ts');
const relativeImports = (file: string) =>
  importsOf(file)
    .filter((specifier) => specifier.startsWith('.'))
    .map((specifier) => resolve(dirname(file), specifier));

describe('imports', () => {
  it('reads every room of src/, and each is on the ladder', () => {
    const seen = new Set(files.map(roomOf));
    expect([...seen].filter((room) => !(room in rooms))).toEqual([]);
    expect(files.length).toBeGreaterThan(50);
  });

  it('go up the ladder only', () => {
    const broken: string[] = [];
    for (const file of files) {
      const room = roomOf(file);
      for (const target of importsOf(file).filter((specifier) => specifier.startsWith('.'))) {
        const path = resolve(dirname(file), target);
        const other = roomOf(path);
        if (other !== room && !rooms[room]?.includes(other)) {
          broken.push(`${relative(root, file)} imports ${other}: ${room} may know only ${rooms[room]?.join(', ')}`);
        }
        const hidden = hiddenFolders.find((folder) => relative(src, path).startsWith(`${folder}/`));
        if (hidden !== undefined && room !== 'storage' && !(room === 'testing' && hidden === 'storage/memory')) {
          broken.push(`${relative(root, file)} imports ${hidden}: take the interface and let functions/ pick`);
        }
      }
    }
    expect(broken).toEqual([]);
  });

  it('keep each client library in one room', () => {
    const broken: string[] = [];
    for (const file of files) {
      for (const specifier of importsOf(file)) {
        const home = Object.entries(packageHomes).find(
          ([name]) => specifier === name || specifier.startsWith(`${name}/`),
        );
        if (home !== undefined && !home[1].includes(roomOf(file))) {
          broken.push(`${relative(root, file)} imports ${specifier}: only ${home[1].join(', ')} may`);
        }
      }
    }
    expect(broken).toEqual([]);
  });

  it('nothing in src/ knows the connectors: functions/ put them together', () => {
    const broken = files.flatMap((file) =>
      relativeImports(file)
        .filter((path) => !path.startsWith(`${src}/`))
        .map((path) => `${relative(root, file)} imports ${relative(root, path)}: pass it in, from functions/`),
    );
    expect(broken).toEqual([]);
  });

  it('connectors know the plugin API and their own folder, as anybody else who writes one', () => {
    const connectorFolder = join(root, 'connectors');
    const lists = ['index.ts', 'cdk.ts'];
    expect(connectorFiles.length).toBeGreaterThan(3);
    const allowed = (file: string, path: string) => {
      const [, ...steps] = relative(root, file).split('/');
      const own = join(root, 'connectors', ...steps.slice(0, -1).slice(0, 1));
      if (path.startsWith(`${own}/`) || path === join(src, 'api/index.ts')) return true;
      // What several systems share lies beside their folders, as long as it is no list of them.
      if (dirname(path) === connectorFolder && !lists.includes(basename(path))) return true;
      // cdk/index.ts exports it to apps, and so cannot be what it imports.
      return file.endsWith('/cdk.ts') && dirname(path) === join(root, 'cdk') && path !== join(root, 'cdk/index.ts');
    };
    const broken = connectorFiles.flatMap((file) =>
      relativeImports(file)
        .filter((path) => !allowed(file, path))
        .map(
          (path) => `${relative(root, file)} imports ${relative(root, path)}: export it from src/api, or keep it here`,
        ),
    );
    expect(broken).toEqual([]);
  });

  it('a declaration loads the code of its connector when that is created', () => {
    const plugins = connectorFiles.filter((file) => file.endsWith('/plugin.ts'));
    expect(plugins.length).toBeGreaterThan(0);
    const broken = plugins.flatMap((file) => {
      const text = readFileSync(file, 'utf8');
      return [...text.matchAll(/from\s*'(\.\/(?!settings\.ts)[^']+)'/g)].map(
        ([, path]) => `${relative(root, file)} imports ${path}: await import() it in create`,
      );
    });
    expect(broken).toEqual([]);
  });

  it('the command line asks over the API and AWS; of the runtime it knows what it names', () => {
    const allowed = ['version', 'testing', 'kafka', 'mirror', 'config', 'errors', 'telemetry'];
    const commandLine = filesUnder(join(root, 'cli'));
    const known = (path: string) =>
      path.startsWith(join(root, 'cli/')) || (path.startsWith(`${src}/`) && allowed.includes(roomOf(path)));
    expect(commandLine.length).toBeGreaterThan(10);
    const broken = commandLine.flatMap((file) =>
      relativeImports(file)
        .filter((path) => !known(path))
        .map((path) => `${relative(root, file)} imports ${relative(root, path)}: ask the REST API for it`),
    );
    expect(broken).toEqual([]);
    const back = runtimeFiles.flatMap((file) =>
      relativeImports(file)
        .filter((path) => path.startsWith(join(root, 'cli/')))
        .map((path) => `${relative(root, file)} imports ${relative(root, path)}: no function needs a command line`),
    );
    expect(back).toEqual([]);
  });

  it('what runs in a function knows nothing of the CDK', () => {
    const broken = runtimeFiles
      .filter((file) => !isForCdk(file))
      .flatMap((file) =>
        [
          ...importsOf(file).filter((name) => /^(aws-cdk-lib|constructs)(\/|$)/.test(name)),
          ...relativeImports(file).filter(isForCdk),
        ].map((name) => `${relative(root, file)} imports ${name}: only cdk/ and a connector's cdk.ts may`),
      );
    expect(broken).toEqual([]);
  });
});
