import { describe, it } from 'vitest';
import { confluentS3Sink } from '../../../connectors/s3/plugin.ts';
import { plainAvro } from '../../../src/plugins/converters/avro/plain-avro.ts';
import { sinkContract } from '../../../src/testing/index.ts';
import { MemoryS3 } from '../../support/memory-s3.ts';

const text = { 'key.converter': 'StringConverter', 'value.converter': 'StringConverter' };
const lines = Array.from({ length: 40 }, (_, at) => `line ${at}`);

/** Every record of every file, in the order of the files' offsets. */
const written = (store: MemoryS3): string[] =>
  store.files
    .flatMap(({ bytes }) => bytes.toString().split('\n').slice(0, -1))
    .map((line) => JSON.parse(line) as string);

const contractOf = (settings: Readonly<Record<string, string>>) =>
  sinkContract({
    plugin: confluentS3Sink(async () => plainAvro),
    mostKills: 25,
    // The bucket is in this process, with what is on its way to it: sink.test.ts shows the bounds of the task's own memory.
    keepsAll: true,
    // Read again from the start, the records are in the same files.
    idempotent: true,
    async arrange() {
      const store = await MemoryS3.start();
      return {
        config: {
          ...store.confluent,
          topics: 'lines',
          'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
          'flush.size': '8',
          'flush.quiet.ms': '0',
          ...settings,
          ...text,
        },
        records: lines.map((value) => ({ topic: 'lines', value })),
        expected: lines,
        written: () => written(store),
        release: () => store[Symbol.asyncDispose](),
      };
    },
    badConfigs: [
      { change: { 's3.bucket.name': null }, key: 's3.bucket.name' },
      { change: { 'flush.size': '0' }, key: 'flush.size' },
      { change: { 'format.class': 'com.example.OwnFormat' }, key: 'format.class' },
      { change: { 'partitioner.class': 'FieldPartitioner' }, key: 'partition.field.name' },
      { change: { 'rotate.interval.ms': '1000' }, key: 'rotate.interval.ms' },
    ],
  });

describe('the sink that finishes files once its topics are drained', () => {
  // Read again from the start, a file that ended with a drained topic ends elsewhere.
  const cases = contractOf({}).filter(({ name }) => name !== 'follows altered and reset offsets');
  it.each(cases)('$name', ({ run }) => run());
});

describe('the sink whose files stay open over runs', () => {
  it.each(contractOf({ 'flush.when.drained': 'false', 'flush.size': '10' }))('$name', ({ run }) => run());
});
