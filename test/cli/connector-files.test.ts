import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseConnectors, readConnectorFiles } from '../../cli/connector-files.ts';
import type { Io } from '../../cli/io.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-files-'));
afterAll(() => rmSync(folder, { recursive: true }));

const orders = {
  'connector.class': 'FileStreamSource',
  file: '/in',
  topic: 'orders',
  'tasks.max': '1',
  name: 'orders',
};

test.each([
  [
    'JSON with name and config',
    '{"name":"orders","config":{"connector.class":"FileStreamSource","file":"/in","topic":"orders","tasks.max":1}}',
  ],
  [
    'a config with its name',
    '{"name":"orders","connector.class":"FileStreamSource","file":"/in","topic":"orders","tasks.max":"1"}',
  ],
  [
    'a config whose name is in it',
    '{"config":{"name":"orders","connector.class":"FileStreamSource","file":"/in","topic":"orders","tasks.max":"1"}}',
  ],
  [
    'YAML',
    'name: orders\nconfig:\n  connector.class: FileStreamSource\n  file: /in\n  topic: orders\n  tasks.max: 1\n',
  ],
  ['YAML of a config', 'name: orders\nconnector.class: FileStreamSource\nfile: "/in"\ntopic: orders\ntasks.max: 1\n'],
  [
    'a list',
    '[{"name":"orders","config":{"connector.class":"FileStreamSource","file":"/in","topic":"orders","tasks.max":1}}]',
  ],
  [
    'MSK Connect',
    '{"connectorName":"orders","connectorArn":"arn:aws:…","connectorState":"RUNNING","connectorConfiguration":' +
      '{"connector.class":"FileStreamSource","file":"/in","topic":"orders","tasks.max":"1"}}',
  ],
  [
    'what get -o json prints',
    '{"name":"orders","type":"source","state":"RUNNING","worker_id":"w","config":{"connector.class":"FileStreamSource",' +
      '"file":"/in","topic":"orders","tasks.max":"1"},"tasks":[{"id":0,"state":"RUNNING","worker_id":"w"}]}',
  ],
])('a connector is read from %s', (_form, text) => {
  const { connectors } = parseConnectors(text, 'a file');
  expect(connectors).toEqual([
    { name: 'orders', config: orders, state: null, initialState: null, from: expect.any(String) },
  ]);
});

test('Strimzi’s KafkaConnector, beside resources of other kinds', () => {
  const text = `apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaConnect
metadata:
  name: cluster
---
apiVersion: kafka.strimzi.io/v1beta2
kind: KafkaConnector
metadata:
  name: orders
  labels: { strimzi.io/cluster: cluster }
spec:
  class: org.apache.kafka.connect.file.FileStreamSourceConnector
  tasksMax: 2
  state: paused
  autoRestart: { enabled: true, maxRestarts: 10 }
  config:
    file: /in
    topic: orders
    errors.retry.timeout: 1e3
    key.converter.schemas.enable: false
`;
  expect(parseConnectors(text, 'all.yaml')).toEqual({
    connectors: [
      {
        name: 'orders',
        state: 'PAUSED',
        initialState: null,
        from: 'all.yaml:6',
        config: {
          'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
          'tasks.max': '2',
          'drover.restart.enabled': 'true',
          'drover.restart.max.attempts': '10',
          file: '/in',
          topic: 'orders',
          'errors.retry.timeout': '1e3',
          'key.converter.schemas.enable': 'false',
          name: 'orders',
        },
      },
    ],
    passed: ['all.yaml:1: KafkaConnect'],
  });
});

test('a list of kubectl', () => {
  const item = {
    apiVersion: 'kafka.strimzi.io/v1',
    kind: 'KafkaConnector',
    metadata: { name: 'a' },
    spec: { class: 'X', pause: true },
  };
  const { connectors } = parseConnectors(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [item] }), 'x');
  expect(connectors.map(({ name, state, config }) => [name, state, config['connector.class']])).toEqual([
    ['a', 'PAUSED', 'X'],
  ]);
});

test('numbers and booleans stay the text that they are', () => {
  const text =
    'name: n\nconnector.class: X\na: 0x10\nb: 1_000\nc: 010\nd: 9007199254740993\ne: yes\nf: 1.10\ng: "quoted"\nh: |\n  two\n  lines\n';
  const [connector] = parseConnectors(text, 'x').connectors;
  expect(connector!.config).toMatchObject({
    a: '0x10',
    b: '1_000',
    c: '010',
    d: '9007199254740993',
    e: 'yes',
    f: '1.10',
    g: 'quoted',
    h: 'two\nlines\n',
  });
});

