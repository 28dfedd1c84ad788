import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import type { Send } from '../../cli/http.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { actConnectorRun, createMemoryRest, type MemoryRest } from '../support/memory-rest.ts';
import { address, httpOf, type Said, type TerminalOptions, type as typeAnything, typeTo } from './terminal.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

let rest: MemoryRest;
let type: (args: string | readonly string[], options?: TerminalOptions) => Promise<Said>;

beforeEach(() => {
  rest = createMemoryRest();
  type = typeTo(rest);
});

const config = (topic = 'orders') => ({ 'connector.class': 'FileStreamSource', topic, file: '/in', 'tasks.max': '1' });
const file = (name: string, value: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));
  return path;
};
const orders = () => file('orders.json', { name: 'orders', config: config() });
const nobodyThere = {
  code: 3,
  out: '',
  err: 'drover: There is no connector nobody: drover get connectors lists them\n',
};

describe('apply', () => {
  test('creates, changes and leaves alone, and says which', async () => {
    expect(await type(['apply', '-f', orders()])).toEqual({ code: 0, out: 'connector/orders created\n', err: '' });
    expect(await type(['apply', '-f', orders()])).toEqual({ code: 0, out: 'connector/orders unchanged\n', err: '' });
    const changed = file('changed.yaml', 'name: orders\nconnector.class: FileStreamSource\ntopic: others\nfile: /in\n');
    expect(await type(['diff', '-f', changed])).toEqual({
      code: 1,
      out: 'connector/orders would be changed\n  - tasks.max: "1"\n  - topic: "orders"\n  + topic: "others"\n',
      err: 'drover: 1 connector is different\n',
    });
    expect(await type(['apply', changed])).toMatchObject({ code: 0, out: 'connector/orders configured\n' });
    expect((await rest.call('GET', '/connectors/orders/config')).body).toEqual({
      name: 'orders',
      'connector.class': 'FileStreamSource',
      topic: 'others',
      file: '/in',
    });
    expect((await type(['diff', '-f', changed])).code).toBe(0);
  });

  test('what get prints can be applied again, as JSON and as YAML', async () => {
    await type(['apply', '-f', orders()]);
    for (const format of ['json', 'yaml']) {
      for (const what of [
        ['get', 'connectors'],
        ['get', 'connector', 'orders'],
      ]) {
        const { out } = await type([...what, '-o', format]);
        expect(await type('apply -f -', { stdin: out })).toMatchObject({
          code: 0,
          out: 'connector/orders unchanged\n',
        });
      }
    }
  });

  test('a dry run shows and validates, and changes nothing', async () => {
    const wrong = file('wrong.json', {
      name: 'wrong',
      config: { 'connector.class': 'FileStreamSource', 'tasks.max': 'many' },
    });
    const said = await type(['apply', '--dry-run', '-f', wrong, orders()]);
    expect(said.code).toBe(1);
    expect(said.out).toContain('connector/orders would be created\n');
    expect(said.err).toMatch(/^connector\/wrong: tasks.max: .*many/m);
    expect(said.err).toMatch(/^connector\/wrong: topic: /m);
    expect(said.err).toContain('drover: 1 of 2 connectors would be refused');
    expect((await rest.call('GET', '/connectors')).body).toEqual([]);
  });

  test('one that is refused keeps none of the others from being made', async () => {
    const wrong = file('wrong.json', { name: 'wrong', config: { 'connector.class': 'Nowhere' } });
    const said = await type(['apply', '--json', '-f', wrong, '-f', orders()]);
    expect(said.code).toBe(1);
    expect(JSON.parse(said.out)).toMatchObject([
      { name: 'orders', action: 'created' },
      { name: 'wrong', action: 'refused', error: expect.stringContaining('Nowhere') },
    ]);
    expect((await rest.call('GET', '/connectors')).body).toEqual(['orders']);
  });

  test('--prune asks, deletes what the files do not have, and never everything', async () => {
    await rest.call('POST', '/connectors', { name: 'old', config: config() });
    expect(await type(['apply', '--prune', '-f', orders()])).toMatchObject({
      code: 2,
      err: expect.stringContaining('Say --yes'),
    });
    expect(await type(['apply', '--prune', '-f', orders()], { answer: false })).toMatchObject({ code: 2 });
    expect((await rest.call('GET', '/connectors')).body).toEqual(['old']);
    expect(await type(['apply', '--prune', '--dry-run', '-f', orders()])).toMatchObject({
      out: expect.stringContaining('connector/old would be deleted\n'),
    });
    expect(await type(['apply', '--prune', '-f', orders()], { answer: true })).toMatchObject({
      code: 0,
      out: 'connector/orders created\nconnector/old pruned\n',
    });
    const none = file('none.yaml', 'apiVersion: v1\nkind: ConfigMap\n');
    expect(await type(['apply', '--prune', '--yes', '-f', none])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--prune would delete every one'),
    });
    expect((await rest.call('GET', '/connectors')).body).toEqual(['orders']);
  });

  test('a state of the file is brought about, an initial state only at first', async () => {
    const strimzi = (state: string) =>
      file('k.yaml', {
        apiVersion: 'kafka.strimzi.io/v1',
        kind: 'KafkaConnector',
        metadata: { name: 'orders' },
        spec: { class: 'FileStreamSource', state, config: { topic: 'orders', file: '/in' } },
      });
    await type(['apply', '-f', strimzi('stopped')]);
    await actConnectorRun(rest, 'orders', []);
    expect((await type(['diff', '-f', strimzi('stopped')])).code).toBe(0);
    expect(await type(['apply', '-f', strimzi('running')])).toMatchObject({ out: 'connector/orders configured\n' });
    const state = async () =>
      ((await rest.call('GET', '/drover/connectors/orders')).body as { target_state: string }).target_state;
    expect(await state()).toBe('STARTED');
    const paused = file('p.json', { name: 'later', config: config(), initial_state: 'PAUSED' });
    expect((await type(['apply', '--dry-run', '-f', paused])).out).toMatch(/^ {2}~ state: - -> PAUSED$/m);
    expect(JSON.parse((await type(['diff', '--json', '-f', paused])).out)).toMatchObject([
      { name: 'later', action: 'create', state: { before: null, after: 'PAUSED' } },
    ]);
    await type(['apply', '-f', paused]);
    expect(await type('get connector later -o json')).toMatchObject({ out: expect.stringContaining('"later"') });
    expect(await type(['apply', '-f', paused])).toMatchObject({ out: 'connector/later unchanged\n', err: '' });
    await type('resume later');
    await actConnectorRun(rest, 'later', [{}]);
    for (const verb of [['apply'], ['apply', '--dry-run'], ['diff']]) {
      expect(await type([...verb, '-f', paused])).toMatchObject({
        code: 0,
        err: 'connector/later is RUNNING and stays so: initial_state PAUSED counts when it is made. drover pause later\n',
      });
    }
    await actConnectorRun(rest, 'orders', [{}]);
    expect((await type(['apply', '--dry-run', '-f', strimzi('stopped')])).out).toMatch(
      /^ {2}~ state: RUNNING -> STOPPED$/m,
    );
  });
});

