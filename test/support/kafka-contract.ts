import { randomUUID } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { type ConnectError, isRetriable } from '../../src/errors.ts';
import { murmur2 } from '../../src/kafka/murmur2.ts';
import type { FetchedPartition, FetchOptions, KafkaClient, OutgoingBatch } from '../../src/kafka/types.ts';
import { until } from './until.ts';

const fetchOptions: FetchOptions = {
  maxWaitMs: 300,
  minBytes: 1,
  maxBytes: 1 << 20,
  maxPartitionBytes: 1 << 20,
  isolationLevel: 'read_committed',
};

const uniqueName = (prefix: string) => `${prefix}-${randomUUID().slice(0, 8)}`;
const textOf = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());
const codeOf = (error: unknown) => (error as ConnectError | null)?.code;

/** The records of a response, as text. */
function recordsOf({ cursor }: FetchedPartition) {
  const records: Record<string, unknown>[] = [];
  while (cursor?.next()) {
    const cut = (start: number, end: number) => (start < 0 ? null : cursor.buffer.toString('utf8', start, end));
    records.push({
      offset: cursor.offset,
      timestamp: cursor.timestamp,
      key: cut(cursor.keyStart, cursor.keyEnd),
      value: cut(cursor.valueStart, cursor.valueEnd),
      headers: cursor.headers().map(({ key, value }) => [key, textOf(value)]),
    });
  }
  return records;
}

