import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { readTopic, type SeenRecord } from '../support/kafka-records.ts';
import { kafkaAddress, startPrivateBroker } from '../support/services.ts';
import { topicConfigs } from '../support/topic-configs.ts';
import { until } from '../support/until.ts';
import { mirrorMaker } from './archives.ts';
import { copyUnderKills, longest, openLab, runUntil, sourcePlaces, transactionPlaces } from './lab.ts';
import { eachSecond, mirrorClass, mirrorConfig, newTopic, produceNumbered } from './mirror.ts';

// MirrorMaker 2's three connectors, as their jar comes, from one real Kafka to another.
const lab = openLab({ plugins: async () => [await mirrorMaker()], beside: () => startPrivateBroker() });
let source: KafkaClient;
const alias = `far${process.pid}`;

beforeAll(() => {
  source = createKafkaClient({ bootstrapServers: lab.beside.bootstrapServers });
});

afterAll(async () => {
  await source?.close();
});

const newBench = (connector: Parameters<typeof mirrorClass>[0], name: string, target = kafkaAddress()) =>
  lab.bench('source', mirrorClass(connector), name, target);
const configOf = (connector: Parameters<typeof mirrorClass>[0], target = kafkaAddress()) =>
  mirrorConfig(connector, { alias, source: lab.beside.bootstrapServers, target });
const produce = (topic: string, from: number, count: number, partitions = 1) =>
  produceNumbered(source, topic, from, count, partitions);
const copied = (topic: string): Promise<SeenRecord[]> => readTopic(lab.kafka, `${alias}.${topic}`);

test('the source copies records as they are, finds new topics and configs when it is refreshed, and has its offsets altered', async () => {
  await newTopic(source, 'orders', 2);
  await produce('orders', 0, 10, 2);
  const bench = newBench('MirrorSourceConnector', 'orders');
  await bench.configure({ ...configOf('MirrorSourceConnector'), topics: 'orders,late' });
  await runUntil(bench, 'all are copied', async () => (await copied('orders')).length === 10);
  const seen = await copied('orders');
  for (const { partition, key, value, timestamp, headers } of seen) {
    const i = Number(value?.slice(1));
    expect({ partition, key, timestamp, headers }).toEqual({
      partition: i % 2,
      key: `k${i}`,
      timestamp: 1_700_000_000_000 + i,
      headers: [{ key: 'h', value: String(i) }],
    });
  }
  expect(seen).toHaveLength(10);
  const offsets = await bench.offsets();
  expect(
    offsets
      .map(({ partition, offset }) => [partition.cluster, partition.topic, partition.partition, offset.offset])
      .sort(),
  ).toEqual([
    [alias, 'orders', 0, 4],
    [alias, 'orders', 1, 4],
  ]);

  // Its own thread looks every ten minutes, in a worker.
  // Not retention.ms: the broker would delete records that are as old as these.
  await newTopic(source, 'late', 1, { 'segment.ms': '7654321' });
  await produce('late', 0, 3);
  await bench.run();
  expect(await copied('late')).toEqual([]);
  bench.clock.advance(600_001);
  await runUntil(bench, 'the new topic is copied', async () => (await copied('late')).length === 3);
  bench.clock.advance(600_001);
  await bench.run();
  await until('its configs are those of the original', async () => {
    const found = await topicConfigs(`${alias}.late`);
    return found?.get('segment.ms') === '7654321';
  });

  const partition = { cluster: alias, partition: 1, topic: 'orders' };
  await expect(bench.alterOffsets([{ partition, offset: { offset: -5 } }])).rejects.toThrow(/offset/);
  await bench.alterOffsets([{ partition, offset: { offset: 3 } }]);
  await runUntil(bench, 'the last one is copied again', async () => (await copied('orders')).length === 11);
  expect((await copied('orders')).filter(({ value }) => value === 'v9')).toHaveLength(2);
});

test('heartbeats are written; checkpoints tell where groups stand, and their offsets are brought over', async () => {
  const beats = newBench('MirrorHeartbeatConnector', 'beats');
  await beats.configure(configOf('MirrorHeartbeatConnector'));
  await runUntil(beats, 'a heartbeat is there', async () => (await readTopic(lab.kafka, 'heartbeats')).length > 0);

  await newTopic(source, 'read', 1);
  await produce('read', 0, 20);
  const copier = newBench('MirrorSourceConnector', 'read');
  await copier.configure({ ...configOf('MirrorSourceConnector'), topics: 'read', 'offset.lag.max': '0' });
  await runUntil(copier, 'all are copied', async () => (await copied('read')).length === 20);
  await source.admin.commitGroupOffsets('readers', [{ topic: 'read', partition: 0, offset: 20n }]);
  const checkpoints = newBench('MirrorCheckpointConnector', 'checkpoints');
  await checkpoints.configure({
    ...configOf('MirrorCheckpointConnector'),
    topics: 'read',
    groups: 'readers',
    ...eachSecond,
  });
  await runUntil(
    checkpoints,
    'there are checkpoints',
    async () => (await readTopic(lab.kafka, `${alias}.checkpoints.internal`)).length > 0,
  );
  await runUntil(checkpoints, 'the group stands here where it stands there', async () => {
    const offsets = await lab.kafka.admin.groupOffsets('readers');
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
  '%s, with its JVM, its function, its source and its target killed',
  async (_what, topic, more) => {
    await using target = await startPrivateBroker();
    const near = createKafkaClient({ bootstrapServers: target.bootstrapServers });
    onTestFinished(() => near.close());
    await newTopic(source, topic);
    const bench = newBench('MirrorSourceConnector', topic, target.bootstrapServers);
    const eager = {
      'drover.java.settle.ms': '1000',
      'drover.commit.interval.ms': '50',
      'source.consumer.max.poll.records': '40',
    };
    await bench.configure({
      ...configOf('MirrorSourceConnector', target.bootstrapServers),
      ...eager,
      ...more,
      topics: topic,
    });
    await bench.run();
    await bench.throwIfFailed();
    const killed = { source: 0, target: 0 };
    const again = await copyUnderKills(bench, lab.java, {
      what: `MirrorMaker 2, ${topic}`,
      from: 0,
      each: 200,
      places: topic === 'once' ? transactionPlaces : sourcePlaces,
      other: async (run) => {
        const one = killed.source <= killed.target ? 'source' : 'target';
        killed[one]++;
        const broker = one === 'source' ? lab.beside : target;
        const work = run();
        await broker.kill();
        await broker.start();
        await work;
      },
      add: (from, count) => produce(topic, from, count),
      landed: async () => (await readTopic(near, `${alias}.${topic}`)).map(({ value }) => Number(value?.slice(1))),
    });
    console.log(`of the kills ${killed.source} were of the source, ${killed.target} of the target`);
    if (topic === 'once') expect(again).toEqual([]);
  },
  longest,
);