describe('get and describe', () => {
  test.each([
    'get connectors',
    'get connector',
    'get cn',
    'get connectors orders',
    'get connector orders',
    'get connector/orders',
    'get orders',
    'get',
  ])('%s lists it, by kubectl’s and kcctl’s words', async (line) => {
    await type(['apply', '-f', orders()]);
    await actConnectorRun(rest, 'orders', [{}, { state: 'FAILED', trace: 'java.lang.Error: no\n\tat X' }]);
    const { code, out } = await type(line);
    expect([code, out]).toEqual([0, 'NAME    TYPE    STATE    TASKS\norders  source  RUNNING  1 FAILED, 1 RUNNING\n']);
  });

  test('other kinds, and formats', async () => {
    await type(['apply', '-f', orders()]);
    await actConnectorRun(rest, 'orders', [{ state: 'FAILED', trace: 'java.lang.Error: no\n\tat X' }]);
    expect((await type('get connectors -o name')).out).toBe('orders\n');
    expect((await type('get connectors -o wide')).out).toContain('java.lang.Error: no\n');
    expect((await type('get tasks')).out).toMatch(/^TASK +STATE +ERROR\norders\/0 +FAILED +java.lang.Error: no\n$/);
    expect(JSON.parse((await type('get tasks --json')).out)).toMatchObject([
      { connector: 'orders', id: 0, state: 'FAILED' },
    ]);
    expect((await type('get plugins')).out).toMatch(/FileStreamSourceConnector +source +\d/);
    expect((await type('get plugin FileStreamSourceConnector -o name')).out).toBe(
      'org.apache.kafka.connect.file.FileStreamSourceConnector\n',
    );
    expect((await type('get topics')).err).toBe('No connector has used a topic yet\n');
    expect((await type('get loggers')).out).toContain('root');
    expect((await type('get feeds')).err).toBe('The deployment declares no event sources, and there are no webhooks\n');
    expect(JSON.parse((await type('get offsets orders --json')).out)).toEqual({ offsets: [] });
  });

  test('describe tells of a connector, passwords hidden, and of a plugin', async () => {
    await rest.call('POST', '/connectors', { name: 'orders', config: { ...config(), 'a.password': 'hunter2' } });
    await actConnectorRun(rest, 'orders', [{}]);
    const { out } = await type('describe connector orders');
    expect(out).toMatch(/^Name: +orders\nType: +source\nClass: +FileStreamSource\nState: +RUNNING\n/);
    expect(out).not.toContain('hunter2');
    expect(JSON.parse((await type('describe orders --json')).out)).toMatchObject({
      name: 'orders',
      topics: [],
      offsets: [],
      report: { name: 'orders', target_state: 'STARTED' },
    });
    expect((await type('describe plugin FileStreamSource')).out).toMatch(/^batch\.size {2}INT, default: 2000$/m);
  });

  test('what steers a terminal does not come out of a name or a trace', async () => {
    await rest.call('POST', '/connectors', { name: 'a\u001b[31mb', config: config() });
    expect((await type('get connectors')).out).not.toContain('\u001b');
  });

  test.each([
    'get connector nobody',
    'describe nobody',
    'pause nobody',
    'stop nobody',
    'offsets reset nobody',
    'restart nobody',
  ])('%s: there is none', async (line) => {
    const said = await type(line);
    expect(said.code).toBe(3);
    expect(said.err).toMatch(/nobody/);
  });
});

