import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AnyPlugin } from '../../src/api/plugin.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { ConnectorBench } from '../../src/testing/bench.ts';
import { packWatched, startTestJava, type TestJava } from '../support/java-plugins.ts';
import { readTopic } from '../support/kafka-records.ts';
import { createTopic } from '../support/kafka-tools.ts';
import { type JavaConnectPeer, kafkaAddress, startJavaConnectPeer } from '../support/services.ts';
import { until } from '../support/until.ts';

// Apache's own connectors of its integration tests see the same calls in the same order in the host as in a Java worker.
const folder = mkdtempSync(join(tmpdir(), 'drover-lifecycle-'));
const text = 'org.apache.kafka.connect.storage.StringConverter';
const longest = { withinMs: 120_000, everyMs: 100 };
const strings = { 'tasks.max': '1', 'key.converter': text, 'value.converter': text };
let worker: JavaConnectPeer;
let java: TestJava;
let kafka: KafkaClient;

beforeAll(async () => {
  const watched = await packWatched(folder);
  [worker, java] = await Promise.all([startJavaConnectPeer({ plugins: [watched] }), startTestJava([watched])]);
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
}, 240_000);

afterAll(async () => {
  await kafka?.close();
  await java?.close();
  await worker?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Its calls in a Java worker: created, run until `enough`, deleted. */
async function inWorker(
  name: string,
  config: Settings,
  enough: (calls: readonly string[]) => boolean | Promise<boolean>,
  of: JavaConnectPeer = worker,
) {
  const calls = join(folder, `${name}.calls`);
  await ask(of, 'PUT', `/connectors/${name}/config`, { ...config, name, calls });
  await until(`${name} has been called`, async () => enough(linesOf(calls)), longest);
  await ask(of, 'DELETE', `/connectors/${name}`);
  await until(`${name} is stopped`, async () => linesOf(calls).includes('stop'), longest);
  return linesOf(calls);
}

async function ask(of: JavaConnectPeer, method: string, path: string, body?: object): Promise<void> {
  const answer = await fetch(`${of.url}${path}`, {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
}

/** Its calls in one run of Drover's worker, with the host. */
async function inHost(kind: 'source' | 'sink', name: string, config: Settings) {
  const calls = join(folder, `${name}.calls`);
  const plugin = java.plugin(kind, config['connector.class']!) as AnyPlugin;
  const bench = new ConnectorBench(plugin as ConstructorParameters<typeof ConnectorBench>[0], {
    bootstrapServers: kafkaAddress(),
    name,
  });
  try {
    await bench.configure({ ...config, calls });
    await bench.run();
    await bench.throwIfFailed();
  } finally {
    await bench.close();
  }
  return linesOf(calls);
}

const linesOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []);

describe('a source', () => {
  const config = (topic: string) => ({
    ...strings,
    'connector.class': 'watched.WatchedSource',
    topic,
    'num.tasks': '1',
    'messages.per.poll': '4',
    'max.messages': '12',
    throughput: '-1',
    'drover.java.settle.ms': '500',
  });

  /** Polls go on while records land: each of the two is in order by itself. */
  const told = (calls: readonly string[], topic: string) => ({
    first: calls[0],
    polls: calls.filter((call) => call.startsWith('poll')),
    records: calls.filter((call) => call.startsWith('commitRecord')).map((call) => call.replace(topic, 'topic')),
    /** How often a worker commits is its clock's affair. */
    end: calls
      .slice(calls.findLastIndex((call) => call.startsWith('commitRecord')) + 1)
      .join(' ')
      .replace(/(?:commit )+/, 'commit '),
    committedEarly: calls.indexOf('commit') < calls.findIndex((call) => call.startsWith('commitRecord')),
  });

  test('is started, polled, told of each record where it landed, then of the commit, then stopped', async () => {
    const [theirs, ours] = [`lifecycle-worker-${process.pid}`, `lifecycle-host-${process.pid}`];
    for (const topic of [theirs, ours]) await createTopic(kafka, topic);
    const isDone = (calls: readonly string[]) =>
      calls.filter((call) => call.startsWith('commitRecord')).length === 12 &&
      calls.lastIndexOf('commit') > calls.findLastIndex((call) => call.startsWith('commitRecord'));
    const expected = told(await inWorker(theirs, config(theirs), isDone), theirs);
    const seen = told(await inHost('source', ours, config(ours)), ours);
    expect(expected.end).toBe('commit stop');
    expect(expected.records).toHaveLength(12);
    expect(seen).toEqual(expected);
  });
});

test('I4: a source that draws its transactions: the topic has what it has committed, and nothing that it took back', async () => {
  const [theirs, ours] = [`drawn-worker-${process.pid}`, `drawn-host-${process.pid}`];
  for (const topic of [theirs, ours]) await createTopic(kafka, topic);
  const config = (topic: string) => ({
    ...strings,
    'connector.class': 'watched.WatchedSource',
    topic,
    'num.tasks': '1',
    'messages.per.poll': '4',
    'max.messages': '21',
    throughput: '-1',
    'exactly.once.support': 'required',
    'transaction.boundary': 'connector',
    'custom.exactly.once.support': 'supported',
    'custom.transaction.boundaries': 'supported',
    'drover.java.settle.ms': '500',
  });
  await using exact = await startJavaConnectPeer({
    plugins: [join(folder, 'watched')],
    settings: { 'exactly.once.source.support': 'enabled' },
  });
  const valuesIn = async (topic: string) => (await readTopic(kafka, topic)).map(({ value }) => value);
  // The last of its transactions ends with the last of its records.
  const isDone = async () => (await valuesIn(theirs)).some((value) => value?.endsWith('-21'));
  const expected = await inWorker(theirs, config(theirs), isDone, exact);
  const seen = await inHost('source', ours, config(ours));
  const polls = (calls: readonly string[]) => calls.filter((call) => call.startsWith('poll'));
  expect(polls(seen)).toEqual(polls(expected));
  const named = (values: readonly (string | null)[], topic: string) =>
    values.map((value) => value?.replace(topic, 'topic'));
  const landed = named(await valuesIn(ours), ours);
  expect(landed).toEqual(named(await valuesIn(theirs), theirs));
  expect(landed.length).toBeLessThan(21);
});

describe('a sink', () => {
  const count = 6;

  /** Without commits in between, which come by the clock; of each mode what it is about stays. */
  const told = (calls: readonly string[], topic: string) => {
    const lines = calls.filter((call) => call !== 'put nothing').map((call) => call.replace(topic, 'topic'));
    const last = lines.findLastIndex((call) => call.startsWith('preCommit'));
    return lines.filter((call, i) => !call.startsWith('preCommit') || i === last);
  };

  /** When a worker does so is its clock's affair: that it does, behind the last record, is not. */
  const hearsOfNothing = (calls: readonly string[]) => {
    const lastRecord = calls.findLastIndex((call) => /^put \d/.test(call));
    return calls.indexOf('put nothing', lastRecord) > 0;
  };

  async function race(className: string, more: Settings, puts: number) {
    const perPut = more[oneByOne] === undefined ? '' : '-one-by-one';
    const topic = `lifecycle-in-${className}-${more.mode ?? 'plain'}${perPut}-${process.pid}`;
    await createTopic(kafka, topic);
    const config = (dead: string) => ({
      ...strings,
      'connector.class': `watched.${className}`,
      topics: topic,
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': dead,
      'errors.deadletterqueue.topic.replication.factor': '1',
      'consumer.override.auto.offset.reset': 'earliest',
      ...more,
    });
    const producer = await kafka.producer();
    const batch = producer.newBatch();
    for (let i = 0; i < count; i++) batch.append(topic, 0, null, `v${i}`, null, null);
    await producer.send(batch);
    await producer.close();
    const isDone = (calls: readonly string[]) =>
      calls.filter((call) => /^put \d/.test(call)).length >= puts &&
      calls.findLast((call) => call !== 'put nothing') === `preCommit ${count}` &&
      hearsOfNothing(calls);
    const inTheWorker = await inWorker(`${topic}-worker`, config(`${topic}-dead-w`), isDone);
    const inTheHost = await inHost('sink', `${topic}-host`, config(`${topic}-dead-h`));
    expect(hearsOfNothing(inTheHost)).toBe(hearsOfNothing(inTheWorker));
    const [expected, seen] = [told(inTheWorker, topic), told(inTheHost, topic)];
    return { expected, seen, deadTopics: [`${topic}-dead-w`, `${topic}-dead-h`] as const };
  }

  const offsets = (from: number) => Array.from({ length: count - from }, (_, i) => `put ${from + i}`);
  const end = [`preCommit ${count}`, 'close [topic-0]', 'stop'];
  const oneByOne = 'consumer.override.max.poll.records';

  test.each([
    ['that asks for nothing', {}, offsets(0)],
    ['whose first put may be tried again', { mode: 'retries' }, [...offsets(0), ...offsets(0)]],
    ['that goes back', { mode: 'rewinds' }, [...offsets(0), ...offsets(1)]],
    ['that pauses and resumes', { mode: 'pauses' }, offsets(0)],
    ['that asks for a commit', { mode: 'requests' }, offsets(0)],
    ['that holds its offsets back', { mode: 'holds' }, offsets(0)],
    // The next put is on its way while one of these is under way.
    ['one by one, whose first put may be tried again', { mode: 'retries', [oneByOne]: '1' }, ['put 0', ...offsets(0)]],
    ['one by one, that goes back', { mode: 'rewinds', [oneByOne]: '1' }, offsets(0)],
    ['one by one, that pauses and resumes', { mode: 'pauses', [oneByOne]: '1' }, offsets(0)],
    ['one by one, that asks for a commit', { mode: 'requests', [oneByOne]: '1' }, offsets(0)],
  ])('%s is opened, given its records, asked what is safe, closed and stopped', async (_what, more: Settings, puts) => {
    const { expected, seen } = await race('WatchedSink', more, puts.length);
    expect(expected).toEqual(['start', 'open [topic-0]', ...puts, ...end]);
    expect(seen).toEqual(expected);
  });

  test('that reports each record: the letters are the same', async () => {
    const { expected, seen, deadTopics } = await race('WatchedErrantSink', {}, count);
    expect(seen).toEqual(expected);
    const [theirs, ours] = await Promise.all(deadTopics.map((topic) => readTopic(kafka, topic)));
    const valuesOf = (letters: readonly { value: unknown }[]) => letters.map(({ value }) => String(value)).sort();
    expect(valuesOf(theirs!)).toEqual(['v0', 'v1', 'v2', 'v3', 'v4', 'v5']);
    expect(valuesOf(ours!)).toEqual(valuesOf(theirs!));
  });
});
