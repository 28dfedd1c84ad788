import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { Settings } from '../../src/config/config-def.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { createDynamoDbStores } from '../../src/storage/dynamodb/stores.ts';
import type { ConnectorType } from '../../src/storage/items.ts';
import type { Stores } from '../../src/storage/stores.ts';
import { dynamoDbClient, newTable, tableRequests } from '../integration/storage/dynamodb-table.ts';
import { readTopic, uniqueName } from '../support/kafka-records.ts';
import { readersPython } from '../support/python-readers.ts';
import { formats, idOf, objectOf } from '../support/s3-objects.ts';
import { dynamoDbEndpoint, kafkaAddress } from '../support/services.ts';
import { CrashLab, randomFrom } from './crash-lab.ts';

/**
 * Bursts through a bucket whose runs are killed with SIGKILL at random moments, out of the emulator's S3 and a real Kafka.
 * DROVER_TEST_OBJECTS (2000, say), DROVER_TEST_RECORDS (1000000) and DROVER_TEST_KILLS enlarge it, DROVER_CRASH_SEED repeats it.
 */
const objects = Number(process.env.DROVER_TEST_OBJECTS ?? 70);
const rowsEach = 20;
const records = Number(process.env.DROVER_TEST_RECORDS ?? 20_000);
const partitions = 50;
/** Of each connector. */
const kills = Number(process.env.DROVER_TEST_KILLS ?? 2);
vi.setConfig({ testTimeout: 120_000 + 2 * records + 200 * objects + 20_000 * kills });

const seed = Number(process.env.DROVER_CRASH_SEED ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const bucket = uniqueName('s3-crash');
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const region = 'eu-central-1';
const folder = mkdtempSync(join(tmpdir(), 'drover-s3-crash-'));
const logFile = join(folder, 'log.jsonl');
const db = dynamoDbClient();
let stores: Stores;
let kafka: KafkaClient;
let s3: S3Client;
let lab: CrashLab;

beforeAll(async () => {
  console.log(`seed of the random kills: DROVER_CRASH_SEED=${seed}`);
  const tableName = await newTable(db);
  stores = createDynamoDbStores({ requests: tableRequests(), tableName });
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
  s3 = new S3Client({ endpoint: dynamoDbEndpoint(), forcePathStyle: true, region, credentials });
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  lab = new CrashLab(tableName, logFile);
});

afterAll(async () => {
  lab.close();
  s3.destroy();
  await kafka.close();
  db.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const tasks = 2;
const strings = 'org.apache.kafka.connect.storage.StringConverter';
const bytes = 'org.apache.kafka.connect.converters.ByteArrayConverter';

async function create(name: string, type: ConnectorType, config: Settings): Promise<void> {
  const own = { 'tasks.max': String(tasks), 'drover.commit.interval.ms': '200', 'drover.deaths.max': '1000' };
  await stores.config.putConnectorConfig(name, type, { name, ...own, ...config }, lab.now());
  expect(await lab.run({ kind: 'connector', connector: name })).toMatchObject({ report: { reason: 'applied' } });
}

/** One run of a task, killed after a while if it lasts so long; how it ended. */
async function run(name: string, task: number, dieAfterMs?: number) {
  await stores.config.markTaskDue(name, task, lab.now());
  return lab.run({ kind: 'task', connector: name, task }, dieAfterMs === undefined ? {} : { dieAfterMs });
}

const lastFailure = () => {
  const lines = readFileSync(logFile, 'utf8').split('\n');
  return lines.findLast((line) => line.includes('"run.failed"')) ?? lines.at(-2);
};

/** Kills runs in the middle of their work, so many times, then lets the tasks come to their end. */
async function killAndFinish(name: string): Promise<void> {
  let killed = 0;
  // A run that was over before it could be killed has done some of the work: the next one gets less time.
  for (let at = 0, most = 2000; killed < kills && most > 50; at++) {
    const ending = await run(name, at % tasks, 50 + Math.floor(random() * most));
    if (ending.killed) killed++;
    else most /= 2;
  }
  expect(killed).toBeGreaterThan(0);
  for (let task = 0; task < tasks; task++) {
    for (;;) {
      const ending = await run(name, task);
      if (ending.killed) throw new Error('nobody should have killed this run');
      expect(ending.report).toMatchObject({ ran: true });
      if (ending.report.reason === 'drained') break;
      // What may pass is tried again, as the herder would: a store or a broker that was too slow for a run's time.
      if (ending.report.reason === 'failed-for-now') console.log(lastFailure());
      else expect(ending.report.reason).toBe('backlog');
    }
  }
}

const access = {
  'aws.s3.bucket.name': bucket,
  'aws.s3.endpoint': dynamoDbEndpoint(),
  'aws.s3.region': region,
  'aws.access.key.id': credentials.accessKeyId,
  'aws.secret.access.key': credentials.secretAccessKey,
};

const names = Object.keys(formats);

test.each(names)(
  `I3: ${objects} objects of all formats in one burst, those of %s: each record is there`,
  async (format) => {
    const expected: string[] = [];
    const left = Array.from({ length: objects }, (_, object) => object).filter(
      (object) => names[object % names.length] === format,
    );
    const all = left.length;
    const putter = async () => {
      for (let object = left.pop(); object !== undefined; object = left.pop()) {
        const rows = Array.from({ length: rowsEach }, (_, row) => ({
          id: `${object}-${row}`,
          text: `"a",\n${row} äöü`,
        }));
        expected.push(...rows.map(({ id }) => id));
        const { ending, body } = await objectOf(format, Math.floor(object / names.length), rows);
        const Key = `${format}/${object % 11}/${object}${ending}`;
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: body }));
      }
    };
    await Promise.all(Array.from({ length: 8 }, putter));
    const topic = uniqueName(`burst-${format}`);
    await create(topic, 'source', {
      'connector.class': 'S3Source',
      ...access,
      'aws.s3.prefix': `${format}/`,
      topic,
      'input.format': format,
      'file.compression.type': 'auto',
      'transformer.max.buffer.size': '16',
      'max.poll.records': '10',
      'key.converter': bytes,
      'value.converter': format === 'bytes' ? bytes : 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
    });
    await killAndFinish(topic);
    const ids = (await readTopic(kafka, topic)).map(({ value }) => idOf(format, Buffer.from(value!)));
    expect([...new Set(ids)].sort()).toEqual(expected.sort());
    // What was committed came once: the lanes say of each object that it was finished, and the tasks count what they committed.
    const { items: offsets } = await stores.offsets.listSourceOffsets(topic, null);
    const finished = offsets.reduce((sum, { offset }) => sum + Number(JSON.parse(String(offset)).finished ?? 0), 0);
    expect(finished).toBe(all);
    const counted = await stores.config.getTasks(topic);
    expect(counted.reduce((sum, { counters }) => sum + counters.records, 0)).toBe(expected.length);
  },
);

