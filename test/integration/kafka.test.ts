import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { ConnectError, FencedError } from '../../src/errors.ts';
import { KafkaJsControlPlane } from '../../src/kafka/control-plane.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { murmur2 } from '../../src/kafka/murmur2.ts';
import { readTopic, sendValues, uniqueName } from '../support/kafka-records.ts';
import { kafkaAddress } from '../support/services.ts';
import { topicConfigs } from '../support/topic-configs.ts';

const client = createKafkaClient({ bootstrapServers: kafkaAddress() });
afterAll(() => client.close());

const numbered = (count: number, prefix = 'v') => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

const fetchOptions = {
  maxWaitMs: 300,
  minBytes: 1,
  maxBytes: 1 << 20,
  maxPartitionBytes: 1 << 20,
  isolationLevel: 'read_committed',
} as const;

async function newTopic(partitions = 1, configs: Record<string, string> = {}): Promise<string> {
  const topic = uniqueName('kafka');
  await client.admin.createTopics([{ topic, partitions, replicationFactor: 1, configs }]);
  return topic;
}

describe('prepare', () => {
  it('has the brokers at hand: what it was told to ask first is not needed any more', async () => {
    const topic = await newTopic();
    const { hostname, port } = new URL(`kafka://${kafkaAddress()}`);
    let asked = 0;
    const door = createServer((socket) => {
      asked++;
      const broker = connect(Number(port), hostname);
      pipeline(socket, broker, socket, () => {});
    });
    door.listen(0, '127.0.0.1');
    await once(door, 'listening');
    const one = createKafkaClient({ bootstrapServers: `127.0.0.1:${(door.address() as AddressInfo).port}` });
    try {
      await one.prepare();
      expect(asked).toBe(1);
      door.close();
      await sendValues(await one.producer(), topic, ['a']);
      expect((await readTopic(client, topic)).map(({ value }) => value)).toEqual(['a']);
    } finally {
      door.close();
      await one.close();
    }
  });

  it('rejects where the brokers are out of reach, and says so', async () => {
    const closed = createServer();
    closed.listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    const one = createKafkaClient({ bootstrapServers: `127.0.0.1:${port}`, connectTimeoutMs: 200, apiTimeoutMs: 500 });
    const failure = await one.prepare().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConnectError);
    expect((failure as ConnectError).code).toBe('kafka.unreachable');
    await one.close();
  });
});

