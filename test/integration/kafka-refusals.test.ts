import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKafka } from '../../local/kafka.ts';
import { freePort } from '../../local/ports.ts';
import { type ServiceHandle, stopService } from '../../local/service.ts';
import type { ConnectorConfig } from '../../src/api/connector.ts';
import { SourceRecord } from '../../src/api/record.ts';
import type { SourceTask, SourceTaskContext } from '../../src/api/task.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { STRING_SCHEMA } from '../../src/data/schema-builder.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { ApiCall } from '../../src/kafka/protocol/request.ts';
import { securityFromProperties } from '../../src/kafka/security.ts';
import type { KafkaClient, Producer } from '../../src/kafka/types.ts';
import { readTopic } from '../support/kafka-records.ts';
import { createHarness, uniqueName } from '../support/worker-harness.ts';
import { MonitorableSinkTask, sinkOf, sourceOf } from '../support/worker-plugins.ts';

/** CreateAcls: `user` may do everything to what of this kind has a name that begins so; '*': all names. */
const allowCall: ApiCall<{ user: string; resource: number; name: string; operations: number[] }, number[]> = {
  name: 'CreateAcls',
  key: 30,
  version: 2,
  write(writer, { user, resource, name, operations }) {
    writer
      .structures(operations, (operation) =>
        writer
          .int8(resource)
          .string(name)
          .int8(name === '*' ? literal : prefixed)
          .string(`User:${user}`)
          .string('*')
          .int8(operation)
          .int8(allow),
      )
      .noTags();
  },
  read(reader) {
    reader.int32();
    return reader.structures(() => {
      const errorCode = reader.int16();
      reader.string();
      return errorCode;
    });
  },
};
const [literal, prefixed, allow] = [3, 4, 3];
const [topicResource, groupResource, transactionResource] = [2, 3, 5];
const [all, read, write, describing] = [2, 3, 4, 8];

const folder = mkdtempSync(join(tmpdir(), 'drover-refusals-'));
let service: ServiceHandle;
let bootstrapServers: string;
let saslServers: string;
/** May do everything. */
let root: KafkaClient;

const loginOf = (user: string) => ({
  'security.protocol': 'SASL_PLAINTEXT',
  'sasl.mechanism': 'PLAIN',
  'sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required username="${user}" password="${user}-secret";`,
});

/** Eve may read and write `open-…`, and see that `shown-…` is there, but create nothing. */
const eve = () =>
  createKafkaClient({
    bootstrapServers: saslServers,
    security: securityFromProperties(loginOf('eve')),
    apiTimeoutMs: 5000,
  });

