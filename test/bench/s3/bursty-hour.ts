/**
 * How many files a bursty hour ends as, and how large they are: a topic that gets a burst every five minutes and a record now
 * and then between, written to the bucket by sinks of the whole local stack, and by Aiven's in Apache's own worker beside
 * them, where its jars are to be had (DROVER_BENCH_S3_JARS, as in race.ts). In real time: `npm run bench:s3-files`, or
 * `node test/bench/s3/bursty-hour.ts [minutes]`. Uses the stack of `npm start` when it is up, else starts one.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { homeFolder } from '../../../local/folders.ts';
import { startJavaConnect } from '../../../local/java-connect.ts';
import { freePort } from '../../../local/ports.ts';
import { printedStep } from '../../../local/progress.ts';
import { call } from '../../../local/rest-client.ts';
import { signalService, stopService } from '../../../local/service.ts';
import { localSettings } from '../../../local/settings.ts';
import { type LocalStack, readStack, startStack, stopStack } from '../../../local/stack.ts';
import { createKafkaClient } from '../../../src/kafka/kafka-client.ts';
import { until } from '../../support/until.ts';
import { median } from '../median.ts';
import { lineOf } from './made-objects.ts';

const [minutesText = '60'] = process.argv.slice(2);
const minutes = Number(minutesText);
const partitions = 6;
const burst = { everyMs: 300_000, forMs: 30_000, recordsPerSecond: 200 };
const trickleMs = 20_000;
const hourMs = 3_600_000;
const peerJars = process.env.DROVER_BENCH_S3_JARS;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const running = readStack(homeFolder);
const stack: LocalStack = running ?? (await startStack({ ...localSettings(), step: printedStep }));
const folder = mkdtempSync(join(tmpdir(), 'drover-bursty-hour-'));
const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const s3 = new S3Client({ endpoint: stack.awsEndpoint, region: stack.region, credentials, forcePathStyle: true });
const { bucket: Bucket } = stack.playground;
const topic = `bursty-${process.pid}`;
const json = {
  topics: topic,
  'tasks.max': '1',
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
  'consumer.override.auto.offset.reset': 'earliest',
};
const confluent = {
  'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
  's3.bucket.name': Bucket,
  's3.region': stack.region,
  'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
  'flush.size': '100000',
};

interface Arm {
  readonly title: string;
  readonly name: string;
  readonly url: string;
  readonly config: Readonly<Record<string, string>>;
}
const arms: Arm[] = [
  { title: 'Drover, as it comes', name: `${topic}-drained`, url: stack.restUrl, config: confluent },
  {
    title: 'Drover, `flush.when.drained=false`, a file by the hour of its records',
    name: `${topic}-hourly`,
    url: stack.restUrl,
    config: {
      ...confluent,
      'flush.when.drained': 'false',
      'partitioner.class': 'io.confluent.connect.storage.partitioner.HourlyPartitioner',
      'timestamp.extractor': 'Record',
      timezone: 'UTC',
      locale: 'en',
      'rotate.interval.ms': String(hourMs),
    },
  },
];

const prefixOf = ({ name }: Arm) => `out/${name}/`;

async function startJava(): Promise<(() => Promise<void>) | null> {
  if (peerJars === undefined) return null;
  const port = await freePort();
  const java = await startJavaConnect({
    folder: join(folder, 'java'),
    port,
    bootstrapServers: stack.bootstrapServers,
    groupId: topic,
    topicPrefix: `${topic}-`,
    plugins: [peerJars],
    // As a worker has it by itself.
    settings: { 'offset.flush.interval.ms': '60000' },
  });
  const end = () => signalService(java, 'SIGKILL');
  process.once('exit', end);
  const name = `${topic}-aiven`;
  arms.push({
    title: 'Aiven 3.4.3 in Java Connect 4.3, as it comes',
    name,
    url: `http://127.0.0.1:${port}`,
    config: {
      'connector.class': 'io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector',
      'aws.s3.bucket.name': Bucket,
      'aws.s3.region': stack.region,
      'aws.s3.endpoint': stack.awsEndpoint,
      'aws.access.key.id': credentials.accessKeyId,
      'aws.secret.access.key': credentials.secretAccessKey,
      'file.name.template': `out/${name}/{{topic}}-{{partition}}-{{start_offset}}.json`,
      'file.compression.type': 'none',
      'format.output.type': 'jsonl',
      'format.output.fields': 'value',
      'format.output.envelope': 'false',
    },
  });
  return async () => {
    await stopService(java);
    process.removeListener('exit', end);
  };
}

const producer = await kafka.producer();
let sent = 0;
async function produce(count: number, timestamp: number): Promise<void> {
  const batch = producer.newBatch();
  for (let i = 0; i < count; i++, sent++) {
    batch.append(topic, sent % partitions, null, lineOf(sent).trimEnd(), timestamp, null);
  }
  const { failures } = await producer.send(batch);
  for (const failure of failures.values()) throw failure;
}

async function hour(): Promise<void> {
  const began = Date.now();
  let bursts = 0;
  let trickles = 0;
  for (let at = 0; at < minutes * 60_000; at = Date.now() - began) {
    if (at >= trickles * trickleMs) {
      trickles++;
      await produce(1, Date.now());
    }
    if (at >= bursts * burst.everyMs) {
      bursts++;
      for (let second = 0; second < burst.forMs / 1000; second++) {
        await produce(burst.recordsPerSecond, Date.now());
        await sleep(1000);
      }
    }
    await sleep(500);
  }
}

/** Records of each file of an arm, by its size in bytes. */
async function filesOf(arm: Arm): Promise<{ readonly bytes: number; readonly records: number }[]> {
  const files = [];
  let token: string | undefined;
  do {
    const more = token === undefined ? {} : { ContinuationToken: token };
    const page = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: prefixOf(arm), ...more }));
    for (const { Key = '' } of page.Contents ?? []) {
      if (Key.includes('/_drover/')) continue;
      const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
      const text = (await Body!.transformToString()).trimEnd();
      files.push({ bytes: text.length, records: text.split('\n').length });
    }
    token = page.NextContinuationToken;
  } while (token !== undefined);
  return files;
}