describe('producer', () => {
  it('lands every record once, in order, with key, value, timestamp and headers as given', async () => {
    const topic = await newTopic();
    const producer = await client.producer();
    const batch = producer.newBatch();
    batch.append(topic, 0, 'key', 'wörld', 1_700_000_000_123, [
      { key: 'h', value: 'x' },
      { key: 'h', value: null },
    ]);
    batch.append(topic, 0, null, Buffer.from('bytes'), 1_700_000_000_000, null);
    batch.append(topic, 0, Buffer.from('tomb'), null, 5, null);
    batch.append(topic, 0, '', '', 6, null);
    const outcome = await producer.send(batch);
    expect(outcome.failures.size).toBe(0);
    expect([0, 1, 2, 3].map((index) => outcome.offsetOf(index))).toEqual(
      [0, 1, 2, 3].map((offset) => ({ topic, partition: 0, offset })),
    );
    const seen = await readTopic(client, topic);
    expect(seen.map(({ key, value, timestamp, headers }) => ({ key, value, timestamp, headers }))).toEqual([
      {
        key: 'key',
        value: 'wörld',
        timestamp: 1_700_000_000_123,
        headers: [
          { key: 'h', value: 'x' },
          { key: 'h', value: null },
        ],
      },
      { key: null, value: 'bytes', timestamp: 1_700_000_000_000, headers: [] },
      { key: 'tomb', value: null, timestamp: 5, headers: [] },
      { key: '', value: '', timestamp: 6, headers: [] },
    ]);
  });

  it('keeps the order of sends that overlap, over many requests in flight', async () => {
    const topic = await newTopic();
    const producer = await client.producer({ 'batch.size': '4096' });
    const values = numbered(20_000, 'a longer value so that there are many batches ');
    const sends: Promise<unknown>[] = [];
    for (let at = 0; at < values.length; at += 1000) {
      sends.push(sendValues(producer, topic, values.slice(at, at + 1000)));
    }
    await Promise.all(sends);
    expect((await readTopic(client, topic)).map(({ value }) => value)).toEqual(values);
  });

  it('creates no order across partitions but keeps it within, and says where each record landed', async () => {
    const topic = await newTopic(5);
    const producer = await client.producer();
    const batch = producer.newBatch();
    for (let index = 0; index < 2000; index++) batch.append(topic, null, `key${index % 50}`, `${index}`, null, null);
    const outcome = await producer.send(batch);
    const seen = await readTopic(client, topic);
    expect(seen).toHaveLength(2000);
    for (const record of seen) {
      expect(record.partition).toBe((murmur2(Buffer.from(record.key!)) & 0x7fffffff) % 5);
      expect(outcome.offsetOf(Number(record.value))).toEqual({
        topic,
        partition: record.partition,
        offset: record.offset,
      });
    }
    for (let partition = 0; partition < 5; partition++) {
      const order = seen.filter((one) => one.partition === partition).map(({ value }) => Number(value));
      expect(order).toEqual([...order].sort((one, other) => one - other));
    }
  });

  it('writes one batch to several topics and lets the broker create those that do not exist', async () => {
    const topics = [uniqueName('auto'), uniqueName('auto')];
    const producer = await client.producer();
    const batch = producer.newBatch();
    for (let index = 0; index < 100; index++) batch.append(topics[index % 2]!, null, null, `${index}`, null, null);
    const outcome = await producer.send(batch);
    expect(outcome.failures.size).toBe(0);
    expect(outcome.offsetOf(3)).toEqual({ topic: topics[1], partition: 0, offset: 1 });
    for (const topic of topics) expect(await readTopic(client, topic)).toHaveLength(50);
  });

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('compresses with %s, over several batches', async (type) => {
    const topic = await newTopic();
    const producer = await client.producer({ 'compression.type': type });
    const values = numbered(30_000, 'the quick brown fox jumps over the lazy dog ');
    expect((await sendValues(producer, topic, values)).failures.size).toBe(0);
    expect((await readTopic(client, topic)).map(({ value }) => value)).toEqual(values);
  });

  it.each(['0', '1'])('acks=%s lands too; without acknowledgement no offset is known', async (acks) => {
    const topic = await newTopic();
    const producer = await client.producer({ acks });
    const outcome = await sendValues(producer, topic, numbered(10));
    expect(outcome.offsetOf(3)?.offset).toBe(acks === '0' ? -1 : 3);
    await expect.poll(async () => (await readTopic(client, topic)).length).toBe(10);
  });

  it('fails a record above max.request.size alone', async () => {
    const topic = await newTopic();
    const producer = await client.producer({ 'max.request.size': '5000' });
    const outcome = await sendValues(producer, topic, ['a', 'x'.repeat(6000), 'ü'.repeat(3000), 'b']);
    expect([...outcome.failures.keys()]).toEqual([1, 2]);
    expect(outcome.failures.get(1)).toMatchObject({ code: 'kafka.record_too_large', retriable: false });
    expect(outcome.offsetOf(1)).toBeNull();
    expect(outcome.offsetOf(3)).toEqual({ topic, partition: 0, offset: 1 });
    expect((await readTopic(client, topic)).map(({ value }) => value)).toEqual(['a', 'b']);
  });

  it('splits what the topic finds too large, fails only the record that is, and goes on in order', async () => {
    const topic = await newTopic(1, { 'max.message.bytes': '20000' });
    const producer = await client.producer();
    const values = numbered(3000, 'some value ');
    values[1234] = 'x'.repeat(25_000);
    const first = sendValues(producer, topic, values);
    const second = sendValues(producer, topic, numbered(500, 'after '));
    const outcome = await first;
    expect([...outcome.failures.keys()]).toEqual([1234]);
    expect(outcome.failures.get(1234)).toMatchObject({ code: 'kafka.record_too_large' });
    expect((await second).failures.size).toBe(0);
    const landed = [...values.filter((_, index) => index !== 1234), ...numbered(500, 'after ')];
    expect((await readTopic(client, topic)).map(({ value }) => value)).toEqual(landed);
  });

  it('fails only the records that a compacted topic refuses, and sends the others', async () => {
    const topic = await newTopic(1, { 'cleanup.policy': 'compact' });
    const producer = await client.producer();
    const batch = producer.newBatch();
    for (let index = 0; index < 20; index++)
      batch.append(topic, 0, index === 7 ? null : `k${index}`, `${index}`, null, null);
    const outcome = await producer.send(batch);
    expect([...outcome.failures.keys()]).toEqual([7]);
    expect(outcome.failures.get(7)).toMatchObject({ code: 'kafka.invalid_record' });
    const again = await sendValues(producer, topic, ['no key']);
    expect(again.failures.size).toBe(1);
    const more = producer.newBatch();
    more.append(topic, 0, 'k', 'after', null, null);
    expect((await producer.send(more)).failures.size).toBe(0);
    expect((await readTopic(client, topic)).map(({ value }) => value)).toEqual([
      ...Array.from({ length: 20 }, (_, index) => `${index}`).filter((value) => value !== '7'),
      'after',
    ]);
  });

  it('names an impossible topic and an impossible partition, and sends the rest', async () => {
    const topic = await newTopic(2);
    const producer = await client.producer();
    const batch = producer.newBatch();
    batch.append('not a topic!', null, null, 'x', null, null);
    batch.append(topic, 5, null, 'x', null, null);
    batch.append(topic, 1, null, 'good', null, null);
    const outcome = await producer.send(batch);
    expect(outcome.failures.get(0)).toMatchObject({ code: 'kafka.invalid_topic' });
    expect(outcome.failures.get(1)).toMatchObject({ code: 'kafka.no_such_partition' });
    expect(outcome.offsetOf(2)).toEqual({ topic, partition: 1, offset: 0 });
  });

  it('gives up when the signal aborts, and a later send still lands once', async () => {
    const topic = await newTopic();
    const producer = await client.producer();
    await expect(sendValues(producer, topic, ['never'], AbortSignal.abort(new Error('out of time')))).rejects.toThrow(
      'out of time',
    );
    const controller = new AbortController();
    const aborted = sendValues(producer, topic, numbered(100_000, 'long enough to be under way '), controller.signal);
    controller.abort(new Error('deadline'));
    await expect(aborted).rejects.toThrow('deadline');
    const before = (await readTopic(client, topic)).length;
    expect((await sendValues(producer, topic, ['late'])).offsetOf(0)?.offset).toBe(before);
  });

  it('a producer goes on under the id of one that was closed, in the next epoch; two at once share none', async () => {
    const own = createKafkaClient({ bootstrapServers: kafkaAddress() });
    try {
      const topic = await newTopic();
      const sendOne = async (value: string) => {
        const producer = await own.producer();
        await sendValues(producer, topic, [value]);
        return producer;
      };
      const first = await sendOne('a');
      const second = await sendOne('b');
      await first.close();
      const third = await sendOne('c');
      await sendValues(third, topic, ['d']);
      await Promise.all([second.close(), third.close()]);
      await (await sendOne('e')).close();
      const fetcher = await own.fetcher();
      const [fetched] = await fetcher.fetch([{ topic, partition: 0, offset: 0 }], fetchOptions);
      const cursor = fetched!.cursor!;
      const seen: { value: string; id: bigint; epoch: number; sequence: number }[] = [];
      while (cursor.next()) {
        // Behind the header of a batch six bytes stand in front of the value of such a record.
        const header = cursor.valueStart - 61 - 6;
        seen.push({
          value: cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd),
          id: cursor.buffer.readBigInt64BE(header + 43),
          epoch: cursor.buffer.readInt16BE(header + 51),
          sequence: cursor.buffer.readInt32BE(header + 53),
        });
      }
      const [a, b] = seen;
      expect(a!.id).not.toBe(b!.id);
      expect(seen.slice(0, 4)).toEqual([
        { value: 'a', id: a!.id, epoch: 0, sequence: 0 },
        { value: 'b', id: b!.id, epoch: 0, sequence: 0 },
        { value: 'c', id: a!.id, epoch: 1, sequence: 0 },
        { value: 'd', id: a!.id, epoch: 1, sequence: 1 },
      ]);
      expect([seen[4]!.value, seen[4]!.sequence]).toEqual(['e', 0]);
      expect([`${a!.id} 2`, `${b!.id} 1`]).toContain(`${seen[4]!.id} ${seen[4]!.epoch}`);
    } finally {
      await own.close();
    }
  });

  it('sends of an empty batch resolve without a broker', async () => {
    const nowhere = createKafkaClient({ bootstrapServers: '127.0.0.1:1' });
    const producer = await nowhere.producer();
    expect((await producer.send(producer.newBatch())).failures.size).toBe(0);
    await nowhere.close();
  });
});

