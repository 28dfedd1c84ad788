import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectorBench, Point, RunOptions } from '../../../src/testing/index.ts';
import type { MemoryS3 } from '../../support/memory-s3.ts';
import { closeS3Sink, openS3Sink } from '../../support/s3-sink-bench.ts';

let store: MemoryS3;
let bench: ConnectorBench;

beforeEach(async () => {
  ({ store, bench } = await openS3Sink());
});

afterEach(async () => {
  await closeS3Sink({ store, bench });
});

/** Files that end by nothing but a stop. */
const settings = () => ({
  ...store.confluent,
  topics: 't',
  'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
  'flush.size': '1000000',
  'flush.when.drained': 'false',
  'drover.idle.floor.ms': '3600000',
  'key.converter': 'StringConverter',
  'value.converter': 'StringConverter',
});
const file = (partition: number, first = 0) =>
  `topics/t/partition=${partition}/t+${partition}+${String(first).padStart(10, '0')}.json`;
const names = () => store.files.map(({ key }) => key);
const records = () =>
  store.files.flatMap(({ bytes }) =>
    bytes
      .toString()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => Number(JSON.parse(line))),
  );
const produce = (...ids: number[]) =>
  bench.produce(ids.map((id) => ({ topic: 't', partition: id % 2, value: String(id) })));
const tasks = () => bench.stores.config.getTasks(bench.name);
const told = (event: string) => bench.events.filter((one) => one.event === event);

/** Two tasks at rest, of a partition with an open file each. */
async function atRest(): Promise<void> {
  bench.memoryKafka?.createTopic('t', 2);
  await produce(0, 1, 2, 3);
  await bench.configure({ ...settings(), 'tasks.max': '2' });
  await bench.drain();
  expect(names()).toEqual([]);
  expect((await tasks()).map(({ states }) => Object.keys(states.t ?? {}))).toEqual([['0'], ['1']]);
}

