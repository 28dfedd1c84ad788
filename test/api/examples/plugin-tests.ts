import { deepEqual } from 'node:assert/strict';
import { test } from 'node:test';
import { runSource, sinkContract, sourceContract } from '../../../src/testing/index.ts';
import { counterSource } from './counter-source.ts';
import { type MemorySinkTask, memorySink } from './memory-sink.ts';

const text = { 'key.converter': 'StringConverter', 'value.converter': 'StringConverter' };
const counter = { 'connector.class': 'Counter', topic: 'numbers', 'batch.size': '5', ...text };
const numbers = Array.from({ length: 40 }, (_, number) => String(number));

test('the counter begins with 0, and says where to go on', async () => {
  const config = { ...counter, 'drover.run.max.records': '5' };
  const { records, offsets } = await runSource(counterSource, config, { runs: 1 });
  const values = records.map(({ value }) => value);
  deepEqual(values, numbers.slice(0, values.length));
  deepEqual(offsets, [{ partition: { counter: 'main' }, offset: { next: values.length } }]);
});

const counterCases = sourceContract({
  plugin: counterSource,
  endless: true, // `expected` are only its first records
  arrange: () => ({ config: counter, expected: numbers }),
  arrangeLarge: () => ({ config: { ...counter, 'batch.size': '1000' } }),
  badConfigs: [
    { change: { topic: null }, key: 'topic' },
    { change: { 'batch.size': '0' }, key: 'batch.size' },
  ],
});
for (const { name, run } of counterCases) test(`the counter ${name}`, run);

const sinkCases = sinkContract({
  plugin: memorySink,
  keepsAll: true, // its target is memory: there is no bound to hold it to
  arrange: () => ({
    config: { 'connector.class': 'MemorySink', topics: 'numbers', ...text },
    records: numbers.map((value) => ({ topic: 'numbers', value })),
    expected: numbers,
    written: (tasks) => tasks.flatMap((task) => (task as MemorySinkTask).seen.map(String)),
  }),
  badConfigs: [{ change: { topics: null }, key: 'topics' }],
});
for (const { name, run } of sinkCases) test(`the memory sink ${name}`, run);
