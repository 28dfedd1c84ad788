import { readFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { jars } from '../../local/maven.ts';
import type { AnyPlugin } from '../../src/api/plugin.ts';
import { SourceRecord } from '../../src/api/record.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { INT64_SCHEMA, SchemaBuilder, STRING_SCHEMA } from '../../src/data/schema-builder.ts';
import { Struct } from '../../src/data/struct.ts';
import { ConnectorBench } from '../../src/testing/bench.ts';
import { startTestJava, type TestJava } from '../support/java-plugins.ts';
import { listedSource } from '../support/listed-source.ts';
import { sourceOf } from '../support/worker-plugins.ts';

// What of a jar is called for each record, asked in batches: transformations, predicates, converters and header converters.
const text = 'org.apache.kafka.connect.storage.StringConverter';
const strings = { 'key.converter': text, 'value.converter': text, 'header.converter': text };
const deadLetters = {
  'errors.deadletterqueue.topic.name': 'dead',
  'errors.deadletterqueue.topic.replication.factor': '1',
  'errors.deadletterqueue.context.headers.enable': 'true',
};
const tolerant = { 'errors.tolerance': 'all' };
const sinkLetters = { ...tolerant, ...deadLetters };
const letters = {
  ...tolerant,
  ...Object.fromEntries(Object.entries(deadLetters).map(([key, value]) => [`drover.${key}`, value])),
};
const marks = { transforms: 'mark', 'transforms.mark.type': 'probe.ProbeTransformation', 'transforms.mark.mark': '#' };

let java: TestJava;
const benches: ConnectorBench[] = [];

beforeAll(async () => {
  java = await startTestJava([await jars('debezium-transforms', ['io.debezium:debezium-connect-plugins:3.6.1.Final'])]);
});

afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

afterAll(async () => {
  await java.close();
});

function benchOf(plugin: AnyPlugin): ConnectorBench {
  const bench = new ConnectorBench(plugin as ConstructorParameters<typeof ConnectorBench>[0], {
    plugins: java.plugins,
  });
  benches.push(bench);
  return bench;
}

/** Values of a list through the chain, run once. */
async function listed(values: string, config: Settings): Promise<ConnectorBench> {
  const bench = benchOf(listedSource);
  await bench.configure({ ...strings, 'connector.class': listedSource.className, values, ...config });
  await bench.run();
  return bench;
}

const valuesOf = async (bench: ConnectorBench) => (await bench.records('listed')).map(({ value }) => value);

describe('transformations', () => {
  it('see each record once, in its order, and may drop it or change its headers; records of the next poll too', async () => {
    const bench = await listed('a,drops,b,c,d', { ...marks, each: '2' });
    await bench.throwIfFailed();
    const records = await bench.records('listed');
    expect(records.map(({ value }) => value)).toEqual(['a #1', 'b #3', 'c #4', 'd #5']);
    expect(records.map(({ key }) => key)).toEqual(['k1', 'k3', 'k4', 'k5']);
    expect(records[0]?.headers).toEqual({ at: '1', marked: '#' });
    expect(await bench.offsets()).toEqual([{ partition: { list: 'main' }, offset: { at: 5 } }]);
  });

  it('I3: one that fails is where its source stops, as in Java; what lies in front is committed', async () => {
    const bench = await listed('a,b,fails,c', marks);
    const [trace = ''] = await bench.traces();
    expect(trace).toMatch(/^ConnectException: Tolerance exceeded in error handler/);
    expect(trace).toMatch(/Caused by: org\.apache\.kafka\.connect\.errors\.DataException: no good: fails/);
    expect(trace).toMatch(/at probe\.ProbeTransformation\.apply/);
    expect(trace).toMatch(/Caused by: java\.lang\.IllegalStateException: at the bottom/);
    expect(await valuesOf(bench)).toEqual(['a #1', 'b #2']);
    expect(await bench.offsets()).toEqual([{ partition: { list: 'main' }, offset: { at: 2 } }]);
  });

  it('KIP-298: those that fail are skipped where that is tolerated, with their dead letters, and the others keep their order', async () => {
    const bench = await listed('a,fails 1,b,odd,fails 2,c', { ...marks, ...letters });
    await bench.throwIfFailed();
    expect(await valuesOf(bench)).toEqual(['a #1', 'b #3', 'c #6']);
    const dead = await bench.deadLetters();
    expect(dead.map(({ value }) => String(value))).toEqual(['fails 1', 'odd', 'fails 2']);
    expect(dead[0]?.headers).toMatchObject({
      '__connect.errors.stage': 'TRANSFORMATION',
      '__connect.errors.class.name': 'probe.ProbeTransformation',
      '__connect.errors.exception.class.name': 'org.apache.kafka.connect.errors.DataException',
      '__connect.errors.exception.message': 'no good: fails 1',
    });
    expect(dead[1]?.headers['__connect.errors.exception.message']).toMatch(/no type for a value of the class \[Ljava/);
  });

  it('what may be tried again is tried again before the next record has its turn', async () => {
    const bench = await listed('a,retries 1,b,retries 2,c', { ...marks, 'errors.retry.timeout': '10000' });
    await bench.throwIfFailed();
    expect(await valuesOf(bench)).toEqual(['a #1', 'retries 1 #2', 'b #3', 'retries 2 #4', 'c #5']);
  });

  it('text of another class than String is text, as the converters of a worker write it', async () => {
    for (const converter of ['json.JsonConverter', 'storage.StringConverter']) {
      const bench = await listed('wraps a,wraps bare', {
        ...marks,
        'value.converter': `org.apache.kafka.connect.${converter}`,
        'value.converter.schemas.enable': 'false',
      });
      await bench.throwIfFailed();
      expect(await valuesOf(bench)).toEqual(['wraps a #1', 'wraps bare #2']);
    }
  });

  it('an error that is no exception is tolerated by nobody', async () => {
    const bench = await listed('a,breaks,b', { ...marks, ...letters });
    const [trace = ''] = await bench.traces();
    expect(trace).toMatch(/the class missing\.Thing that it needs is missing/);
    expect(await bench.deadLetters()).toEqual([]);
  });

  it('stand beside those of TypeScript, with predicates of either', async () => {
    const bench = await listed('xa,b,xc,untestable,d', {
      ...letters,
      transforms: 'shout,mark,route,again',
      'transforms.shout.type': 'org.apache.kafka.connect.transforms.InsertHeader',
      'transforms.shout.header': 'own',
      'transforms.shout.value.literal': 'v',
      'transforms.shout.predicate': 'hasX',
      'transforms.mark.type': 'probe.ProbeTransformation',
      'transforms.mark.mark': '#',
      'transforms.mark.predicate': 'hasX',
      'transforms.mark.negate': 'true',
      'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
      'transforms.route.regex': '(.*)',
      'transforms.route.replacement': '$1-routed',
      'transforms.again.type': 'probe.ProbeTransformation',
      'transforms.again.mark': '!',
      'transforms.again.predicate': 'hasOwn',
      predicates: 'hasX,hasOwn',
      'predicates.hasX.type': 'probe.ProbePredicate',
      'predicates.hasX.has': 'x',
      'predicates.hasOwn.type': 'org.apache.kafka.connect.transforms.predicates.HasHeaderKey',
      'predicates.hasOwn.name': 'own',
    });
    await bench.throwIfFailed();
    const records = await bench.records('listed-routed');
    expect(records.map(({ value }) => value)).toEqual(['xa !1', 'b #1', 'xc !2', 'd #2']);
    expect((await bench.deadLetters()).map(({ value }) => String(value))).toEqual(['untestable']);
  });

  it('of a sink: records keep where they came from, and a failed one is reported as it was read', async () => {
    const sink = java.plugin('sink', 'probe.ProbeSink') as AnyPlugin;
    const bench = benchOf(sink);
    const calls = `${java.folder}/calls-${benches.length}`;
    const values = ['a', 'fails', 'retries', 'bad', 'drops', 'c'];
    await bench.produce(values.map((value) => ({ topic: 'in', partition: 0, value })));
    await bench.configure({
      ...strings,
      ...sinkLetters,
      ...marks,
      'errors.retry.timeout': '10000',
      'connector.class': sink.className,
      topics: 'in',
      mode: 'reports',
      calls,
    });
    await bench.run();
    await bench.throwIfFailed();
    expect(readFileSync(calls, 'utf8')).toContain('put a #1 retries #3 bad #4 c #6');
    const dead = await bench.deadLetters();
    expect(dead.map(({ value }) => String(value))).toEqual(['fails']);
    expect(dead[0]?.headers['__connect.errors.offset']).toBe('1');
    expect(await bench.committedRecords()).toBe(4);
  });
});

describe('converters', () => {
  const stamping = { 'value.converter': 'probe.StampingConverter', 'header.converter': 'probe.ProbeHeaderConverter' };

  it('see the headers, and may add to them', async () => {
    const bench = await listed('a,bare,b', stamping);
    await bench.throwIfFailed();
    const records = await bench.records('listed');
    expect(records.map(({ valueBytes, headers }) => [String(valueBytes), headers])).toEqual([
      ['a', { at: '[1]', stamp: 'listed' }],
      ['bare', { stamp: 'listed' }],
      ['b', { at: '[3]', stamp: 'listed' }],
    ]);
  });

  it('fail for one record only, by the policy: retried, then skipped with its letter', async () => {
    const bench = await listed('a,slow,unfit,b', { ...stamping, ...letters, 'errors.retry.timeout': '10000' });
    await bench.throwIfFailed();
    // Read by the same converter, which tells by the header that it had written.
    expect(await valuesOf(bench)).toEqual(['a in listed', 'slow in listed', 'b in listed']);
    const [letter] = await bench.deadLetters();
    expect(letter?.headers).toMatchObject({
      '__connect.errors.stage': 'VALUE_CONVERTER',
      '__connect.errors.class.name': 'probe.StampingConverter',
    });
  });

  it('of a sink: bytes and headers of each record, and the letters of those that do not fit', async () => {
    const sink = java.plugin('sink', 'probe.ProbeSink') as AnyPlugin;
    const bench = benchOf(sink);
    const calls = `${java.folder}/calls-${benches.length}-converted`;
    await bench.produce([
      { topic: 'in', partition: 0, value: 'a', headers: { stamp: '[s]' } },
      { topic: 'in', partition: 0, value: 'unfit' },
      { topic: 'in', partition: 0, value: 'b', headers: { other: 'plain' } },
      { topic: 'in', partition: 0, value: 'c' },
      { topic: 'in', partition: 0, value: null },
    ]);
    await bench.configure({
      ...strings,
      ...sinkLetters,
      ...stamping,
      'connector.class': sink.className,
      topics: 'in',
      calls,
    });
    await bench.run();
    await bench.throwIfFailed();
    expect(readFileSync(calls, 'utf8')).toContain('put a in [s] c null');
    const stages = (await bench.deadLetters()).map(({ headers }) => headers['__connect.errors.stage']);
    expect(stages).toEqual(['VALUE_CONVERTER', 'HEADER_CONVERTER']);
  });

  it('I3: a JVM that is killed while it converts skips no record, whatever is tolerated', async () => {
    const values = Array.from({ length: 300 }, (_, i) => `v${i}`);
    const bench = benchOf(listedSource);
    await bench.configure({
      ...strings,
      ...stamping,
      ...letters,
      ...marks,
      'connector.class': listedSource.className,
      values: values.join(),
      each: '7',
    });
    let kills = 0;
    for (let round = 0; round < 20 && (await bench.committedRecords()) < values.length; round++) {
      await bench.run({
        onPoint: ({ name, time }) => {
          if (kills < 3 && name === 'step polled' && time === 3 + kills * 4) {
            kills++;
            process.kill(java.started.at(-1)!.pid, 'SIGKILL');
          }
        },
      });
    }
    await bench.throwIfFailed();
    expect(kills).toBe(3);
    const landed = new Set((await valuesOf(bench)).map((value) => String(value).split(' ', 1)[0]));
    expect(values.filter((value) => !landed.has(value))).toEqual([]);
    expect(await bench.deadLetters()).toEqual([]);
  });
});

describe("a third party's, as they come: Debezium's", () => {
  it('ExtractNewRecordState unwraps change events, and BinaryDataConverter writes what is in them', async () => {
    const row = SchemaBuilder.struct().optional().name('db.users.Value').field('id', INT64_SCHEMA).build();
    const envelope = SchemaBuilder.struct()
      .name('db.users.Envelope')
      .field('before', row)
      .field('after', row)
      .field('op', STRING_SCHEMA)
      .build();
    const rowOf = (id: bigint | null) => (id === null ? null : new Struct(row).put('id', id));
    const change = (op: string, before: bigint | null, after: bigint | null) =>
      new Struct(envelope).put('before', rowOf(before)).put('after', rowOf(after)).put('op', op);
    const changes = [change('c', null, 2n ** 53n + 1n), change('u', 1n, 2n), change('d', 2n, null)];
    const source = sourceOf('test.Changes', () => {
      const left = changes.map(
        (value, at) => new SourceRecord({ table: 'users' }, { at }, 'users', null, null, `k${at}`, envelope, value),
      );
      return { start: () => {}, poll: () => left.splice(0), stop: () => {} };
    });
    const bench = benchOf(source);
    await bench.configure({
      ...strings,
      'connector.class': source.className,
      transforms: 'unwrap',
      'transforms.unwrap.type': 'io.debezium.transforms.ExtractNewRecordState',
      'transforms.unwrap.add.fields': 'op',
      'transforms.unwrap.delete.tombstone.handling.mode': 'rewrite',
      'value.converter': 'io.debezium.converters.BinaryDataConverter',
      'value.converter.delegate.converter.type': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.delegate.converter.type.schemas.enable': 'false',
    });
    await bench.run();
    await bench.throwIfFailed();
    const records = await bench.records('users');
    expect(records.map(({ valueBytes }) => String(valueBytes))).toEqual([
      '{"id":9007199254740993,"__deleted":"false","__op":"c"}',
      '{"id":2,"__deleted":"false","__op":"u"}',
      '{"id":2,"__deleted":"true","__op":"d"}',
    ]);
  });
});
