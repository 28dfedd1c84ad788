import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { aivenS3Sink, confluentS3Sink } from '../../../connectors/s3/plugin.ts';
import { plainAvro } from '../../../src/plugins/converters/avro/plain-avro.ts';
import { ConnectorBench, type Point } from '../../../src/testing/index.ts';
import { MemoryS3 } from '../../support/memory-s3.ts';
import { closeS3Sink, openS3Sink } from '../../support/s3-sink-bench.ts';

const schemaless = {
  'key.converter': 'StringConverter',
  'value.converter': 'JsonConverter',
  'value.converter.schemas.enable': 'false',
};
/** Tests do not wait for quiet. */
const atOnce = { 'flush.quiet.ms': '0' };
const format = (name: string) => ({ 'format.class': `io.confluent.connect.s3.format.${name}` });
const json = format('json.JsonFormat');
const hour = 3_600_000;
const noon = Date.UTC(2026, 10, 28, 12);

let store: MemoryS3;
let bench: ConnectorBench;

beforeEach(async () => {
  ({ store, bench } = await openS3Sink());
});

afterEach(async () => {
  await closeS3Sink({ store, bench });
});

const configure = (settings: Readonly<Record<string, string>>) =>
  bench.configure({
    ...store.confluent,
    topics: 't',
    'flush.size': '1000000',
    ...atOnce,
    ...json,
    ...schemaless,
    ...settings,
  });

const order = (id: number, more: object = {}) => JSON.stringify({ id, ...more });
const textOf = (bytes: Buffer) => (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString();
const recordsOf = (bytes: Buffer) =>
  textOf(bytes)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly id: number; readonly kind?: string });
const ids = () => store.files.flatMap(({ bytes }) => recordsOf(bytes).map(({ id }) => id));
const names = () => store.files.map(({ key }) => key);
const upTo = (count: number) => Array.from({ length: count }, (_, id) => id);
const sorted = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

describe('files', () => {
  test('a burst ends as one complete file for each partition, and nothing is left of its making', async () => {
    bench.memoryKafka?.createTopic('t', 3);
    await bench.produce(upTo(90).map((id) => ({ topic: 't', partition: id % 3, value: order(id) })));
    await configure({});
    await bench.drain();
    expect(names()).toEqual(upTo(3).map((n) => `topics/t/partition=${n}/t+${n}+0000000000.json`));
    expect(sorted(ids())).toEqual(upTo(90));
    expect(store.uploads).toEqual([]);
    expect(store.objects.length).toBe(3);
  });

  test('late records and records in turns go on in the open file of their path', async () => {
    const times = upTo(120).map((id) => noon - (id % 3) * hour + id * 1000);
    await bench.produce(times.map((timestamp, id) => ({ topic: 't', value: order(id), timestamp })));
    await configure({
      'partitioner.class': 'HourlyPartitioner',
      'timestamp.extractor': 'Record',
      timezone: 'UTC',
      locale: 'en',
      'rotate.interval.ms': String(hour),
    });
    await bench.drain();
    expect(names()).toEqual(
      [10, 11, 12].map(
        (at) => `topics/t/year=2026/month=11/day=28/hour=${at}/t+0+000000000${at === 12 ? 0 : at === 11 ? 1 : 2}.json`,
      ),
    );
    expect(sorted(ids())).toEqual(upTo(120));
  });

  test('a file ends with the span of its record times', async () => {
    await bench.produce(upTo(10).map((id) => ({ topic: 't', value: order(id), timestamp: noon + id * 600_000 })));
    await configure({
      'partitioner.class': 'DailyPartitioner',
      'timestamp.extractor': 'Record',
      timezone: 'UTC',
      'rotate.interval.ms': '1800000',
    });
    await bench.drain();
    expect(store.files.map(({ bytes }) => recordsOf(bytes).map(({ id }) => id))).toEqual([
      [0, 1, 2],
      [3, 4, 5],
      [6, 7, 8],
      [9],
    ]);
  });

  test('by field, gzipped, each path has its own', async () => {
    await bench.produce(
      upTo(30).map((id) => ({ topic: 't', value: order(id, { kind: `k${id % 2}`, in: { n: id % 2 } }) })),
    );
    await configure({
      'partitioner.class': 'FieldPartitioner',
      'partition.field.name': 'kind,in.n',
      's3.compression.type': 'gzip',
    });
    await bench.drain();
    expect(names()).toEqual([
      'topics/t/kind=k0/in.n=0/t+0+0000000000.json.gz',
      'topics/t/kind=k1/in.n=1/t+0+0000000001.json.gz',
    ]);
    for (const { bytes } of store.files) expect(new Set(recordsOf(bytes).map(({ kind }) => kind)).size).toBe(1);
    expect(sorted(ids())).toEqual(upTo(30));
  });

  test('only so many are open at a time, and memory is bounded over all of them', async () => {
    const filler = 'x'.repeat(20_000);
    await bench.produce(upTo(400).map((id) => ({ topic: 't', value: order(id, { kind: `k${id % 40}`, filler }) })));
    await configure({
      'partitioner.class': 'FieldPartitioner',
      'partition.field.name': 'kind',
      'buffer.max.bytes': String(1 << 20),
      'file.max.open': '30',
      'consumer.override.max.poll.records': '50',
    });
    await bench.drain();
    expect(sorted(ids())).toEqual(upTo(400));
    expect(store.requests.some(({ operation, key }) => operation === 'PutObject' && key.includes('_drover/'))).toBe(
      true,
    );
    expect(store.objects.map(({ key }) => key)).toEqual(names());
  });
});