describe('lifecycle', () => {
  test('pause, resume, stop, restart, delete', async () => {
    await type(['apply', '-f', orders()]);
    await rest.call('POST', '/connectors', { name: 'other', config: config() });
    await actConnectorRun(rest, 'orders', [{}]);
    const target = async () =>
      ((await rest.call('GET', '/drover/connectors/orders')).body as { target_state: string }).target_state;
    expect(await type('pause connector orders')).toEqual({ code: 0, out: 'connector/orders paused\n', err: '' });
    expect(await target()).toBe('PAUSED');
    expect(await type('resume orders')).toMatchObject({ code: 0 });
    expect(await target()).toBe('STARTED');
    expect(await type('restart task orders/0')).toMatchObject({ code: 0, out: 'task/orders/0 restarted\n' });
    expect(await type('restart orders --include-tasks --only-failed --json')).toMatchObject({ code: 0 });
    expect(await type('stop --all')).toMatchObject({
      code: 0,
      out: 'connector/orders stopped\nconnector/other stopped\n',
    });
    expect(await target()).toBe('STOPPED');
    expect(await type('pause')).toMatchObject({
      code: 2,
      err: 'drover: Which connectors? drover pause NAME, or --all\n',
    });
    expect(await type('delete connector nobody')).toEqual(nobodyThere);
    expect(await type('delete connector nobody --ignore-not-found')).toMatchObject({ code: 0 });
    expect(await type('delete connector/orders other')).toMatchObject({
      code: 0,
      out: 'connector/orders deleted\nconnector/other deleted\n',
    });
  });

  test('patch changes some settings, and the level of a logger', async () => {
    await type(['apply', '-f', orders()]);
    expect(await type('patch connector orders --set topic=a=b --set x=y --remove file')).toMatchObject({ code: 0 });
    expect((await rest.call('GET', '/connectors/orders/config')).body).toEqual({
      'connector.class': 'FileStreamSource',
      name: 'orders',
      topic: 'a=b',
      x: 'y',
      'tasks.max': '1',
    });
    expect(await type('patch logger drover.worker --level debug')).toMatchObject({ code: 0 });
    expect((await type('get logger drover.worker')).out).toMatch(/drover.worker +DEBUG/);
    expect(await type('patch connector orders')).toMatchObject({ code: 2 });
    expect(await type('patch logger drover.worker --level LOUD')).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--level is "LOUD".*TRACE/),
    });
    expect(await type('patch logger drover.worker --set level=DEBUG')).toMatchObject({ code: 2 });
    expect(await type('patch orders --level DEBUG')).toMatchObject({ code: 2 });
  });
});