const kb = (bytes: number) => `${(bytes / 1000).toFixed(1)}`;

async function rowOf(arm: Arm): Promise<string> {
  const all = await until(
    `all records of ${arm.name}`,
    async () => {
      const files = await filesOf(arm);
      return files.reduce((sum, { records }) => sum + records, 0) >= sent && files;
    },
    { withinMs: 300_000, everyMs: 2000 },
  );
  const records = all.reduce((sum, file) => sum + file.records, 0);
  if (records !== sent) throw new Error(`${arm.title}: ${records} records are in the files of ${sent}`);
  const sizes = all.map(({ bytes }) => bytes);
  const single = all.filter((file) => file.records === 1).length;
  return `| ${arm.title} | ${all.length} | ${kb(Math.min(...sizes))} | ${kb(median(sizes))} | ${kb(Math.max(...sizes))} | ${single} |`;
}

let stopJava: (() => Promise<void>) | null = null;
try {
  await kafka.admin.createTopics([{ topic, partitions, replicationFactor: 1, configs: {} }]);
  stopJava = await startJava();
  for (const arm of arms) {
    const ours = 'topics.dir' in arm.config || arm.url !== stack.restUrl ? {} : { 'topics.dir': `out/${arm.name}` };
    await call(arm.url, 'PUT', `/connectors/${arm.name}/config`, { ...json, ...arm.config, ...ours });
  }
  await hour();
  // Another config ends what is open as it is.
  const hourly = arms[1]!;
  await call(hourly.url, 'PUT', `/connectors/${hourly.name}/config`, {
    ...json,
    ...hourly.config,
    'topics.dir': `out/${hourly.name}`,
    'flush.when.drained': 'true',
  });
  const rows: string[] = [];
  for (const arm of arms) rows.push(await rowOf(arm));
  const page = `# Files of a bursty hour

${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC.

Printed by \`npm run bench:s3-files -- ${minutes}\` on the local stack, in real time: ${minutes} minutes of a topic of ${partitions} partitions that gets ${burst.recordsPerSecond} records a
second for ${burst.forMs / 1000} s every ${burst.everyMs / 60_000} minutes and one record every ${trickleMs / 1000} s besides, ${sent} records of about 105 bytes in all; one task each. What is open at the end is ended as it is. Kilobytes, as they are stored, not packed.

| | files | smallest | median | largest | of one record |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
  const results = join(import.meta.dirname, '../results');
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, 's3-files.md'), page);
  console.log(rows.join('\n'));
} finally {
  for (const { url, name } of arms) await call(url, 'DELETE', `/connectors/${name}`).catch(() => {});
  await stopJava?.();
  await producer.close();
  await kafka.close();
  s3.destroy();
  rmSync(folder, { recursive: true, force: true });
  if (running === null) await stopStack(homeFolder);
}