describe('over runs', () => {
  const big = 'y'.repeat(200_000);
  const parts = { 's3.part.size': String(5 << 20), 'flush.when.drained': 'false', 'flush.size': '100' };

  test('a file spans many of them: parts are uploaded, and what is too little waits; nothing is read twice', async () => {
    await bench.produce(upTo(100).map((id) => ({ topic: 't', value: order(id, { big }) })));
    await configure({ ...parts, 'drover.run.max.records': '10', 'consumer.override.max.poll.records': '10' });
    await bench.drain();
    expect(names()).toEqual(['topics/t/partition=0/t+0+0000000000.json']);
    expect(ids()).toEqual(upTo(100));
    const uploaded = store.requests.filter(({ operation }) => operation === 'UploadPart');
    expect(uploaded.length).toBe(4);
    const [task] = await bench.stores.config.getTasks(bench.name);
    expect(task?.counters.records).toBe(100);
    expect(task?.states).toEqual({});
    expect(store.objects.map(({ key }) => key)).toEqual(names());
  });

  test('what stays open is due by the age that its file may have, though nothing comes', async () => {
    await bench.produce([{ topic: 't', value: order(0) }]);
    const before = Date.now();
    await configure({ 'flush.when.drained': 'false', 'file.max.age.ms': '7000', 'drover.idle.floor.ms': '3600000' });
    await bench.run();
    const [task] = await bench.stores.config.getTasks(bench.name);
    expect(names()).toEqual([]);
    expect(task?.dueAt).toBeGreaterThanOrEqual(before);
    expect(task?.dueAt).toBeLessThanOrEqual(Date.now() + 7000);
  });

  test('a burst with pauses is one file, and is there once it has been quiet for long enough', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      const quietMs = 20_000;
      await configure({ 'flush.quiet.ms': String(quietMs), 'drover.idle.floor.ms': '3600000' });
      for (const id of upTo(3)) {
        await bench.produce([{ topic: 't', value: order(id) }]);
        await bench.run();
        const [task] = await bench.stores.config.getTasks(bench.name);
        expect({ names: names(), dueAt: task?.dueAt }).toEqual({ names: [], dueAt: Date.now() + quietMs });
        vi.setSystemTime(Date.now() + quietMs - 1);
      }
      vi.setSystemTime(Date.now() + 1);
      await bench.run();
      expect(names()).toHaveLength(1);
      expect(ids()).toEqual(upTo(3));
      const [task] = await bench.stores.config.getTasks(bench.name);
      expect(task?.states).toEqual({});
      expect(store.objects.map(({ key }) => key)).toEqual(names());
    } finally {
      vi.useRealTimers();
    }
  });

  test('a file whose upload has been taken away is made of the records once more', async () => {
    await bench.produce(upTo(60).map((id) => ({ topic: 't', value: order(id, { big }) })));
    await configure({ ...parts, 'drover.run.max.records': '40', 'consumer.override.max.poll.records': '10' });
    await bench.run();
    expect(store.uploads.length).toBe(1);
    store.abortAll();
    await bench.produce(upTo(40).map((id) => ({ topic: 't', value: order(60 + id, { big }) })));
    await bench.drain();
    expect(ids()).toEqual(upTo(100));
  });

  test('what waits in the bucket and is not there any more is read again', async () => {
    await bench.produce(upTo(60).map((id) => ({ topic: 't', value: order(id) })));
    await configure(parts);
    await bench.drain();
    for (const { key } of store.objects) store.delete(key);
    await bench.produce(upTo(40).map((id) => ({ topic: 't', value: order(60 + id) })));
    await bench.drain();
    expect(ids()).toEqual(upTo(100));
  });

  test('another config finishes the files of the one before as they are', async () => {
    await bench.produce(upTo(7).map((id) => ({ topic: 't', value: order(id) })));
    await configure(parts);
    await bench.drain();
    expect(names()).toEqual([]);
    await configure({ ...parts, 'flush.size': '100', 's3.compression.type': 'gzip', 'topics.dir': 'other' });
    await bench.drain();
    await bench.produce([{ topic: 't', value: order(7) }]);
    await configure({ ...parts, 's3.compression.type': 'gzip', 'topics.dir': 'other', 'flush.when.drained': 'true' });
    await bench.drain();
    expect(names()).toEqual(['other/t/partition=0/t+0+0000000007.json.gz', 'topics/t/partition=0/t+0+0000000000.json']);
    expect(sorted(ids())).toEqual(upTo(8));
  });
});