describe('I5, I7: what is open at rest is finished', () => {
  test('before a connector is stopped, and it goes on behind it', async () => {
    await atRest();
    await bench.setTargetState('STOPPED');
    await bench.run();
    expect(await bench.status()).toMatchObject({ connector: { state: 'STOPPED' }, tasks: [] });
    expect(names()).toEqual([file(0), file(1)]);
    expect(store.uploads).toEqual([]);
    expect(store.objects.map(({ key }) => key)).toEqual(names());
    await bench.setTargetState('STARTED');
    await produce(4, 5);
    await bench.drain();
    await bench.setTargetState('STOPPED');
    await bench.run();
    expect(names()).toEqual([file(0), file(0, 2), file(1), file(1, 2)]);
    expect(records().sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('when it is paused, which it is meanwhile; resumed, it goes on behind it', async () => {
    await atRest();
    await bench.setTargetState('PAUSED');
    await bench.runConnector();
    const paused = { connector: { state: 'PAUSED' }, tasks: [{ state: 'PAUSED' }, { state: 'PAUSED' }] };
    expect(await bench.status()).toMatchObject(paused);
    await bench.run();
    expect(await bench.status()).toMatchObject(paused);
    expect(names()).toEqual([file(0), file(1)]);
    expect(await tasks()).toMatchObject([
      { revoked: true, closingFor: null, dueAt: null, states: {} },
      { revoked: true, closingFor: null, dueAt: null, states: {} },
    ]);
    const before = store.requests.length;
    await bench.run();
    expect(store.requests.length).toBe(before);
    await produce(4, 5);
    await bench.setTargetState('STARTED');
    await bench.drain();
    expect((await tasks()).map(({ counters }) => counters.records)).toEqual([3, 3]);
  });

  test('before it is deleted', async () => {
    await atRest();
    await bench.stores.config.deleteConnector(bench.name, bench.clock.now());
    await bench.runConnector();
    expect(await bench.stores.config.getConnector(bench.name, { evenDeleting: true })).toBeUndefined();
    expect(names()).toEqual([file(0), file(1)]);
  });

  test('of partitions that a new config leaves to nobody; the others go on', async () => {
    bench.memoryKafka?.createTopic('left');
    await bench.produce([{ topic: 'left', value: '7' }]);
    bench.memoryKafka?.createTopic('t', 2);
    await produce(0, 1);
    await bench.configure({ ...settings(), topics: 't,left' });
    await bench.drain();
    await bench.configure(settings());
    await bench.run();
    expect(names()).toContain('topics/left/partition=0/left+0+0000000000.json');
    await produce(2, 3);
    await bench.drain();
    await bench.setTargetState('STOPPED');
    await bench.run();
    expect(records().sort()).toEqual([0, 1, 2, 3, 7]);
  });

  test('by a task that has failed too, and stays FAILED', async () => {
    await atRest();
    await bench.produce([{ topic: 't', partition: 0, value: Buffer.from([0xff]) }]);
    await bench.configure({ ...settings(), 'tasks.max': '2', 'value.converter': 'JsonConverter' });
    await bench.run();
    const failed = { tasks: [{ state: 'FAILED' }, {}] };
    expect(await bench.status()).toMatchObject(failed);
    await bench.setTargetState('PAUSED');
    await bench.runConnector();
    // Resumed before its closing run came: that was all it was due for.
    await bench.setTargetState('STARTED');
    await bench.runConnector();
    expect((await tasks())[0]).toMatchObject({ state: 'FAILED', revoked: false, dueAt: null, closingFor: null });
    await bench.setTargetState('PAUSED');
    await bench.run();
    await bench.run();
    expect(await bench.status()).toMatchObject(failed);
    expect((await bench.status()).tasks[0]?.trace).not.toBeNull();
    expect(names()).toEqual([file(0), file(1)]);
  });
});

test('nothing is run once more for a task that has nothing open', async () => {
  bench.memoryKafka?.createTopic('t', 2);
  await produce(0, 1);
  await bench.configure({ ...settings(), 'flush.when.drained': 'true', 'flush.quiet.ms': '0' });
  await bench.drain();
  const before = told('run.started').length;
  await bench.setTargetState('STOPPED');
  await bench.runConnector();
  expect(told('run.started').slice(before)).toHaveLength(1);
  expect((await bench.status()).connector.state).toBe('STOPPED');
});

test('a store that fails for a while is asked again before the connector counts as stopped', async () => {
  await atRest();
  let failing = 2;
  store.fault = ({ operation }) =>
    operation === 'CompleteMultipartUpload' && failing-- > 0 ? { status: 400, code: 'RequestTimeout' } : undefined;
  await bench.setTargetState('STOPPED');
  await bench.runConnector();
  expect(names()).toEqual([file(0), file(1)]);
  expect(told('task.left-open')).toEqual([]);
});

test('a store that goes on failing does not hold a stop up: what is open stays where a start finds it', async () => {
  await atRest();
  store.fault = () => ({ status: 403, code: 'AccessDenied' });
  await bench.setTargetState('STOPPED');
  await bench.runConnector();
  expect((await bench.status()).connector.state).toBe('STOPPED');
  expect(told('task.left-open').map(({ facts }) => facts.error)).toEqual([
    expect.stringContaining('AccessDenied'),
    expect.stringContaining('AccessDenied'),
  ]);
  store.fault = () => undefined;
  await bench.setTargetState('STARTED');
  await bench.run();
  await bench.setTargetState('STOPPED');
  await bench.run();
  expect(names()).toEqual([file(0), file(1)]);
  expect(records().sort()).toEqual([0, 1, 2, 3]);
});

test('I1, I5: a stop that is killed anywhere is repeated, and every record is in one file', async () => {
  const stop = async (run: RunOptions) => {
    await atRest();
    await bench.setTargetState('STOPPED');
    const { killed } = await bench.run(run);
    for (let again = 0; again < 3; again++) await bench.run();
    expect((await bench.status()).connector.state).toBe('STOPPED');
    expect(names()).toEqual([file(0), file(1)]);
    expect(records().sort()).toEqual([0, 1, 2, 3]);
    return killed;
  };
  const points: Point[] = [];
  await stop({ onPoint: (point) => points.push(point) });
  const places = points.filter(({ name }) => !name.startsWith('before '));
  expect(places.map(({ name }) => name)).toContain('after task.committed');
  const every = Number(process.env.DROVER_TEST_KILL_EVERY ?? 4);
  for (const killAt of places.filter((_, at) => at % every === 0)) {
    await closeS3Sink({ store, bench });
    ({ store, bench } = await openS3Sink());
    expect({ killAt, killed: await stop({ killAt }) }).toEqual({ killAt, killed: true });
  }
});

test('I5, I7: asked at any moment of a run that brings records, a stop leaves none behind that is committed and in no file', async () => {
  /** Stops beside a run, at the point of that number; how many points the run came by. */
  const stopAt = async (place: number): Promise<number> => {
    bench.memoryKafka?.createTopic('t');
    const bring = (...ids: number[]) => bench.produce(ids.map((id) => ({ topic: 't', value: String(id) })));
    await bring(0, 1);
    await bench.configure(settings());
    await bench.drain();
    await bring(2, 3);
    let points = 0;
    let stopping: Promise<unknown> | null = null;
    await bench.run({
      onPoint: () => {
        if (++points === place) stopping = bench.setTargetState('STOPPED').then(() => bench.runConnector());
      },
    });
    await stopping;
    for (let run = 0; run < 4 && (await bench.status()).connector.state !== 'STOPPED'; run++) await bench.run();
    if (stopping === null) return points;
    stopped++;
    expect((await bench.status()).connector.state).toBe('STOPPED');
    const [position] = await bench.offsets();
    const committed = Number(position?.offset?.kafka_offset);
    expect({ place, records: records().sort() }).toEqual({ place, records: [0, 1, 2, 3].slice(0, committed) });
    return points;
  };
  let stopped = 0;
  const places = await stopAt(0);
  expect(places).toBeGreaterThan(10);
  for (let place = 1; place <= places; place++) {
    await closeS3Sink({ store, bench });
    ({ store, bench } = await openS3Sink());
    await stopAt(place);
  }
  expect(stopped).toBeGreaterThan(places / 2);
});
