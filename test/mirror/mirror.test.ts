import { describe, expect, it } from 'vitest';
import { ConnectError, RetriableError } from '../../src/errors.ts';
import { murmur2 } from '../../src/kafka/murmur2.ts';
import type { ControlPlane, KafkaClient, NewTopic, OutgoingBatch, TopicDescription } from '../../src/kafka/types.ts';
import { Mirror } from '../../src/mirror/mirror.ts';
import type { MirrorTopics } from '../../src/mirror/topics.ts';
import { createMemoryStores } from '../../src/storage/memory/stores.ts';
import { sourceOffsetEntry } from '../../src/storage/source-offset-text.ts';
import type { TableChange } from '../../src/storage/table-change.ts';
import { javaRecords } from './java-records.ts';

/** Apache's names and partitions. */
const apacheTopics = (replicationFactor: number): MirrorTopics => ({
  configs: { name: 'connect-configs', partitions: 1, replicationFactor },
  offsets: { name: 'connect-offsets', partitions: 25, replicationFactor },
  status: { name: 'connect-status', partitions: 5, replicationFactor },
});

const now = 1_700_000_000_000;

interface Appended {
  readonly topic: string;
  readonly key: unknown;
  readonly value: unknown;
}

/** The few calls that the mirror makes of a client. */
function fakeKafka(existing: TopicDescription[] = [], policies: Record<string, string> | Error = {}) {
  const appended: Appended[] = [];
  const created: NewTopic[] = [];
  const answers: ('ok' | Error | Map<number, Error>)[] = [];
  const producer = {
    newBatch: () => {
      const batch: Appended[] = [];
      return {
        batch,
        append: (topic: string, _: null, key: unknown, value: unknown) => batch.push({ topic, key, value }),
      };
    },
    send: async (batch: OutgoingBatch & { batch: Appended[] }) => {
      const answer = answers.shift() ?? 'ok';
      if (answer instanceof Error) throw answer;
      appended.push(...batch.batch);
      return { failures: answer === 'ok' ? new Map() : answer, offsetOf: () => null };
    },
    close: async () => {},
  };
  const admin = { describeTopics: async () => existing };
  const controlPlane: ControlPlane = {
    createTopics: async (topics: NewTopic[]) => {
      created.push(...topics);
      return new Map();
    },
    describeTopicConfigs: async () => {
      if (policies instanceof Error) throw policies;
      return new Map(Object.entries(policies).map(([topic, policy]) => [topic, new Map([['cleanup.policy', policy]])]));
    },
    close: async () => {},
  };
  const kafka = { admin, producer: async () => producer } as unknown as KafkaClient;
  return { kafka, controlPlane, appended, created, answers };
}

async function offsetChanges(positions: readonly number[]): Promise<TableChange[]> {
  const changes: TableChange[] = [];
  const stores = createMemoryStores({ onChange: (change) => changes.push(change) });
  for (const position of positions) {
    const entry = sourceOffsetEntry({ filename: 'f' }, { position: BigInt(position) });
    await stores.offsets.alterSourceOffsets('a', [entry], now + position);
  }
  return changes.filter(({ kind }) => kind === 'source-offset');
}

const mirrorOver = ({ kafka, controlPlane }: Pick<ReturnType<typeof fakeKafka>, 'kafka' | 'controlPlane'>) =>
  new Mirror({
    kafka,
    controlPlane,
    topics: apacheTopics(3),
    configs: { getTasks: async () => [] },
    versionOf: () => null,
  });

const positionsIn = (appended: readonly Appended[]) =>
  appended.map(({ value }) => (JSON.parse(value as string) as { position: number }).position);