test('offsets: set, show, history, undo, reset, with their digits', async () => {
  await type(['apply', '-f', orders()]);
  const set = ['offsets', 'set', 'orders', '{"filename":"/in"}', '{"position":9007199254740993}'];
  expect(await type(set)).toMatchObject({
    code: 1,
    err: expect.stringContaining('offsets change while it is STOPPED'),
  });
  await type('stop orders');
  await actConnectorRun(rest, 'orders', []);
  expect(await type(set)).toMatchObject({ code: 0 });
  expect((await type('offsets orders')).out).toBe(
    'PARTITION           OFFSET\n{"filename":"/in"}  {"position":9007199254740993}\n',
  );
  const saved = (await type('get offsets orders -o json')).out;
  expect(saved).toContain('9007199254740993');
  expect(await type(['offsets', 'set', 'orders', '{"filename":"/in"}', '{"position":1}'])).toMatchObject({ code: 0 });
  expect((await type('offsets history orders')).out.split('\n')[1]).toMatch(/"\/in".*9007199254740993.*"position":1/);
  expect(await type('offsets undo orders')).toMatchObject({ code: 0 });
  expect((await type('offsets show orders')).out).toContain('9007199254740993');
  expect(await type('offsets reset orders')).toMatchObject({ code: 0 });
  expect(await type('offsets show orders')).toMatchObject({
    code: 0,
    out: '',
    err: 'There are no offsets of orders yet\n',
  });
  expect((await type('offsets history orders')).out.split('\n')[1]).toMatch(
    /"\/in"\}\s+\{"position":9007199254740993\}\s+-$/,
  );
  expect(await type('offsets set orders -f -', { stdin: saved })).toMatchObject({ code: 0 });
  expect((await type('offsets show orders')).out).toContain('9007199254740993');
});

test('a hint that names a connector can be pasted into a shell', async () => {
  const name = "bob's orders";
  const settings = { ...config(), 'batch.sise': '7' };
  await rest.call('POST', '/connectors', { name, config: settings });
  const word = String.raw`'bob'\''s orders'`;
  const hint = async (...args: string[]) => (await type(args)).err;
  expect(await hint('offsets', 'reset', name)).toContain(`STOPPED. drover stop ${word}, or --stop`);
  expect(await hint('get', 'task', `${name}/7`)).toContain(`drover get tasks ${word} lists them`);
  expect(await hint('pause', `${name}/0`)).toContain(`: drover pause ${word}; drover get tasks ${word} shows`);
  expect(await hint('pause', 'plugin', name)).toContain(`; drover get plugin ${word} shows`);
  const paused = file('bob.json', { name, config: settings, initial_state: 'PAUSED' });
  await actConnectorRun(rest, name, [{}]);
  expect(await hint('apply', '-f', paused)).toContain(`drover pause ${word}\n`);
  expect((await type(['doctor'])).out).toContain(`drover describe ${word} names them; drover patch ${word} --set`);
});

test('a misspelt setting is no error, as with Connect, and is told with what may be meant', async () => {
  const config = { 'connector.class': 'FileStreamSource', topic: 't', file: 'f', 'batch.sise': '7', 'own.thing': '1' };
  const said = await type(['validate', file('misspelt.json', { name: 'misspelt', config })]);
  expect(said).toMatchObject({ code: 0 });
  expect(said.out).toMatch(/^connector\/misspelt: batch\.sise: .* batch\.size\?$/m);
  expect(said.out).not.toContain('own.thing');
  const told = /^connector\/misspelt: batch\.sise: .* batch\.size\?$/m;
  const dry = await type(['apply', '--dry-run', file('misspelt.json', { name: 'misspelt', config })]);
  expect(dry).toMatchObject({ code: 0, err: expect.stringMatching(told) });
  const { out } = await type(['apply', '--dry-run', '--json', file('misspelt.json', { name: 'misspelt', config })]);
  expect(JSON.parse(out)).toMatchObject([{ action: 'create', warnings: [{ field: 'batch.sise' }] }]);
  const applied = await type(['apply', '-y', file('misspelt.json', { name: 'misspelt', config })]);
  expect(applied).toMatchObject({
    code: 0,
    out: 'connector/misspelt created\n',
    err: expect.stringMatching(told),
  });
  expect((await type(['describe', 'misspelt'])).out).toContain('batch.sise  (batch.size?)');
  await actConnectorRun(rest, 'misspelt', [{}]);
  expect((await type(['doctor'])).out).toMatch(/settings .*misspelt/);
});

