import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SinkRecord } from '../../src/api/record.ts';
import type { SinkTaskContext } from '../../src/api/task.ts';
import { schemaEquals } from '../../src/data/equality.ts';
import { Decimal, Instant } from '../../src/data/logical.ts';
import { SchemaBuilder } from '../../src/data/schema-builder.ts';
import { BigInteger, Float32, Float64, Int8, Int16, Int32 } from '../../src/data/schemaless.ts';
import { hostArchive } from '../../src/java-host/jvm-command.ts';
import { ConnectorBench } from '../../src/testing/bench.ts';
import { plain, structSample } from '../support/connect-data.ts';
import { startTestJava, type TestJava } from '../support/java-plugins.ts';
import { kafkaAddress } from '../support/services.ts';
import { until } from '../support/until.ts';

const base = 9_007_199_254_740_993n;
const strings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};
const probe = { ...strings, 'connector.class': 'probe.ProbeSource', topic: 'probed', 'drover.java.settle.ms': '300' };

let java: TestJava;
let folder: string;
const benches: ConnectorBench[] = [];

beforeAll(async () => {
  java = await startTestJava();
  folder = await mkdtemp(join(tmpdir(), 'drover-java-'));
});

afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

afterAll(async () => {
  await java.close();
  await rm(folder, { recursive: true, force: true });
});

function benchOf(kind: 'source' | 'sink', name: string, options: ConstructorParameters<typeof ConnectorBench>[1] = {}) {
  const bench = new ConnectorBench(
    kind === 'source' ? java.plugin('source', name) : java.plugin('sink', name),
    options,
  );
  benches.push(bench);
  return bench;
}

const source = (options: ConstructorParameters<typeof ConnectorBench>[1] = {}) =>
  benchOf('source', 'probe.ProbeSource', options);

const valuesOf = (records: readonly { value: unknown }[]) => records.map(({ value }) => value);
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `n${i + 1}`);

describe('the manifest', () => {
  it('lists what loads with its settings, and tells of what does not which class of which place is at fault', () => {
    const found = java.manifest.plugins.filter(({ location }) => location === 'probe');
    expect(found.map(({ kind, className, version }) => [kind, className, version])).toEqual(
      expect.arrayContaining([
        ['source', 'probe.ProbeSource', '1.5'],
        ['sink', 'probe.ProbeSink', '1.5'],
      ]),
    );
    expect([...java.plugin('source', 'probe.ProbeSource').config.keys.keys()]).toEqual([
      'mode',
      'topic',
      'look.interval.ms',
      'count',
    ]);
    const faults = new Map(java.manifest.unloadable.map(({ className, error }) => [className, error]));
    expect(faults.get('broken.BrokenSource')).toMatch(/the class broken\.Base that it needs is missing/);
    expect(faults.get('broken.Nowhere')).toMatch(/it is not there/);
    expect(faults.get('broken.UnmadeSink')).toMatch(/cannot be made/);
    expect(faults.get('broken.TooNewSink')).toMatch(/compiled for a newer Java than \d+: .*TooNewSink/);
  });
});

describe('the JVM', () => {
  it('starts with the archive of the classes that every run loads', async () => {
    const host = await java.host.get();
    expect(readFileSync(`/proc/${host.pid}/maps`, 'utf8')).toContain(hostArchive);
  });
});