/** What the worker relies on: a Kafka and its client, and what stands in for them, answer alike. */
export function kafkaContract(newClient: () => KafkaClient): void {
  const client = newClient();
  afterAll(() => client.close());

  async function newTopic(partitions = 1, configs: Record<string, string> = {}): Promise<string> {
    const topic = uniqueName('contract');
    await client.admin.createTopics([{ topic, partitions, replicationFactor: 1, configs }]);
    return topic;
  }

  async function fetchFrom(topic: string, offset: number, options: Partial<FetchOptions> = {}, partition = 0) {
    const fetcher = await client.fetcher();
    try {
      // A topic that has just been made may have no leader yet, which a run waits for too.
      return await until(`${topic} can be read`, async () => {
        const [fetched] = await fetcher.fetch([{ topic, partition, offset }], { ...fetchOptions, ...options });
        return isRetriable(fetched!.error) ? undefined : fetched!;
      });
    } finally {
      await fetcher.close();
    }
  }

  /** All values up to the end that `read_committed` has. */
  async function valuesIn(topic: string, isolationLevel: FetchOptions['isolationLevel'] = 'read_committed') {
    const ends = await client.admin.endOffsets([{ topic, partition: 0 }], isolationLevel);
    const end = Number(ends.get(topic)!.get(0));
    const values: unknown[] = [];
    for (let offset = 0; offset < end; ) {
      const fetched = await fetchFrom(topic, offset, { isolationLevel });
      if (fetched.error) throw fetched.error;
      if (fetched.cursor === null) continue;
      values.push(...recordsOf(fetched).map(({ value }) => value));
      offset = fetched.cursor.endOffset;
    }
    return values;
  }

  const fill = (batch: OutgoingBatch, topic: string, ...values: (string | null)[]) => {
    for (const value of values) batch.append(topic, 0, null, value, null, null);
    return batch;
  };

  async function send(topic: string, ...values: string[]) {
    const producer = await client.producer();
    const outcome = await producer.send(fill(producer.newBatch(), topic, ...values));
    await producer.close();
    return outcome;
  }

  describe('a producer', () => {
    it('lands records as they were given, and says where', async () => {
      const topic = await newTopic();
      const producer = await client.producer();
      const batch = producer.newBatch();
      batch.append(topic, 0, 'key', 'wörld', 1_700_000_000_123, [
        { key: 'h', value: 'x' },
        { key: 'h', value: null },
      ]);
      batch.append(topic, 0, null, null, 5, null);
      batch.append(topic, 0, Buffer.from(''), Buffer.from('bytes'), 6, null);
      const { failures, stopped, offsetOf } = await producer.send(batch);
      expect([failures.size, stopped]).toEqual([0, null]);
      expect([0, 1, 2].map(offsetOf)).toEqual([0, 1, 2].map((offset) => ({ topic, partition: 0, offset })));
      expect(recordsOf(await fetchFrom(topic, 0))).toEqual([
        {
          offset: 0,
          timestamp: 1_700_000_000_123,
          key: 'key',
          value: 'wörld',
          headers: [
            ['h', 'x'],
            ['h', null],
          ],
        },
        { offset: 1, timestamp: 5, key: null, value: null, headers: [] },
        { offset: 2, timestamp: 6, key: '', value: 'bytes', headers: [] },
      ]);
      await producer.close();
    });

    it('places a key where Java does, and keeps the order of overlapping sends', async () => {
      const topic = await newTopic(5);
      const producer = await client.producer();
      const sends = [0, 1, 2].map((send) => {
        const batch = producer.newBatch();
        for (let index = 0; index < 50; index++) batch.append(topic, null, `key${index}`, `${send}`, null, null);
        return producer.send(batch);
      });
      const outcomes = await Promise.all(sends);
      const placed = Array.from({ length: 50 }, (_, index) => outcomes[0]!.offsetOf(index)!.partition);
      expect(placed).toEqual(placed.map((_, index) => (murmur2(Buffer.from(`key${index}`)) & 0x7fffffff) % 5));
      for (let index = 0; index < 50; index++) {
        const offsets = outcomes.map(({ offsetOf }) => offsetOf(index)!.offset);
        expect(offsets).toEqual([...offsets].sort((one, other) => one - other));
      }
      await producer.close();
    });

    it('has a topic made by the first record that goes there', async () => {
      const topic = uniqueName('made');
      const outcome = await send(topic, 'a', 'b');
      expect(outcome.offsetOf(1)).toEqual({ topic, partition: 0, offset: 1 });
      expect(await client.admin.describeTopics([topic])).toMatchObject([{ topic, partitions: 1 }]);
    });

    it('goes on behind a record that is refused', async () => {
      const topic = await newTopic(1, { 'max.message.bytes': '1000' });
      const outcome = await send(topic, 'a', 'x'.repeat(5000), 'b');
      expect([...outcome.failures].map(([index, error]) => [index, codeOf(error)])).toEqual([
        [1, 'kafka.record_too_large'],
      ]);
      expect(outcome.offsetOf(1)).toBeNull();
      expect(await valuesIn(topic)).toEqual(['a', 'b']);
    });

    it('or stops there for good, if told to', async () => {
      const topic = await newTopic(1, { 'max.message.bytes': '1000' });
      const producer = await client.producer();
      const first = await producer.send(
        fill(producer.newBatch(), topic, 'a', 'x'.repeat(5000), 'b'),
        undefined,
        'stop',
      );
      expect(codeOf(first.stopped?.cause)).toBe('kafka.record_too_large');
      expect([first.offsetOf(0)?.offset, first.offsetOf(1), first.offsetOf(2)]).toEqual([0, null, null]);
      const second = await producer.send(fill(producer.newBatch(), topic, 'c'), undefined, 'stop');
      expect([second.stopped, second.offsetOf(0)]).toEqual([{ cause: null }, null]);
      expect(await valuesIn(topic)).toEqual(['a']);
      await producer.close();
    });

    it('sends no record that was cut off its batch', async () => {
      const topic = await newTopic();
      const producer = await client.producer();
      const batch = fill(producer.newBatch(), topic, 'a', 'b', 'c');
      batch.truncate(1);
      await producer.send(batch);
      expect(await valuesIn(topic)).toEqual(['a']);
      await producer.close();
    });
  });

  describe('a fetcher', () => {
    it('reads from where it is asked, and says how far it came', async () => {
      const topic = await newTopic();
      await send(topic, 'a', 'b', 'c');
      const fetched = await fetchFrom(topic, 1);
      expect(fetched).toMatchObject({ topic, partition: 0, error: null, highWatermark: 3, lastStableOffset: 3 });
      expect(fetched.topicId).toBe((await client.admin.describeTopics([topic]))[0]!.topicId);
      expect(fetched.cursor?.endOffset).toBe(3);
      expect(recordsOf(fetched).map(({ value }) => value)).toEqual(expect.arrayContaining(['b', 'c']));
      expect(fetched.cursor?.nextOffset).toBe(3);
    });

    it('waits for what is not there yet', async () => {
      const topic = await newTopic();
      const waiting = fetchFrom(topic, 0, { maxWaitMs: 30_000 });
      await send(topic, 'late');
      expect(recordsOf(await waiting).map(({ value }) => value)).toEqual(['late']);
      const nothing = await fetchFrom(topic, 1, { maxWaitMs: 1 });
      expect([recordsOf(nothing), nothing.error, nothing.cursor?.endOffset]).toEqual([[], null, 1]);
    });

    it('gives a record that is larger than it asks for', async () => {
      const topic = await newTopic();
      await send(topic, 'x'.repeat(5000), 'b');
      const fetched = await fetchFrom(topic, 0, { maxBytes: 100, maxPartitionBytes: 100 });
      expect(recordsOf(fetched)[0]).toMatchObject({ offset: 0, value: 'x'.repeat(5000) });
    });

    it('reads several partitions at once', async () => {
      const topic = await newTopic(3);
      const producer = await client.producer();
      const batch = producer.newBatch();
      for (let partition = 0; partition < 3; partition++)
        batch.append(topic, partition, null, `p${partition}`, null, null);
      await producer.send(batch);
      const fetcher = await client.fetcher();
      const found = new Map<number, unknown>();
      await until('each partition has given its record', async () => {
        const left = [0, 1, 2].filter((partition) => !found.has(partition));
        const positions = left.map((partition) => ({ topic, partition, offset: 0 }));
        for (const one of await fetcher.fetch(positions, fetchOptions)) {
          for (const { value } of recordsOf(one)) found.set(one.partition, value);
        }
        return found.size === 3;
      });
      expect([...found].sort()).toEqual([
        [0, 'p0'],
        [1, 'p1'],
        [2, 'p2'],
      ]);
      await fetcher.close();
      await producer.close();
    });

    it('tells what it cannot read', async () => {
      const topic = await newTopic();
      await send(topic, 'a');
      expect(codeOf((await fetchFrom(topic, 7)).error)).toBe('kafka.offset_out_of_range');
      const fetcher = await client.fetcher();
      const ofOther = { topic, partition: 0, offset: 0, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' };
      const [other] = await fetcher.fetch([ofOther], fetchOptions);
      expect([codeOf(other!.error), other!.cursor]).toEqual(['kafka.retriable', null]);
      await fetcher.close();
    });

    it('ends when it is aborted', async () => {
      const topic = await newTopic();
      const fetcher = await client.fetcher();
      const abort = new AbortController();
      const position = { topic, partition: 0, offset: 0 };
      const waiting = fetcher.fetch([position], { ...fetchOptions, maxWaitMs: 30_000 }, abort.signal);
      abort.abort();
      await expect(waiting).rejects.toThrow();
      await fetcher.close();
    });
  });

  describe('a transaction', () => {
    const open = async (id: string) => {
      const producer = await client.transactionalProducer(id);
      await producer.init();
      return producer;
    };

    it('is read by read_committed once it is committed, and never when it was aborted', async () => {
      const topic = await newTopic();
      const producer = await open(uniqueName('tx'));
      producer.begin();
      await producer.send(fill(producer.newBatch(), topic, 'a', 'b'));
      expect(await valuesIn(topic)).toEqual([]);
      expect(await valuesIn(topic, 'read_uncommitted')).toEqual(['a', 'b']);
      await producer.commit();
      // The broker answers before the partition has the mark.
      await until('it is read', async () => (await valuesIn(topic)).length === 2);
      producer.begin();
      await producer.send(fill(producer.newBatch(), topic, 'c'));
      await producer.abort();
      producer.begin();
      await producer.send(fill(producer.newBatch(), topic, 'd'));
      await producer.commit();
      await until('it is read', async () => (await valuesIn(topic)).length === 3);
      expect(await valuesIn(topic)).toEqual(['a', 'b', 'd']);
      expect(await valuesIn(topic, 'read_uncommitted')).toEqual(['a', 'b', 'c', 'd']);
      // Each has ended with a mark, which takes an offset.
      expect((await client.admin.endOffsets([{ topic, partition: 0 }])).get(topic)?.get(0)).toBe(7n);
      await producer.close();
    });

    it('holds back what others write behind it until it ends', async () => {
      const topic = await newTopic();
      const producer = await open(uniqueName('tx'));
      producer.begin();
      await producer.send(fill(producer.newBatch(), topic, 'a'));
      await send(topic, 'b');
      expect(await valuesIn(topic)).toEqual([]);
      expect((await fetchFrom(topic, 0, { isolationLevel: 'read_uncommitted' })).lastStableOffset).toBe(0);
      await producer.abort();
      await until('it is read', async () => (await valuesIn(topic)).length === 1);
      expect(await valuesIn(topic)).toEqual(['b']);
      await producer.close();
    });

    it('of an older producer is aborted and fenced by a newer one of the same id (I4)', async () => {
      const topic = await newTopic();
      const id = uniqueName('tx');
      const older = await open(id);
      older.begin();
      await older.send(fill(older.newBatch(), topic, 'older'));
      const newer = await open(id);
      newer.begin();
      await newer.send(fill(newer.newBatch(), topic, 'newer'));
      await expect(older.commit()).rejects.toMatchObject({ name: 'FencedError', code: 'lease.fenced' });
      await newer.commit();
      await until('it is read', async () => (await valuesIn(topic)).length === 1);
      expect(await valuesIn(topic)).toEqual(['newer']);
      await older.close();
      await newer.close();
    });
  });

  describe('an admin', () => {
    const { admin } = client;

    it('makes a topic once, and tells of those that are there', async () => {
      const topic = uniqueName('admin');
      const wanted = { topic, partitions: 2, replicationFactor: 1, configs: {} };
      expect(await admin.createTopics([wanted])).toEqual(new Map([[topic, true]]));
      expect(await admin.createTopics([wanted])).toEqual(new Map([[topic, false]]));
      const described = await admin.describeTopics([topic, uniqueName('none')]);
      expect(described).toEqual([{ topic, topicId: expect.stringMatching(/^[\w-]{22}$/), partitions: 2 }]);
      expect(await admin.listTopics()).toContain(topic);
      await expect(admin.createTopics([{ ...wanted, topic: 'no such name' }])).rejects.toMatchObject({
        code: 'kafka.invalid_topic',
      });
      expect(await admin.clusterId()).toBe(await admin.clusterId());
    });

    it('adds partitions and takes none away', async () => {
      const topic = await newTopic(2);
      await admin.createPartitions(topic, 4);
      await until('they are there', async () => (await admin.describeTopics([topic]))[0]?.partitions === 4);
      await expect(admin.createPartitions(topic, 3)).rejects.toMatchObject({ code: 'kafka.invalid_partitions' });
    });

    it('knows where partitions begin and end, and what came lately', async () => {
      const topic = await newTopic();
      const at = [{ topic, partition: 0 }];
      const producer = await client.producer();
      const batch = producer.newBatch();
      batch.append(topic, 0, null, 'old', 1000, null);
      batch.append(topic, 0, null, 'new', null, null);
      await producer.send(batch);
      await producer.close();
      const only = (offset: bigint) => new Map([[topic, new Map([[0, offset]])]]);
      expect(await admin.beginningOffsets(at)).toEqual(only(0n));
      expect(await admin.endOffsets(at)).toEqual(only(2n));
      expect(await admin.endOffsets(at, 'read_committed')).toEqual(only(2n));
      expect(await admin.recentOffsets(at, 3_600_000)).toEqual(only(1n));
    });

    it('keeps the offsets of a group, with what was written beside them', async () => {
      const topic = await newTopic(2);
      const group = uniqueName('group');
      expect(await admin.groupOffsets(group)).toEqual(new Map());
      await admin.commitGroupOffsets(group, [
        { topic, partition: 0, offset: 5n, metadata: 'mark' },
        { topic, partition: 1, offset: 7n },
      ]);
      const first = [{ topic, partition: 0 }];
      expect(await admin.groupOffsets(group, first)).toEqual(new Map([[topic, new Map([[0, 5n]])]]));
      expect((await admin.groupCommits(group)).get(topic)).toEqual(
        new Map([
          [0, { offset: 5n, metadata: 'mark' }],
          [1, { offset: 7n, metadata: '' }],
        ]),
      );
      await admin.deleteGroupOffsets(group, first);
      await admin.deleteGroupOffsets(group, first);
      expect((await admin.groupOffsets(group)).get(topic)).toEqual(new Map([[1, 7n]]));
      await admin.deleteGroup(group);
      await admin.deleteGroup(group);
      await admin.deleteGroupOffsets(group, first);
      expect(await admin.groupOffsets(group)).toEqual(new Map());
    });
  });
}
