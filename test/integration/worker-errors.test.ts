import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AnyPlugin } from '../../src/api/plugin.ts';
import type { SinkRecord } from '../../src/api/record.ts';
import type { Positions, SinkTask } from '../../src/api/task.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { ConnectError, DataError, RetriableError } from '../../src/errors.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { readTopic, sendValues } from '../support/kafka-records.ts';
import { kafkaAddress } from '../support/services.ts';
import { createHarness, type Harness, type HarnessOptions, realKafka, uniqueName } from '../support/worker-harness.ts';
import {
  MonitorableSinkTask,
  MonitorableSourceTask,
  sinkOf,
  sourceOf,
  transformationOf,
} from '../support/worker-plugins.ts';

const strings: Settings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'tasks.max': '1',
};

/** Fails on what the test calls bad: `bad` for good, `flaky` twice. */
let flaky = 0;
const failing = transformationOf('Failing', (record) => {
  if (record.value === 'bad') throw new DataError('a bad value');
  if (record.value === 'flaky' && flaky++ < 2) throw new RetriableError('not yet');
  if (record.value === 'dropped') return null;
  return record;
});
const transforms: Settings = { transforms: 'f', 'transforms.f.type': 'Failing' };
const tolerant: Settings = { 'errors.tolerance': 'all' };
const deadLetters = (topic: string): Settings => ({
  'errors.deadletterqueue.topic.name': topic,
  'errors.deadletterqueue.topic.replication.factor': '1',
  'errors.deadletterqueue.context.headers.enable': 'true',
});

let kafka: KafkaClient;
let harness: Harness;

beforeAll(() => {
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
});
afterEach(() => harness?.close());
afterAll(() => kafka.close());

function newHarness(plugins: readonly AnyPlugin[], options: Partial<HarnessOptions> = {}): Harness {
  harness = createHarness({ kafka: realKafka(kafkaAddress()), plugins: [failing, ...plugins], ...options });
  return harness;
}

async function runSource(task: MonitorableSourceTask, config: Settings = {}, options: Partial<HarnessOptions> = {}) {
  const { create, runTask, stores } = newHarness([sourceOf('TestSource', () => task)], options);
  const name = uniqueName('test-source');
  await create(name, { 'connector.class': 'TestSource', ...strings, ...config });
  const report = await runTask(name);
  return { name, report, item: (await stores.config.getTask(name, 0))! };
}

async function runSink(task: SinkTask, values: readonly (string | null)[], config: Settings = {}) {
  const { create, runTask, stores } = newHarness([sinkOf('TestSink', () => task)]);
  const [name, topic] = [uniqueName('test-sink'), uniqueName('test-sink')];
  await sendValues(await kafka.producer(), topic, values);
  await create(name, { 'connector.class': 'TestSink', topics: topic, ...strings, ...config });
  const report = await runTask(name);
  const item = (await stores.config.getTask(name, 0))!;
  return { name, topic, report, item, position: item.positions[topic]?.[0] };
}

const valuesOf = async (topic: string) => (await readTopic(kafka, topic)).map(({ value }) => value);
const headersOf = (headers: readonly { key: string; value: string | null }[]) =>
  Object.fromEntries(headers.map(({ key, value }) => [key, value]));

