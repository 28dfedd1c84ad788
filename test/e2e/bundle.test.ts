import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type FunctionName, functionNames } from '../../cdk/bundle.ts';
import { builtinPlugins } from '../../functions/builtin-plugins.ts';
import { functionLog } from '../../local/function-logs.ts';
import { freePort } from '../../local/ports.ts';
import { call, failureOf, status } from '../../local/rest-client.ts';
import { type SchemaRegistry, startSchemaRegistry } from '../../local/schema-registry.ts';
import { stopService } from '../../local/service.ts';
import type { CompressionType } from '../../src/kafka/codecs.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaSecurity, SaslSettings } from '../../src/kafka/security.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { checks, nameOf, needsRegistry } from '../support/bundled/checks.ts';
import { type DeployedStack, deployStack } from '../support/deployed-stack.ts';
import { readTopic, type SeenRecord, sendValues } from '../support/kafka-records.ts';
import { jaas, type SecuredKafka, startSecuredKafka, unsignedToken } from '../support/secured-kafka.ts';
import { until } from '../support/until.ts';

/**
 * What is deployed is what was tested: everything that a function loads when it is needed is used here, out of the
 * bundle that was deployed. The lists come from the registry, from types and from the bundler, so that nothing new can be
 * forgotten.
 * What was loaded is written down in `loads`; the last test holds it against all that lies in the deployed bundles.
 */
const support = join(import.meta.dirname, '../support/bundled');
const pluginsModule = join(support, 'plugins.ts');
const longest = 300_000;

const folder = mkdtempSync(join(tmpdir(), 'drover-e2e-bundle-'));
const loads = join(folder, 'loads');
let stack: DeployedStack;
let registry: SchemaRegistry;
let secured: SecuredKafka;
let kafka: KafkaClient;

beforeAll(async () => {
  // The emulator passes these on to the functions.
  vi.stubEnv('DROVER_TEST_LOADS', loads);
  vi.stubEnv('NODE_OPTIONS', `--import ${pathToFileURL(join(support, 'record-loads.ts')).href}`);
  const deployed = deployStack({
    plugins: pluginsModule,
    runSeconds: '20',
    idleCeilingMs: '5000',
    connectorSecrets: 'bundle-secret',
    connectorParameters: '/bundle/word',
  }).finally(() => vi.unstubAllEnvs());
  const started = await Promise.allSettled([
    deployed.then((it) => {
      stack = it;
      kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
    }),
    freePort().then(async (port) => {
      registry = await startSchemaRegistry({ folder, port });
    }),
    startSecuredKafka().then((it) => {
      secured = it;
    }),
  ]);
  for (const one of started) if (one.status === 'rejected') throw one.reason;
}, longest);