describe('transactions', () => {
  it('I4: what is committed is seen whole, what is aborted never, and offsets of both pass', async () => {
    const topic = await newTopic(2);
    const producer = await client.transactionalProducer(uniqueName('tx'));
    await producer.init();
    const committed: string[] = [];
    for (let round = 0; round < 12; round++) {
      producer.begin();
      const batch = producer.newBatch();
      for (let index = 0; index < 10; index++) batch.append(topic, index % 2, null, `${round}/${index}`, null, null);
      expect((await producer.send(batch)).failures.size).toBe(0);
      if (round % 3 === 2) await producer.abort();
      else {
        await producer.commit();
        for (let index = 0; index < 10; index++) committed.push(`${round}/${index}`);
      }
    }
    const values = async (level: 'read_committed' | 'read_uncommitted') =>
      (await readTopic(client, topic, level)).map(({ value }) => value).sort();
    await expect.poll(() => values('read_committed')).toEqual(committed.sort());
    expect(await values('read_uncommitted')).toHaveLength(120);
  });

  it('I4: an open transaction holds read_committed readers back until it ends', async () => {
    const topic = await newTopic();
    const producer = await client.transactionalProducer(uniqueName('tx'));
    await producer.init();
    producer.begin();
    await sendValues(producer, topic, ['open']);
    const fetcher = await client.fetcher();
    const [held] = await fetcher.fetch([{ topic, partition: 0, offset: 0 }], { ...fetchOptions, maxWaitMs: 50 });
    expect(held!.cursor!.next()).toBe(false);
    expect(held!.cursor!.nextOffset).toBe(0);
    expect(held).toMatchObject({ highWatermark: 1, lastStableOffset: 0 });
    await producer.commit();
    // The broker answers a commit before it has written the markers.
    await expect.poll(async () => (await readTopic(client, topic)).map(({ value }) => value)).toEqual(['open']);
    await fetcher.close();
  });

  it('I4: init fences the producer before, whose open transaction is aborted', async () => {
    const topic = await newTopic();
    const id = uniqueName('tx');
    const old = await client.transactionalProducer(id);
    await old.init();
    old.begin();
    await sendValues(old, topic, ['zombie']);
    const next = await client.transactionalProducer(id);
    await next.init();
    await expect(sendValues(old, topic, ['zombie again'])).rejects.toBeInstanceOf(FencedError);
    await expect(old.commit()).rejects.toBeInstanceOf(FencedError);
    await expect(old.init()).rejects.toBeInstanceOf(FencedError);
    next.begin();
    await sendValues(next, topic, ['alive']);
    await next.commit();
    await expect.poll(async () => (await readTopic(client, topic)).map(({ value }) => value)).toEqual(['alive']);
  });

  it('I4: a fenced producer learns it at commit too', async () => {
    const topic = await newTopic();
    const id = uniqueName('tx');
    const old = await client.transactionalProducer(id);
    await old.init();
    old.begin();
    await sendValues(old, topic, ['zombie']);
    await (await client.transactionalProducer(id)).init();
    await expect(old.commit()).rejects.toBeInstanceOf(FencedError);
    expect(await readTopic(client, topic)).toEqual([]);
  });

  it('refuses steps out of order by name', async () => {
    const producer = await client.transactionalProducer(uniqueName('tx'));
    expect(() => producer.begin()).toThrow(/begin a transaction/);
    await producer.init();
    await expect(producer.commit()).rejects.toMatchObject({ code: 'kafka.transaction_state' });
    producer.begin();
    await producer.commit();
    await producer.abort();
  });

  it('goes on after a send that was given up: abort, then a new transaction', async () => {
    const topic = await newTopic();
    const producer = await client.transactionalProducer(uniqueName('tx'));
    await producer.init();
    producer.begin();
    const controller = new AbortController();
    const send = sendValues(producer, topic, numbered(100_000, 'long enough to be under way '), controller.signal);
    controller.abort(new Error('deadline'));
    await expect(send).rejects.toThrow('deadline');
    await expect(producer.commit()).rejects.toMatchObject({ code: 'kafka.transaction_must_abort', retriable: true });
    await producer.abort();
    producer.begin();
    await sendValues(producer, topic, ['fine']);
    await producer.commit();
    await expect.poll(async () => (await readTopic(client, topic)).map(({ value }) => value)).toEqual(['fine']);
  });

  it('does without a round trip for a transaction that wrote nothing, and takes many in a row quickly', async () => {
    const topic = await newTopic();
    const producer = await client.transactionalProducer(uniqueName('tx'));
    await producer.init();
    for (let round = 0; round < 100; round++) {
      producer.begin();
      if (round % 2) await sendValues(producer, topic, [`${round}`]);
      await producer.commit();
    }
    await expect.poll(() => readTopic(client, topic)).toHaveLength(50);
  });
});

