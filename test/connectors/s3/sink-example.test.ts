import { afterAll, beforeAll, expect, test } from 'vitest';
import { aivenS3Sink, confluentS3Sink } from '../../../connectors/s3/plugin.ts';
import { sinkExample } from '../../../connectors/s3/sink-example.ts';
import { plainAvro } from '../../../src/plugins/converters/avro/plain-avro.ts';
import { ConnectorBench } from '../../../src/testing/index.ts';
import { MemoryS3 } from '../../support/memory-s3.ts';

let store: MemoryS3;

beforeAll(async () => {
  store = await MemoryS3.start();
});

afterAll(() => store[Symbol.asyncDispose]());

const value = JSON.stringify({
  schema: { type: 'struct', name: 'order', fields: [{ field: 'id', type: 'int32' }] },
  payload: { id: 1 },
});

test('the example of Confluent’s connector writes Parquet by the hour of the records', async () => {
  const bench = new ConnectorBench(
    confluentS3Sink(async () => plainAvro),
    { name: sinkExample.confluent.name },
  );
  const hour = 3_600_000;
  const noon = Date.UTC(2026, 10, 28, 12);
  await bench.produce([0, 1, 2].map((n) => ({ topic: 'orders', value, timestamp: noon + n * hour })));
  const converters = { 'key.converter': 'StringConverter', 'value.converter': 'JsonConverter' };
  await bench.configure({ ...sinkExample.confluent, ...store.confluent, ...converters });
  await bench.drain();
  // The last hour is still open: nothing has come behind it.
  expect(store.files.map(({ key }) => key)).toEqual([
    'topics/orders/year=2026/month=11/day=28/hour=12/orders+0+0000000000.snappy.parquet',
    'topics/orders/year=2026/month=11/day=28/hour=13/orders+0+0000000001.snappy.parquet',
  ]);
  await bench.close();
});

test('the example of Aiven’s connector writes lines, packed', async () => {
  const bench = new ConnectorBench(
    aivenS3Sink(async () => plainAvro),
    { name: sinkExample.aiven.name },
  );
  await bench.produce([{ topic: 'events', key: 'k', value: '{"a":1}' }]);
  await bench.configure({
    ...sinkExample.aiven,
    ...store.aiven,
    'flush.quiet.ms': '0',
    'key.converter': 'StringConverter',
  });
  await bench.drain();
  const names = store.files.map(({ key }) => key).filter((key) => key.includes('events'));
  expect(names).toEqual([expect.stringMatching(/^topics\/events\/\d{4}-\d{2}\/0-0\.jsonl\.gz$/)]);
  await bench.close();
});
