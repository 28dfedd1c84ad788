import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaSecurity } from '../../src/kafka/security.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { readTopic, sendValues } from '../support/kafka-records.ts';
import { found, json, type Recorder, recordingBroker, recordingHttp } from '../support/recorders.ts';
import { kafkaAddress } from '../support/services.ts';
import { createHarness, type Harness, realKafka, uniqueName } from '../support/worker-harness.ts';

/**
 * Somebody may write connector configs and no more. He points them at servers of his own and collects what arrives:
 * nothing of the installation's identity, no secret but those for connectors, no file outside the allowed folders.
 */
const folder = mkdtempSync(join(tmpdir(), 'drover-identity-'));
const at = (...names: string[]) => join(folder, ...names);

const installation = {
  user: 'installation-user',
  password: 'installation-Pa55word',
  accessKeyId: 'AKIAINSTALLATION',
  secretAccessKey: 'installation-secret-access-key',
  sessionToken: 'installation-session-token',
  bearer: 'installation-bearer-token',
  certificate: 'installation-certificate',
  registry: 'installation-registry-Pa55word',
  file: 'installation-file-content',
};
const own = { user: 'connector-user', password: 'connector-Pa55word' };
const secrets = Object.values(installation);

let broker: Recorder;
let tlsBroker: Recorder;
const closing: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  makeCertificate('hostile', '127.0.0.1');
  makeCertificate('installation', installation.certificate);
  broker = await recordingBroker();
  tlsBroker = await recordingBroker({ key: text('hostile.key'), cert: text('hostile.pem') });
  closing.push(broker.close, tlsBroker.close);
  vi.stubEnv('AWS_ACCESS_KEY_ID', installation.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', installation.secretAccessKey);
  vi.stubEnv('AWS_SESSION_TOKEN', installation.sessionToken);
  vi.stubEnv('AWS_REGION', 'eu-west-1');
});
afterAll(async () => {
  vi.unstubAllEnvs();
  for (const close of closing.reverse()) await close();
  rmSync(folder, { recursive: true, force: true });
});

function makeCertificate(name: string, commonName: string): void {
  const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`];
  const about = ['-subj', `/CN=${commonName}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', ...files, ...about, '-days', '2', '-nodes'], {
    cwd: folder,
    stdio: 'ignore',
  });
}

const text = (name: string) => readFileSync(at(name), 'utf8');
const jaas = (user: string, password: string) =>
  `org.apache.kafka.common.security.plain.PlainLoginModule required username="${user}" password="${password}";`;

