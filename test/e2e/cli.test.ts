import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { emulatorEnvironment } from '../../local/emulator.ts';
import { projectFolder } from '../../local/folders.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { walkConsole } from '../support/console-walk.ts';
import { type DeployedStack, deployStack } from '../support/deployed-stack.ts';
import { sendValues } from '../support/kafka-records.ts';
import { until } from '../support/until.ts';

/** The program as it is packed, in a process of its own, against the deployed stack whose API asks for signatures. */
let stack: DeployedStack;
const { bin } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as { bin: { drover: string } };
const program = join(projectFolder, bin.drover);

beforeAll(async () => {
  const built = promisify(execFile)(process.execPath, [join(projectFolder, 'local', 'build.ts')]);
  const limits = { runSeconds: '10', runTimeoutSeconds: '20', idleCeilingMs: '2000', runsInFlight: '6' };
  [stack] = await Promise.all([deployStack({ ...limits, auth: 'iam' }), built]);
});

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const environment = () => ({
  PATH: process.env.PATH,
  HOME: stack.folder,
  ...emulatorEnvironment({ port: stack.ports.aws, region: stack.region }),
});

/** By the name of the stack, in a folder where there is none. */
async function drover(args: readonly string[], stdin?: string): Promise<Said> {
  const child = spawn(process.execPath, [program, '--stack', 'Drover', ...args], {
    cwd: stack.folder,
    env: environment(),
  });
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    out += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk;
  });
  child.stdin.end(stdin ?? '');
  const [code] = (await once(child, 'close')) as [number];
  return { code, out, err };
}

async function ask<T>(...args: string[]): Promise<T> {
  const { code, out, err } = await drover([...args, '--json']);
  expect([code, err], args.join(' ')).toEqual([0, '']);
  return JSON.parse(out) as T;
}

const strings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};

test('apply of a folder of 50 connectors twice changes nothing the second time', async () => {
  const folder = join(stack.folder, 'connectors');
  mkdirSync(folder);
  const names = Array.from({ length: 50 }, (_, index) => `many-${String(index).padStart(2, '0')}`);
  for (const [index, name] of names.entries()) {
    const config = { 'connector.class': 'FileStreamSource', topic: name, file: `/none/${name}`, 'tasks.max': 1 };
    const yaml = `name: ${name}\ninitial_state: STOPPED\nconfig:\n${Object.entries(config)
      .map(([key, value]) => `  ${key}: ${value}\n`)
      .join('')}`;
    if (index % 2 === 0) writeFileSync(join(folder, `${name}.yaml`), yaml);
    else writeFileSync(join(folder, `${name}.json`), JSON.stringify({ name, initial_state: 'STOPPED', config }));
  }
  const actions = (said: Said) => said.out.split('\n').filter(Boolean);
  expect(actions(await drover(['apply', '-f', folder]))).toEqual(names.map((name) => `connector/${name} created`));
  // What they are, not how far the functions are with it.
  const configs = async () => (await ask<{ config: object }[]>('get', 'connectors')).map(({ config }) => config);
  const before = await configs();
  const again = await drover(['apply', '-f', folder]);
  expect([again.code, actions(again)]).toEqual([0, names.map((name) => `connector/${name} unchanged`)]);
  expect(await drover(['diff', '-f', folder])).toEqual({ code: 0, out: '50 connectors are as described\n', err: '' });
  expect(await configs()).toEqual(before);
  expect((await drover(['get', 'connectors', '-o', 'name'])).out).toBe(names.map((name) => `${name}\n`).join(''));

  writeFileSync(
    join(folder, 'many-01.json'),
    readFileSync(join(folder, 'many-01.json'), 'utf8').replace('/none/', '/other/'),
  );
  const dry = await drover(['apply', '--dry-run', '-f', folder]);
  expect(dry.out).toBe(
    'connector/many-01 would be changed\n  - file: "/none/many-01"\n  + file: "/other/many-01"\n49 connectors are as described\n',
  );
  expect(await drover(['delete', '-f', folder, '--json'])).toMatchObject({ code: 0, err: '' });
  expect(await ask('get', 'connectors')).toEqual([]);
});