test('brokers that do not answer are told of by doctor, whoever has reached them once', async () => {
  const broker = createServer();
  broker.listen(0, '127.0.0.1');
  await once(broker, 'listening');
  const { port } = broker.address() as AddressInfo;
  mkdirSync(join(folder, '.local'));
  const found = async (bootstrapServers: string) => {
    const nowhere = 'http://127.0.0.1:1';
    const stack = { restUrl: address, awsEndpoint: nowhere, region: 'eu-west-1', failuresQueueUrl: nowhere };
    writeFileSync(join(folder, '.local', 'stack.json'), JSON.stringify({ ...stack, bootstrapServers, functions: {} }));
    const { out } = await typeAnything(['doctor', '--json'], { cwd: folder, http: httpOf(rest) });
    return (JSON.parse(out) as { check: string }[]).find(({ check }) => check === 'brokers');
  };
  const id = await rest.call('GET', '/').then(({ body }) => (body as { kafka_cluster_id: string }).kafka_cluster_id);
  const reached = { result: 'ok', detail: `reached: cluster ${id}` };
  expect(await found(`127.0.0.1:1,127.0.0.1:${port}`)).toMatchObject(reached);
  broker.close();
  await once(broker, 'close');
  expect(await found(`127.0.0.1:${port}`)).toMatchObject({
    result: 'wrong',
    detail: `nobody answers at 127.0.0.1:${port}`,
  });
});

test('tasks that no runner takes are told of: by doctor, and where the connector is described', async () => {
  const clock = new ManualClock(Date.now() - 3_600_000);
  rest = createMemoryRest({ hasRunner: true, clock });
  type = typeTo(rest);
  const asking = { ...config(), 'drover.runner': 'always' };
  for (const [name, own] of Object.entries({ orders: asking, others: config() })) {
    await rest.call('POST', '/connectors', { name, config: own });
    await actConnectorRun(rest, name, [{}]);
  }
  expect((await type('doctor')).out).not.toContain('runner');
  // Due for an hour: a function's run, which is late too, waits for no runner.
  for (const name of ['orders', 'others']) await rest.stores.config.markTaskDue(name, 0, rest.clock.now());
  const said = await type('doctor');
  expect(said.code).toBe(1);
  expect(said.out).toMatch(/✗ +runner +tasks of orders wait for a runner, and none takes them +docs\/runner\.md/);
  expect((await type('describe orders')).out).toMatch(/waits for a runner, \d+/);
  expect((await type('describe others')).out).not.toContain('waits for a runner');
  // A runner has it, or was lost just now: what counts is when its lease was over, not since when the task is due.
  const over = Date.now();
  expect((await rest.stores.leases.acquireTask('orders', 0, 'runner:a', clock.now(), over)).granted).toBe(true);
  for (const at of [over - 1, over]) {
    await clock.advanceTo(at);
    expect((await type('doctor')).out).not.toContain('runner');
    expect((await type('describe orders')).out).not.toContain('waits for a runner');
  }
});

test('validate names each field that is wrong', async () => {
  const wrong = file('wrong.json', { name: 'w', config: { 'connector.class': 'FileStreamSource', 'tasks.max': '0' } });
  const said = await type(['validate', '-f', wrong, orders()]);
  expect(said.code).toBe(1);
  expect(said.out).toMatch(/^connector\/orders valid$/m);
  expect(said.out).toMatch(/^connector\/w: tasks.max: /m);
  expect(JSON.parse((await type(['validate', orders(), '--json'])).out)).toEqual([
    { name: 'orders', valid: true, errors: [], warnings: [] },
  ]);
  const unknown = file('unknown.json', { name: 'u', config: { 'connector.class': 'Nowhere' } });
  expect((await type(['validate', unknown])).out).toMatch(/^connector\/u: connector.class: .*Nowhere/);
});