describe("the installation's Kafka identity", () => {
  const password = { username: installation.user, password: installation.password };
  const identities: [string, () => KafkaSecurity][] = [
    ['PLAIN', () => ({ protocol: 'SASL_PLAINTEXT', sasl: { mechanism: 'PLAIN', ...password } })],
    ['PLAIN over TLS', () => ({ protocol: 'SASL_SSL', tls: {}, sasl: { mechanism: 'PLAIN', ...password } })],
    ['SCRAM', () => ({ protocol: 'SASL_SSL', tls: {}, sasl: { mechanism: 'SCRAM-SHA-512', ...password } })],
    ['IAM', () => ({ protocol: 'SASL_SSL', tls: {}, sasl: { mechanism: 'AWS_MSK_IAM', region: 'eu-west-1' } })],
    [
      'a token',
      () => ({
        protocol: 'SASL_SSL',
        tls: {},
        sasl: { mechanism: 'OAUTHBEARER', token: async () => installation.bearer },
      }),
    ],
    [
      'a certificate',
      () => ({
        protocol: 'SSL',
        tls: { ca: text('hostile.pem'), certificate: text('installation.pem'), key: text('installation.key') },
      }),
    ],
  ];

  /** Ways to have a client talk to one of the two brokers, each with what makes TLS accept the second. */
  const spellings = (): Settings[] => {
    const [plain, tls] = [{ 'bootstrap.servers': broker.address }, { 'bootstrap.servers': tlsBroker.address }];
    const trusting = { 'ssl.truststore.certificates': text('hostile.pem') };
    const blind = { ...trusting, 'ssl.endpoint.identification.algorithm': '' };
    const protocols = ['PLAINTEXT', 'SASL_PLAINTEXT', ' sasl_plaintext', 'SSL', 'SASL_SSL', 'Sasl_Ssl '];
    const mechanisms = ['PLAIN', 'plain ', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER', 'AWS_MSK_IAM', 'GSSAPI'];
    return [
      plain,
      tls,
      { ...plain, 'client.dns.lookup': 'resolve_canonical_bootstrap_servers_only' },
      { 'bootstrap.servers': `SASL_PLAINTEXT://${broker.address}` },
      { ...tls, ...trusting },
      { ...tls, ...blind },
      { ...tls, 'ssl.truststore.location': at('hostile.pem') },
      ...protocols.flatMap((protocol) =>
        [undefined, ...mechanisms].map((mechanism) => ({
          ...(/ssl/i.test(protocol) ? { ...tls, ...blind } : plain),
          'security.protocol': protocol,
          ...(mechanism === undefined ? {} : { 'sasl.mechanism': mechanism }),
        })),
      ),
      ...mechanisms.map((mechanism) => ({ ...plain, 'sasl.mechanism': mechanism })),
      { ...plain, 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'PLAIN', 'sasl.jaas.config': 'x required;' },
      { ...plain, 'security.protocol': 'SASL_PLAINTEXT', 'sasl.mechanism': 'PLAIN', 'sasl.username': own.user },
      {
        ...plain,
        'security.protocol': 'SASL_PLAINTEXT',
        'sasl.mechanism': 'AWS_MSK_IAM',
        'sasl.jaas.config': 'software.amazon.msk.auth.iam.IAMLoginModule required;',
      },
      { ...plain, 'security.protocol': 'SASL_PLAINTEXT', 'drover.msk.region': 'eu-west-1' },
    ];
  };

  const uses: Record<string, (client: KafkaClient, overrides: Settings) => Promise<unknown>> = {
    'producer.override.': async (client, overrides) =>
      sendValues(await client.producer({ ...overrides, 'max.block.ms': '200' }), 'topic', ['x']),
    'producer.override. (exactly once)': async (client, overrides) =>
      (await client.transactionalProducer('id', { ...overrides, 'max.block.ms': '200' })).init(),
    'consumer.override.': async (client, overrides) => {
      const options = { maxWaitMs: 100, minBytes: 1, maxBytes: 1000, maxPartitionBytes: 1000 };
      const fetcher = await client.fetcher(overrides);
      const [fetched] = await fetcher.fetch([{ topic: 'topic', partition: 0, offset: 0 }], {
        ...options,
        isolationLevel: 'read_committed',
      });
      if (fetched?.error) throw fetched.error;
    },
    'admin.override.': (client, overrides) =>
      client.adminWith({ ...overrides, 'default.api.timeout.ms': '200' }).listTopics(),
  };

  async function use(name: string, security: KafkaSecurity, overrides: Settings): Promise<Error> {
    const client = createKafkaClient({ bootstrapServers: '127.0.0.1:1', security, apiTimeoutMs: 200 });
    try {
      await uses[name]!(client, overrides);
      throw new Error('Nobody here takes a client for good');
    } catch (error) {
      return error as Error;
    } finally {
      await client.close();
    }
  }

  afterEach(() => {
    broker.clear();
    tlsBroker.clear();
  });

  it.each(identities)('%s does not go where overrides lead, however they are spelled', async (_name, security) => {
    let missing = 0;
    for (const overrides of spellings()) {
      for (const name of Object.keys(uses)) {
        const error = await use(name, security(), overrides);
        expect(error.message).not.toMatch(/Nobody here/);
        expect(found(Buffer.from(`${error.stack}`), secrets)).toEqual([]);
        if (error.message.includes('so nothing of the installation')) {
          missing++;
          expect(error).toMatchObject({
            code: 'config.invalid',
            facts: { key: expect.stringMatching(/^(producer|consumer|admin)\.override\.(sasl|ssl)\./) },
          });
        }
      }
    }
    expect(missing).toBeGreaterThan(20);
    // What did arrive shows that these brokers were reached.
    expect(broker.received().length).toBeGreaterThan(0);
    expect(tlsBroker.received().length).toBeGreaterThan(0);
    expect(found(Buffer.concat([broker.received(), tlsBroker.received()]), secrets)).toEqual([]);
  });

  it.each(Object.keys(uses))('what a connector brings itself does arrive: %s', async (name) => {
    const [, security] = identities[0]!;
    const brought = { 'bootstrap.servers': broker.address, 'sasl.jaas.config': jaas(own.user, own.password) };
    await use(name, security(), brought);
    expect(found(broker.received(), [...secrets, own.user, own.password])).toEqual([own.user, own.password]);
    const certificate = {
      'bootstrap.servers': tlsBroker.address,
      'security.protocol': 'SSL',
      'ssl.truststore.certificates': text('hostile.pem'),
      'ssl.keystore.certificate.chain': text('installation.pem'),
      'ssl.keystore.key': text('installation.key'),
    };
    await use(name, security(), certificate);
    expect(found(tlsBroker.received(), [installation.certificate])).toEqual([installation.certificate]);
  });

  it.each(identities.slice(0, 5))(
    '%s does reach the brokers of the installation: the recorders see it',
    async (_name, security) => {
      const { protocol, tls, sasl } = security();
      const isPlain = protocol === 'SASL_PLAINTEXT';
      const client = createKafkaClient({
        bootstrapServers: isPlain ? broker.address : tlsBroker.address,
        security: { protocol, ...(tls ? { tls: { ca: text('hostile.pem') } } : {}), ...(sasl ? { sasl } : {}) },
        apiTimeoutMs: 200,
      });
      await expect(client.admin.listTopics()).rejects.toThrow();
      await client.close();
      expect(found((isPlain ? broker : tlsBroker).received(), secrets)).not.toEqual([]);
    },
  );

  it('the client secret of a connector goes to its token endpoint, and not on to where that leads', async () => {
    const elsewhere = await recordingHttp((_request, _body, response) => json(response, 200, { access_token: 'x' }));
    const endpoint = await recordingHttp((_request, _body, response) => {
      response.writeHead(307, { location: `http://${elsewhere.address}/token` }).end();
    });
    const overrides = {
      'bootstrap.servers': broker.address,
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'OAUTHBEARER',
      'sasl.oauthbearer.token.endpoint.url': `http://${endpoint.address}/token`,
      'sasl.jaas.config': `x required clientId="${own.user}" clientSecret="${own.password}";`,
    };
    for (const [, security] of identities) {
      const error = await use('producer.override.', security(), overrides);
      expect(`${error.message} ${(error.cause as Error)?.message}`).toMatch(/307|log-in|reached/);
    }
    expect(found(endpoint.received(), [...secrets, own.password])).toEqual([own.password]);
    expect(elsewhere.received().length).toBe(0);
    await Promise.all([endpoint.close(), elsewhere.close()]);
  });

  it.each(['file:///etc/hostname', 'ftp://x/', 'nothing', 'http://user:word@host/'])(
    'a token endpoint is neither a file nor else: %s',
    async (url) => {
      const overrides = {
        'security.protocol': 'SASL_PLAINTEXT',
        'sasl.mechanism': 'OAUTHBEARER',
        'sasl.oauthbearer.token.endpoint.url': url,
        'sasl.jaas.config': 'x required clientId="a" clientSecret="b";',
      };
      const [, security] = identities[0]!;
      expect(await use('admin.override.', security(), overrides)).toMatchObject({
        facts: { key: 'admin.override.sasl.oauthbearer.token.endpoint.url' },
      });
    },
  );

  it('a store of keys is read from an allowed folder only', async () => {
    const { fileAccess } = await import('../../src/files.ts');
    mkdirSync(at('stores'), { recursive: true });
    symlinkSync(at('installation.pem'), at('stores', 'link.pem'));
    const client = createKafkaClient({
      bootstrapServers: broker.address,
      files: fileAccess({ folders: [at('stores')], advice: 'Allow its folder.' }),
      apiTimeoutMs: 200,
    });
    for (const path of [at('installation.pem'), at('stores', 'link.pem'), at('none.pem'), '/proc/self/environ']) {
      for (const key of ['ssl.keystore.location', 'ssl.truststore.location']) {
        const overrides = { 'bootstrap.servers': tlsBroker.address, 'security.protocol': 'SSL', [key]: path };
        expect(() => client.adminWith(overrides)).toThrow(/^admin\.override\.ssl\..*may not be used/);
      }
    }
    await client.close();
    expect(tlsBroker.received().length).toBe(0);
  });
});

describe('the functions with a hostile config', () => {
  let harness: Harness;
  let secretsManager: Recorder;
  let registry: Recorder;
  let defaultRegistry: Recorder;
  let client: KafkaClient;
  const log: string[] = [];
  const secretsByName: Record<string, Record<string, string>> = {
    kafka: { username: installation.user, password: installation.password },
    'connectors/db': { password: own.password },
  };
  const arnOf = (name: string) => `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}-AbCdEf`;

  beforeAll(async () => {
    mkdirSync(at('data'));
    writeFileSync(at('outside.txt'), `${installation.file}\n`);
    writeFileSync(at('outside.properties'), `password=${installation.file}\n`);
    symlinkSync(at('outside.txt'), at('data', 'link.txt'));
    symlinkSync(at('outside.properties'), at('data', 'link.properties'));
    secretsManager = await recordingHttp((_request, body, response) => {
      const id: string = JSON.parse(body).SecretId;
      const name = Object.keys(secretsByName).find((one) => [one, arnOf(one), arnOf(one).slice(0, -7)].includes(id));
      if (name === undefined) json(response, 400, { __type: 'ResourceNotFoundException' });
      else json(response, 200, { ARN: arnOf(name), Name: name, SecretString: JSON.stringify(secretsByName[name]) });
    });
    registry = await recordingHttp((_request, _body, response) => json(response, 200, { id: 1 }));
    defaultRegistry = await recordingHttp((_request, _body, response) => json(response, 200, { id: 1 }));
    closing.push(secretsManager.close, registry.close, defaultRegistry.close);
    const settings = {
      DROVER_TABLE_NAME: 'drover',
      DROVER_BOOTSTRAP_SERVERS: kafkaAddress(),
      DROVER_SECURITY_SECRET: arnOf('kafka'),
      DROVER_CONNECTOR_SECRETS: arnOf('connectors/db'),
      DROVER_CONFIG_PROVIDERS: 'secretsmanager,ssm,env,file',
      DROVER_FILE_FOLDERS: at('data'),
      DROVER_PLUGINS_DENY: 'TimestampRouter',
      AWS_ENDPOINT_URL: `http://${secretsManager.address}`,
    };
    for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
    // Read when these are loaded, as in a function.
    const { configProviders } = await import('../../functions/config-providers.ts');
    const plugins = (await import('../../functions/plugins.ts')).loadPlugins();
    expect(plugins.find('transformation', 'TimestampRouter')).toBeUndefined();
    client = createKafkaClient({ bootstrapServers: kafkaAddress() });
    closing.push(() => client.close());
    harness = createHarness({
      kafka: realKafka(kafkaAddress()),
      plugins: plugins.list(),
      configProviders: configProviders(),
      settings: {
        converterDefaults: {
          'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
          'value.converter': 'io.confluent.connect.avro.AvroConverter',
          'value.converter.schema.registry.url': `http://${defaultRegistry.address}`,
          'value.converter.basic.auth.credentials.source': 'USER_INFO',
          'value.converter.basic.auth.user.info': `installation:${installation.registry}`,
          'header.converter': 'org.apache.kafka.connect.storage.SimpleHeaderConverter',
        },
      },
      telemetry: createTelemetry({
        clock: { now: Date.now, sleep: async () => {} },
        write: (line) => log.push(line),
        level: 'TRACE',
      }),
    });
    closing.push(() => harness.close());
  });

  const strings = {
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  };

  /** A source of one line, with this in its config; what came of it, and what lies in its topic. */
  async function play(config: Settings) {
    const [name, topic] = [uniqueName('hostile'), uniqueName('loot')];
    log.length = 0;
    writeFileSync(at('data', 'line.txt'), 'a line\n');
    await harness.create(name, {
      'connector.class': 'FileStreamSource',
      file: at('data', 'line.txt'),
      topic,
      'errors.log.enable': 'true',
      'errors.log.include.messages': 'true',
      ...config,
    });
    if ((await harness.stores.config.getTasks(name)).length > 0) await harness.runTask(name);
    const [connector, tasks] = [
      await harness.stores.config.getConnector(name),
      await harness.stores.config.getTasks(name),
    ];
    const trace = [connector?.trace, ...tasks.map((task) => task.trace)].filter(Boolean).join('\n');
    const values = (await readTopic(client, topic)).map(({ value }) => value);
    // All that is shown, kept or mirrored of it.
    const shown = JSON.stringify({ connector, tasks, values, log });
    return { trace, values, shown };
  }

  const insert = (value: string) => ({
    ...strings,
    transforms: 'hoist,loot',
    'transforms.hoist.type': 'org.apache.kafka.connect.transforms.HoistField$Value',
    'transforms.hoist.field': 'line',
    'transforms.loot.type': 'org.apache.kafka.connect.transforms.InsertField$Value',
    'transforms.loot.static.field': 'loot',
    'transforms.loot.static.value': value,
  });
  const reference = (text: string) => `\${${text}}`;

  it('a secret for connectors may be inserted into records: that is what it is for', async () => {
    for (const id of ['connectors/db', arnOf('connectors/db'), arnOf('connectors/db').slice(0, -7)]) {
      const { values, trace } = await play(insert(reference(`secretsmanager:${id}:password`)));
      expect(trace).toBe('');
      expect(values).toEqual([`Struct{line=a line,loot=${own.password}}`]);
    }
  });

  it.each([
    ...['kafka', arnOf('kafka'), arnOf('kafka').slice(0, -7), 'kafka-AbCdEf'].flatMap((id) => [
      `secretsmanager:${id}:password`,
      `secretsmanager:${id}`,
    ]),
    'ssm:/aws/reference/secretsmanager/kafka',
    'ssm:/any',
    'env:AWS_SECRET_ACCESS_KEY',
    'env:AWS_ACCESS_KEY_ID',
    'env:AWS_SESSION_TOKEN',
    'env:DROVER_SECURITY_SECRET',
    `file:${at('outside.properties')}:password`,
    `file:${at('data')}/../outside.properties:password`,
    `file:${at('data', 'link.properties')}:password`,
    'file:/proc/self/environ:AWS_SECRET_ACCESS_KEY',
  ])('%s is not inserted', async (text) => {
    secretsManager.clear();
    const { trace, values, shown } = await play(insert(reference(text)));
    expect(trace).toContain('The setting transforms.loot.static.value refers to');
    expect(values).toEqual([]);
    expect(found(Buffer.from(shown.replaceAll(text, '')), secrets)).toEqual([]);
    // Not even asked for.
    expect(secretsManager.received().length).toBe(0);
  });

  it.each([
    ['outside', at('outside.txt')],
    ['up and out', `${at('data')}/../outside.txt`],
    ['through a link', at('data', 'link.txt')],
    ["the function's environment", '/proc/self/environ'],
  ])('no file is read or written %s', async (_how, file) => {
    const before = readFileSync(at('outside.txt'), 'utf8');
    const source = await play({ ...strings, file });
    expect(source.trace).toContain('may not be used');
    expect(source.values).toEqual([]);
    expect(found(Buffer.from(source.shown), secrets)).toEqual([]);
    const name = uniqueName('hostile-sink');
    const topic = uniqueName('input');
    await sendValues(await client.producer(), topic, ['a line']);
    await harness.create(name, { 'connector.class': 'FileStreamSink', topics: topic, file, ...strings });
    await harness.runTask(name);
    const [task] = await harness.stores.config.getTasks(name);
    expect(task).toMatchObject({ state: 'FAILED', trace: expect.stringContaining('may not be used') });
    expect(readFileSync(at('outside.txt'), 'utf8')).toBe(before);
  });

  const avro = { ...strings, 'value.converter': 'io.confluent.connect.avro.AvroConverter' };
  const hostileRegistry = () => ({ 'value.converter.schema.registry.url': `http://${registry.address}` });

  it.each([
    ['alone', {}],
    ['with SASL_INHERIT', { 'value.converter.basic.auth.credentials.source': 'SASL_INHERIT' }],
    ['with USER_INFO', { 'value.converter.basic.auth.credentials.source': 'USER_INFO' }],
    ['with OAUTHBEARER', { 'value.converter.bearer.auth.credentials.source': 'OAUTHBEARER' }],
  ])("a registry of the connector's own gets no credentials: %s", async (_with, more) => {
    registry.clear();
    const { shown } = await play({ ...avro, ...hostileRegistry(), ...more });
    expect(found(registry.received(), [...secrets, 'uthorization'])).toEqual([]);
    expect(found(Buffer.from(shown), secrets)).toEqual([]);
    if (Object.keys(more).length === 0) expect(registry.received().toString()).toContain('/subjects/loot');
  });

  it("the installation's registry credentials go to its own registry, wherever a config says that is", async () => {
    registry.clear();
    defaultRegistry.clear();
    const { shown } = await play({ 'key.converter': strings['key.converter'], ...hostileRegistry() });
    expect(found(defaultRegistry.received(), [installation.registry])).toEqual([installation.registry]);
    expect(registry.received().length).toBe(0);
    expect(found(Buffer.from(shown), secrets)).toEqual([]);
  });

  it('neither a registry nor its token endpoint sends credentials on by a redirect', async () => {
    const redirecting = await recordingHttp((_request, _body, response) => {
      response.writeHead(307, { location: `http://${registry.address}/x` }).end();
    });
    registry.clear();
    const url = `http://${redirecting.address}`;
    const retries = { 'value.converter.max.retries': '0', 'value.converter.schema.registry.url': url };
    const userInfo = {
      'value.converter.basic.auth.credentials.source': 'USER_INFO',
      'value.converter.basic.auth.user.info': `${own.user}:${own.password}`,
    };
    const oauth = {
      'value.converter.bearer.auth.credentials.source': 'OAUTHBEARER',
      'value.converter.bearer.auth.issuer.endpoint.url': `${url}/token`,
      'value.converter.bearer.auth.client.id': own.user,
      'value.converter.bearer.auth.client.secret': own.password,
    };
    for (const auth of [userInfo, oauth]) {
      redirecting.clear();
      const { trace } = await play({ ...avro, ...retries, ...auth });
      expect(trace).toContain('307');
      expect(found(redirecting.received(), [own.password])).toEqual([own.password]);
    }
    expect(registry.received().length).toBe(0);
    await redirecting.close();
  });

  it('a secret that a config may use is shown nowhere: status, task configs, log, dead letters', async () => {
    const secret = reference('secretsmanager:connectors/db:password');
    // A file of that name is not there, and the error about it says so.
    const failing = await play({ ...strings, file: `/nowhere/${secret}` });
    expect(failing.trace).toContain('[hidden]');
    expect(found(Buffer.from(failing.shown), [own.password])).toEqual([]);
  });

  it('overrides that the installation does not allow fail the task by name', async () => {
    const { overridePolicy } = await import('../../src/config/override-policy.ts');
    const strict = createHarness({
      kafka: realKafka(kafkaAddress()),
      settings: { overridePolicy: overridePolicy({ 'connector.client.config.override.policy': 'None' }) },
    });
    const name = uniqueName('strict');
    const config = { file: at('data', 'line.txt'), topic: name, 'connector.class': 'FileStreamSource' };
    await strict.create(name, { ...config, 'producer.override.bootstrap.servers': broker.address });
    await strict.runTask(name);
    const [task] = await strict.stores.config.getTasks(name);
    expect(task).toMatchObject({
      state: 'FAILED',
      trace: expect.stringContaining("The 'None' policy does not allow 'bootstrap.servers' to be overridden"),
    });
    await strict.close();
  });

  it('hosts that the installation does not list are not connected to, also when a reference names them', async () => {
    const before = broker.received().length;
    const strict = createHarness({ kafka: realKafka(kafkaAddress()), settings: { connectorHosts: ['b.example'] } });
    const name = uniqueName('hosts');
    const config = { file: at('data', 'line.txt'), topic: name, 'connector.class': 'FileStreamSource' };
    await strict.create(name, { ...config, 'producer.override.bootstrap.servers': broker.address });
    await strict.runTask(name);
    const [task] = await strict.stores.config.getTasks(name);
    expect(task).toMatchObject({ state: 'FAILED', trace: expect.stringContaining('deploy with it in connectorHosts') });
    expect(broker.received().length).toBe(before);
    await strict.close();
  });

  it('a plugin that is left out is not there', () => {
    expect(createRegistry().find('transformation', 'TimestampRouter')).toBeDefined();
  });
});
