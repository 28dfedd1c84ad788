import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Converter, HeaderConverter } from '../../../src/api/converter.ts';
import { type AnyPlugin, definePlugin } from '../../../src/api/plugin.ts';
import type { ConnectRecord } from '../../../src/api/record.ts';
import type { Predicate, Transformation } from '../../../src/api/transformation.ts';
import { noConfig, type Settings } from '../../../src/config/config-def.ts';
import { DataError, RetriableError } from '../../../src/errors.ts';
import { ConnectorBench } from '../../../src/testing/bench.ts';
import { oneByOne } from '../../../src/worker/record/one-by-one.ts';
import { listedSource } from '../../support/listed-source.ts';
import { sinkOf } from '../../support/worker-plugins.ts';

// A step that answers for many records at once leaves behind what the same step leaves that is asked for each alone.
const benches: ConnectorBench[] = [];
afterEach(async () => {
  for (const bench of benches.splice(0)) await bench.close();
});

const about = { version: '1', doc: 'For tests.', config: noConfig };

/** A value may say that a step fails on it, for good or a few times: `f` and `r2`, where the step's own letter is in front. */
class Trouble {
  readonly #step: string;
  /** By the number of the value. */
  readonly #tries = new Map<string, number>();

  constructor(step: string) {
    this.#step = step;
  }

  meet(value: unknown): void {
    const text = String(value);
    if (text.includes(`${this.#step}f`)) throw new DataError(`${this.#step} fails on ${text}`);
    const times = Number(new RegExp(`${this.#step}r(\\d)`).exec(text)?.[1] ?? 0);
    const tries = this.#tries.get(numberOf(text)) ?? 0;
    this.#tries.set(numberOf(text), tries + 1);
    if (tries < times) throw new RetriableError(`${this.#step} is away for ${text}`);
  }
}

const numberOf = (value: unknown) => /-\d+/.exec(String(value))?.[0] ?? '';

/** What the steps do, and the same once more as steps that answer for many. */
function steps(many: boolean): AnyPlugin[] {
  const apply = (step: string): Transformation => {
    const trouble = new Trouble(step);
    // It counts: a record that passes it twice would leave another number behind.
    let passed = 0;
    const one = <R extends ConnectRecord<R>>(record: R): R | null => {
      trouble.meet(record.value);
      if (String(record.value).includes(`${step}d`)) return null;
      return record.with({ value: `${record.value} ${step}${passed++}` });
    };
    return { configure: () => {}, apply: one, ...(many ? { applyAll: (records) => oneByOne(records, one) } : {}) };
  };
  const test = (): Predicate => {
    const trouble = new Trouble('p');
    const one = (record: { value: unknown }) => {
      trouble.meet(record.value);
      return !String(record.value).includes('pn');
    };
    return { configure: () => {}, test: one, ...(many ? { testAll: (records) => oneByOne(records, one) } : {}) };
  };
  const converter = (): Converter => {
    let trouble = new Trouble('v');
    const from = (value: unknown) => {
      trouble.meet(value);
      return value === null ? null : String(value);
    };
    const to = (bytes: Uint8Array | null) => {
      const value = bytes === null ? null : Buffer.from(bytes).toString();
      trouble.meet(value);
      return { schema: null, value };
    };
    return {
      configure: (_settings, { isKey }) => {
        trouble = new Trouble(isKey ? 'k' : 'v');
      },
      fromConnectData: (_topic, _schema, value) => from(value),
      toConnectData: (_topic, bytes) => to(bytes),
      ...(many
        ? {
            fromConnectDataAll: (items) => oneByOne(items, ({ value }) => ({ bytes: from(value), headers: null })),
            toConnectDataAll: (items) => oneByOne(items, ({ bytes }) => to(bytes)),
          }
        : {}),
    };
  };
  const header = (): HeaderConverter => {
    const trouble = new Trouble('h');
    const from = (value: unknown) => {
      trouble.meet(value);
      return String(value);
    };
    const to = (bytes: Uint8Array | null) => ({ schema: null, value: from(bytes && Buffer.from(bytes)) });
    return {
      configure: () => {},
      fromConnectHeader: (_topic, _key, _schema, value) => from(value),
      toConnectHeader: (_topic, _key, bytes) => to(bytes),
      ...(many
        ? {
            fromConnectHeaderAll: (items) => oneByOne(items, ({ value }) => from(value)),
            toConnectHeaderAll: (items) => oneByOne(items, ({ bytes }) => to(bytes)),
          }
        : {}),
    };
  };
  return [
    definePlugin({ kind: 'transformation', className: 'test.A', ...about, create: () => apply('a') }),
    definePlugin({ kind: 'transformation', className: 'test.B', ...about, create: () => apply('b') }),
    definePlugin({ kind: 'predicate', className: 'test.P', ...about, create: test }),
    definePlugin({ kind: 'converter', className: 'test.V', ...about, create: converter }),
    definePlugin({ kind: 'header_converter', className: 'test.H', ...about, create: header }),
  ];
}

