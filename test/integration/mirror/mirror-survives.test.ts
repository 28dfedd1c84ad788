import { afterAll, expect, it } from 'vitest';
import { KafkaJsControlPlane } from '../../../src/kafka/control-plane.ts';
import { createKafkaClient } from '../../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../../src/kafka/types.ts';
import { Mirror, mirrorPatienceMs } from '../../../src/mirror/mirror.ts';
import type { MirrorTopics } from '../../../src/mirror/topics.ts';
import { createMemoryStores } from '../../../src/storage/memory/stores.ts';
import { sourceOffsetEntry } from '../../../src/storage/source-offset-text.ts';
import type { Stores } from '../../../src/storage/stores.ts';
import type { TableChange } from '../../../src/storage/table-change.ts';
import { readTopic, uniqueName } from '../../support/kafka-records.ts';
import { deleteTopic, makeAgain } from '../../support/kafka-tools.ts';
import { kafkaAddress, startPrivateBroker } from '../../support/services.ts';
import { topicConfigs } from '../../support/topic-configs.ts';
import { until } from '../../support/until.ts';

const kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
afterAll(() => kafka.close());
const now = 1_700_000_000_000;

function topicsOf(prefix: string): MirrorTopics {
  const of = (name: string, partitions: number) => ({ name: `${prefix}-${name}`, partitions, replicationFactor: 1 });
  return { configs: of('configs', 1), offsets: of('offsets', 3), status: of('status', 2) };
}

/** A table with a mirror behind it, whose stream the test hands over. */
function lab(client: KafkaClient, bootstrapServers: string, topics: MirrorTopics, patienceMs = mirrorPatienceMs) {
  const changes: TableChange[] = [];
  const stores = createMemoryStores({ onChange: (change) => changes.push(change), pageSize: 2 });
  let at = now;
  const mirror = new Mirror({
    now: () => at,
    kafka: client,
    controlPlane: new KafkaJsControlPlane({ bootstrapServers, timeoutMs: patienceMs }),
    patienceMs,
    topics,
    configs: stores.config,
    versionOf: () => '1.0',
  });
  /** As after minutes: what was seen of the topics is not trusted any more. */
  const later = () => {
    at += 10 * 60_000;
  };
  return { changes, stores, mirror, later, take: () => changes.splice(0) };
}

/** A connector with two tasks in force, one of them failed, and offsets. */
async function fill({ config, generations, leases, offsets, status, cluster }: Stores, name: string): Promise<void> {
  await config.createConnector(name, 'source', { name, 'connector.class': 'X' }, 'STARTED', now);
  const acquired = await leases.acquireConnector(name, 'w', now, now + 60_000);
  if (!acquired.granted) throw new Error(acquired.reason);
  const tasks = [0, 1].map((task) => ({ task, config: { name, task: `${task}` }, assignment: [], positions: [] }));
  await generations.putTasks(acquired.lease, 1, tasks, now);
  const applied = {
    generation: 1,
    taskCount: 2,
    appliedVersion: acquired.item.configVersion,
    state: 'RUNNING' as const,
  };
  await generations.applyGeneration(acquired.lease, { ...applied, trace: null, workerId: 'w' }, null);
  await status.putTaskState(name, 0, 'RUNNING', null, 'w');
  await status.putTaskState(name, 1, 'FAILED', 'a trace', 'w');
  const run = await leases.acquireTask(name, 0, 'w', now, now + 60_000);
  if (!run.granted) throw new Error(run.reason);
  const entries = [0, 1, 2, 3, 4].map((n) => sourceOffsetEntry({ file: `${n}` }, { position: BigInt(n) }));
  await offsets.commitSourceOffsets(run.lease, entries, { records: 5 });
  await config.putTargetState(name, 'PAUSED', now);
  await cluster.putLoggerLevels([{ logger: 'drover.worker', level: 'DEBUG', modifiedAt: now }]);
}

/** The newest value of each key, as compaction leaves it. */
async function held(client: KafkaClient, topics: MirrorTopics): Promise<Record<string, string>> {
  const newest = new Map<string, string | null>();
  for (const { name } of Object.values(topics)) {
    for (const { key, value } of await readTopic(client, name)) newest.set(`${name} ${key}`, value);
  }
  const said = [...newest].filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries(said.toSorted());
}

/** What a read of the table tells is when it was written, not when each record was. */
const withoutTimes = (records: Record<string, string>) =>
  Object.fromEntries(Object.entries(records).map(([key, value]) => [key, value.replace(/"timestamp":\d+,?/, '')]));

it('topics that were deleted are made again, compacted, and hold the table again when that is asked for', async () => {
  const topics = topicsOf(uniqueName('mirror-lost'));
  const { stores, mirror, take, later } = lab(kafka, kafkaAddress(), topics);
  for (const name of ['a', 'b', 'c']) await fill(stores, name);
  await mirror.handle(take());
  const before = await held(kafka, topics);
  expect(Object.keys(before).length).toBeGreaterThan(30);

  for (const { name } of Object.values(topics)) await deleteTopic(kafka, name);
  later();
  await stores.config.putConnectorConfig('a', 'source', { name: 'a', 'connector.class': 'X', changed: 'yes' }, now);
  const batch = take();
  // The stream brings the batch until it is taken, which may fail while the client still knows the old topics.
  await until('the topics are there again', () => mirror.handle(batch).then(() => true));
  for (const { name } of Object.values(topics)) {
    expect((await topicConfigs(name))?.get('cleanup.policy')).toBe('compact');
  }
  const report = await mirror.projectAgain(stores);
  expect(report.connectors).toBe(3);
  const after = withoutTimes(await held(kafka, topics));
  const changed = `${topics.configs.name} connector-a`;
  expect(after[changed]).toContain('"changed":"yes"');
  expect({ ...after, [changed]: '' }).toEqual({ ...withoutTimes(before), [changed]: '' });
  await mirror.close();
});