describe('the codec, both ends', () => {
  it('gives back every schema and value as it was', async () => {
    const converter = await java.plugin('converter', 'probe.ProbeConverter').create();
    converter.configure({}, { isKey: false });
    const limits = { nested: true, optionalContainers: true, oddFloats: true };
    await fc.assert(
      fc.asyncProperty(structSample(limits), async ({ schema, value }) => {
        const token = (await converter.fromConnectData('t', schema, value)) as Uint8Array;
        const back = await converter.toConnectData('t', token);
        expect(schemaEquals(back.schema, schema)).toBe(true);
        expect(plain(back.value)).toEqual(plain(value));
      }),
      { numRuns: 40 },
    );
    for (const value of [
      null,
      true,
      'text 𝄞',
      2n ** 63n - 1n,
      -(2n ** 63n),
      1.5,
      new Int8(-128),
      new Int16(-32768),
      new Int32(-2147483648),
      new Float32(Number.NaN),
      new Decimal(-12345678901234567890n, 7),
      new Instant(-1),
      new BigInteger(2n ** 90n),
      Buffer.from([0, 255]),
      ['a', 1n, null],
      new Map<unknown, unknown>([
        ['k', new Int32(1)],
        [null, 2n],
      ]),
    ]) {
      const token = (await converter.fromConnectData('t', null, value)) as Uint8Array;
      expect(await converter.toConnectData('t', token)).toEqual({ schema: null, value });
    }
    const wide = SchemaBuilder.int64()
      .defaultValue(2n ** 60n)
      .parameter('p', 'q')
      .version(3)
      .doc('d')
      .build();
    const sized = SchemaBuilder.struct()
      .field('small', SchemaBuilder.int8().defaultValue(7).build())
      .field('wide', wide)
      .build();
    const defaults = SchemaBuilder.array(sized).optional().build();
    const back = await converter.toConnectData(
      't',
      (await converter.fromConnectData('t', defaults, null)) as Uint8Array,
    );
    expect(back.value).toBeNull();
    expect(back.schema?.valueSchema?.field('small')?.schema.defaultValue).toBe(7);
    expect(schemaEquals(back.schema, defaults)).toBe(true);
    // A number that does not fit its schema is as wrong on the other side.
    const misfit = await Promise.resolve(
      converter.fromConnectData('t', SchemaBuilder.int32().build(), new Float64(1)),
    ).catch((error: Error) => error);
    expect(String(misfit)).toMatch(/Invalid Java object for schema with type INT32/);
    await converter.close?.();
  });
});