describe('deaths', () => {
  const at = (name: string, time = 1): Point => ({ name, time });

  test('I5: nothing is to be seen before the commit that holds it, and all of it after the next run', async () => {
    await bench.produce(upTo(5).map((id) => ({ topic: 't', value: order(id) })));
    await configure({});
    // The first commit is that of where it begins to read.
    expect((await bench.run({ killAt: at('before offsets.commitSinkPositions', 2) })).killed).toBe(true);
    expect(names()).toEqual([]);
    expect((await bench.run({ killAt: at('after offsets.commitSinkPositions') })).killed).toBe(true);
    expect(names()).toEqual([]);
    await bench.drain();
    expect(ids()).toEqual(upTo(5));
  });

  test('I2: a run that is fenced makes no file', async () => {
    await bench.produce(upTo(5).map((id) => ({ topic: 't', value: order(id) })));
    await configure({});
    // The first commit is that of where it begins to read.
    await bench.run({ killAt: at('before offsets.commitSinkPositions', 2) });
    const zombies = store.uploads.length;
    expect(zombies).toBe(1);
    await bench.drain();
    expect(ids()).toEqual(upTo(5));
    // What the dead run had begun is left to the sweep.
    expect(store.uploads.length).toBe(zombies);
  });

  test('every record is in one file, wherever a run dies: paths in turns, files over runs, gzipped', async () => {
    const filler = 'z'.repeat(3000);
    const records = upTo(240).map((id) => ({
      topic: 't',
      partition: id % 2,
      value: order(id, { kind: `k${id % 3}`, filler }),
    }));
    const points: Point[] = [];
    const settings = {
      'partitioner.class': 'FieldPartitioner',
      'partition.field.name': 'kind',
      'flush.size': '25',
      's3.compression.type': 'gzip',
      'flush.when.drained': 'false',
      'drover.run.max.records': '50',
      'consumer.override.max.poll.records': '20',
    };
    bench.memoryKafka?.createTopic('t', 2);
    await bench.produce(records);
    await configure(settings);
    await bench.run({ onPoint: (point) => points.push(point) });
    const chosen = points.filter((_, index) => index % Math.ceil(points.length / 20) === 0);
    expect(chosen.length).toBeGreaterThan(10);
    for (const killAt of chosen) {
      await using other = await MemoryS3.start();
      const own = new ConnectorBench(confluentS3Sink(async () => plainAvro));
      own.memoryKafka?.createTopic('t', 2);
      await own.produce(records);
      await own.configure({ ...other.confluent, topics: 't', ...atOnce, ...json, ...schemaless, ...settings });
      await own.run({ killAt });
      await own.run({ killAt });
      await own.drain();
      await own.configure({
        ...atOnce,
        ...other.confluent,
        topics: 't',
        ...json,
        ...schemaless,
        ...settings,
        'flush.when.drained': 'true',
      });
      await own.drain();
      const seen = other.files.flatMap(({ bytes }) => recordsOf(bytes).map(({ id }) => id));
      expect(sorted(seen), `killed at ${killAt.name} ${killAt.time}`).toEqual(upTo(240));
      await own.close();
    }
  });

  test('a longer file of the same records stays; of others it is nothing to be written over', async () => {
    await bench.produce(upTo(3).map((id) => ({ topic: 't', value: order(id), timestamp: noon })));
    const key = 'topics/t/partition=0/t+0+0000000000.json';
    const longer = Buffer.from(
      `${upTo(9)
        .map((id) => order(id))
        .join('\n')}\n`,
    );
    store.put(key, longer, { 'drover-origin': `t/0/0/${noon}`, 'drover-file': 'of another run' });
    await configure({});
    await bench.drain();
    expect(store.files[0]?.bytes.equals(longer)).toBe(true);
    store.put('topics/t/partition=0/t+0+0000000003.json', longer, { 'drover-origin': 't/0/3/1', 'drover-file': 'x' });
    await bench.produce([{ topic: 't', value: order(3), timestamp: noon }]);
    await bench.run();
    const { tasks } = await bench.status();
    expect(tasks[0]?.trace).toContain('t+0+0000000003.json in bucket bucket is there already, with other records');
  });

  test('uploads that died runs have left are swept, and nobody else’s', async () => {
    const old = Date.now() - 9 * 24 * hour;
    store.begin('topics/t/partition=0/t+0+0000000000.json', old);
    store.begin('topics/somebody-elses.json', old);
    store.begin('topics/t/partition=0/t+0+0000000001.json', Date.now() - hour);
    await bench.produce([{ topic: 't', value: order(0) }]);
    await configure({ 'topics.dir': 'topics' });
    await bench.drain();
    // Of a process's task, once a day: another test may have had it.
    expect(store.uploads.map(({ key }) => key)).toContain('topics/somebody-elses.json');
    expect(store.uploads.map(({ key }) => key)).toContain('topics/t/partition=0/t+0+0000000001.json');
  });
});