// Some fifty processes, one after the other.
test('a pipeline from its files to its dead letters, by commands alone', { timeout: 400_000 }, async () => {
  const [from, to] = [join(stack.folder, 'from.txt'), join(stack.folder, 'to.txt')];
  const lines = Array.from({ length: 100 }, (_, index) => (index === 42 ? 'no JSON' : JSON.stringify({ index })));
  writeFileSync(from, lines.map((line) => `${line}\n`).join(''));
  const source = {
    name: 'in',
    config: { ...strings, 'connector.class': 'FileStreamSource', topic: 'piped', file: from },
  };
  const sink = {
    name: 'out',
    'connector.class': 'FileStreamSink',
    topics: 'piped',
    file: to,
    'key.converter': strings['key.converter'],
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': 'piped-dead',
    'errors.deadletterqueue.topic.replication.factor': '1',
    'errors.deadletterqueue.context.headers.enable': 'true',
  };
  expect(await drover(['validate', '-f', '-'], JSON.stringify([source, sink]))).toMatchObject({ code: 0 });
  const applied = await drover(['apply', '-f', '-', '--wait'], JSON.stringify([source, sink]));
  expect(applied).toEqual({ code: 0, out: 'connector/in created\nconnector/out created\n', err: '' });
  await until(
    'the lines are in the file',
    () => readFileSync(to, { encoding: 'utf8', flag: 'a+' }).split('\n').length === 100,
  );

  const offsets = async () => (await drover(['get', 'offsets', 'out'])).out;
  await until(
    'the position behind all of them',
    async () => (await offsets()) === 'PARTITION  OFFSET\npiped:0    100\n',
  );
  expect((await drover(['get', 'tasks', 'in', 'out'])).out).toMatch(/in\/0 +RUNNING.*out\/0 +RUNNING/s);
  const described = await drover(['describe', 'connector', 'out']);
  expect(described.out).toMatch(/^State: +RUNNING$/m);
  expect(described.out).toMatch(/^ +0 +RUNNING +\d+ +99 /m);

  // Dead letters: the emulator's stack does not tell a stranger where its brokers are.
  expect(await drover(['dead-letters', 'show', 'out'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('--bootstrap-servers'),
  });
  const letters = await ask<object[]>('dead-letters', 'show', 'out', '--bootstrap-servers', stack.bootstrapServers);
  expect(letters).toMatchObject([
    { value: 'no JSON', context: { topic: 'piped', partition: '0', offset: '42', stage: 'VALUE_CONVERTER' } },
  ]);
  const replayed = await drover(['dead-letters', 'replay', 'out', '--wait']);
  expect(replayed).toMatchObject({ code: 0, out: expect.stringMatching(/^1 dead letter was put back/) });

  // Logs and runs are of this connector alone.
  const records = async () => {
    const runs = await ask<{ task: string; records: number }[]>('runs', 'in');
    expect(new Set(runs.map(({ task }) => task)).size).toBeLessThanOrEqual(1);
    return runs.reduce((sum, run) => sum + run.records, 0);
  };
  await until('its runs are logged', async () => (await records()) === 100);
  for (const verb of ['logs', 'runs']) {
    expect(await drover([verb, 'inn'])).toMatchObject({ code: 3, err: expect.stringContaining('did you mean in?') });
  }
  expect((await drover(['logs', 'in'])).out).toMatch(/INFO +in is RUNNING$/m);
  const follow = spawn(process.execPath, [program, '--stack', 'Drover', 'logs', 'in', '-f', '--json'], {
    env: environment(),
  });
  const [first] = (await once(createInterface({ input: follow.stdout }), 'line')) as [string];
  expect(JSON.parse(first)).toMatchObject({ connector: 'in' });
  follow.kill('SIGINT');
  expect(await once(follow, 'close')).toEqual([0, null]);

  // Offsets, which change while it is stopped, and come back.
  expect(await drover(['offsets', 'set', 'out', 'piped:0=90'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('--stop'),
  });
  expect(await drover(['stop', 'out', '--wait'])).toMatchObject({ code: 0 });
  expect(await drover(['offsets', 'set', 'out', 'piped:0=90'])).toMatchObject({ code: 0 });
  expect((await drover(['offsets', 'history', 'out'])).out).toMatch(/piped:0 +10\d +90$/m);
  expect(await drover(['offsets', 'undo', 'out'])).toMatchObject({ code: 0 });
  expect(await offsets()).toMatch(/piped:0 +10\d/);
  expect(await drover(['resume', 'out', '--wait'])).toMatchObject({ code: 0, out: 'connector/out resumed\n' });
  expect(await drover(['pause', 'connectors', 'in', 'out', '--wait'])).toMatchObject({ code: 0 });

  // The mirror topics are those of a Java cluster: what is in them is here.
  const rows = await ask<{ name: string; verdict: string; offsets: number | null }[]>('import', '--from-topics');
  expect(rows).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: 'in', verdict: 'is here already', offsets: 1 }),
      expect.objectContaining({ name: 'out', verdict: 'is here already', offsets: null }),
    ]),
  );
  // And out: nothing is on its way to the topics any more, and files for who takes over.
  const handed = await drover(['export', 'in', 'out', '--wait', '--yes', '--as', 'strimzi']);
  expect(handed).toMatchObject({ code: 0, err: expect.stringContaining('The mirror topics hold everything') });
  expect(handed.out.match(/^kind: KafkaConnector$/gm)).toHaveLength(2);
  expect(handed.out.match(/^ {2}state: stopped$/gm)).toHaveLength(2);
});