test.each([
  ['{"name":"a","config":{"x":1,"x":2}}', /^f:1:\d+: Map keys must be unique/],
  ['{"name": "a",\n "config": {', /^f:2:/],
  ['name: a\n  b: c: d\n', /^f:\d+:\d+: /],
  ['', /^f: there is nothing in it/],
  ['"a text"', /^f: a connector is a map/],
  ['{"config":{"connector.class":"X"}}', /^f: the connector has no name: add "name", or give it with --name/],
  ['{"name":"a"}', /^f: no "config", and no "connector.class"/],
  ['{"name":"a","config":{"name":"b","connector.class":"X"}}', /"name" is a, and "config.name" is b/],
  ['{"name":"a","config":{"connector.class":null}}', /^f: "config.connector.class": it has no value/],
  ['{"name":"a","config":{"transforms":["x","y"]}}', /"config.transforms": it is a list: write its items with commas/],
  [
    '{"name":"a","config":{"transforms":{"x":1}}}',
    /"config.transforms": it is a map: write each of its settings as "transforms.…"/,
  ],
  ['{"name":"a","configs":{},"config":{}}', /^f: "configs" is no field of a connector/],
  [
    '{"name":"a","config":{},"initial_state":"HALTED"}',
    /"initial_state" is "HALTED": it must be one of RUNNING, PAUSED, STOPPED/,
  ],
  ['{"apiVersion":"v1","kind":"KafkaConnector","metadata":{"name":"a"},"spec":{}}', /"spec.class" is missing/],
  [
    '{"kind":"KafkaConnector","metadata":{"name":"a"},"spec":{}}',
    /"kind" is KafkaConnector, and "apiVersion" is missing/,
  ],
  [
    '{"apiVersion":"kafka.strimzi.io/v1","metadata":{"name":"a"},"spec":{}}',
    /"apiVersion" is .*, and "kind" is missing/,
  ],
  ['{"metadata":{"name":"a"},"spec":{}}', /"apiVersion" and "kind" are missing/],
])('what is wrong with %j is said with its place', (text, message) => {
  expect(() => parseConnectors(text, 'f')).toThrow(message);
});

test('all that is wrong is said at once: in a manifest, a config, the documents of a file', () => {
  const manifest = `apiVersion: kafka.strimzi.io/v1
kind: KafkaConnector
metadata: {}
spec: { state: halted, tasksMax: [1], config: { a: [1], b: { c: 1 } } }
`;
  const faults = (text: string) => {
    try {
      parseConnectors(text, 'f');
    } catch (error) {
      return (error as Error).message.split('\n').map((line) => /"[^"]+"|no name/.exec(line)?.[0]);
    }
    return [];
  };
  expect(faults(manifest)).toEqual([
    'no name',
    '"config.a"',
    '"config.b"',
    '"spec.tasksMax"',
    '"spec.class"',
    '"spec.state"',
  ]);
  expect(faults(`${manifest}---\n{"config":{"x":null,"y":[]}}`)).toHaveLength(9);
  expect(faults('[{"name":"a","x":1,"config":{"y":[]}}]')).toEqual(['"config.y"', '"x"']);
});

const ioOf = (stdin = ''): Io => ({ cwd: folder, readStdin: async () => stdin }) as Io;

function write(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

const minimal = (name: string) => JSON.stringify({ name, config: { 'connector.class': 'X' } });

test('a folder gives its files in order, its folders with -R, and nothing hidden', async () => {
  write('many/b.json', minimal('b'));
  write('many/a.yaml', 'name: a\nconnector.class: X\n');
  write('many/.hidden.json', '{');
  write('many/notes.txt', 'none');
  write('many/deeper/c.yml', 'name: c\nconnector.class: X\n');
  const names = async (recursive: boolean) =>
    (await readConnectorFiles(['many'], { recursive }, ioOf())).connectors.map(({ name, from }) => `${name} ${from}`);
  expect(await names(false)).toEqual(['a many/a.yaml', 'b many/b.json']);
  expect(await names(true)).toEqual(['a many/a.yaml', 'b many/b.json', 'c many/deeper/c.yml']);
});

test('the standard input, and a name for what has none', async () => {
  const { connectors } = await readConnectorFiles(
    ['-'],
    { recursive: false, name: 'given' },
    ioOf('{"connector.class":"X"}'),
  );
  expect(connectors).toMatchObject([{ name: 'given', config: { name: 'given', 'connector.class': 'X' } }]);
});

test('one connector twice, a name for many, no file and an empty folder are told', async () => {
  write('one.json', minimal('same'));
  write('two.json', minimal('same'));
  mkdirSync(join(folder, 'empty'));
  const reading = (paths: string[], name?: string) =>
    readConnectorFiles(paths, { recursive: false, ...(name === undefined ? {} : { name }) }, ioOf());
  await expect(reading(['one.json', 'two.json'])).rejects.toThrow(
    'two.json: the connector same is in one.json as well',
  );
  await expect(reading(['many'], 'x')).rejects.toThrow(/the connector x is in/);
  await expect(reading(['none.json'])).rejects.toThrow('There is no file none.json');
  await expect(reading(['empty'])).rejects.toThrow('empty holds no .json, .yaml or .yml; -R looks in its folders too');
});
