import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { parquetReadObjects } from 'hyparquet';
import { expect, test } from 'vitest';
import { confluentS3Sink } from '../../connectors/s3/plugin.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { plainAvro } from '../../src/plugins/converters/avro/plain-avro.ts';
import { ConnectorBench, type Point } from '../../src/testing/index.ts';
import { dynamoDbEndpoint, kafkaAddress } from '../support/services.ts';

const partitions = 12;
const count = 12_000;

/** A value with its schema, as JsonConverter writes it. */
const valueWith = (id: number) =>
  JSON.stringify({
    schema: {
      type: 'struct',
      name: 'order',
      fields: [
        { field: 'id', type: 'int32' },
        { field: 'kind', type: 'string' },
        { field: 'text', type: 'string' },
      ],
    },
    payload: { id, kind: `k${id % 3}`, text: 'x'.repeat(200) },
  });

async function newStore(name: string) {
  const endpoint = dynamoDbEndpoint();
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new S3Client({ endpoint, forcePathStyle: true, region: 'eu-central-1', credentials });
  await client.send(new CreateBucketCommand({ Bucket: name }));
  const files = async () => {
    const found: { key: string; bytes: Buffer }[] = [];
    let token: string | undefined;
    do {
      const page = { Bucket: name, Prefix: 'topics/', ...(token === undefined ? {} : { ContinuationToken: token }) };
      const { Contents = [], NextContinuationToken } = await client.send(new ListObjectsV2Command(page));
      for (const { Key } of Contents) {
        const { Body } = await client.send(new GetObjectCommand({ Bucket: name, Key }));
        found.push({ key: Key!, bytes: Buffer.from(await Body!.transformToByteArray()) });
      }
      token = NextContinuationToken;
    } while (token !== undefined);
    return found;
  };
  const settings = {
    'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
    's3.bucket.name': name,
    'store.url': endpoint,
    's3.region': 'eu-central-1',
    'aws.access.key.id': 'test',
    'aws.secret.access.key': 'test',
  };
  return { files, settings };
}

async function idsIn(key: string, bytes: Buffer): Promise<number[]> {
  if (key.endsWith('.json')) {
    return bytes
      .toString()
      .split('\n')
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { id: number }).id);
  }
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  const rows = await parquetReadObjects({ file: buffer });
  return rows.map(({ id }) => Number(id));
}

test.each(['json.JsonFormat', 'parquet.ParquetFormat'])(
  'I5: of a topic that killed runs read to %s, every record is in one file',
  async (format) => {
    const name = `s3-sink-${format.split('.')[0]}-${process.pid}`;
    const store = await newStore(name);
    const ids = Array.from({ length: count }, (_, id) => id);
    const kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
    await kafka.admin.createTopics([{ topic: name, partitions, replicationFactor: 1, configs: {} }]);
    const producer = await kafka.producer();
    const batch = producer.newBatch();
    for (const id of ids) batch.append(name, id % partitions, null, valueWith(id), null, null);
    await producer.send(batch);
    await producer.close();
    await kafka.close();
    const bench = new ConnectorBench(
      confluentS3Sink(async () => plainAvro),
      { bootstrapServers: kafkaAddress(), name },
    );
    try {
      const config = {
        ...store.settings,
        topics: name,
        'tasks.max': '2',
        'format.class': `io.confluent.connect.s3.format.${format}`,
        'flush.size': '700',
        'flush.when.drained': 'false',
        'partitioner.class': 'FieldPartitioner',
        'partition.field.name': 'kind',
        'key.converter': 'StringConverter',
        'value.converter': 'JsonConverter',
        'drover.run.max.records': '2500',
      };
      await bench.configure(config);
      const kills: Point[] = [
        { name: 'before offsets.commitSinkPositions', time: 3 },
        { name: 'after offsets.commitSinkPositions', time: 2 },
        { name: 'after task.preCommit', time: 1 },
        { name: 'before task.committed', time: 1 },
        { name: 'after task.committed', time: 1 },
        { name: 'after task.put', time: 3 },
      ];
      let killed = 0;
      for (const killAt of kills) if ((await bench.run({ killAt })).killed) killed++;
      expect(killed).toBeGreaterThan(3);
      await bench.drain();
      // What is open still ends with the next drained run.
      await bench.configure({ ...config, 'flush.when.drained': 'true', 'flush.quiet.ms': '0' });
      await bench.drain();
      const files = (await store.files()).filter(({ key }) => !key.includes('_drover/'));
      const seen = (await Promise.all(files.map(({ key, bytes }) => idsIn(key, bytes)))).flat();
      expect(seen.length).toBe(count);
      expect(seen.sort((a, b) => a - b)).toEqual(ids);
      expect(files.every(({ key }) => /\/kind=k[012]\//.test(key))).toBe(true);
    } finally {
      await bench.close();
    }
  },
);