describe('errors.* of a source (KIP-298)', () => {
  it('fails the task at a bad record, keeping what came before, when nothing is tolerated', async () => {
    const topic = uniqueName('none');
    const task = new MonitorableSourceTask(topic, [['a'], ['b', 'bad']]);
    const { report, item } = await runSource(task, { ...transforms, 'drover.commit.interval.ms': '0' });
    expect(report).toMatchObject({ reason: 'failed', nextDueAt: null });
    expect(item.state).toBe('FAILED');
    expect(item.trace).toContain('ConnectException: Tolerance exceeded in error handler');
    expect(item.trace).toContain('Caused by: DataException: a bad value');
    expect(await valuesOf(topic)).toEqual(['a', 'b']);
    expect(task.stopped).toBe(true);
  });

  it('I3: skips bad and dropped records under errors.tolerance=all and commits behind them', async () => {
    const topic = uniqueName('all');
    const task = new MonitorableSourceTask(topic, [['a', 'bad'], ['dropped'], ['c']]);
    const { name, report } = await runSource(task, { ...transforms, ...tolerant });
    expect(report.reason).toBe('drained');
    expect(await valuesOf(topic)).toEqual(['a', 'c']);
    const { items } = await harness.stores.offsets.listSourceOffsets(name, null);
    expect(items[0]!.offset).toBe('{"poll":3}');
    expect(task.commits).toBeGreaterThan(0);
  });

  it('repeats what is retriable within errors.retry.timeout', async () => {
    flaky = 0;
    const topic = uniqueName('retry');
    const retrying = { ...transforms, 'errors.retry.timeout': '10000', 'errors.retry.delay.max.ms': '5' };
    const { report } = await runSource(new MonitorableSourceTask(topic, [['flaky', 'b']]), retrying);
    expect(report.reason).toBe('drained');
    expect(flaky).toBe(3);
    expect(await valuesOf(topic)).toEqual(['flaky', 'b']);
    expect(harness.events.filter(({ event }) => event === 'task.retry')).toHaveLength(2);
  });

  it('I3: stops in front of what it still repeats when its run ends, and goes on with it in the next', async () => {
    flaky = Number.NEGATIVE_INFINITY;
    const topic = uniqueName('retry');
    const task = new MonitorableSourceTask(topic, [['a'], ['flaky', 'b']]);
    const forEver = { ...transforms, ...tolerant, 'errors.retry.timeout': '-1', 'drover.run.max.ms': '400' };
    const { name, report, item } = await runSource(task, forEver);
    expect(report).toMatchObject({ reason: 'failed-for-now', records: 1 });
    expect(item).toMatchObject({ state: 'RUNNING', trace: expect.stringContaining('not yet') });
    expect(await valuesOf(topic)).toEqual(['a']);
    flaky = 2;
    expect((await harness.runTask(name)).reason).not.toBe('failed-for-now');
    expect(await valuesOf(topic)).toEqual(['a', 'flaky', 'b']);
  });

  it('I3: what was polled before a poll that fails is there, and committed', async () => {
    class Broken extends MonitorableSourceTask {
      #polls = 0;
      override poll() {
        if (this.#polls++ === 2) throw new ConnectError('test.broken', 'the source is broken');
        return super.poll();
      }
    }
    const topic = uniqueName('broken');
    const { name, item } = await runSource(new Broken(topic, [['a', 'b'], ['c'], ['d']]));
    expect(item).toMatchObject({ state: 'FAILED', trace: expect.stringContaining('the source is broken') });
    expect(await valuesOf(topic)).toEqual(['a', 'b', 'c']);
    const { items } = await harness.stores.offsets.listSourceOffsets(name, null);
    expect(items[0]!.offset).toBe('{"poll":2}');
  });

  it('writes dead letters of a source, where it is asked to', async () => {
    const [topic, letters] = [uniqueName('source'), uniqueName('source-dlq')];
    const { name } = await runSource(new MonitorableSourceTask(topic, [['a', 'bad']]), {
      ...transforms,
      ...tolerant,
      'drover.errors.deadletterqueue.topic.name': letters,
      'drover.errors.deadletterqueue.topic.replication.factor': '1',
    });
    const [letter] = await readTopic(kafka, letters);
    expect(letter!.value).toBe('bad');
    expect(headersOf(letter!.headers)).toMatchObject({
      'drover.source.partition': '{"source":"numbers"}',
      'drover.source.offset': '{"poll":1}',
      '__connect.errors.topic': topic,
      '__connect.errors.connector.name': name,
      '__connect.errors.stage': 'TRANSFORMATION',
      '__connect.errors.class.name': 'Failing',
      '__connect.errors.exception.class.name': 'org.apache.kafka.connect.errors.DataException',
      '__connect.errors.exception.message': 'a bad value',
    });
  });

  it('a record larger than the broker takes is an error of that record', async () => {
    const topic = uniqueName('large');
    const large = 'x'.repeat(2_000_000);
    const { report } = await runSource(new MonitorableSourceTask(topic, [['a', large, 'c']]), tolerant);
    expect(report.reason).toBe('drained');
    expect(await valuesOf(topic)).toEqual(['a', 'c']);
    const failed = await runSource(new MonitorableSourceTask(uniqueName('large'), [[large]]));
    expect(failed.item.state).toBe('FAILED');
    expect(failed.item.trace).toContain('Unrecoverable exception from producer send callback');
  });
});

describe('a source task', () => {
  it('is told of each record in order: where it landed, or that it was dropped', async () => {
    const topic = uniqueName('records');
    const told: [unknown, number | null][] = [];
    class Told extends MonitorableSourceTask {
      commitRecord(record: { value: unknown }, metadata: { offset: number | null } | null) {
        told.push([record.value, metadata?.offset ?? null]);
      }
    }
    await runSource(new Told(topic, [['a', 'dropped', 'b']]), transforms);
    expect(told.sort()).toEqual([
      ['a', 0],
      ['b', 1],
      ['dropped', null],
    ]);
  });

  it('is polled again after a retriable error, and across runs when that lasts', async () => {
    let failures = 0;
    class Flaky extends MonitorableSourceTask {
      override poll() {
        if (failures++ < 2) throw new RetriableError('the source is busy');
        return super.poll();
      }
    }
    const topic = uniqueName('busy');
    expect((await runSource(new Flaky(topic, [['a']]))).report.records).toBe(1);
    failures = Number.NEGATIVE_INFINITY;
    const { report, item } = await runSource(new Flaky(topic, [['a']]), { 'drover.run.max.ms': '200' });
    expect(report).toMatchObject({ reason: 'failed-for-now' });
    expect(item).toMatchObject({ state: 'RUNNING', counters: { consecutiveFailures: 1 } });
    expect(item.trace).toContain('the source is busy');
    expect(report.nextDueAt).toBeGreaterThan(0);
  });

  it('is cut when it blocks in poll; its run counts as failed and its lease is released', async () => {
    class Blocked extends MonitorableSourceTask {
      override poll() {
        return new Promise<null>(() => {});
      }
    }
    const { report, item } = await runSource(new Blocked('unused', []), {}, { budgetMs: 1500 });
    expect(report).toMatchObject({ reason: 'failed-for-now', tainted: true });
    expect(item).toMatchObject({ leaseOwner: null, counters: { consecutiveFailures: 1 } });
    expect(item.trace).toContain('did not return from poll');
  });

  it('is failed by a promise that it lets fail, and the process goes on', async () => {
    class Careless extends MonitorableSourceTask {
      override poll() {
        void Promise.reject(new ConnectError('test.lost', 'nobody looks at me'));
        return new Promise<null>((resolve) => setTimeout(resolve, 20, null));
      }
    }
    const { item } = await runSource(new Careless('unused', []));
    expect(item.state).toBe('FAILED');
    expect(item.trace).toContain('nobody looks at me');
  });

  it('draws its own transaction boundaries; what it aborts is not seen and not read again', async () => {
    const topic = uniqueName('boundaries');
    class Deciding extends MonitorableSourceTask {
      override poll() {
        const polled = super.poll() as (ReturnType<MonitorableSourceTask['poll']> & { value: unknown }[]) | null;
        const { transactionContext } = this.context;
        for (const record of (polled ?? []) as never[]) {
          const { value } = record as { value: string };
          if (value.startsWith('commit')) transactionContext!.commitTransaction(record);
          if (value.startsWith('abort')) transactionContext!.abortTransaction(record);
        }
        return polled;
      }
    }
    const { name, report } = await runSource(
      new Deciding(topic, [
        ['a', 'commit 1', 'b'],
        ['abort 1', 'c'],
        ['commit 2', 'open'],
      ]),
      {
        'exactly.once.support': 'required',
        'transaction.boundary': 'connector',
        'offsets.storage.topic': uniqueName('boundary-offsets'),
      },
    );
    expect(report.reason).toBe('drained');
    await expect.poll(() => valuesOf(topic)).toEqual(['a', 'commit 1', 'c', 'commit 2']);
    // The record behind the last boundary waits for one: its poll is not committed.
    const { items } = await harness.stores.offsets.listSourceOffsets(name, null);
    expect(items[0]!.offset).toBe('{"poll":2}');
  });
});

describe('errors.* of a sink (KIP-298, KIP-610)', () => {
  it('writes dead letters as they were, with headers that say what failed, and commits behind them', async () => {
    const letters = uniqueName('sink-dlq');
    const task = new MonitorableSinkTask();
    const { name, topic, position } = await runSink(task, ['a', 'bad', null, 'b'], {
      ...transforms,
      ...tolerant,
      ...deadLetters(letters),
    });
    expect(task.values).toEqual(['a', null, 'b']);
    expect(position).toBe(4n);
    const [letter, ...others] = await readTopic(kafka, letters);
    expect(others).toEqual([]);
    expect(letter!.value).toBe('bad');
    const { '__connect.errors.exception.stacktrace': trace, ...headers } = headersOf(letter!.headers);
    expect(headers).toEqual({
      '__connect.errors.topic': topic,
      '__connect.errors.partition': '0',
      '__connect.errors.offset': '1',
      '__connect.errors.connector.name': name,
      '__connect.errors.task.id': '0',
      '__connect.errors.stage': 'TRANSFORMATION',
      '__connect.errors.class.name': 'Failing',
      '__connect.errors.exception.class.name': 'org.apache.kafka.connect.errors.DataException',
      '__connect.errors.exception.message': 'a bad value',
    });
    expect(trace).toContain('DataException: a bad value');
  });

  it('names the converter that failed and logs the record where asked', async () => {
    const { topic } = await runSink(new MonitorableSinkTask(), ['not json'], {
      ...tolerant,
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'errors.log.enable': 'true',
      'errors.log.include.messages': 'true',
    });
    const logged = harness.events.find(({ event }) => event === 'record.failed')!.facts;
    expect(logged).toMatchObject({
      stage: 'VALUE_CONVERTER',
      executingClass: 'org.apache.kafka.connect.json.JsonConverter',
    });
    expect(logged.message).toContain(`consumed record is {topic='${topic}', partition=0, offset=0`);
  });

  it('sends what the task reports to the dead letter queue', async () => {
    const letters = uniqueName('reported-dlq');
    class Reporting extends MonitorableSinkTask {
      override async put(records: SinkRecord[]) {
        for (const record of records) {
          if (record.value === 'bad') await this.context.errantRecordReporter!.report(record, new Error('not wanted'));
          else this.values.push(record.value);
        }
      }
    }
    const task = new Reporting();
    const { position } = await runSink(task, ['a', 'bad', 'b'], { ...tolerant, ...deadLetters(letters) });
    expect(task.values).toEqual(['a', 'b']);
    expect(position).toBe(3n);
    const [letter] = await readTopic(kafka, letters);
    expect(letter!.value).toBe('bad');
    expect(headersOf(letter!.headers)).toMatchObject({
      '__connect.errors.stage': 'TASK_PUT',
      '__connect.errors.class.name': 'org.apache.kafka.connect.sink.SinkTask',
      '__connect.errors.exception.message': 'not wanted',
    });
  });

  it('halves a batch that put fails on, where asked, until the poison record stands alone', async () => {
    const letters = uniqueName('bisect-dlq');
    class Picky extends MonitorableSinkTask {
      override put(records: SinkRecord[]) {
        if (records.some(({ value }) => value === 'poison')) throw new Error('poisoned');
        super.put(records);
      }
    }
    const values = Array.from({ length: 40 }, (_, i) => (i === 13 || i === 27 ? 'poison' : String(i)));
    const bisecting = { ...tolerant, ...deadLetters(letters), 'drover.errors.bisect.enable': 'true' };
    const task = new Picky();
    const { position } = await runSink(task, values, bisecting);
    expect(task.values).toEqual(values.filter((value) => value !== 'poison'));
    expect(position).toBe(40n);
    const found = await readTopic(kafka, letters);
    expect(found.map(({ headers }) => headersOf(headers)['__connect.errors.offset'])).toEqual(['13', '27']);

    const { item, position: stays } = await runSink(new Picky(), ['a', 'poison'], tolerant);
    expect(item.state).toBe('FAILED');
    expect(item.trace).toContain('Caused by: Error: poisoned');
    expect(stays).toBe(0n);
  });
});

describe('a sink task', () => {
  it('gets tombstones, headers, keys and timestamps', async () => {
    const seen: SinkRecord[] = [];
    class Seeing extends MonitorableSinkTask {
      override put(records: SinkRecord[]) {
        seen.push(...records);
      }
    }
    const { create, runTask } = newHarness([sinkOf('TestSink', () => new Seeing())]);
    const [name, topic] = [uniqueName('shape'), uniqueName('shape')];
    const producer = await kafka.producer();
    const batch = producer.newBatch();
    batch.append(topic, 0, 'k', null, 1234, [{ key: 'h', value: 'text' }]);
    await producer.send(batch);
    await create(name, { 'connector.class': 'TestSink', topics: topic, ...strings });
    await runTask(name);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      key: 'k',
      value: null,
      timestamp: 1234,
      timestampType: 'CreateTime',
      kafkaOffset: 0,
    });
    expect(seen[0]!.headers).toMatchObject([{ key: 'h', value: 'text' }]);
  });

  it('gets at most max.poll.records at a time', async () => {
    const task = new MonitorableSinkTask();
    await runSink(
      task,
      Array.from({ length: 25 }, (_, i) => String(i)),
      { 'consumer.override.max.poll.records': '10' },
    );
    expect(task.puts).toEqual([10, 10, 5]);
  });

  it('I5: a preCommit that holds back keeps the position there, and the records come again', async () => {
    class Holding extends MonitorableSinkTask {
      preCommit(positions: Positions): Positions {
        return new Map([...positions].map(([topic]) => [topic, new Map([[0, 2]])]));
      }
    }
    const task = new Holding();
    const { name, position } = await runSink(task, ['a', 'b', 'c']);
    expect(position).toBe(2n);
    await harness.runTask(name);
    expect(task.values).toEqual(['a', 'b', 'c', 'c']);
  });

  it('I5: a flush that fails commits nothing, and the next run begins at the last commit', async () => {
    let fails = true;
    class Flushing extends MonitorableSinkTask {
      flush() {
        if (fails) throw new Error('disk full');
      }
    }
    const task = new Flushing();
    const { name, item, position } = await runSink(task, ['a', 'b']);
    expect(position).toBe(0n);
    expect(item.state).toBe('RUNNING');
    expect(item.trace).toContain('disk full');
    fails = false;
    await harness.runTask(name);
    expect(task.values).toEqual(['a', 'b', 'a', 'b']);
  });

  it('is put the same batch again after a retriable error, as soon as it asked', async () => {
    let failures = 0;
    class Busy extends MonitorableSinkTask {
      override put(records: SinkRecord[]) {
        if (failures++ < 3) {
          this.context.timeout(1);
          throw new RetriableError('busy');
        }
        super.put(records);
      }
    }
    const task = new Busy();
    const { position } = await runSink(task, ['a', 'b']);
    expect(task.values).toEqual(['a', 'b']);
    expect(position).toBe(2n);
    const retries = harness.events.filter(({ event }) => event === 'task.retry');
    expect(retries.map(({ facts }) => facts.delayMs)).toEqual([1, 1, 1]);
  });

  it('rewinds, and is given the records from there', async () => {
    let rewound = false;
    class Rewinding extends MonitorableSinkTask {
      override put(records: SinkRecord[]) {
        super.put(records);
        if (rewound) return;
        rewound = true;
        this.context.offset(this.context.assignment[0]!, 1);
      }
    }
    const task = new Rewinding();
    const { position } = await runSink(task, ['a', 'b', 'c', 'd'], { 'consumer.override.max.poll.records': '2' });
    expect(task.values).toEqual(['a', 'b', 'b', 'c', 'd']);
    expect(position).toBe(4n);
  });

  it('pauses a partition and gets nothing of it until it resumes', async () => {
    class Pausing extends MonitorableSinkTask {
      override start(config: Settings, context: MonitorableSinkTask['context']) {
        super.start(config, context);
        context.pause(...context.assignment);
      }
    }
    const task = new Pausing();
    const { position, report } = await runSink(task, ['a']);
    expect(task.values).toEqual([]);
    expect(position).toBe(0n);
    expect(report.reason).toBe('drained');
  });

  it('I5: pauses a partition between two puts of one fetch, and is given the rest when it resumes', async () => {
    const pausedAt: number[] = [];
    class Hesitating extends MonitorableSinkTask {
      override put(records: SinkRecord[]) {
        super.put(records);
        if (records.length === 0 || this.values.length >= 6) return;
        pausedAt.push(this.values.length);
        const { assignment } = this.context;
        this.context.pause(...assignment);
        setImmediate(() => this.context.resume(...assignment));
      }
    }
    const task = new Hesitating();
    const lines = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const { position } = await runSink(task, lines, { 'consumer.override.max.poll.records': '2' });
    expect(task.values).toEqual(lines);
    expect(pausedAt).toEqual([2, 4]);
    expect(position).toBe(7n);
  });

  it('is cut when it blocks in put, and nothing of that batch is committed', async () => {
    class Blocked extends MonitorableSinkTask {
      override put() {
        return new Promise<void>(() => {});
      }
    }
    const { create, runTask, stores } = newHarness([sinkOf('TestSink', () => new Blocked())], { budgetMs: 1500 });
    const [name, topic] = [uniqueName('blocked'), uniqueName('blocked')];
    await sendValues(await kafka.producer(), topic, ['a']);
    await create(name, { 'connector.class': 'TestSink', topics: topic, ...strings });
    expect(await runTask(name)).toMatchObject({ reason: 'failed-for-now', tainted: true });
    const item = (await stores.config.getTask(name, 0))!;
    expect(item.positions[topic]![0]).toBe(0n);
    expect(item.trace).toContain('did not return from put');
  });
});