afterAll(async () => {
  await kafka?.close();
  await secured?.stop();
  if (registry !== undefined) await stopService(registry.service);
  await stack?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const text = 'org.apache.kafka.connect.storage.StringConverter';

function create(name: string, connector: string, config: Readonly<Record<string, string>>): Promise<unknown> {
  const shared = { 'tasks.max': '1', 'key.converter': text, 'value.converter': text };
  return call(stack.restUrl, 'PUT', `/connectors/${name}/config`, {
    ...shared,
    'connector.class': connector,
    ...config,
  });
}

/** All records of a topic, once there are as many; a connector that has failed is told at once. */
function arrived(client: KafkaClient, topic: string, count: number, connector: string): Promise<SeenRecord[]> {
  return until(
    `${count} records in ${topic}`,
    async () => {
      const failure = failureOf(await status(stack.restUrl, connector));
      if (failure !== null) throw new Error(failure);
      const records = await readTopic(client, topic);
      return records.length >= count && records;
    },
    { withinMs: longest, everyMs: 500 },
  );
}

function linesOf(file: string, count: number, connector: string): Promise<string[]> {
  return until(
    `${count} lines in ${file}`,
    async () => {
      const failure = failureOf(await status(stack.restUrl, connector));
      if (failure !== null) throw new Error(failure);
      const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
      return lines.length >= count && lines;
    },
    { withinMs: longest, everyMs: 500 },
  );
}

test('every plugin, and what plugins of an app may import and read, works in the task function', {
  timeout: longest,
}, async () => {
  const expected = checks().map(({ name }) => name);
  await create('checks', 'com.example.ChecksConnector', { topic: 'checks' });
  const records = await arrived(kafka, 'checks', expected.length, 'checks');
  expect(Object.fromEntries(records.map(({ key, value }) => [key, value]))).toEqual(
    Object.fromEntries(expected.map((name) => [name, 'ok'])),
  );
  // What the checks cannot show by themselves is shown below, connector by connector.
  const unseen = builtinPlugins.filter((plugin) => !expected.includes(nameOf(plugin)));
  expect(unseen.filter(({ kind }) => kind !== 'source' && kind !== 'sink').every(needsRegistry)).toBe(true);
  const connectors = unseen.filter(({ kind }) => kind === 'source' || kind === 'sink');
  expect(connectors).toEqual(builtinPlugins.filter(({ kind }) => kind === 'source' || kind === 'sink'));
});

test('a request is in Kafka by the feed function', { timeout: longest }, async () => {
  await create('hook', 'WebhookSource', {
    'kafka.topic': 'hook',
    'http.auth.type': 'none',
    'http.record.value': 'string',
  });
  const url = `${stack.playground.hooksUrl}/hook`;
  await until('the hook takes a request', async () => (await fetch(url, { method: 'POST', body: 'by hook' })).ok);
  const [first] = await arrived(kafka, 'hook', 1, 'hook');
  expect(first?.value).toBe('by hook');
});

test('a tick looks at the event sources that are declared', async () => {
  const lambda = new LambdaClient(stack.aws);
  try {
    const Payload = JSON.stringify({ kind: 'tick' });
    const answer = await lambda.send(new InvokeCommand({ FunctionName: stack.functions.coordinator, Payload }));
    expect(answer.FunctionError).toBeUndefined();
  } finally {
    lambda.destroy();
  }
});

/** Of each format: how its files are packed, and how many records it makes of three. */
const s3Formats = [
  ['avro', 'none', 3],
  ['parquet', 'none', 3],
  ['csv', 'gzip', 3],
  ['json', 'zstd', 3],
  ['jsonl', 'snappy', 3],
  ['bytes', 'none', 1],
] as const;

test.each(s3Formats)(
  'S3, %s, packed by %s: from a topic to a file and from there to a topic',
  { timeout: longest },
  async (format, packing, count) => {
    const json = 'org.apache.kafka.connect.json.JsonConverter';
    const raw = 'org.apache.kafka.connect.converters.ByteArrayConverter';
    const topic = `s3-${format}`;
    const endsByStop = format === 'parquet';
    const bucket = { 'aws.s3.bucket.name': stack.playground.bucket, 'aws.s3.prefix': `bundle/${format}/` };
    await create(`${topic}-in`, 'com.example.OrdersConnector', { topic, 'value.converter': json });
    await arrived(kafka, topic, 3, `${topic}-in`);
    await create(`${topic}-sink`, 'AivenKafkaConnectS3SinkConnector', {
      ...bucket,
      topics: topic,
      'format.output.type': format,
      'file.compression.type': packing,
      'value.converter': ['bytes', 'csv'].includes(format) ? raw : json,
      // What is open at rest a stop finishes, and nothing else would.
      ...(endsByStop ? { 'flush.when.drained': 'false' } : { 'flush.quiet.ms': '0' }),
    });
    if (endsByStop) {
      await until('the sink has taken its records', async () => {
        const { tasks } = await call<{ tasks: readonly { records: number; running: boolean }[] }>(
          stack.restUrl,
          'GET',
          `/drover/connectors/${topic}-sink`,
        );
        return tasks[0]?.records === 3 && !tasks[0].running;
      });
      await call(stack.restUrl, 'PUT', `/connectors/${topic}-sink/stop`);
    }
    await create(`${topic}-source`, 'io.aiven.kafka.connect.s3.source.S3SourceConnector', {
      ...bucket,
      topic: `${topic}-back`,
      'input.format': format,
      'file.compression.type': packing,
      'csv.header': 'false',
      'value.converter': format === 'bytes' ? raw : json,
    });
    expect(await arrived(kafka, `${topic}-back`, count, `${topic}-source`)).toHaveLength(count);
  },
);

const registryConverters = builtinPlugins.filter(needsRegistry).map(({ className }) => className);

test.each(registryConverters)(
  '%s through a real registry, from a source to a topic and from there to a sink',
  { timeout: longest },
  async (className) => {
    const topic = `orders-${registryConverters.indexOf(className)}`;
    const checked = className.endsWith('JsonSchemaConverter') ? { 'json.fail.invalid.schema': 'true' } : {};
    const own = { 'schema.registry.url': registry.url, ...checked };
    const converter = {
      'value.converter': className,
      ...Object.fromEntries(Object.entries(own).map(([key, value]) => [`value.converter.${key}`, value])),
    };
    await create(`${topic}-source`, 'com.example.OrdersConnector', { topic, ...converter });
    const [first] = await arrived(kafka, topic, 3, `${topic}-source`);
    expect(first?.value?.charCodeAt(0)).toBe(0);
    const subjects = await (await fetch(`${registry.url}/subjects`)).json();
    expect(subjects).toContain(`${topic}-value`);
    const file = join(folder, `${topic}.txt`);
    await create(`${topic}-sink`, 'FileStreamSink', { topics: topic, file, ...converter });
    // A field that is null is left out of a struct's text; a proto3 field without presence has no null, and reads empty.
    const none = className.endsWith('ProtobufConverter') ? 'note=,' : '';
    expect(await linesOf(file, 3, `${topic}-sink`)).toEqual([
      `Struct{id=0,name=order 0,${none}counts=[0, 1]}`,
      'Struct{id=1,name=order 1,note=a note,counts=[1, 2]}',
      `Struct{id=2,name=order 2,${none}counts=[2, 3]}`,
    ]);
  },
);

test('JSON that others have written is checked by each draft of JSON Schema', { timeout: longest }, async () => {
  const drafts = ['https://json-schema.org/draft/2019-09/schema', 'https://json-schema.org/draft/2020-12/schema'];
  const producer = await kafka.producer();
  for (const [index, $schema] of drafts.entries()) {
    const schema = JSON.stringify({ $schema, type: 'object', properties: { id: { type: 'integer', maximum: 9 } } });
    const answer = await fetch(`${registry.url}/subjects/draft-${index}-value/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schemaType: 'JSON', schema }),
    });
    expect(answer.status).toBe(200);
    const { id } = (await answer.json()) as { id: number };
    const frame = Buffer.from([0, 0, 0, 0, 0]);
    frame.writeInt32BE(id, 1);
    await sendValues(producer, `draft-${index}`, [
      `${frame.toString('latin1')}{"id":10}`,
      `${frame.toString('latin1')}{"id":${index}}`,
    ]);
  }
  await producer.close();
  const file = join(folder, 'drafts.txt');
  await create('drafts', 'FileStreamSink', {
    topics: drafts.map((_, index) => `draft-${index}`).join(','),
    file,
    'value.converter': 'io.confluent.connect.json.JsonSchemaConverter',
    'value.converter.schema.registry.url': registry.url,
    'value.converter.json.fail.invalid.schema': 'true',
    'errors.tolerance': 'all',
  });
  // Of each topic the first record is not what its schema wants.
  expect((await linesOf(file, 2, 'drafts')).sort()).toEqual(['Struct{id=0}', 'Struct{id=1}']);
});

test('a file is read line by line', { timeout: longest }, async () => {
  const file = join(folder, 'read.txt');
  writeFileSync(file, 'one\ntwo\n');
  await create('read', 'FileStreamSource', { file, topic: 'read' });
  expect((await arrived(kafka, 'read', 2, 'read')).map(({ value }) => value)).toEqual(['one', 'two']);
});

const codecs = Object.keys({
  none: true,
  gzip: true,
  snappy: true,
  lz4: true,
  zstd: true,
} satisfies Record<CompressionType, true>);

test('every compression packs in a source and unpacks in a sink', { timeout: longest }, async () => {
  for (const codec of codecs) {
    const override = { 'producer.override.compression.type': codec };
    await create(`packed-${codec}`, 'com.example.TextConnector', {
      topic: `packed-${codec}`,
      text: codec,
      ...override,
    });
  }
  for (const codec of codecs) await arrived(kafka, `packed-${codec}`, 1, `packed-${codec}`);
  const file = join(folder, 'packed.txt');
  await create('packed', 'FileStreamSink', { topics: codecs.map((codec) => `packed-${codec}`).join(','), file });
  expect((await linesOf(file, codecs.length, 'packed')).sort()).toEqual([...codecs].sort());
});

type Way = readonly [port: keyof SecuredKafka['ports'], properties: Record<string, string>];

const login = (mechanism: string, user: string): Record<string, string> => ({
  'sasl.mechanism': mechanism,
  'sasl.jaas.config': jaas(user, `${user}-secret`),
});

const mechanisms = {
  PLAIN: () => login('PLAIN', 'alice'),
  'SCRAM-SHA-256': () => login('SCRAM-SHA-256', 'bob'),
  'SCRAM-SHA-512': () => login('SCRAM-SHA-512', 'dora'),
  OAUTHBEARER: () => ({ 'sasl.mechanism': 'OAUTHBEARER', 'sasl.oauthbearer.token': unsignedToken() }),
  AWS_MSK_IAM: () => ({ 'sasl.mechanism': 'AWS_MSK_IAM' }),
} satisfies Record<SaslSettings['mechanism'], () => Record<string, string>>;

const protocols = {
  PLAINTEXT: () => ['plain', {}],
  SSL: () => [
    'mtls',
    {
      'ssl.truststore.certificates': secured.pem('ca.pem'),
      'ssl.keystore.certificate.chain': secured.pem('client.pem'),
      'ssl.keystore.key': secured.pem('client.key'),
    },
  ],
  SASL_PLAINTEXT: () => ['sasl', mechanisms.PLAIN()],
  SASL_SSL: () => ['saslSsl', { ...mechanisms.PLAIN(), 'ssl.truststore.certificates': secured.pem('ca.pem') }],
} satisfies Record<KafkaSecurity['protocol'], () => Way>;

/** The same for each client of a connector. */
function overrides(protocol: string, port: number, properties: Record<string, string>): Record<string, string> {
  const all = { 'bootstrap.servers': `127.0.0.1:${port}`, 'security.protocol': protocol, ...properties };
  return Object.fromEntries(
    ['producer', 'consumer', 'admin'].flatMap((client) =>
      Object.entries(all).map(([key, value]) => [`${client}.override.${key}`, value]),
    ),
  );
}

describe('every way of proving who one is to a broker', () => {
  const ways: [string, () => [string, Way]][] = [
    ...Object.entries(protocols).map(([protocol, way]): [string, () => [string, Way]] => [
      protocol,
      () => [protocol, way() as Way],
    ]),
    ...Object.entries(mechanisms).map(([mechanism, properties]): [string, () => [string, Way]] => [
      `SASL_PLAINTEXT with ${mechanism}`,
      () => ['SASL_PLAINTEXT', ['sasl', properties()]],
    ]),
  ];

  test.each(ways)('%s', { timeout: longest }, async (title, wayOf) => {
    const [protocol, [listener, properties]] = wayOf();
    const topic = `secured-${title.replace(/\W+/g, '-')}`;
    const security = overrides(protocol, secured.ports[listener], properties);
    const direct = createKafkaClient({ bootstrapServers: `127.0.0.1:${secured.ports.plain}` });
    try {
      await direct.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
      await create(topic, 'com.example.TextConnector', { topic, text: title, ...security });
      if (title.endsWith('AWS_MSK_IAM')) {
        // The role of Drover's own function is nobody else's: see override-identity.ts.
        const refused = await until(
          'the task is refused',
          async () => failureOf(await status(stack.restUrl, topic)) ?? false,
          { withinMs: longest },
        );
        expect(refused).toContain('sasl.mechanism cannot be AWS_MSK_IAM');
        return;
      }
      expect((await arrived(direct, topic, 1, topic)).map(({ value }) => value)).toEqual([title]);
    } finally {
      await direct.close();
    }
  });
});

test('secrets and parameters that a config refers to are read', { timeout: longest }, async () => {
  const secrets = new SecretsManagerClient(stack.aws);
  const parameters = new SSMClient(stack.aws);
  await secrets.send(new CreateSecretCommand({ Name: 'bundle-secret', SecretString: '{"word":"from the secret"}' }));
  await parameters.send(new PutParameterCommand({ Name: '/bundle/word', Value: 'from the parameter', Type: 'String' }));
  secrets.destroy();
  parameters.destroy();
  const words = '${secretsmanager:bundle-secret:word}, ${ssm:/bundle/word}';
  await create('secrets', 'com.example.TextConnector', { topic: 'secrets', text: words });
  const [record] = await arrived(kafka, 'secrets', 1, 'secrets');
  expect(record?.value).toBe('from the secret, from the parameter');
});

describe('what a plugin does wrong', () => {
  test('names files and lines of the source in the status of a task', { timeout: longest }, async () => {
    await create('failing', 'com.example.FailingConnector', { topic: 'failing' });
    const trace = await until(
      'the task has failed',
      async () => failureOf(await status(stack.restUrl, 'failing')) ?? false,
      { withinMs: longest },
    );
    expect(trace).toContain('LostConnectionError: the system is gone');
    expect(trace).toMatch(/at failDeepInside \(test\/support\/bundled\/plugins\.ts:\d+:\d+\)/);
    expect(trace).toMatch(/at OnceTask\.start \(test\/support\/bundled\/plugins\.ts:\d+:\d+\)/);
  });

  test('is told by the REST API, and in full by the log that npm run logs shows', { timeout: longest }, async () => {
    const broken = 'com.example.UncreatableConnector';
    await expect(create('broken', broken, { topic: 'broken' })).rejects.toThrow(
      `500: {"error_code":500,"message":"Plugin ${broken}: could not be created: the system is gone"}`,
    );
    const half = 'com.example.HalfConnector';
    await expect(create('half', half, { topic: 'half' })).rejects.toThrow(
      `Plugin ${half}: create() gave no source: taskConfigs(), createTask(), stop() missing`,
    );
    const line = await until('the log has the trace', async () =>
      (await functionLog(stack, 'rest')).map(({ message }) => message).find((message) => message.includes(broken)),
    );
    expect(line).toContain('LostConnectionError: the system is gone');
    expect(line).toMatch(/failDeepInside \(test\/support\/bundled\/plugins\.ts:\d+:\d+\)/);
  });
});

/** What a function cannot come to load here, and why. Each of these loads and exports what it should: test/cdk/lazy-chunks.test.ts. */
const neverLoaded: readonly (readonly [functions: readonly FunctionName[], modules: RegExp, reason: string])[] = [
  [
    functionNames,
    /^node_modules\/@(?:aws-sdk\/(?:credential-provider-|nested-clients\/)|smithy\/credential-provider-imds\/)/,
    'Lambda gives credentials in variables',
  ],
  [
    functionNames,
    /^src\/storage\/dynamodb\/sdk-requests\.ts$/,
    'Lambda gives credentials in variables; test/cdk/table-way runs this without',
  ],
  [['rest', 'mirror'], /^node:http$/, 'the SDK asks for it, which has nothing to ask here; test/cdk/table-way runs it'],
  [functionNames, /^node_modules\/@smithy\/core\/.*\/event-streams\//, 'no operation that Drover uses streams events'],
  [functionNames, /^node_modules\/bowser\//, 'names a browser to AWS'],
  [['rest', 'mirror'], /^(?:src\/plugins\/converters|node_modules\/(?:ajv|avsc))\//, 'only the task function converts'],
  [['rest', 'mirror'], /^node_modules\/fast-check\//, 'a task of the app loads it'],
  [['mirror'], /^(?:connectors|node_modules\/hyparquet-writer)\//, 'it asks connectors for their versions only'],
  [
    ['rest', 'task'],
    /^connectors\/(?:(?:dynamodb|eventbridge|kinesis|sns|sqs)\/|webhook\/(?:auth\/jose|sqs-sdk)\.ts)/,
    'test/e2e/stream-feeds, queue-feed and event-feeds run these',
  ],
  [
    ['rest'],
    /^(?:connectors\/s3\/(?:formats\/.*|s3-sdk)\.ts|connectors\/sts-sdk\.ts|node_modules\/hyparquet-writer\/.*)$/,
    'only the task function reads and writes files',
  ],
  [['task'], /^connectors\/sts-sdk\.ts$/, 'nobody takes a role here'],
  [['coordinator'], /^src\/invocation\/runner-queue-sdk\.ts$/, 'nobody has a runner here'],
  [['mirror'], /^functions\/secrets-manager-sdk\.ts$/, 'the broker beside the stack wants no password'],
];

/** The files of a function's bundle that are loaded when they are needed, and the module each is there for. */
function lazyModules(name: FunctionName): Map<string, string> {
  const assembly = join(stack.folder, 'run', 'cdk.out');
  const entry = readdirSync(assembly, { recursive: true, encoding: 'utf8' }).find((path) =>
    path.endsWith(`/dist/${name}.mjs`),
  );
  if (entry === undefined) throw new Error(`No bundle of ${name} in ${assembly}`);
  const dist = join(assembly, dirname(entry));
  return new Map(
    readdirSync(dist)
      .filter((file) => file.endsWith('.mjs'))
      .flatMap((file): [string, string][] => {
        const map: { x_lazyModule?: string } = JSON.parse(readFileSync(join(dist, `${file}.map`), 'utf8'));
        return map.x_lazyModule === undefined ? [] : [[file, map.x_lazyModule]];
      }),
  );
}

test('nothing that a function may load lazily was left out by these tests', () => {
  const seen = readFileSync(loads, 'utf8').split('\n');
  const forgotten: string[] = [];
  const needless = new Set<string>();
  const used = new Set<RegExp>();
  for (const name of functionNames) {
    // Nothing of this stack declares a connector: test/e2e/declared-connectors.test.ts runs it.
    if (name === 'connectors') continue;
    const loaded = new Set(
      seen.filter((line) => line.startsWith(`${stack.functions[name]} `)).map((line) => line.split(' ')[1]),
    );
    expect(loaded).toContain(`${name}.mjs`);
    const lazy = lazyModules(name);
    expect(lazy.size).toBeGreaterThan(5);
    // It runs plugins as the task function does, which loads the same modules.
    if (name === 'feed') {
      const tasks = new Set(lazyModules('task').values());
      // test/e2e/event-feeds puts messages off.
      const own = [...lazy.values()].filter((module) => !tasks.has(module));
      expect(own).toEqual(['src/invocation/sqs-sdk.ts']);
      continue;
    }
    for (const [file, module] of lazy) {
      // By who happens to be failed a request; test/cdk/table-way.test.ts sees to it.
      if (module === 'src/aws-requests/retries.ts') continue;
      const excuse = neverLoaded.find(([functions, modules]) => functions.includes(name) && modules.test(module));
      if (excuse !== undefined) used.add(excuse[1]);
      if (excuse === undefined && !loaded.has(file)) forgotten.push(`${name}: ${module}`);
      if (excuse !== undefined && loaded.has(file)) needless.add(`${name}: ${module} (${excuse[2]})`);
    }
  }
  expect(forgotten).toEqual([]);
  // A reason that is not true any more is to be taken out.
  expect([...needless]).toEqual([]);
  expect(neverLoaded.filter(([, modules]) => !used.has(modules)).map(([, , reason]) => reason)).toEqual([]);
});
