import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
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
import { readTopic, type SeenRecord } from '../support/kafka-records.ts';
import { jaas, type SecuredKafka, startSecuredKafka, unsignedToken } from '../support/secured-kafka.ts';
import { until } from '../support/until.ts';

/**
 * What is deployed is what was tested: everything that a function loads when it is needed is used here, out of the
 * bundle that was deployed. The lists come from the registry, from types and from the bundler, so that nothing new can be
 * forgotten.
 * That no chunk was forgotten is not checked yet: what was loaded is written down in `loads`, for the test that shall.
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
  try {
    stack = await deployStack({
      plugins: pluginsModule,
      runSeconds: '20',
      idleCeilingMs: '5000',
      connectorSecrets: 'bundle-secret',
      connectorParameters: '/bundle/word',
    });
  } finally {
    vi.unstubAllEnvs();
  }
  kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
  registry = await startSchemaRegistry({ folder, port: await freePort() });
  secured = await startSecuredKafka();
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
  expect(connectors.map(({ className }) => className.split('.').at(-1))).toEqual([
    'FileStreamSourceConnector',
    'FileStreamSinkConnector',
    'S3SinkConnector',
    'AivenKafkaConnectS3SinkConnector',
  ]);
});

const drafts = ['draft_7', 'draft_2019_09', 'draft_2020_12'].map((version) => ({
  'json.schema.spec.version': version,
  'json.fail.invalid.schema': 'true',
}));
/** Each converter that needs a registry, with the settings that make it load something more. */
const registryCases = builtinPlugins
  .filter(needsRegistry)
  .flatMap(({ className }): [string, Record<string, string>][] =>
    (className.endsWith('JsonSchemaConverter') ? drafts : [{}]).map((settings) => [className, settings]),
  );

test.each(registryCases)(
  '%s through a real registry, from a source to a topic and from there to a sink %o',
  {
    timeout: longest,
  },
  async (className, settings) => {
    const topic = `orders-${registryCases.findIndex(([name, own]) => name === className && own === settings)}`;
    const own = { 'schema.registry.url': registry.url, ...settings };
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