test.each([
  ['NoSuchBucket', 404, 'CreateMultipartUpload'],
  ['AccessDenied', 403, 'CreateMultipartUpload'],
  ['AccessDenied', 403, 'CompleteMultipartUpload'],
])('a bucket that answers %s fails the task, which names it', async (code, status, on) => {
  store.fault = ({ operation }) => (operation === on ? { status, code } : undefined);
  await bench.produce([{ topic: 't', value: order(0) }]);
  // Each record is as good as the others: none is at fault, and none may be passed over.
  await configure({ 'errors.tolerance': 'all', 'drover.errors.bisect.enable': 'true' });
  await bench.run();
  const [task] = (await bench.status()).tasks;
  expect(task).toMatchObject({ state: 'FAILED', trace: expect.stringContaining(`in bucket bucket failed: ${code}`) });
  store.fault = () => undefined;
  await bench.stores.config.requestRestart(bench.name, { connector: false, tasks: [0] }, bench.clock.now());
  await bench.drain();
  expect(ids()).toEqual([0]);
});

describe('what is in a record', () => {
  const withNull = [
    { topic: 't', key: 'a', value: order(0) },
    { topic: 't', key: 'b', value: null },
    { topic: 't', key: 'c', value: order(2) },
  ];

  test('null values: ignored, the record’s error, or kept as keys', async () => {
    await bench.produce(withNull);
    await configure({ 'behavior.on.null.values': 'ignore' });
    await bench.drain();
    expect(ids()).toEqual([0, 2]);

    await configure({ 'behavior.on.null.values': 'fail', 'topics.dir': 'failed' });
    await bench.setTargetState('STOPPED');
    await bench.runConnector();
    await bench.resetOffsets();
    await bench.setTargetState('STARTED');
    await bench.run();
    expect((await bench.status()).tasks[0]?.trace).toContain('behavior.on.null.values=fail');
  });

  test('null values and keys beside them', async () => {
    await bench.produce(withNull);
    await configure({
      'behavior.on.null.values': 'write',
      'store.kafka.keys': 'true',
      'keys.format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
    });
    await bench.drain();
    expect(store.files.map(({ key, bytes }) => [key, bytes.toString()])).toEqual([
      ['topics/t/partition=0/t+0+0000000000.json', '{"id":0}\n{"id":2}\n'],
      ['topics/t/partition=0/t+0+0000000000.keys.json', '"a"\n"c"\n'],
      ['topics/t/tombstone/t+0+0000000001.keys.json', '"b"\n'],
    ]);
  });

  test('Aiven’s files: fields, templates, and the newest record of each key', async () => {
    const aiven = new ConnectorBench(aivenS3Sink(async () => plainAvro));
    await aiven.produce([...withNull, { topic: 't', key: 'a', value: order(3), timestamp: noon }]);
    const text = { ...schemaless, 'value.converter': 'StringConverter' };
    await aiven.configure({
      ...atOnce,
      ...store.aiven,
      topics: 't',
      'format.output.type': 'jsonl',
      'format.output.fields': 'key,offset,value',
      'file.name.template': 'out/{{topic}}-{{partition:padding=true}}-{{start_offset:padding=true}}.jsonl',
      'file.compression.type': 'none',
      'file.max.records': '3',
      ...text,
    });
    await aiven.drain();
    const [first, second] = store.files;
    expect(first?.key).toBe('out/t-0000000000-00000000000000000000.jsonl');
    expect(first?.bytes.toString()).toBe(
      '{"key":"a","offset":0,"value":"{\\"id\\":0}"}\n{"key":"b","offset":1,"value":null}\n{"key":"c","offset":2,"value":"{\\"id\\":2}"}',
    );
    expect(second?.key).toBe('out/t-0000000000-00000000000000000003.jsonl');
    await aiven.close();

    const newest = new ConnectorBench(aivenS3Sink(async () => plainAvro));
    await newest.produce([withNull[0]!, withNull[2]!, { topic: 't', key: 'a', value: order(3) }]);
    await newest.configure({
      ...atOnce,
      ...store.aiven,
      topics: 't',
      'format.output.type': 'csv',
      'format.output.fields.value.encoding': 'none',
      'file.name.template': 'keys/{{key}}',
      'file.compression.type': 'none',
      ...text,
    });
    await newest.drain();
    const keyed = store.files.filter(({ key }) => key.startsWith('keys/'));
    expect(keyed.map(({ key, bytes }) => [key, bytes.toString()])).toEqual([
      ['keys/a', '{"id":3}'],
      ['keys/c', '{"id":2}'],
    ]);
    await newest.close();
  });
});