describe('fetcher', () => {
  it('reports each partition for itself: out of range, unknown topic, unknown partition, records', async () => {
    const topic = await newTopic(2);
    const producer = await client.producer();
    await sendValues(producer, topic, ['a', 'b']);
    // A new partition has its leader a moment after its topic is there: once it has taken a record.
    const other = producer.newBatch();
    other.append(topic, 1, null, 'c', null, null);
    await producer.send(other);
    const missing = uniqueName('missing');
    const fetcher = await client.fetcher();
    const fetched = await fetcher.fetch(
      [
        { topic, partition: 0, offset: 1 },
        { topic, partition: 1, offset: 99 },
        { topic, partition: 7, offset: 0 },
        { topic: missing, partition: 0, offset: 0 },
      ],
      fetchOptions,
    );
    const of = (name: string, partition: number) =>
      fetched.find((one) => one.topic === name && one.partition === partition)!;
    const { cursor, highWatermark } = of(topic, 0);
    expect(highWatermark).toBe(2);
    expect(cursor!.next()).toBe(true);
    expect(cursor!.buffer.toString('utf8', cursor!.valueStart, cursor!.valueEnd)).toBe('b');
    expect(cursor!.next()).toBe(false);
    expect(of(topic, 1).error).toMatchObject({ code: 'kafka.offset_out_of_range', retriable: false });
    expect(of(topic, 7).error).toMatchObject({ code: 'kafka.unknown_topic' });
    expect(of(missing, 0).error).toMatchObject({ code: 'kafka.unknown_topic' });
    expect(await client.admin.describeTopics([missing])).toEqual([]);
    await fetcher.close();
  });

  it('stays within maxBytes but always brings the first batch', async () => {
    const topic = await newTopic();
    const producer = await client.producer({ 'batch.size': '10000' });
    await sendValues(producer, topic, numbered(10_000, 'padding padding padding '));
    const fetcher = await client.fetcher();
    const bounded = { ...fetchOptions, maxBytes: 50_000, maxPartitionBytes: 50_000 };
    const [some] = await fetcher.fetch([{ topic, partition: 0, offset: 0 }], bounded);
    while (some!.cursor!.next());
    expect(some!.cursor!.buffer.length).toBeLessThan(60_000);
    const [least] = await fetcher.fetch([{ topic, partition: 0, offset: 0 }], {
      ...bounded,
      maxPartitionBytes: 1,
      maxBytes: 1,
    });
    let count = 0;
    while (least!.cursor!.next()) count++;
    expect(count).toBeGreaterThan(0);
    await fetcher.close();
  });

  it('comes back when records arrive, before the wait is over', async () => {
    const topic = await newTopic();
    const producer = await client.producer();
    await sendValues(producer, topic, ['before']);
    const fetcher = await client.fetcher();
    // Were the wait sat out, the answer would be empty.
    const waiting = fetcher.fetch([{ topic, partition: 0, offset: 1 }], { ...fetchOptions, maxWaitMs: 10_000 });
    await sendValues(producer, topic, ['here']);
    const [fetched] = await waiting;
    expect(fetched!.cursor!.next()).toBe(true);
    expect(fetched!.cursor!.offset).toBe(1);
    await fetcher.close();
  });

  it('lets go at once when the signal aborts', async () => {
    const topic = await newTopic();
    await sendValues(await client.producer(), topic, ['before']);
    const fetcher = await client.fetcher();
    const waiting = fetcher.fetch(
      [{ topic, partition: 0, offset: 1 }],
      { ...fetchOptions, maxWaitMs: 5000 },
      AbortSignal.timeout(20),
    );
    await expect(waiting).rejects.toThrow(/aborted/);
    await fetcher.close();
  });

  it('reads LogAppendTime where the topic says so', async () => {
    const topic = await newTopic(1, { 'message.timestamp.type': 'LogAppendTime' });
    const producer = await client.producer();
    const batch = producer.newBatch();
    batch.append(topic, 0, null, 'x', 1000, null);
    await producer.send(batch);
    const fetcher = await client.fetcher();
    const [fetched] = await fetcher.fetch([{ topic, partition: 0, offset: 0 }], fetchOptions);
    expect(fetched!.cursor!.next()).toBe(true);
    expect(fetched!.cursor!.timestampType).toBe('LogAppendTime');
    expect(fetched!.cursor!.timestamp).toBeGreaterThan(1_600_000_000_000);
    await fetcher.close();
  });
});