describe('sources', () => {
  it("I3: Apache's file source goes on where it was, run by run in one JVM, against a real Kafka", async () => {
    const file = join(folder, 'in.txt');
    await writeFile(file, 'one\ntwo\n');
    const name = `java-lines-${process.pid}`;
    const bench = benchOf('source', 'org.apache.kafka.connect.file.FileStreamSourceConnector', {
      bootstrapServers: await kafkaAddress(),
      name,
    });
    const runs = java.started.length;
    await bench.configure({
      ...strings,
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
      'drover.java.settle.ms': '1500',
      'topic.creation.default.partitions': '1',
      'topic.creation.default.replication.factor': '1',
      file,
      topic: name,
    });
    await bench.run();
    await bench.throwIfFailed();
    expect(valuesOf(await bench.newRecords())).toEqual(['one', 'two']);
    await writeFile(file, 'one\ntwo\nthree\n');
    await until('the file is read', async () => {
      await bench.run();
      return (await bench.offsets())[0]?.offset.position === 14;
    });
    expect(valuesOf(await bench.newRecords())).toEqual(['three']);
    expect(await bench.offsets()).toEqual([{ partition: { filename: file }, offset: { position: 14 } }]);
    expect(java.started.length - runs).toBeLessThanOrEqual(1);
  });

  it('keep integers beyond 2^53 and whole doubles in their offsets, from run to run and when altered', async () => {
    const bench = source();
    await bench.configure({ ...probe, count: '3' });
    await bench.run();
    await bench.throwIfFailed();
    const stored = await bench.stores.offsets.listSourceOffsets(bench.name, null);
    expect(stored.items[0]?.offset).toBe(`{"at":${base + 3n},"ratio":1.0}`);
    await bench.configure({ ...probe, count: '5' });
    await bench.run();
    await bench.throwIfFailed();
    expect(valuesOf(await bench.records('probed'))).toEqual(numbered(5));
    await bench.alterOffsets([{ partition: { shard: 's' }, offset: { at: base + 4n, ratio: 1.5 } }]);
    await bench.run();
    expect(valuesOf(await bench.records('probed'))).toEqual([...numbered(5), 'n5']);
    await expect(bench.alterOffsets([{ partition: { shard: 's' }, offset: { at: 'x' } }])).rejects.toThrow(
      /at is no long/,
    );
  });

  it('that fetch on threads of their own have time to settle', async () => {
    const bench = source();
    await bench.configure({
      ...probe,
      mode: 'settles',
      'drover.java.settle.ms': '20000',
      count: '2',
      'drover.run.max.records': '2',
    });
    await bench.run();
    await bench.throwIfFailed();
    expect(valuesOf(await bench.records('probed'))).toEqual(numbered(2));
  });

  it('hear of each record that landed, then of the commit, then that it is over', async () => {
    const bench = source();
    await bench.configure({ ...probe, mode: 'told', count: '2' });
    await bench.run();
    const told = bench.events.filter(({ event }) => event === 'plugin.log').map(({ facts }) => String(facts.message));
    expect(told.join()).toContain('calls: start n1@0 n2@1 commit stop');
  });

  it('hear of a commit at the end of a run too whose interval has brought one', async () => {
    const bench = source();
    const soon = { 'drover.commit.interval.ms': '1', 'drover.java.settle.ms': '2000' };
    await bench.configure({ ...probe, mode: 'told', count: '2', ...soon });
    await bench.run();
    const told = bench.events.filter(({ event }) => event === 'plugin.log').map(({ facts }) => String(facts.message));
    expect(told.join()).toContain('calls: start n1@0 n2@1 commit commit stop');
  });

  it('hear of it while their next poll waits, and may wait for just that', async () => {
    const bench = source();
    await bench.configure({
      ...probe,
      mode: 'waits-for-acknowledgements',
      count: '8',
      'drover.java.settle.ms': '20000',
      'drover.run.max.records': '8',
    });
    await bench.run();
    await bench.throwIfFailed();
    expect(valuesOf(await bench.records('probed'))).toEqual(numbered(8));
  });

  it('send one large poll in frames of a few megabytes', async () => {
    const bench = source();
    await bench.configure({
      ...probe,
      mode: 'large',
      count: '10',
      each: '10',
      'drover.java.settle.ms': '20000',
      'drover.run.max.records': '10',
    });
    await bench.run();
    await bench.throwIfFailed();
    expect((await bench.records('probed')).length).toBe(10);
    expect(bench.tasks.length).toBeGreaterThan(0);
  });

  it('tell their own exception with its causes and frames; what lay in front is committed', async () => {
    const bench = source();
    await bench.configure({ ...probe, mode: 'fails', count: '9' });
    await bench.run();
    const [trace = ''] = await bench.traces();
    expect(trace).toMatch(/^org\.apache\.kafka\.connect\.errors\.ConnectException: the source is broken\n/);
    expect(trace).toMatch(/Caused by: java\.io\.IOException: wire cut/);
    expect(trace).toMatch(/at probe\.ProbeSource\$Probe\.poll/);
    expect(valuesOf(await bench.records('probed'))).toEqual(numbered(4));
    expect((await bench.status()).tasks[0]?.state).toBe('FAILED');
  });

  it('are polled again in the same run after what they call retriable', async () => {
    const bench = source();
    // Its run ends by what it has brought, however long that takes here.
    const patient = { 'drover.java.settle.ms': '20000', 'drover.run.max.records': '9' };
    await bench.configure({ ...probe, ...patient, mode: 'retries', count: '9' });
    expect(await bench.run()).toMatchObject({ records: 9, tasks: [{ ran: true }] });
    const retries = bench.events.filter(({ event }) => event === 'task.retry');
    expect(retries.map(({ facts }) => facts)).toEqual([expect.objectContaining({ step: 'poll', attempt: 1 })]);
    expect(valuesOf(await bench.records('probed'))).toEqual(numbered(9));
  });

  const once = { 'exactly.once.support': 'required' };

  it('I4: under exactly once none is missing and none is there twice, whether its JVM or its worker is killed', async () => {
    const bench = source();
    await bench.configure({ ...probe, ...once, count: '160', each: '5' });
    let kills = 0;
    const arrived = async () => (await bench.records('probed')).length;
    // Points are counted anew in each process of the worker, which outlives its JVM.
    const reached = new Map<string, number>();
    for (let round = 0; round < 24 && (await arrived()) < 160; round++) {
      const name = round % 4 === 2 ? 'step converted' : 'step polled';
      const time = (reached.get(name) ?? 0) + 2 + (round % 3);
      const { killed } = await bench.run({
        ...(round % 2 === 0 ? { killAt: { name, time } } : {}),
        onPoint: (point) => {
          reached.set(point.name, point.time);
          if (round % 2 === 0 || point.name !== name || point.time !== time) return;
          kills++;
          process.kill(java.started.at(-1)!.pid, 'SIGKILL');
        },
      });
      if (killed) reached.clear();
    }
    await bench.throwIfFailed();
    expect(kills).toBeGreaterThan(1);
    expect(valuesOf(await bench.records('probed'))).toEqual(numbered(160));
  });

  it('I4: that draw their transactions: what they take back is not there, and what is behind it is', async () => {
    const bench = source();
    await bench.configure({ ...probe, ...once, 'transaction.boundary': 'connector', mode: 'draws', count: '12' });
    await bench.run();
    await bench.throwIfFailed();
    const kept = numbered(12).filter((value) => value !== 'n6' && value !== 'n7');
    expect(valuesOf(await bench.records('probed'))).toEqual(kept);
    const stored = await bench.stores.offsets.listSourceOffsets(bench.name, null);
    expect(stored.items[0]?.offset).toBe(`{"at":${base + 12n},"ratio":1.0}`);
  });

  it("are asked again from time to time, as their connectors' own threads would ask, and run on where nothing has changed", async () => {
    const bench = source();
    const [watched, made] = [join(folder, 'watched'), join(folder, 'made')];
    await writeFile(watched, 'a\n');
    await bench.configure({ ...probe, 'tasks.max': '3', watched, count: '2' });
    await bench.run();
    await bench.throwIfFailed();
    const generation = async () => (await bench.stores.config.getConnector(bench.name))?.generation;
    const first = await generation();
    await writeFile(watched, 'a\nb\n');
    await bench.run();
    expect((await bench.status()).tasks).toHaveLength(1);
    bench.clock.advance(600_001);
    await bench.run();
    await bench.throwIfFailed();
    expect((await bench.status()).tasks).toHaveLength(2);
    expect(await generation()).not.toBe(first);
    const second = await generation();
    bench.clock.advance(600_001);
    await bench.run();
    expect(await generation()).toBe(second);

    const busy = source();
    await busy.configure({ ...probe, 'made.by.its.thread': made, count: '1', 'drover.java.refresh.ms': '1000' });
    await busy.run();
    await rm(made, { force: true });
    busy.clock.advance(1001);
    await busy.run();
    await busy.throwIfFailed();
    expect(readFileSync(made, 'utf8')).toBe('');
  });

  it('hear of a commit in a run that brought nothing too: what the last one could not tell is told', async () => {
    const bench = source();
    await bench.configure({ ...probe, mode: 'told', count: '0' });
    await bench.run();
    const told = bench.events.filter(({ event }) => event === 'plugin.log').map(({ facts }) => String(facts.message));
    expect(told.join()).toContain('calls: start commit stop');
  });

  it("show what their own validate finds beside what the settings' types say", async () => {
    const errors = await source().validate({ ...probe, mode: 'forbidden', count: 'many' });
    expect(errors.get('mode')).toEqual(['mode must not be forbidden']);
    expect(errors.get('count')?.length).toBe(1);
  });
});

