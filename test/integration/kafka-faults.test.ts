import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isRetriable } from '../../src/errors.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient, ProduceOutcome } from '../../src/kafka/types.ts';
import { readTopic, sendValues, uniqueName } from '../support/kafka-records.ts';
import { type PrivateBroker, startPrivateBroker } from '../support/services.ts';

const numbered = (count: number, prefix = 'v') => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

const fetchOptions = {
  maxWaitMs: 100,
  minBytes: 1,
  maxBytes: 1 << 20,
  maxPartitionBytes: 1 << 20,
  isolationLevel: 'read_committed',
} as const;

let broker: PrivateBroker;
let client: KafkaClient;
const impatient: KafkaClient[] = [];

/** Gives a broker little time, so that a frozen one is noticed within the test. */
function impatientClient(): KafkaClient {
  const one = createKafkaClient({
    bootstrapServers: broker.bootstrapServers,
    requestTimeoutMs: 500,
    connectTimeoutMs: 500,
    apiTimeoutMs: 1000,
  });
  impatient.push(one);
  return one;
}

const shortTimes = { 'request.timeout.ms': '500', 'delivery.timeout.ms': '1500', 'max.block.ms': '1500' };

beforeAll(async () => {
  broker = await startPrivateBroker();
  client = createKafkaClient({ bootstrapServers: broker.bootstrapServers });
});
afterEach(async () => {
  broker.thaw();
  await broker.start();
  await Promise.all(impatient.splice(0).map((one) => one.close()));
});
afterAll(async () => {
  await client?.close();
  await broker?.[Symbol.asyncDispose]();
});