describe('control plane', () => {
  it('creates topics with their configs, tells which were there, reads configs, and is used again after its end', async () => {
    const controlPlane = new KafkaJsControlPlane({ bootstrapServers: kafkaAddress() });
    const topic = uniqueName('control');
    const wanted = { topic, partitions: 2, replicationFactor: 1, configs: { 'cleanup.policy': 'compact' } };
    expect(await controlPlane.createTopics([wanted])).toEqual(new Map([[topic, true]]));
    await controlPlane.close();
    expect(await controlPlane.createTopics([wanted])).toEqual(new Map([[topic, false]]));
    const described = await controlPlane.describeTopicConfigs([topic, uniqueName('missing')]);
    expect([...described.keys()]).toEqual([topic]);
    expect(described.get(topic)!.get('cleanup.policy')).toBe('compact');
    const refused = controlPlane.createTopics([{ ...wanted, topic: `${topic}-2`, replicationFactor: 9 }]);
    await expect(refused).rejects.toMatchObject({ code: 'kafka.invalid_replication_factor', retriable: false });
    await controlPlane.close();
    const nowhere = new KafkaJsControlPlane({ bootstrapServers: '127.0.0.1:1', timeoutMs: 200 });
    await expect(nowhere.createTopics([wanted])).rejects.toMatchObject({ retriable: true });
    await nowhere.close();
  });
});

