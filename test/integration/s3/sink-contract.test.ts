import { describe, it } from 'vitest';
import { confluentS3Sink } from '../../../connectors/s3/plugin.ts';
import { sinkContract } from '../../../src/testing/index.ts';
import { newBucket } from '../../support/s3-bucket.ts';

const text = { 'key.converter': 'StringConverter', 'value.converter': 'StringConverter' };
const lines = Array.from({ length: 40 }, (_, at) => `line ${at}`);

/** Every record of every file, in the order of the files' offsets. */
async function written(bucket: Awaited<ReturnType<typeof newBucket>>): Promise<string[]> {
  const files = (await bucket.objects('topics/lines/')).sort((a, b) => (a.key < b.key ? -1 : 1));
  return files
    .flatMap(({ bytes }) => bytes.toString().split('\n').slice(0, -1))
    .map((line) => JSON.parse(line) as string);
}

const contractOf = (settings: Readonly<Record<string, string>>) =>
  sinkContract({
    plugin: confluentS3Sink,
    mostKills: 30,
    // Read again from the start, the records are in the same files.
    idempotent: true,
    async arrange() {
      const bucket = await newBucket();
      return {
        config: {
          'connector.class': 'S3Sink',
          topics: 'lines',
          's3.bucket.name': bucket.name,
          'store.url': bucket.endpoint,
          's3.region': 'eu-central-1',
          'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
          'flush.size': '8',
          'aws.access.key.id': 'test',
          'aws.secret.access.key': 'test',
          ...settings,
          ...text,
        },
        records: lines.map((value) => ({ topic: 'lines', value })),
        expected: lines,
        written: () => written(bucket),
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
  it.each(contractOf({}))('$name', ({ run }) => run());
});

describe('the sink whose files stay open over runs', () => {
  it.each(contractOf({ 'flush.when.drained': 'false', 'flush.size': '10' }))('$name', ({ run }) => run());
});
