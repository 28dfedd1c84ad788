import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRetriable } from '../../src/errors.ts';
import { KafkaJsControlPlane } from '../../src/kafka/control-plane.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { securityFromProperties } from '../../src/kafka/security.ts';
import { type } from '../cli/terminal.ts';
import { javaRecords } from '../mirror/java-records.ts';
import { startInProcessDrover } from '../support/in-process-drover.ts';
import { readTopic, sendValues, uniqueName } from '../support/kafka-records.ts';
import {
  jaas,
  type SecuredKafka,
  scramUsers,
  startSecuredKafka,
  unsignedToken as token,
} from '../support/secured-kafka.ts';

let kafka: SecuredKafka;
let ports: SecuredKafka['ports'];
const at = (name: string) => kafka.at(name);
const pem = (name: string) => kafka.pem(name);

beforeAll(async () => {
  kafka = await startSecuredKafka();
  ports = kafka.ports;
});
afterAll(async () => {
  await kafka?.stop();
});

function clientWith(port: number, properties: Record<string, string>) {
  return createKafkaClient({
    bootstrapServers: `127.0.0.1:${port}`,
    security: securityFromProperties(properties),
    apiTimeoutMs: 5000,
  });
}

/** Data and control plane: create, by either way, write, read, ask. */
async function proves(port: number, properties: Record<string, string>): Promise<void> {
  const client = clientWith(port, properties);
  try {
    const topic = uniqueName('secure');
    expect(await client.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }])).toEqual(
      new Map([[topic, true]]),
    );
    const controlPlane = new KafkaJsControlPlane({
      bootstrapServers: `127.0.0.1:${port}`,
      security: securityFromProperties(properties),
    });
    expect((await controlPlane.describeTopicConfigs([topic])).get(topic)?.get('cleanup.policy')).toBe('delete');
    await controlPlane.close();
    const producer = await client.producer();
    expect((await sendValues(producer, topic, ['a', 'b'])).failures.size).toBe(0);
    expect((await readTopic(client, topic)).map(({ value }) => value)).toEqual(['a', 'b']);
  } finally {
    await client.close();
  }
}