describe('admin', () => {
  it('creates topics with their configs, tells which were there, and names what is wrong with one', async () => {
    const topic = uniqueName('admin');
    const wanted = { topic, partitions: 3, replicationFactor: -1, configs: { 'retention.ms': '12345' } };
    expect(await client.admin.createTopics([wanted])).toEqual(new Map([[topic, true]]));
    expect(await client.admin.createTopics([wanted])).toEqual(new Map([[topic, false]]));
    expect(await client.admin.describeTopics([topic, uniqueName('missing')])).toMatchObject([{ topic, partitions: 3 }]);
    expect((await topicConfigs(topic))!.get('retention.ms')).toBe('12345');
    await client.admin.createPartitions(topic, 4);
    // The broker answers before it shows them.
    await expect.poll(() => client.admin.describeTopics([topic])).toMatchObject([{ topic, partitions: 4 }]);
    expect(await client.admin.listTopics()).toContain(topic);
    const refused = client.admin.createTopics([{ ...wanted, topic: `${topic}-2`, replicationFactor: 9 }]);
    await expect(refused).rejects.toMatchObject({ code: 'kafka.invalid_replication_factor', retriable: false });
    await expect(refused).rejects.toBeInstanceOf(ConnectError);
  });

  it('lists the ends that each isolation level may read to', async () => {
    const topic = await newTopic(2);
    await sendValues(await client.producer(), topic, ['a']);
    const open = await client.transactionalProducer(uniqueName('tx'));
    await open.init();
    open.begin();
    await sendValues(open, topic, ['b', 'c']);
    const all = [0, 1].map((partition) => ({ topic, partition }));
    expect((await client.admin.endOffsets(all)).get(topic)).toEqual(
      new Map([
        [0, 3n],
        [1, 0n],
      ]),
    );
    expect((await client.admin.endOffsets(all, 'read_committed')).get(topic)!.get(0)).toBe(1n);
    expect((await client.admin.beginningOffsets(all)).get(topic)!.get(0)).toBe(0n);
    await open.abort();
    await expect(client.admin.endOffsets([{ topic: uniqueName('missing'), partition: 0 }])).rejects.toMatchObject({
      code: 'kafka.unknown_topic',
    });
  });

  it('I5: commits, reads and deletes the offsets of a group that nobody joined', async () => {
    const topic = await newTopic(3);
    const group = uniqueName('group');
    expect(await client.admin.groupOffsets(group)).toEqual(new Map());
    await client.admin.commitGroupOffsets(group, [
      { topic, partition: 0, offset: 10n },
      { topic, partition: 2, offset: 30n },
    ]);
    expect(await client.admin.groupOffsets(group)).toEqual(
      new Map([
        [
          topic,
          new Map([
            [0, 10n],
            [2, 30n],
          ]),
        ],
      ]),
    );
    expect(await client.admin.groupOffsets(group, [{ topic, partition: 1 }])).toEqual(new Map());
    await client.admin.deleteGroup(group);
    expect(await client.admin.groupOffsets(group)).toEqual(new Map());
    await client.admin.deleteGroup(group);
  });

  it('tells the id of the cluster', async () => {
    expect(await client.admin.clusterId()).toMatch(/^[\w-]{10,}$/);
  });
});