const sinks = [
  ['parquet', 'parquet.ParquetFormat'],
  ['json', 'json.JsonFormat'],
] as const;

test.each(sinks)(
  `I5: ${records} records in ${partitions} partitions to %s: other readers find each in one file`,
  async (kind, format) => {
    const topic = uniqueName('to-files');
    await kafka.admin.createTopics([{ topic, partitions, replicationFactor: 1, configs: {} }]);
    const producer = await kafka.producer();
    for (let from = 0; from < records; from += 5000) {
      const batch = producer.newBatch();
      for (let id = from; id < Math.min(records, from + 5000); id++) {
        batch.append(topic, (id * 7) % partitions, null, `"${id}", ${'äx'.repeat(10 + (id % 20))}`, null, null);
      }
      await producer.send(batch);
    }
    await producer.close();
    const seen = await readTopic(kafka, topic);
    expect(seen).toHaveLength(records);
    const lines = seen.map((one) => JSON.stringify({ shard: one.partition, place: one.offset, line: one.value }));
    writeFileSync(join(folder, 'topic.json'), `${lines.join('\n')}\n`);
    const name = `${topic}-${kind}`;
    await create(name, 'sink', {
      'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
      topics: topic,
      's3.bucket.name': bucket,
      'store.url': dynamoDbEndpoint(),
      's3.region': region,
      'aws.access.key.id': credentials.accessKeyId,
      'aws.secret.access.key': credentials.secretAccessKey,
      'format.class': `io.confluent.connect.s3.format.${format}`,
      'topics.dir': kind,
      'flush.size': '3000',
      'flush.quiet.ms': '0',
      ...(kind === 'json' ? { 's3.compression.type': 'gzip' } : {}),
      'key.converter': strings,
      'value.converter': strings,
      transforms: 'hoist,place',
      'transforms.hoist.type': 'org.apache.kafka.connect.transforms.HoistField$Value',
      'transforms.hoist.field': 'line',
      'transforms.place.type': 'org.apache.kafka.connect.transforms.InsertField$Value',
      'transforms.place.partition.field': 'shard',
      'transforms.place.offset.field': 'place',
    });
    await killAndFinish(name);
    await fetchFiles(`${kind}/${topic}/`, join(folder, kind));
    const script = join(import.meta.dirname, 'compare_files.py');
    const { stdout } = await promisify(execFile)(await readersPython(), [script, folder, kind]);
    const found = JSON.parse(stdout) as { files: number };
    console.log(`${records} records in ${found.files} files of ${kind}, ${lab.kills} kills so far`);
    expect(found).toEqual({ rows: records, files: found.files, missing: 0, strange: 0, twice: 0, equal: true });
  },
);

async function fetchFiles(prefix: string, into: string): Promise<void> {
  mkdirSync(into, { recursive: true });
  let token: string | undefined;
  do {
    const more = token === undefined ? {} : { ContinuationToken: token };
    const page = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...more }));
    for (const { Key = '' } of page.Contents ?? []) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      writeFileSync(join(into, Key.replaceAll('/', '=')), await Body!.transformToByteArray());
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
}
