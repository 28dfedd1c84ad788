import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { ConnectorBench } from '../../src/testing/bench.ts';
import { startTestJava, type TestJava } from '../support/java-plugins.ts';
import { readTopic, type SeenRecord } from '../support/kafka-records.ts';
import { kafkaAddress, type PrivateBroker, startPrivateBroker } from '../support/services.ts';
import { until } from '../support/until.ts';
import { mirrorMaker } from './archives.ts';
import { dyingRun, seeded, sourcePlaces, transactionPlaces, wantedKills } from './lab.ts';

// MirrorMaker 2's three connectors, as their jar comes, from one real Kafka to another.
let far: PrivateBroker;
let source: KafkaClient;
let target: KafkaClient;
let java: TestJava;
const benches: ConnectorBench[] = [];
const seed = Number(process.env.DROVER_TEST_SEED ?? Date.now() % 100_000);
const alias = `far${process.pid}`;
const room = 'org.apache.kafka.connect.mirror';

// Each waits for others, and says what it waits for before this is over.
vi.setConfig({ testTimeout: 600_000 });

beforeAll(async () => {
  [far, java] = await Promise.all([startPrivateBroker(), mirrorMaker().then((one) => startTestJava([one], 256))]);
  source = createKafkaClient({ bootstrapServers: far.bootstrapServers });
  target = createKafkaClient({ bootstrapServers: kafkaAddress() });
}, 400_000);

afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

afterAll(async () => {
  await source?.close();
  await target?.close();
  await java?.close();
  await far?.[Symbol.asyncDispose]();
});

function newBench(className: string): ConnectorBench {
  const bench = new ConnectorBench(java.plugin('source', `${room}.${className}`), {
    bootstrapServers: kafkaAddress(),
    name: `${className}-${process.pid}-${benches.length}-${Date.now()}`,
  });
  benches.push(bench);
  return bench;
}

const bytes = 'org.apache.kafka.connect.converters.ByteArrayConverter';
const configOf = (className: string) => ({
  'connector.class': `${room}.${className}`,
  'tasks.max': '2',
  'key.converter': bytes,
  'value.converter': bytes,
  'source.cluster.alias': alias,
  'target.cluster.alias': 'near',
  'source.cluster.bootstrap.servers': far.bootstrapServers,
  'target.cluster.bootstrap.servers': kafkaAddress(),
  'replication.factor': '1',
  'offset-syncs.topic.replication.factor': '1',
  'checkpoints.topic.replication.factor': '1',
  'heartbeats.topic.replication.factor': '1',
});

async function produce(topic: string, from: number, count: number, partitions = 1): Promise<void> {
  const producer = await source.producer();
  const batch = producer.newBatch();
  for (let i = from; i < from + count; i++) {
    batch.append(topic, i % partitions, `k${i}`, `v${i}`, 1_700_000_000_000 + i, [
      { key: 'h', value: Buffer.from(`${i}`) },
    ]);
  }
  await producer.send(batch);
  await producer.close();
}

const newTopic = (topic: string, partitions = 1, configs: Record<string, string> = {}) =>
  source.admin.createTopics([{ topic, partitions, replicationFactor: 1, configs }]);
const copied = (topic: string): Promise<SeenRecord[]> => readTopic(target, `${alias}.${topic}`);

async function runUntil(bench: ConnectorBench, what: string, done: () => Promise<boolean>): Promise<void> {
  await until(
    what,
    async () => {
      await bench.run();
      await bench.throwIfFailed();
      return done();
    },
    { withinMs: 120_000 },
  );
}

test('heartbeats are written; checkpoints tell where groups stand, and their offsets are brought over', async () => {
  const beats = newBench('MirrorHeartbeatConnector');
  await beats.configure(configOf('MirrorHeartbeatConnector'));
  await runUntil(beats, 'a heartbeat is there', async () => (await readTopic(target, 'heartbeats')).length > 0);

  await newTopic('read', 1);
  await produce('read', 0, 20);
  const copier = newBench('MirrorSourceConnector');
  await copier.configure({ ...configOf('MirrorSourceConnector'), topics: 'read', 'offset.lag.max': '0' });
  await runUntil(copier, 'all are copied', async () => (await copied('read')).length === 20);
  await source.admin.commitGroupOffsets('readers', [{ topic: 'read', partition: 0, offset: 20n }]);
  const checkpoints = newBench('MirrorCheckpointConnector');
  await checkpoints.configure({
    ...configOf('MirrorCheckpointConnector'),
    topics: 'read',
    groups: 'readers',
    'emit.checkpoints.interval.seconds': '1',
    'sync.group.offsets.enabled': 'true',
    'sync.group.offsets.interval.seconds': '1',
    'refresh.groups.interval.seconds': '1',
    'drover.java.settle.ms': '5000',
  });
  await runUntil(
    checkpoints,
    'there are checkpoints',
    async () => (await readTopic(target, `${alias}.checkpoints.internal`)).length > 0,
  );
  await runUntil(checkpoints, 'the group stands here where it stands there', async () => {
    const offsets = await target.admin.groupOffsets('readers');
    return offsets.get(`${alias}.read`)?.get(0) === 20n;
  });
});

test.each([
  ['I3: at least once: none is missing', 'counted', {}],
  [
    'I4: exactly once: none is missing, none is there twice',
    'once',
    { 'exactly.once.support': 'required', 'consumer.isolation.level': 'read_committed' },
  ],
])(
  '%s, with its JVM, its function and its source killed',
  async (_what, topic, more) => {
    await newTopic(topic);
    const bench = newBench('MirrorSourceConnector');
    const random = seeded(seed);
    const places = topic === 'once' ? transactionPlaces : sourcePlaces;
    const eager = {
      'drover.java.settle.ms': '1000',
      'drover.commit.interval.ms': '50',
      'source.consumer.max.poll.records': '40',
    };
    await bench.configure({ ...configOf('MirrorSourceConnector'), ...eager, ...more, topics: topic });
    await bench.run();
    await bench.throwIfFailed();
    let next = 0;
    let kills = 0;
    for (let round = 0; kills < wantedKills; round++) {
      await produce(topic, next, 200);
      next += 200;
      if (round % 5 === 4) {
        const work = bench.run();
        await far.kill();
        await far.start();
        await work;
        kills++;
      } else if (await dyingRun(bench, java, round % 2 === 0 ? 'jvm' : 'function', random, {}, places)) kills++;
      await bench.throwIfFailed();
      if (round > wantedKills * 4 + 8) throw new Error(`Only ${kills} kills in ${round} runs, seed ${seed}`);
    }
    const values = async () => (await copied(topic)).map(({ value }) => Number(value?.slice(1)));
    await runUntil(bench, `all are there, seed ${seed}`, async () => new Set(await values()).size === next);
    const landed = await values();
    console.log(`${topic}: seed ${seed}, ${kills} kills, ${next} records, ${landed.length - next} twice`);
    expect([...new Set(landed)]).toEqual(Array.from({ length: next }, (_, i) => i));
    if (topic === 'once') expect(landed).toHaveLength(next);
  },
  1_800_000,
);