describe('sinks', () => {
  const calls = () => join(folder, `calls-${benches.length}-${Math.random()}`);
  const lines = (file: string) => readFileSync(file, 'utf8').trim().split('\n');

  async function run(config: Record<string, string>, values: readonly string[]) {
    const bench = benchOf('sink', 'probe.ProbeSink');
    const file = calls();
    await bench.produce(values.map((value) => ({ topic: 'in', partition: 0, value })));
    await bench.configure({ ...strings, 'connector.class': 'probe.ProbeSink', topics: 'in', calls: file, ...config });
    await bench.run();
    return { bench, file };
  }

  it('I5: are called in the order of a worker', async () => {
    const { bench, file } = await run({}, ['a', 'b']);
    await bench.throwIfFailed();
    expect(lines(file)).toEqual(['start 1', 'open [in-0]', 'put a b', 'put', 'preCommit 2', 'close [in-0]', 'stop']);
  });

  it('are given each record with its place, whatever stands in front of it in the frame or came ahead of it', async () => {
    const connector = await java.plugin('sink', 'probe.ProbeSink').create();
    const task = connector.createTask();
    const file = calls();
    const context: Partial<SinkTaskContext> = {
      assignment: [],
      errantRecordReporter: null,
      signal: new AbortController().signal,
      deadlineAt: Date.now() + 60_000,
      warn: () => {},
    };
    const config = { calls: file, mode: 'places', 'task.class': 'probe.ProbeSink$Probe' };
    await task.start(config, context as SinkTaskContext);
    const some = fc.record({
      topic: fc.constantFrom('a', 'b'),
      partition: fc.integer({ min: 0, max: 1 }),
      // Small ones often follow one another.
      offset: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.maxSafeNat()),
      timestamp: fc.oneof(fc.constant(null), fc.maxSafeInteger()),
      type: fc.constantFrom('CreateTime', 'LogAppendTime', 'NoTimestampType'),
      key: fc.constantFrom('', 'k', 'zwölf Kilo', '\u{1d11e}'.repeat(40)),
      from: fc.option(fc.constantFrom('a', 'was')),
    });
    /** What the host was not sent, or never puts, defines schemas too. */
    const schemas = ['one', 'two', 'three'].map((name) => SchemaBuilder.string().name(name).build());
    const put = fc.record({
      all: fc.array(some, { minLength: 1, maxLength: 12 }),
      ahead: fc.constantFrom('nothing', 'itself', 'itself, late', 'another, late'),
      schema: fc.constantFrom(...schemas),
      // Above what is sent ahead, or not.
      value: fc.oneof({ weight: 9, arbitrary: fc.constant('v') }, fc.constant('v'.repeat(1 << 20))),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(put, { minLength: 1, maxLength: 4 }), async (puts) => {
        const made = puts.map(({ all, schema, value, ahead }) => {
          const run = all.length > 3 ? all.map((one, i) => ({ ...all[0]!, offset: i, from: one.from })) : all;
          const records = run.map(
            ({ topic, partition, offset, timestamp, type, key, from }) =>
              new SinkRecord(topic, partition, schema, key, schema, value, offset, timestamp, type, [], from ?? topic),
          );
          return { run, records, ahead };
        });
        const before = lines(file).length;
        let underWay: Promise<void> = Promise.resolve();
        for (const { records, ahead } of made) {
          if (ahead === 'itself') task.prepare!(records);
          await underWay;
          if (ahead === 'itself, late') task.prepare!(records);
          if (ahead === 'another, late') task.prepare!([...records]);
          underWay = Promise.resolve(task.put(records));
        }
        await underWay;
        expect(
          lines(file)
            .slice(before)
            .filter((line) => line.startsWith('at ')),
        ).toEqual(
          made.flatMap(({ run }) =>
            run.map(({ topic, partition, offset, timestamp, type, key, from }) =>
              ['at', topic, partition, offset, type, String(timestamp), key, from ?? topic, partition, offset].join(
                ' ',
              ),
            ),
          ),
        );
      }),
      { numRuns: 60 },
    );
    await task.stop();
  });

  it('try again what they call retriable, and go back where they want to', async () => {
    const retried = await run({ mode: 'retries' }, ['a']);
    await retried.bench.throwIfFailed();
    expect(lines(retried.file).filter((line) => line.startsWith('put'))).toEqual(['put a', 'put a', 'put']);
    const rewound = await run({ mode: 'rewinds' }, ['a', 'b']);
    await rewound.bench.throwIfFailed();
    expect(lines(rewound.file).filter((line) => line.startsWith('put ')).length).toBeGreaterThan(1);
  });

  it('hear that there is nothing, and resume then what they have paused', async () => {
    const { bench, file } = await run({ mode: 'pauses', 'consumer.override.max.poll.records': '1' }, ['a', 'b']);
    await bench.throwIfFailed();
    const puts = lines(file).filter((line) => line.startsWith('put'));
    expect(puts.filter((put, i) => put !== puts[i - 1])).toEqual(['put a', 'put', 'put b', 'put']);
  });

  it('KIP-610: report a record, and go on when its dead letter is acknowledged', async () => {
    const { bench, file } = await run(
      {
        mode: 'reports',
        'errors.tolerance': 'all',
        'errors.deadletterqueue.topic.name': 'dead',
        'errors.deadletterqueue.topic.replication.factor': '1',
        'errors.deadletterqueue.context.headers.enable': 'true',
      },
      ['good', 'bad'],
    );
    await bench.throwIfFailed();
    expect(lines(file)).toContain('reported bad');
    const [letter] = await bench.deadLetters();
    expect(String(letter?.value)).toBe('bad');
  });
});