describe('security', () => {
  it('PLAIN over SASL_PLAINTEXT, and over TLS', async () => {
    const properties = {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'PLAIN',
      'sasl.jaas.config': jaas('alice', 'alice-secret'),
    };
    await proves(ports.sasl, properties);
    await proves(ports.saslSsl, {
      ...properties,
      'security.protocol': 'SASL_SSL',
      'ssl.truststore.certificates': pem('ca.pem'),
    });
  });

  it.each(scramUsers)('%s with %s', async (user, mechanism) => {
    await proves(ports.sasl, {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': mechanism,
      'sasl.jaas.config': jaas(user, `${user}-secret`),
    });
  });

  it('OAUTHBEARER', async () => {
    await proves(ports.sasl, {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'OAUTHBEARER',
      'sasl.oauthbearer.token': token(),
    });
  });

  it('TLS with the authority given as text or as a file, and mTLS', async () => {
    await proves(ports.ssl, { 'security.protocol': 'SSL', 'ssl.truststore.certificates': pem('ca.pem') });
    await proves(ports.ssl, { 'security.protocol': 'SSL', 'ssl.truststore.location': at('ca.pem') });
    await proves(ports.mtls, {
      'security.protocol': 'SSL',
      'ssl.truststore.certificates': pem('ca.pem'),
      'ssl.keystore.certificate.chain': pem('client.pem'),
      'ssl.keystore.key': pem('client.key'),
    });
  });

  it('a connector brings brokers and credentials of its own in its overrides', async () => {
    const client = clientWith(ports.plain, {});
    const topic = uniqueName('own');
    await client.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
    const own = {
      'bootstrap.servers': `127.0.0.1:${ports.sasl}`,
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'PLAIN',
    };
    const wrong = await client.producer({ ...own, 'sasl.jaas.config': jaas('alice', 'wrong') });
    await expect(sendValues(wrong, topic, ['x'])).rejects.toMatchObject({ code: 'kafka.authentication_failed' });
    const right = await client.producer({ ...own, 'sasl.jaas.config': jaas('alice', 'alice-secret') });
    expect((await sendValues(right, topic, ['mine'])).failures.size).toBe(0);
    expect((await readTopic(client, topic)).map(({ value }) => value)).toEqual(['mine']);
    await client.close();
  });

  it('what a user may not do is a final error that names it', async () => {
    const all = clientWith(ports.plain, {});
    const topic = uniqueName('forbidden');
    await all.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
    await sendValues(await all.producer(), topic, ['secret']);
    await all.close();
    const eve = clientWith(ports.sasl, {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'PLAIN',
      'sasl.jaas.config': jaas('eve', 'eve-secret'),
    });
    const refused = { code: 'kafka.not_authorized', retriable: false, message: expect.stringContaining(topic) };
    const plain = await eve.producer({ 'enable.idempotence': 'false' });
    expect((await sendValues(plain, topic, ['x'])).failures.get(0)).toMatchObject(refused);
    await expect(sendValues(await eve.producer(), topic, ['x'])).rejects.toMatchObject({
      code: 'kafka.not_authorized',
    });
    const transactional = await eve.transactionalProducer('eve-tx');
    await expect(transactional.init()).rejects.toMatchObject({ code: 'kafka.not_authorized', retriable: false });
    const fetcher = await eve.fetcher();
    const options = { maxWaitMs: 100, minBytes: 1, maxBytes: 1000, maxPartitionBytes: 1000 };
    const isolationLevel = 'read_committed';
    const [fetched] = await fetcher.fetch([{ topic, partition: 0, offset: 0 }], { ...options, isolationLevel });
    expect(fetched!.error).toMatchObject(refused);
    await expect(eve.admin.describeTopics([topic])).rejects.toMatchObject(refused);
    await expect(
      eve.admin.createTopics([{ topic: `${topic}-2`, partitions: 1, replicationFactor: 1, configs: {} }]),
    ).rejects.toMatchObject({ code: 'kafka.not_authorized', retriable: false });
    const commit = eve.admin.commitGroupOffsets('eve-group', [{ topic, partition: 0, offset: 1n }]);
    await expect(commit).rejects.toMatchObject({
      code: 'kafka.not_authorized',
      message: expect.stringContaining('eve-group'),
    });
    await eve.close();
  });

  it('takes a new connection before a session ends, while requests are in flight', async () => {
    const client = clientWith(ports.brief, {
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'SCRAM-SHA-256',
      'sasl.jaas.config': jaas('bob', 'bob-secret'),
    });
    const topic = uniqueName('session');
    const producer = await client.producer();
    // Five seconds: two sessions and a half.
    const flying = new Set<Promise<unknown>>();
    let sent = 0;
    for (; sent < 250; sent++) {
      const outcome = sendValues(producer, topic, [`${sent}`]).then(({ failures }) => expect(failures.size).toBe(0));
      flying.add(outcome);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await Promise.all(flying);
    expect((await readTopic(client, topic)).map(({ value }) => value)).toEqual(
      Array.from({ length: sent }, (_, index) => `${index}`),
    );
    await client.close();
  });

  it('a wrong password, an unknown authority or a missing certificate is a final error that says which', async () => {
    const refusals: [number, Record<string, string>, string][] = [
      [
        ports.sasl,
        {
          'security.protocol': 'SASL_PLAINTEXT',
          'sasl.mechanism': 'PLAIN',
          'sasl.jaas.config': jaas('alice', 'wrong'),
        },
        'kafka.authentication_failed',
      ],
      [
        ports.sasl,
        {
          'security.protocol': 'SASL_PLAINTEXT',
          'sasl.mechanism': 'SCRAM-SHA-512',
          'sasl.jaas.config': jaas('dora', 'no'),
        },
        'kafka.authentication_failed',
      ],
      [ports.ssl, { 'security.protocol': 'SSL' }, 'kafka.tls_failed'],
    ];
    for (const [port, properties, code] of refusals) {
      const client = clientWith(port, properties);
      const producer = await client.producer({ 'max.block.ms': '3000' });
      await expect(sendValues(producer, 'any', ['x'])).rejects.toMatchObject({ code, retriable: false });
      await expect(client.admin.listTopics()).rejects.toMatchObject({ code, retriable: false });
      await client.close();
    }
    const bare = clientWith(ports.mtls, {
      'security.protocol': 'SSL',
      'ssl.truststore.certificates': pem('ca.pem'),
    });
    await expect(bare.admin.listTopics()).rejects.toThrow(/127\.0\.0\.1/);
    await bare.close();
    const unaware = clientWith(ports.ssl, {});
    await expect(unaware.admin.listTopics()).rejects.toSatisfy(
      (error) => !isRetriable(error) || error instanceof Error,
    );
    await unaware.close();
  });
});

it('drover import --from-topics reads another cluster with a client properties file, and its sinks’ groups', async () => {
  const properties = [
    '# as kafka-topics.sh --command-config takes it',
    'security.protocol=SASL_SSL',
    'sasl.mechanism=SCRAM-SHA-512',
    `sasl.jaas.config=${jaas('dora', 'dora-secret')}`,
    `ssl.truststore.location=${at('ca.pem')}`,
    'ssl.truststore.type=PEM',
  ];
  writeFileSync(at('dora.properties'), properties.join('\n'));
  const old = clientWith(ports.plain, {});
  const drover = await startInProcessDrover({ bootstrapServers: `127.0.0.1:${ports.plain}` });
  // As it was but for its slash, which the API refuses in a path.
  const sink = 'golden sink ü';
  try {
    for (const [topic, partitions] of [
      ['old-configs', 1],
      ['old-offsets', 25],
      ['golden-data', 1],
    ] as const) {
      await old.admin.createTopics([{ topic, partitions, replicationFactor: 1, configs: {} }]);
    }
    const producer = await old.producer();
    const batch = producer.newBatch();
    for (const { topic, key, value } of javaRecords.filter((record) => record.topic !== 'status')) {
      const renamed = (text: string | null) => text?.replaceAll('golden sink/ü', sink) ?? null;
      batch.append(`old-${topic}`, null, renamed(key), renamed(value), null, null);
    }
    expect((await producer.send(batch)).failures.size).toBe(0);
    await old.admin.commitGroupOffsets(`connect-${sink}`, [{ topic: 'golden-data', partition: 0, offset: 7n }]);

    const brokers = ['--bootstrap-servers', `127.0.0.1:${ports.saslSsl}`, '--command-config', at('dora.properties')];
    const names = ['--configs-topic', 'old-configs', '--offsets-topic', 'old-offsets'];
    const importing = (...more: string[]) =>
      type(['--url', drover.url, 'import', '--from-topics', ...brokers, ...names, '--json', ...more]);
    const dry = await importing('--dry-run');
    expect(dry.out, dry.err).not.toBe('');
    expect(dry.err).toContain(`its group connect-${sink} has 1 offset in the Kafka cluster`);
    expect(JSON.parse(dry.out)).toMatchObject(
      [sink, 'golden-broken', 'golden-eos'].sort().map((name) => ({ name, result: 'would be imported' })),
    );
    const done = await importing('--sink-offsets');
    expect([done.code, done.err]).toEqual([0, '']);
    expect(JSON.parse(done.out)).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: 'golden-eos', result: 'imported', offsets: 1 }),
        expect.objectContaining({ name: sink, result: 'imported', offsets: 1 }),
      ]),
    );
    const offsets = async (name: string) =>
      JSON.parse((await type(['--url', drover.url, 'offsets', 'show', name, '--json'])).out) as unknown;
    expect(await offsets('golden-eos')).toEqual({
      offsets: [{ partition: { filename: 'in.txt' }, offset: { position: 19 } }],
    });
    expect(await offsets(sink)).toEqual({
      offsets: [{ partition: { kafka_topic: 'golden-data', kafka_partition: 0 }, offset: { kafka_offset: 7 } }],
    });
    const again = await importing('--sink-offsets');
    expect([again.code, JSON.parse(again.out)]).toMatchObject([
      0,
      [{}, {}, {}].map(() => ({ verdict: 'is here already' })),
    ]);
    const closed = await type(['--url', drover.url, 'import', '--from-topics', ...brokers.slice(0, 2), ...names]);
    expect(closed).toMatchObject({ code: 4, err: expect.stringContaining('--command-config for what they ask') });
  } finally {
    await drover.close();
    await old.close();
  }
});