beforeAll(async () => {
  const [port, controllerPort, sasl] = await Promise.all(Array.from({ length: 3 }, freePort));
  bootstrapServers = `127.0.0.1:${port}`;
  saslServers = `127.0.0.1:${sasl}`;
  const listeners = `PLAINTEXT://127.0.0.1:${port},SASL://127.0.0.1:${sasl}`;
  const login = 'org.apache.kafka.common.security.plain.PlainLoginModule';
  service = await startKafka({
    folder,
    port: port!,
    controllerPort: controllerPort!,
    maxHeapMb: 256,
    shortLived: true,
    settings: {
      listeners: `${listeners},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': listeners,
      'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT',
      'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN',
      'listener.name.sasl.plain.sasl.jaas.config': `${login} required user_alice="alice-secret" user_eve="eve-secret";`,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS;User:alice',
      'auto.create.topics.enable': 'false',
    },
  });
  root = createKafkaClient({ bootstrapServers });
  const cluster = new Cluster({
    bootstrapServers,
    security: { protocol: 'PLAINTEXT' },
    clientId: 'test',
    requestTimeoutMs: 5000,
    connectTimeoutMs: 2000,
    metadataMaxAgeMs: 60_000,
    connectionsMaxIdleMs: 60_000,
  });
  const connection = await cluster.anyConnection(cluster.controlLane);
  for (const [resource, name, operations] of [
    [topicResource, 'open-', [read, write, describing]],
    [topicResource, 'shown-', [describing]],
    [groupResource, '*', [all]],
    [transactionResource, '*', [all]],
  ] as const) {
    await connection.call(allowCall, { user: 'eve', resource, name, operations: [...operations] });
  }
  await cluster.close();
});
afterAll(async () => {
  await root?.close();
  if (service) await stopService(service);
  rmSync(folder, { recursive: true, force: true });
});

interface Topics {
  readonly open: string;
  /** Takes records of up to 2000 bytes. */
  readonly small: string;
  /** Eve sees it, and may not write to it. */
  readonly shown: string;
  /** Eve does not even see it. */
  readonly hidden: string;
  /** It is not there. */
  readonly missing: string;
}

async function newTopics(): Promise<Topics> {
  const topics = {
    open: uniqueName('open'),
    small: uniqueName('open-small'),
    shown: uniqueName('shown'),
    hidden: uniqueName('hidden'),
  };
  const wanted = Object.values(topics).map((topic) => ({
    topic,
    partitions: 1,
    replicationFactor: 1,
    configs: topic === topics.small ? { 'max.message.bytes': '2000' } : {},
  }));
  await root.admin.createTopics(wanted);
  return { ...topics, missing: uniqueName('open-missing') };
}

const large = 'x'.repeat(5000);

/** What goes where, those in between refused. */
const mixture = ({ open, small, shown, hidden, missing }: Topics): [string, string][] => [
  [open, 'first'],
  [small, large],
  [shown, 'not shown'],
  [small, 'fits'],
  [hidden, 'not hidden'],
  [missing, 'nowhere'],
  [open, 'last'],
];
const refusals = {
  1: { code: 'kafka.record_too_large', retriable: false },
  2: { code: 'kafka.not_authorized', retriable: false },
  4: { code: 'kafka.not_authorized', retriable: false },
  5: { code: 'kafka.unknown_topic', retriable: false },
};

const valuesOf = async (topic: string) => (await readTopic(root, topic)).map(({ value }) => value);

function batchOf(producer: Producer, topics: Topics) {
  const batch = producer.newBatch();
  for (const [topic, value] of mixture(topics)) batch.append(topic, null, null, value, null, null);
  return batch;
}

async function expectOthersLanded({ open, small, shown, hidden }: Topics): Promise<void> {
  await expect.poll(() => valuesOf(open)).toEqual(['first', 'last']);
  await expect.poll(() => valuesOf(small)).toEqual(['fits']);
  for (const topic of [shown, hidden]) expect(await valuesOf(topic)).toEqual([]);
}

describe('a send in which some topics fail', () => {
  it('has the records of the others acknowledged, and names each that is refused', async () => {
    const topics = await newTopics();
    const client = eve();
    const producer = await client.producer({ 'max.block.ms': '2000' });
    const { failures, offsetOf } = await producer.send(batchOf(producer, topics));
    expect(Object.fromEntries(failures)).toMatchObject(refusals);
    expect([...failures.keys()].sort()).toEqual([1, 2, 4, 5]);
    expect(offsetOf(6)).toEqual({ topic: topics.open, partition: 0, offset: 1 });
    await expectOthersLanded(topics);
    await client.close();
  });

  it('in a transaction too: it can be committed without them', async () => {
    const topics = await newTopics();
    const client = eve();
    const producer = await client.transactionalProducer(uniqueName('tx'), { 'max.block.ms': '2000' });
    await producer.init();
    for (const commit of [false, true]) {
      producer.begin();
      const { failures } = await producer.send(batchOf(producer, topics));
      expect(Object.fromEntries(failures)).toMatchObject(refusals);
      if (commit) await producer.commit();
      else await producer.abort();
    }
    await expectOthersLanded(topics);
    // A transaction of which nothing is left is none.
    producer.begin();
    const batch = producer.newBatch();
    batch.append(topics.shown, null, null, 'alone', null, null);
    expect((await producer.send(batch)).failures.get(0)).toMatchObject(refusals[2]);
    await producer.commit();
    await client.close();
  });
});

/** Its records in one poll, from the committed offset on. */
class MixedSourceTask implements SourceTask {
  readonly #records: readonly [string, string][];
  #next = 0;
  constructor(records: readonly [string, string][]) {
    this.#records = records;
  }
  async start(_config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    this.#next = Number((await context.offsetStorageReader.offset({ source: 'mixed' }))?.next ?? 0);
  }
  poll(): SourceRecord[] | null {
    const left = this.#records.slice(this.#next);
    if (left.length === 0) return null;
    return left.map(([topic, value]) => {
      const offset = { next: ++this.#next };
      return new SourceRecord({ source: 'mixed' }, offset, topic, null, null, null, STRING_SCHEMA, value);
    });
  }
  stop(): void {}
}

const strings = {
  'tasks.max': '1',
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};

/** Runs a source of these records as Eve, with the connector's own settings. */
async function runSource(records: readonly [string, string][], config: Settings) {
  const plugins = [sourceOf('test.Mixed', () => new MixedSourceTask(records))];
  const harness = createHarness({ kafka: async () => eve(), plugins });
  const name = uniqueName('mixed');
  await harness.create(name, {
    ...strings,
    'connector.class': 'test.Mixed',
    'producer.override.max.block.ms': '300',
    ...config,
  });
  const report = await harness.runTask(name);
  const task = (await harness.stores.config.getTask(name, 0))!;
  const offsets = await harness.stores.offsets.readSourceOffsets(name, ['{"source":"mixed"}']);
  await harness.close();
  return { report, task, next: offsets.get('{"source":"mixed"}')?.offset ?? null };
}

describe('a source whose records are refused by some topics', () => {
  it('I3: fails with what the broker said of the first; what is in front is there and committed, nothing behind it', async () => {
    const topics = await newTopics();
    const { report, task, next } = await runSource(mixture(topics), {});
    expect(report.reason).toBe('failed');
    expect(task.state).toBe('FAILED');
    expect(task.trace).toMatch(/Unrecoverable exception from producer send callback[\s\S]*max\.message\.bytes/);
    expect(next).toBe('{"next":1}');
    expect(await valuesOf(topics.open)).toEqual(['first']);
    for (const topic of [topics.small, topics.shown, topics.hidden]) expect(await valuesOf(topic)).toEqual([]);
  });

  it.each([
    ['may be seen but not written to', 'shown', 'TopicAuthorizationException'],
    ['may not even be seen', 'hidden', 'TopicAuthorizationException'],
    ['is not there', 'missing', 'UnknownTopicOrPartitionException'],
  ] as const)('I3: stops in front of a record for a topic that %s', async (_what, refused, javaClass) => {
    const topics = await newTopics();
    const { task, next } = await runSource(
      [
        [topics.open, 'first'],
        [topics.small, 'second'],
        [topics[refused], 'refused'],
        [topics[refused], 'refused too'],
      ],
      {},
    );
    expect(task.state).toBe('FAILED');
    expect(task.trace).toContain(javaClass);
    expect(next).toBe('{"next":2}');
    expect(await valuesOf(topics.open)).toEqual(['first']);
    expect(await valuesOf(topics.small)).toEqual(['second']);
  });

  it.each([
    ['at least once', {}],
    ['exactly once', { 'exactly.once.support': 'required', 'offsets.storage.topic': 'open-offsets' }],
  ])('I3, I4: %s with errors.tolerance=all goes on, the refused ones are dead letters', async (_title, more) => {
    const topics = await newTopics();
    const letters = uniqueName('open-letters');
    const admin = (topic: string) => ({ topic, partitions: 1, replicationFactor: 1, configs: {} });
    await root.admin.createTopics([admin(letters), admin('open-offsets')]);
    const { report, task, next } = await runSource(mixture(topics), {
      'errors.tolerance': 'all',
      'drover.errors.deadletterqueue.topic.name': letters,
      'drover.errors.deadletterqueue.context.headers.enable': 'true',
      ...more,
    });
    expect({ ...report, trace: task.trace }).toMatchObject({ reason: 'drained', trace: null });
    expect(next).toBe(`{"next":${mixture(topics).length}}`);
    await expectOthersLanded(topics);
    await expect.poll(() => valuesOf(letters)).toHaveLength(4);
    const written = await readTopic(root, letters);
    expect(written.map(({ value }) => value)).toEqual([large, 'not shown', 'not hidden', 'nowhere']);
    const causes = written.map(({ headers }) => headers.find(({ key }) => key.endsWith('exception.class.name'))?.value);
    expect(causes.map((cause) => cause?.split('.').at(-1))).toEqual([
      'RecordTooLargeException',
      'TopicAuthorizationException',
      'TopicAuthorizationException',
      'UnknownTopicOrPartitionException',
    ]);
  });
});

describe('admin.override.*', () => {
  const asAlice = { 'admin.override.sasl.jaas.config': loginOf('alice')['sasl.jaas.config'] };
  const creation = { 'topic.creation.default.partitions': '2', 'topic.creation.default.replication.factor': '1' };

  it("makes a source's topics as another user than the worker's", async () => {
    const topic = uniqueName('open-made');
    const refused = await runSource([[topic, 'a']], creation);
    expect(refused.task.trace).toMatch(new RegExp(`may not create topic "${topic}"`));
    const made = await runSource([[topic, 'a']], { ...creation, ...asAlice });
    expect(made.report.reason).toBe('drained');
    expect(await root.admin.describeTopics([topic])).toMatchObject([{ topic, partitions: 2 }]);
    expect(await valuesOf(topic)).toEqual(['a']);
  });

  it("makes the topics of dead letters and of a source's offsets", async () => {
    const topics = await newTopics();
    const [letters, offsets] = [uniqueName('open-letters'), uniqueName('open-offsets')];
    const { report } = await runSource(mixture(topics), {
      ...asAlice,
      'exactly.once.support': 'required',
      'offsets.storage.topic': offsets,
      'errors.tolerance': 'all',
      'drover.errors.deadletterqueue.topic.name': letters,
      'drover.errors.deadletterqueue.topic.replication.factor': '1',
    });
    expect(report.reason).toBe('drained');
    await expect.poll(() => valuesOf(letters)).toHaveLength(4);
    await expect.poll(() => valuesOf(offsets)).toHaveLength(1);

    const sinkLetters = uniqueName('open-letters');
    const harness = createHarness({
      kafka: async () => eve(),
      plugins: [sinkOf('test.Sink', () => new MonitorableSinkTask())],
    });
    const name = uniqueName('sink');
    await harness.create(name, {
      ...strings,
      ...asAlice,
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'connector.class': 'test.Sink',
      topics: topics.open,
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': sinkLetters,
      'errors.deadletterqueue.topic.replication.factor': '1',
    });
    expect((await harness.runTask(name)).reason).toBe('drained');
    expect(await valuesOf(sinkLetters)).toEqual(['first', 'last']);
    await harness.close();
  });
});