describe('bad plugins end their run with a clear error, and nobody else', () => {
  /** Runs it, and says what the status shows; a good connector runs after it. */
  async function traceOf(config: Record<string, string>, options: { deadlineMs?: number } = {}): Promise<string> {
    const bench = source(options);
    await bench.configure({ ...probe, ...config });
    await bench.run();
    const trace = (await bench.traces()).join('\n');
    const next = source();
    await next.configure({ ...probe, count: '1' });
    await next.run();
    await next.throwIfFailed();
    expect(valuesOf(await next.records('probed'))).toEqual(['n1']);
    return trace;
  }

  it('one that calls System.exit', async () => {
    const trace = await traceOf({ mode: 'exits' });
    expect(trace).toMatch(/probe\.ProbeSource\$Probe\.start.* has called System\.exit/);
    expect(trace).toMatch(/during start of the Java plugin probe\.ProbeSource\$Probe in probe/);
  });

  it('one that does so as a connector', async () => {
    expect(await traceOf({ 'connector.mode': 'exits' })).toMatch(/probe\.ProbeSource\.start.* has called System\.exit/);
  });

  it('one whose dependency is missing', async () => {
    expect(await traceOf({ mode: 'missing' })).toMatch(
      /The Java plugin probe\.ProbeSource\$Probe in probe does not work: the class probe\.ProbeSource\$Missing that it needs is missing/,
    );
  });

  it('one that runs out of memory', async () => {
    expect(await traceOf({ mode: 'exhausts', 'drover.java.settle.ms': '50000' })).toMatch(
      /ran out of memory.*poll of the Java plugin probe\.ProbeSource\$Probe/s,
    );
  });

  it('one that never starts', async () => {
    const trace = await traceOf({ mode: 'never-starts' }, { deadlineMs: 3000 });
    expect(trace).toMatch(/The Java plugin probe\.ProbeSource\$Probe in probe did not come back from start/);
  });

  it('one that takes longer than a run for its first start in a JVM, and long to stop behind it: that JVM is kept, and the next run goes on', async () => {
    const bench = source();
    await bench.configure({ ...probe, mode: 'starts-slowly', count: '1', 'drover.run.max.ms': '500' });
    await bench.run();
    await bench.throwIfFailed();
    const told = bench.events.filter(({ event }) => event === 'plugin.log').map(({ facts }) => String(facts.message));
    expect(told.join()).toMatch(
      /ProbeSource\$Probe in probe took .* to start, and its run was over.*drover\.run\.max\.ms/,
    );
    await bench.run();
    expect(valuesOf(await bench.records('probed'))).toEqual(['n1']);
  });

  it('a poll that never comes back: what it brought before is committed, and its JVM ended', async () => {
    const bench = source();
    await bench.configure({ ...probe, mode: 'never-polls', count: '4', 'drover.java.settle.ms': '200' });
    await bench.run();
    await bench.throwIfFailed();
    expect(valuesOf(await bench.records('probed'))).toEqual(numbered(4));
    expect(await bench.offsets()).toHaveLength(1);
    expect(java.started.at(-1)?.alive).toBe(false);
    const told = bench.events.filter(({ event }) => event === 'plugin.log').map(({ facts }) => String(facts.message));
    expect(told.join()).toMatch(/did not come back from stop/);
  });

  it('gigabytes in one poll are told apart, and a run ends in between', async () => {
    const bench = source();
    const halves = 6_000;
    await bench.configure({
      ...probe,
      mode: 'gigabytes',
      count: String(halves),
      each: String(halves),
      'drover.run.max.bytes': String(8 << 20),
      // A poll that takes longer, as it may where memory is short, ends a run without a record.
      'drover.java.settle.ms': '30000',
    });
    await bench.run();
    await bench.throwIfFailed();
    const first = await bench.committedRecords();
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThan(100);
    await bench.run();
    await bench.throwIfFailed();
    expect(await bench.committedRecords()).toBeGreaterThan(first);
    expect(java.started.at(-1)?.alive).toBe(true);
  });

  it('one that leaves threads behind in every run: the log says which, and its runs go on', async () => {
    const bench = source();
    await bench.configure({ ...probe, mode: 'leaves-threads', count: '2', 'drover.java.settle.ms': '0' });
    const told = () =>
      bench.events.filter(({ event }) => event === 'plugin.log').map(({ facts }) => String(facts.message));
    for (let run = 0; run < 5; run++) await bench.run();
    await bench.throwIfFailed();
    expect(told().join()).toMatch(
      /probe\.ProbeSource\$Probe in .*probe.* does not end its threads when it is stopped: \d+ of earlier runs go on, such as left-behind/,
    );
    await java.host.end();
  });

  it('noise on stdout reaches no frame', async () => {
    const bench = source();
    await bench.configure({ ...probe, mode: 'noise', count: '8' });
    await bench.run();
    await bench.throwIfFailed();
    expect(valuesOf(await bench.records('probed'))).toEqual(numbered(8));
  });

  it('I3: a JVM that is killed in the middle of a batch loses nothing', async () => {
    const bench = source();
    await bench.configure({ ...probe, count: '400', each: '7' });
    let kills = 0;
    for (let round = 0; round < 20 && (await bench.committedRecords()) < 400; round++) {
      await bench.run({
        onPoint: ({ name, time }) => {
          if (kills < 3 && name === 'step polled' && time === 5 + kills * 4) {
            kills++;
            process.kill(java.started.at(-1)!.pid, 'SIGKILL');
          }
        },
      });
    }
    await bench.throwIfFailed();
    expect(kills).toBeGreaterThan(0);
    const landed = new Set(valuesOf(await bench.records('probed')));
    expect(numbered(400).filter((value) => !landed.has(value))).toEqual([]);
  });
});