describe('the command line', () => {
  test.each([
    [['gte'], /unknown command 'gte'.*\n?.*get/s],
    [['get', '--colour'], /unknown option '--colour'/],
    [['get', 'connectors', '-o', 'xml'], /Allowed choices are table, wide, json, yaml, name/],
    [['get', 'connectors', '--json', '-o', 'yaml'], /--json and -o yaml say two things/],
    [['apply'], /Name a file or a folder/],
    [['pause', 'plugin', 'x'], /drover pause knows no plugin/],
    [['offsets', 'set', 'orders', 'orders-0=1'], /must be TOPIC:PARTITION=OFFSET/],
    [['pause', 'orders', '--wait', '--timeout', 'long'], /--timeout is "long": it must be a number of seconds/],
  ])('%j is refused, with 2 and what would be right', async (args, message) => {
    const said = await type(args);
    expect(said.code).toBe(2);
    expect(said.err).toMatch(message);
    expect(said.err).not.toMatch(/\n\s+at /);
  });

  test('no installation, one that is not there, and one that is something else', async () => {
    expect(await typeAnything(['get', 'connectors'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--url URL or --stack NAME'),
    });
    for (const option of ['--url', '--stack']) {
      const empty = await typeAnything([option, '', 'get']);
      expect(empty).toMatchObject({ code: 2, err: expect.stringContaining(`${option} is empty`) });
    }
    expect(await typeAnything(['--url', 'nowhere', 'get'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('must be an address'),
    });
    const gone = await typeAnything(['--url', 'http://127.0.0.1:1', 'get']);
    expect(gone).toMatchObject({
      code: 4,
      err: expect.stringMatching(/does not answer: nothing listens there.*npm start/s),
    });
    const page = async () => ({ status: 200, headers: {}, body: Buffer.from('<html>') });
    expect(await typeAnything(['--url', 'http://localhost', 'get'], { http: page })).toMatchObject({
      code: 4,
      err: expect.stringContaining('is no Connect REST API'),
    });
    const shut = async () => ({ status: 403, headers: {}, body: Buffer.from('{"message":"Forbidden"}') });
    expect(await typeAnything(['--url', 'http://localhost', 'get'], { http: shut })).toMatchObject({
      code: 4,
      err: expect.stringMatching(/does not let us in \(403: Forbidden\).*--auth iam/),
    });
  });

  test('the environment names an installation and its token', async () => {
    const tokens: (string | undefined)[] = [];
    const inner = httpOf(rest);
    const http: typeof inner = async (request) => {
      tokens.push(request.headers.authorization);
      return await inner(request);
    };
    const env = { DROVER_URL: 'http://127.0.0.1:8083/', DROVER_TOKEN: 'abc' };
    expect(await typeAnything(['get', 'connectors'], { http, env })).toMatchObject({ code: 0 });
    expect(tokens).toEqual(['Bearer abc']);
  });

  test('completion proposes commands, options, kinds and names', async () => {
    await type(['apply', '-f', orders()]);
    const complete = async (...words: string[]) =>
      (await type(['__complete', '--', ...words])).out.split('\n').slice(0, -1);
    expect(await complete('de')).toEqual(['dead-letters', 'delete', 'describe', 'dev']);
    expect(await complete('offsets', '')).toEqual(['history', 'reset', 'set', 'show', 'undo']);
    expect(await complete('apply', '--d')).toEqual(['--dry-run']);
    expect(await complete('get', '-o', '')).toEqual(['json', 'name', 'table', 'wide', 'yaml']);
    expect(await complete('--url', 'http://127.0.0.1:8083', 'pause', 'o')).toEqual(['orders']);
    for (const shell of ['bash', 'zsh', 'fish'])
      expect((await type(['completion', shell])).out).toContain('drover __complete');
  });
});

test.each([
  ['create -f x.yaml', 'drover apply -f FILE'],
  ['edit connector orders', 'drover patch NAME --set key=value'],
  ['ls', 'drover get'],
  ['show orders', 'drover describe NAME'],
  ['start orders', 'drover resume NAME'],
  ['rm orders', 'drover delete NAME'],
  ['scale connector orders --replicas 2', 'tasks.max=N'],
  ['config use-context local', '--stack NAME'],
  ['version', 'drover --version'],
  ['logs orders --limit 10', '--tail N'],
  ['rollout restart connector/orders', 'drover restart NAME --include-tasks'],
  ['connectors', 'drover get connectors'],
  ['plugins list', 'drover get plugins'],
  ['tail orders', 'drover logs NAME -f'],
  ['port-forward svc/connect 8083', 'drover proxy'],
  ['exec orders -- ls', 'there are no servers'],
  ['deploy', 'CDK'],
  ['ui', 'drover console'],
  ['undo orders', 'drover offsets undo NAME'],
  ['get connectors -l app=x', 'no labels'],
  ['get connectors -o jsonpath={.items}', '-o json'],
  ['get --context prod', '--stack NAME'],
  ['delete connector orders --force', 'at once'],
  ['delete connectors --all', 'name those that are meant'],
  ['apply -k overlays/prod', 'kubectl kustomize FOLDER | drover apply -f -'],
  ['describe task orders/0', 'drover get task orders/0 shows'],
  ['get plugins --types sauce', 'There are no plugins of type sauce: '],
  ['apply -f x --dry-run=client', '--dry-run takes no value'],
  ['get connectors -w', 'drover console'],
  ['get connectors --sort=name', "unknown option '--sort=name'"],
  ['gett connectors', '(Did you mean get?)'],
  ['patch connector orders topic=x', 'settings stand behind --set'],
])('drover %s is answered with what says it here', async (typed, hint) => {
  expect(await type(typed)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(hint) });
});

test('a name that nobody has is answered with those that are like it', async () => {
  for (const name of ['orders', 'orders-eu', 'bills']) {
    await type(['apply', '-f', file(`${name}.json`, { name, config: config() })]);
  }
  const said = async (typed: string) => (await type(typed)).err;
  expect(await said('get connectors ordrs')).toBe('drover: There is no connector ordrs: did you mean orders?\n');
  expect(await said('describe connector blils')).toContain('did you mean bills?');
  for (const verb of [
    'pause',
    'stop',
    'resume',
    'restart',
    'offsets history',
    'offsets',
    'dead-letters replay',
    'delete',
  ]) {
    expect(await said(`${verb} ordrs`)).toBe('drover: There is no connector ordrs: did you mean orders?\n');
  }
  expect(await said('patch ordrs --set a=b')).toBe('drover: There is no connector ordrs: did you mean orders?\n');
  expect(await said('delete orders.yaml')).toContain('-f orders.yaml');
  expect(await said('get -f orders.yaml')).toContain('name the connectors');
  expect(await said('get conectors')).toContain('did you mean the kind connectors?');
  expect(await said('get invoices')).toContain('drover get connectors lists them');
  expect(await said('get pods')).toContain('There is no connector pods: there are no servers');
  expect(await said('get dlq')).toContain('drover dead-letters NAME');
  expect(await said('offsets remove orders')).toContain('There is no connector remove');
  expect(await said('get plugin FileStreamSorce')).toContain('did you mean FileStreamSource');
});

test('one task of a connector is asked for by its number', async () => {
  await type(['apply', '-f', orders()]);
  await actConnectorRun(rest, 'orders', [{}, {}]);
  expect((await type('get task orders/1 -o name')).out).toBe('orders/1\n');
  expect((await type('get task orders 1 -o name')).out).toBe('orders/1\n');
  expect((await type('get tasks orders -o name')).out).toBe('orders/0\norders/1\n');
  expect(await type('get tasks orders/7')).toMatchObject({ code: 3, err: expect.stringContaining('no task 7') });
});

test('a file that means to be JSON and is not is told in the words of JSON', async () => {
  expect(await type(['apply', '-f', file('broken.json', '{"name": "a", "config": {')])).toMatchObject({
    code: 2,
    err: expect.stringMatching(/broken\.json:1:\d+: it is no JSON: /),
  });
  // YAML's parser stops elsewhere.
  const said = await type(['apply', '-f', file('comma.json', '{\n  "name": "a",,\n  "config": {}\n}\n')]);
  expect(said.err).toMatch(/comma\.json:2:15: it is no JSON: [^\d]*\n$/);
});

test('what Kafka Connect takes and no task can run with is told by validate, the dry run and apply', async () => {
  const filtered = {
    transforms: 'f',
    'transforms.f.type': 'org.apache.kafka.connect.transforms.Filter',
    'transforms.f.predicate': 'nope',
  };
  const doomed = [{ name: 'd', config: { ...config('a b'), 'producer.override.acks': '7' } }];
  const wanted = file('doomed.json', [...doomed, { name: 'p', config: { ...config('p'), ...filtered } }]);
  for (const command of [['validate'], ['apply', '--dry-run'], ['apply']]) {
    const { code, out, err } = await type([...command, '-f', wanted]);
    expect(code).toBe(0);
    expect(out + err).toMatch(
      /^connector\/d: topic: The connector is made, and fails when it starts: "a b" is no name/m,
    );
    expect(out + err).toMatch(/^connector\/d: producer.override.acks: The connector is made, .*: Invalid value 7/m);
    expect(out + err).toMatch(/^connector\/p: transforms.f.predicate: .*: predicates does not list "nope"/m);
  }
});

test('a webhook is among the feeds, held or not', async () => {
  rest = createMemoryRest({ feeds: ['hook:*', 'hook:later'] });
  type = typeTo(rest);
  const hook = { 'connector.class': 'WebhookSource', 'kafka.topic': 'orders', 'http.auth.type': 'none' };
  for (const name of ['open', 'new']) await rest.call('POST', '/connectors', { name, config: hook });
  await actConnectorRun(rest, 'open', [{ state: 'RUNNING' }]);
  const { out } = await type('get feeds');
  expect(out).toMatch(/^hook:later +- +are held$/m);
  expect(out).toMatch(/^hook:open +open +come$/m);
  expect(out).toMatch(/^hook:new +new +are held$/m);
  expect((await type('get feeds open -o name')).out).toBe('hook:open\n');
});

test('a name that there cannot be is one that is not there', async () => {
  const wanted = file('tab.json', [
    { name: 'a\tb', config: config() },
    { name: 'orders', config: config() },
  ]);
  await rest.call('POST', '/connectors', { name: 'orders', config: config() });
  expect(await type(['delete', '-f', wanted, '--ignore-not-found'])).toEqual({
    code: 0,
    out: 'connector/orders deleted\n',
    err: '',
  });
  expect(await type(['get', 'connector', 'a\tb'])).toMatchObject({ code: 3, err: expect.stringContaining('"a\\tb"') });
});

test.each([
  [{ replayed: 0, left: 2, others: 0 }, /^2 letters do not say where from.*replay s --topic TOPIC.*\n$/],
  [{ replayed: 0, left: 0, others: 1 }, /^1 letter is of other connectors.*\n$/],
  [{ replayed: 0, left: 0, others: 0 }, /^q has no letter that was not replayed before.*\n$/],
  [{ replayed: 1, left: 0, others: 0 }, /^$/],
])('a replay says why letters lie where they lay: %j', async (counts, why) => {
  const sink = { 'connector.class': 'FileStreamSink', topics: 't', 'errors.deadletterqueue.topic.name': 'q' };
  await rest.call('POST', '/connectors', { name: 's', config: sink });
  const { stores, clock } = rest;
  const http: Send = async (request) => {
    const answer = await httpOf(rest)(request);
    if (request.method !== 'POST') return answer;
    const acquired = await stores.leases.acquireConnector('s', 'w', clock.now(), clock.now() + 60_000);
    if (!acquired.granted) throw new Error(acquired.reason);
    const progress = { request: 1, topic: 'q', topicId: null, ends: {}, next: {}, nextUnnamed: {}, error: null };
    await stores.generations.putReplay(acquired.lease, { ...progress, ...counts, doneAt: clock.now() });
    return answer;
  };
  const said = await type('dead-letters replay s --wait', { http });
  expect(said.out).toMatch(counts.replayed === 1 ? /^1 dead letter was put back/ : /^0 dead letters were put back/);
  expect(said).toMatchObject({ code: 0, err: expect.stringMatching(why) });
});

test('export has the form that -o or --as says', async () => {
  await type(['apply', '-f', orders()]);
  expect((await type('export orders -o yaml')).out).toMatch(/^name: orders\nconfig:\n/);
  expect(JSON.parse((await type('export orders -o json')).out)).toMatchObject({ name: 'orders' });
  expect((await type('export orders --as strimzi -o yaml')).out).toMatch(/^apiVersion: /);
  expect(await type('export orders -o wide')).toMatchObject({
    code: 2,
    err: expect.stringContaining('--as json, yaml'),
  });
});

test('a folder that export has written with offsets is applied as it is', async () => {
  await type(['apply', '-f', orders()]);
  await type('stop orders');
  await actConnectorRun(rest, 'orders', []);
  const to = join(folder, 'exported');
  expect(await type(['export', '--dir', to, '--offsets'])).toMatchObject({ code: 0 });
  const applied = await type(['apply', '-f', to]);
  expect(applied).toMatchObject({ code: 0, out: 'connector/orders unchanged\n' });
  expect(applied.err).toMatch(/orders\.offsets\.json.*: a list of offsets is no connector: passed over/);
});

test('export writes what Java workers and Strimzi take, as stopped as it is here', async () => {
  await type(['apply', '-f', orders()]);
  await type('stop orders');
  await actConnectorRun(rest, 'orders', []);
  const java = await type('export orders');
  const { name: _name, ...settings } = { name: '', ...config() };
  expect(JSON.parse(java.out)).toEqual({ name: 'orders', config: settings, initial_state: 'STOPPED' });
  const strimzi = await type('export --as strimzi');
  expect(strimzi.out).toMatch(/^ {2}state: stopped$/m);
  expect(strimzi.out).toMatch(/^ {2}tasksMax: 1$/m);
  expect(await type('diff -f -', { stdin: strimzi.out })).toMatchObject({ code: 0 });
  await rest.call('POST', '/connectors', { name: 'Not_for_Kubernetes', config: config() });
  const left = await type('export --as strimzi');
  expect(left).toMatchObject({
    code: 1,
    err: expect.stringContaining('connector/Not_for_Kubernetes cannot be a KafkaConnector'),
  });
});