describe('a broker that goes away', () => {
  it('killed and restarted under a send: every record lands once and in order', async () => {
    const topic = uniqueName('kill');
    const producer = await client.producer({ 'batch.size': '2000' });
    await sendValues(producer, topic, ['first']);
    const sends: Promise<ProduceOutcome>[] = [];
    const values = numbered(40_000, 'a value of some length ');
    for (let at = 0; at < values.length; at += 2000) {
      sends.push(sendValues(producer, topic, values.slice(at, at + 2000)));
    }
    await sends[2];
    await broker.kill();
    await broker.start();
    const outcomes = await Promise.all(sends);
    expect(outcomes.every(({ failures }) => failures.size === 0)).toBe(true);
    expect((await readTopic(client, topic)).map(({ value }) => value)).toEqual(['first', ...values]);
  });

  it('down: send, fetch and questions end in a retriable error, not in a hang, and work when it is back', async () => {
    const topic = uniqueName('down');
    const one = impatientClient();
    const producer = await one.producer(shortTimes);
    await sendValues(producer, topic, ['before']);
    await broker.kill();
    await expect(sendValues(producer, topic, ['lost?'])).rejects.toSatisfy(isRetriable);
    const fetcher = await one.fetcher({ 'request.timeout.ms': '500' });
    const [fetched] = await fetcher.fetch([{ topic, partition: 0, offset: 0 }], fetchOptions);
    expect(fetched!.error).toSatisfy(isRetriable);
    await expect(one.admin.endOffsets([{ topic, partition: 0 }])).rejects.toSatisfy(isRetriable);
    await expect(one.admin.commitGroupOffsets('g', [{ topic, partition: 0, offset: 1n }])).rejects.toSatisfy(
      isRetriable,
    );
    const created = one.admin.createTopics([
      { topic: uniqueName('no'), partitions: 1, replicationFactor: 1, configs: {} },
    ]);
    await expect(created).rejects.toSatisfy(isRetriable);
    await broker.start();
    await expect
      .poll(async () => (await sendValues(producer, topic, ['after']).catch(() => null))?.failures.size, {
        timeout: 20_000,
      })
      .toBe(0);
    const seen = (await readTopic(one, topic)).map(({ value }) => value);
    expect(seen[0]).toBe('before');
    expect(seen.at(-1)).toBe('after');
    expect(seen).not.toContain('lost?');
  });

  it('frozen longer than the request time-out: a retriable error in time; thawed, nothing is there twice', async () => {
    const topic = uniqueName('frozen');
    const one = impatientClient();
    const producer = await one.producer({ ...shortTimes, 'delivery.timeout.ms': '20000' });
    await sendValues(producer, topic, ['before']);
    const fetcher = await one.fetcher({ 'request.timeout.ms': '500' });
    await fetcher.fetch([{ topic, partition: 0, offset: 0 }], fetchOptions);
    broker.freeze();
    const [fetched] = await fetcher.fetch([{ topic, partition: 0, offset: 1 }], fetchOptions);
    expect(fetched!.error).toSatisfy(isRetriable);
    await expect(one.admin.endOffsets([{ topic, partition: 0 }])).rejects.toSatisfy(isRetriable);
    const hasty = await one.producer(shortTimes);
    await expect(sendValues(hasty, topic, ['hasty'])).rejects.toSatisfy(isRetriable);
    // This one has time: its request times out, maybe after the broker's socket took it, and is sent again.
    const patient = sendValues(producer, topic, numbered(100, 'patient '));
    await expect(one.admin.clusterId()).resolves.toBeTypeOf('string');
    broker.thaw();
    expect((await patient).failures.size).toBe(0);
    const seen = (await readTopic(client, topic)).map(({ value }) => value);
    expect(seen.filter((value) => value?.startsWith('patient'))).toEqual(numbered(100, 'patient '));
  });

  it('frozen under a commit: retriable; thawed, the transaction can be ended and the next one started', async () => {
    const topic = uniqueName('frozen-tx');
    const one = impatientClient();
    const producer = await one.transactionalProducer(uniqueName('tx'), shortTimes);
    await producer.init();
    producer.begin();
    await sendValues(producer, topic, ['maybe']);
    broker.freeze();
    await expect(producer.commit()).rejects.toSatisfy(isRetriable);
    broker.thaw();
    await expect.poll(() => producer.abort().then(() => 'ready'), { timeout: 20_000 }).toBe('ready');
    producer.begin();
    await sendValues(producer, topic, ['sure']);
    await producer.commit();
    await expect
      .poll(async () => (await readTopic(client, topic)).map(({ value }) => value).at(-1), { timeout: 10_000 })
      .toBe('sure');
  });

  it('loses its log: a producer whose sequence is gone renews its id and goes on', async () => {
    const topic = uniqueName('wiped');
    const producer = await client.producer();
    await sendValues(producer, topic, numbered(10));
    await client.admin.createTopics([{ topic: `${topic}-x`, partitions: 1, replicationFactor: 1, configs: {} }]);
    // The same name, a new log, which knows nothing of the producer.
    const { Kafka, logLevel } = (await import('kafkajs')).default;
    const admin = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [topic] });
    await expect.poll(async () => (await client.admin.describeTopics([topic])).length).toBe(0);
    await client.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
    await admin.disconnect();
    expect((await sendValues(producer, topic, ['a'])).failures.size).toBe(0);
    expect((await sendValues(producer, topic, ['b'])).failures.size).toBe(0);
    expect((await readTopic(client, topic)).map(({ value }) => value)).toEqual(['a', 'b']);
  });

  it('was never there: a retriable error that names the address', async () => {
    const nowhere = createKafkaClient({ bootstrapServers: '127.0.0.1:1', apiTimeoutMs: 50 });
    const producer = await nowhere.producer({ 'max.block.ms': '50' });
    const send = sendValues(producer, 'topic', ['x']);
    await expect(send).rejects.toThrow(/127\.0\.0\.1:1/);
    await expect(send).rejects.toSatisfy(isRetriable);
    await expect(nowhere.admin.listTopics()).rejects.toSatisfy(isRetriable);
    await nowhere.close();
  });
});

describe('a broker that creates no topics', () => {
  it('fails the records of a missing topic with a final error that says what to do', async () => {
    await using strict = await startPrivateBroker({ 'auto.create.topics.enable': 'false' });
    const one = createKafkaClient({ bootstrapServers: strict.bootstrapServers });
    await one.admin.createTopics([{ topic: 'there', partitions: 1, replicationFactor: 1, configs: {} }]);
    const producer = await one.producer({ 'max.block.ms': '300' });
    const batch = producer.newBatch();
    batch.append('missing', null, null, 'x', null, null);
    batch.append('there', null, null, 'y', null, null);
    const outcome = await producer.send(batch);
    expect(outcome.failures.get(0)).toMatchObject({ code: 'kafka.unknown_topic', retriable: false });
    expect(outcome.failures.get(0)!.message).toMatch(/"missing".*topic\.creation\.default\.partitions/);
    expect(outcome.offsetOf(1)).toEqual({ topic: 'there', partition: 0, offset: 0 });
    await one.close();
  });
});