it('what changes while the table is written again is there with its newest value', async () => {
  const topics = topicsOf(uniqueName('mirror-race'));
  const { stores, mirror, take } = lab(kafka, kafkaAddress(), topics);
  await fill(stores, 'a');
  await mirror.handle(take());
  let read = 0;
  const { config } = stores;
  await mirror.projectAgain({
    ...stores,
    config: {
      listConnectorNames: (after) => config.listConnectorNames(after),
      getConnectorAndTasks: async (name) => {
        const found = await config.getConnectorAndTasks(name);
        // Behind this reading, and in the topics before what it has read.
        if (read++ === 0) {
          await config.putConnectorConfig(name, 'source', { name, newest: 'yes' }, now);
          await mirror.handle(take());
        }
        return found;
      },
    },
  });
  expect((await held(kafka, topics))[`${topics.configs.name} connector-a`]).toContain('"newest":"yes"');
  expect(read).toBeGreaterThan(2);
  await mirror.close();
});

it('a topic that would delete by age is refused by name until it is mended', async () => {
  const topics = topicsOf(uniqueName('mirror-policy'));
  const { stores, mirror, take, later } = lab(kafka, kafkaAddress(), topics);
  await fill(stores, 'a');
  await mirror.handle(take());
  await makeAgain(kafka, topics.offsets.name, 3);
  later();
  await fill(stores, 'b');
  const batch = take();
  const refusal = `Topic ${topics.offsets.name} (offset.storage.topic) has cleanup.policy=delete`;
  await expect(mirror.handle(batch)).rejects.toThrow(refusal);
  await expect(mirror.projectAgain(stores)).rejects.toThrow(refusal);
  await deleteTopic(kafka, topics.offsets.name);
  await mirror.handle(batch);
  expect(await readTopic(kafka, topics.offsets.name)).toHaveLength(5);
  await mirror.close();
});

it('a broker that is away for an hour fails each attempt, and gets everything in order when it is back', async () => {
  await using broker = await startPrivateBroker();
  // As the stream brings a batch about once a minute; here each attempt gives up sooner.
  const attempts = 60;
  const patienceMs = 100;
  const client = createKafkaClient({ bootstrapServers: broker.bootstrapServers, apiTimeoutMs: patienceMs });
  const reader = createKafkaClient({ bootstrapServers: broker.bootstrapServers });
  const topics = topicsOf('mirror-away');
  const { stores, mirror, take, later } = lab(client, broker.bootstrapServers, topics, patienceMs);
  await fill(stores, 'a');
  const first = take();
  const taken = (changes: readonly TableChange[]) =>
    until('the batch is taken', () => mirror.handle(changes).then(() => true));
  await taken(first);
  await broker.stop();
  // The stream holds a batch until it is taken, and what is written meanwhile behind it.
  const behind: TableChange[] = [];
  const { config, offsets } = stores;
  await config.putConnectorConfig('a', 'source', { name: 'a', 'connector.class': 'X', minute: 'none' }, now);
  const batch = take();
  for (let minute = 0; minute < attempts; minute++) {
    await config.putConnectorConfig('a', 'source', { name: 'a', 'connector.class': 'X', minute: `${minute}` }, now);
    await config.putTargetState('a', minute % 2 === 0 ? 'STOPPED' : 'STARTED', now);
    await offsets.alterSourceOffsets('b', [sourceOffsetEntry({ file: '0' }, { position: BigInt(minute) })], now);
    behind.push(...take());
    await expect(mirror.handle(batch), `attempt ${minute}`).rejects.toThrow();
    later();
  }
  await broker.start();
  await taken(batch);
  // A change at a time, so that the topics show each.
  for (const change of behind) await taken([change]);
  // What was taken without an answer in time is there twice, one behind the other.
  const valuesOf = async (topic: string, key: string) =>
    (await readTopic(reader, topic))
      .filter((record) => record.key?.startsWith(key))
      .map(({ value }) => value)
      .filter((value, index, all) => value !== all[index - 1]);
  const minutes = Array.from({ length: attempts }, (_, minute) => `${minute}`);
  const configs = await valuesOf(topics.configs.name, 'connector-a');
  const told = configs.map((value) => /"minute":"(\w+)"/.exec(value!)?.[1]).filter((minute) => minute !== undefined);
  expect(told).toEqual(['none', ...minutes]);
  expect(await valuesOf(topics.offsets.name, '["b"')).toEqual(minutes.map((minute) => `{"position":${minute}}`));
  const states = await valuesOf(topics.configs.name, 'target-state-a');
  expect(states.slice(-2).map((state) => JSON.parse(state!)['state.v2'])).toEqual(['STOPPED', 'STARTED']);
  await mirror.close();
  await client.close();
  await reader.close();
});