describe('mirror', () => {
  it('refuses topics that Kafka would delete old records of, unless it may not ask', async () => {
    const there = [
      { topic: 'connect-configs', topicId: null, partitions: 1 },
      { topic: 'connect-offsets', topicId: null, partitions: 25 },
      { topic: 'connect-status', topicId: null, partitions: 5 },
    ];
    const policies = { 'connect-configs': 'compact', 'connect-offsets': 'compact,delete', 'connect-status': 'compact' };
    const changes = await offsetChanges([1]);
    await expect(mirrorOver(fakeKafka(there, policies)).handle(changes)).rejects.toMatchObject({
      message: expect.stringContaining('connect-offsets (offset.storage.topic) has cleanup.policy=compact,delete'),
    });
    const compacted = fakeKafka(there, { ...policies, 'connect-offsets': 'compact' });
    await mirrorOver(compacted).handle(changes);
    expect(compacted.created).toEqual([]);
    const forbidden = fakeKafka(there, new ConnectError('kafka.not_authorized', 'not authorized'));
    await mirrorOver(forbidden).handle(changes);
    expect(forbidden.appended).toHaveLength(1);
  });

  it('creates the topics as Apache does, compacted, before the first record', async () => {
    const fake = fakeKafka();
    const { created } = fake;
    await mirrorOver(fake).handle(await offsetChanges([1]));
    expect(created).toEqual([
      { topic: 'connect-configs', partitions: 1, replicationFactor: 3, configs: { 'cleanup.policy': 'compact' } },
      { topic: 'connect-offsets', partitions: 25, replicationFactor: 3, configs: { 'cleanup.policy': 'compact' } },
      { topic: 'connect-status', partitions: 5, replicationFactor: 3, configs: { 'cleanup.policy': 'compact' } },
    ]);
  });

  it('refuses a configs topic of several partitions, naming the setting', async () => {
    const fake = fakeKafka([{ topic: 'connect-configs', topicId: null, partitions: 3 }]);
    await expect(mirrorOver(fake).handle(await offsetChanges([1]))).rejects.toMatchObject({
      message: expect.stringContaining('exactly one'),
      facts: { key: 'config.storage.topic' },
    });
  });

  it('a batch that comes twice, and one that comes late, leave the newest record last', async () => {
    const fake = fakeKafka();
    const { appended } = fake;
    const mirror = mirrorOver(fake);
    const changes = await offsetChanges([1, 2, 3, 4]);
    expect(await mirror.handle(changes.slice(2))).toBe(1);
    expect(await mirror.handle(changes.slice(2))).toBe(0);
    expect(await mirror.handle(changes.slice(0, 2))).toBe(0);
    expect(positionsIn(appended)).toEqual([4]);
  });

  it('a batch out of order is written without going back', async () => {
    const fake = fakeKafka();
    const { appended } = fake;
    const [one, two, three] = await offsetChanges([1, 2, 3]);
    await mirrorOver(fake).handle([one, three, two] as TableChange[]);
    expect(positionsIn(appended)).toEqual([3]);
  });

  it('a status that changed in a record which comes late is written, with its newest value', async () => {
    const fake = fakeKafka();
    const { appended } = fake;
    const mirror = mirrorOver(fake);
    const changes: TableChange[] = [];
    const stores = createMemoryStores({ onChange: (change) => changes.push(change) });
    await stores.config.createConnector('a', 'source', {}, 'STARTED', now);
    const turn = await stores.leases.acquireConnector('a', 'turn', now, now + 60_000);
    if (!turn.granted) throw new Error(turn.reason);
    await stores.generations.putTasks(turn.lease, 1, [{ task: 0, config: {}, assignment: [], positions: [] }], now);
    changes.splice(0);
    await stores.status.putTaskState('a', 0, 'FAILED', 'why', 'w');
    await stores.status.putTaskState('a', 0, 'FAILED', 'why', 'another');
    const [failed, again] = changes.filter(({ kind }) => kind === 'task');
    expect(await mirror.handle([again!])).toBe(0);
    expect(await mirror.handle([failed!])).toBe(1);
    expect(await mirror.handle([failed!, again!])).toBe(1);
    expect(appended.map(({ value }) => (JSON.parse(value as string) as { state: string }).state)).toEqual([
      'FAILED',
      'FAILED',
    ]);
  });

  it('what was not acknowledged is written when the stream brings it again', async () => {
    const fake = fakeKafka();
    const { appended, answers } = fake;
    const mirror = mirrorOver(fake);
    const changes = await offsetChanges([1, 2]);
    answers.push(new RetriableError('broker away'));
    await expect(mirror.handle(changes)).rejects.toBeInstanceOf(RetriableError);
    expect(await mirror.handle(changes)).toBe(1);
    expect(positionsIn(appended)).toEqual([2]);
  });

  it('a record that the broker refuses is named', async () => {
    const fake = fakeKafka();
    const { answers } = fake;
    answers.push(new Map([[0, new Error('too large')]]));
    await expect(mirrorOver(fake).handle(await offsetChanges([1]))).rejects.toMatchObject({
      code: 'mirror.refused',
      message: 'The broker refused ["a",{"filename":"f"}] on connect-offsets',
    });
  });

  it('keys are placed where Java placed them, so that its compaction meets ours', () => {
    const partitions = { configs: 1, offsets: 25, status: 5 };
    for (const { topic, key, partition } of javaRecords) {
      expect((murmur2(Buffer.from(key)) & 0x7fffffff) % partitions[topic], key).toBe(partition);
    }
  });
});