/** One of them in the place of the other, to mix both. */
function mixed(many: readonly boolean[]): AnyPlugin[] {
  const [each, all] = [steps(false), steps(true)];
  return each.map((plugin, i) => (many[i] ? all[i]! : plugin));
}

const config = (tolerance: string, retryMs: number): Settings => ({
  transforms: 'a,b',
  'transforms.a.type': 'test.A',
  'transforms.a.predicate': 'p',
  'transforms.b.type': 'test.B',
  predicates: 'p',
  'predicates.p.type': 'test.P',
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'test.V',
  'header.converter': 'test.H',
  'errors.tolerance': tolerance,
  'errors.retry.timeout': `${retryMs}`,
  'errors.retry.delay.max.ms': '0',
});

async function source(plugins: readonly AnyPlugin[], values: readonly string[], settings: Settings) {
  const bench = new ConnectorBench(listedSource, { plugins });
  benches.push(bench);
  const letters = {
    'drover.errors.deadletterqueue.topic.name': 'dead',
    'drover.errors.deadletterqueue.topic.replication.factor': '1',
    'drover.errors.deadletterqueue.context.headers.enable': 'true',
  };
  await bench.configure({
    'connector.class': listedSource.className,
    values: values.join(),
    each: '5',
    ...letters,
    ...settings,
  });
  await bench.run();
  return { ...(await left(bench, 'listed')), offsets: await bench.offsets() };
}

async function sink(plugins: readonly AnyPlugin[], values: readonly string[], settings: Settings) {
  const put: unknown[] = [];
  const connector = sinkOf('test.Keeps', () => ({
    start: () => {},
    put: (records) => {
      put.push(...records.map(({ value, headers, originalKafkaOffset }) => [value, headers, originalKafkaOffset]));
    },
    stop: () => {},
  }));
  const bench = new ConnectorBench(connector, { plugins });
  benches.push(bench);
  const headers = (value: string) => (value.startsWith('bare') ? {} : { at: value });
  await bench.produce(values.map((value) => ({ topic: 'in', partition: 0, value, headers: headers(value) })));
  const letters = {
    'errors.deadletterqueue.topic.name': 'dead',
    'errors.deadletterqueue.topic.replication.factor': '1',
    'errors.deadletterqueue.context.headers.enable': 'true',
  };
  const few = { 'consumer.override.max.poll.records': '4' };
  await bench.configure({ 'connector.class': 'test.Keeps', topics: 'in', ...few, ...letters, ...settings });
  await bench.run();
  return { put, ...(await left(bench)), offsets: await bench.offsets() };
}

async function left(bench: ConnectorBench, topic?: string) {
  const dead = (await bench.deadLetters()).map(({ value, headers }) => [
    String(value),
    headers['__connect.errors.stage'],
    headers['__connect.errors.class.name'],
    headers['__connect.errors.exception.message'],
  ]);
  const records =
    topic === undefined
      ? []
      : (await bench.records(topic).catch(() => [])).map(({ valueBytes, headers }) => [String(valueBytes), headers]);
  // Where in this code it was thrown is not the same.
  const traces = (await bench.traces()).map((trace) => trace.split('\n').filter((line) => !/^\s+at /.test(line)));
  return { dead, records, traces, states: (await bench.status()).tasks.map(({ state }) => state) };
}

const trouble = fc.constantFrom('', '', '', 'af', 'ad', 'ar1', 'bf', 'br2', 'bd', 'pf', 'pn', 'pr1', 'vf', 'vr1', 'hf');
const plan = fc.record({
  values: fc.array(
    fc.tuple(fc.constantFrom('v', 'bare'), trouble).map(([name, what]) => name + what),
    { minLength: 1, maxLength: 12 },
  ),
  many: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }).filter((list) => list.some((one) => one)),
  tolerance: fc.constantFrom('all', 'none'),
  retryMs: fc.constantFrom(0, 60_000),
});

describe.each([
  ['source', source],
  ['sink', sink],
])('of a %s', (_what, run) => {
  test('order, dead letters, offsets and the end are the same, whichever steps are asked for many', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async ({ values, many, tolerance, retryMs }) => {
        // Each value is another, as a step remembers what it has tried.
        const named = values.map((value, i) => `${value}-${i}`);
        const settings = config(tolerance, retryMs);
        const expected = await run(mixed([false, false, false, false, false]), named, settings);
        expect(await run(mixed(many), named, settings)).toEqual(expected);
      }),
      {
        numRuns: 25,
        examples: [
          // What is tried again has passed the stage in front of it, which does not see it a second time.
          [
            {
              values: ['vbr2', 'v', 'vvr1'],
              many: [true, false, false, false, false],
              tolerance: 'none',
              retryMs: 60_000,
            },
          ],
          // The second is no case for the stage at which the first waits, and is not to pass it.
          [
            {
              values: ['var1', 'vpn', 'v'],
              many: [false, false, false, false, true],
              tolerance: 'all',
              retryMs: 60_000,
            },
          ],
        ],
      },
    );
  }, 60_000);
});