test('doctor finds nothing in what is well, and a connector that has failed', async () => {
  const well = await drover(['doctor']);
  expect([well.code, well.out]).toEqual([0, expect.stringMatching(/✓ +functions +5 are there/)]);
  const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
  try {
    const producer = await kafka.producer();
    await sendValues(producer, 'spoiled', ['no JSON']);
    await producer.close();
  } finally {
    await kafka.close();
  }
  const config = {
    'connector.class': 'FileStreamSink',
    topics: 'spoiled',
    file: join(stack.folder, 'x'),
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  };
  expect(await drover(['apply', '-f', '-'], JSON.stringify({ name: 'broken', config }))).toMatchObject({ code: 0 });
  let ill = well;
  await until('doctor finds it', async () => {
    ill = await drover(['doctor', '--json']);
    return ill.code === 1;
  });
  const [worst] = JSON.parse(ill.out) as object[];
  expect(worst).toMatchObject({
    check: 'connectors',
    result: 'wrong',
    mend: expect.stringContaining('drover restart broken'),
  });
});

test('the proxy signs: plain clients are let in by it, and not without', async () => {
  const { restUrl } = stack;
  expect((await fetch(`${restUrl}/connectors`)).status).toBe(403);
  const unsigned = await drover(['--url', restUrl, 'get', 'connectors']);
  expect(unsigned).toMatchObject({ code: 4, err: expect.stringContaining('--auth iam') });
  const proxy = spawn(process.execPath, [program, '--stack', 'Drover', 'proxy', '--port', '0', '--json'], {
    env: environment(),
  });
  try {
    let said = '';
    for await (const chunk of proxy.stdout) {
      said += chunk;
      if (said.endsWith('}\n')) break;
    }
    const { url } = JSON.parse(said) as { url: string };
    const config = { 'connector.class': 'FileStreamSource', topic: 't', file: '/none' };
    const made = await fetch(`${url}/connectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Basic Og==' },
      body: JSON.stringify({ name: 'a name', config, initial_state: 'STOPPED' }),
    });
    expect([made.status, made.headers.get('location')]).toEqual([201, `${url}/connectors/a%20name`]);
    const expanded = await fetch(`${url}/connectors?expand=info&expand=status`);
    expect(Object.keys((await expanded.json()) as object)).toContain('a name');
    expect((await fetch(`${url}/connectors/a%20name`, { method: 'DELETE' })).status).toBe(204);
    expect((await fetch(`${url}/connectors/a%20name`)).status).toBe(404);
  } finally {
    proxy.kill('SIGINT');
  }
  expect(await once(proxy, 'close')).toEqual([0, null]);
});

test('the console in a browser: create, break, repair, replay, undo, delete', { timeout: 400_000 }, async () => {
  const args = ['--stack', 'Drover', 'console', '--port', '0', '--bootstrap-servers', stack.bootstrapServers, '--json'];
  const served = spawn(process.execPath, [program, ...args], { env: environment() });
  try {
    const [line] = (await once(served.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(String(line)) as { url: string };
    expect(await walkConsole(url, stack.folder)).toEqual([]);
  } finally {
    served.kill('SIGINT');
  }
  expect(await once(served, 'close')).toEqual([0, null]);
});
