/**
 * Objects of jsonl to a topic, and a topic to files of jsonl, raced against Aiven's connectors in Apache's own worker: the same
 * configs, machine, broker and bucket (the emulator's, whose CPU is nobody's). `npm run bench:s3`, or
 * `node test/bench/s3/race.ts [records] [rounds] [source or sink, default both]`. DROVER_BENCH_S3_JARS: the folder of the jars of Aiven's source and sink, which are on no
 * registry: built from its sources, of which jsonl needs no class of Confluent's. The first round warms up and is checked.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Settings } from '../../../src/config/config-def.ts';
import { createKafkaClient } from '../../../src/kafka/kafka-client.ts';
import { dynamoDbClient, newTable } from '../../integration/storage/dynamodb-table.ts';
import { readTopic } from '../../support/kafka-records.ts';
import setup, { dynamoDbEndpoint, kafkaAddress } from '../../support/services.ts';
import { median } from '../median.ts';
import { type Arm, droverArm, javaArm } from '../races/arms.ts';
import { watchTopics } from '../races/observe.ts';
import { cpuSeconds, machine, peakMemoryMb } from '../races/process-cpu.ts';
import { lineOf } from './made-objects.ts';

const [recordsText = '200000', roundsText = '3', only] = process.argv.slice(2);
const records = Number(recordsText);
const rounds = Number(roundsText);
const peerJars = process.env.DROVER_BENCH_S3_JARS;
if (peerJars === undefined)
  throw new Error('DROVER_BENCH_S3_JARS must name the folder of the jars of Aiven’s connectors');
const goal = { rate: 3, cpu: 3 };
const objects = 16;
/** Records of a file. */
const fileRecords = Math.ceil(records / 10);
/** Aiven's sink writes when its worker flushes, a minute apart by default: its rate is taken with a shorter time. */
const flushMs = 2000;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const teardown = await setup();
const about = machine();
const kafka = kafkaAddress();
const endpoint = dynamoDbEndpoint();
const client = createKafkaClient({ bootstrapServers: kafka });
const db = dynamoDbClient();
const table = await newTable(db);
const run = `s3-race-${process.pid}`;
const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const s3 = new S3Client({ endpoint, forcePathStyle: true, region, credentials });

const access: Settings = {
  'tasks.max': '1',
  'aws.s3.bucket.name': run,
  'aws.s3.endpoint': endpoint,
  'aws.s3.region': region,
  'aws.access.key.id': credentials.accessKeyId,
  'aws.secret.access.key': credentials.secretAccessKey,
  'key.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
};

async function* listed(prefix: string) {
  let token: string | undefined;
  do {
    const more = token === undefined ? {} : { ContinuationToken: token };
    const page = await s3.send(new ListObjectsV2Command({ Bucket: run, Prefix: prefix, ...more }));
    yield* page.Contents ?? [];
    token = page.NextContinuationToken;
  } while (token !== undefined);
}

const idsOf = (texts: Iterable<string>) => {
  const ids = new Set<number>();
  for (const text of texts) ids.add((JSON.parse(text) as { id: number }).id);
  return ids;
};

interface Measured {
  readonly seconds: number;
  readonly cpu: number;
}

/** The time ends with the last record; what an arm does behind it, to find that there is nothing more, is CPU all the same. */
async function timed(arm: Arm, landed: () => Promise<unknown>, go: () => Promise<unknown>): Promise<Measured> {
  const [began, before] = [performance.now(), cpuSeconds(arm.pids)];
  const going = go();
  const failed = going.then(() => new Promise<never>(() => {}));
  await Promise.race([landed(), failed]);
  const seconds = (performance.now() - began) / 1000;
  await going;
  return { seconds, cpu: cpuSeconds(arm.pids) - before };
}

async function source(arm: Arm, name: string, check: boolean): Promise<Measured> {
  await client.admin.createTopics([{ topic: name, partitions: 1, replicationFactor: 1, configs: {} }]);
  const config = (): Settings => ({
    name,
    ...access,
    'connector.class': 'io.aiven.kafka.connect.s3.source.S3SourceConnector',
    'aws.s3.prefix': 'in/',
    'file.name.template': '.*',
    'input.format': 'jsonl',
    topic: name,
  });
  const landed = () => watchTopics(client, [name], records);
  const measured = await timed(arm, landed, () => arm.go([name], 'source', config));
  if (check) {
    const ids = idsOf((await readTopic(client, name)).map(({ value }) => value!));
    if (ids.size !== records) throw new Error(`${arm.label}: ${ids.size} of ${records} records are on the topic`);
  }
  return measured;
}

async function sink(arm: Arm, name: string, check: boolean): Promise<Measured> {
  const config = (): Settings => ({
    name,
    ...access,
    'connector.class': 'io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector',
    topics: `${run}-topic`,
    'file.name.template': `${name}/{{topic}}-{{partition}}-{{start_offset}}.jsonl`,
    'file.compression.type': 'none',
    'file.max.records': String(fileRecords),
    'format.output.type': 'jsonl',
    'format.output.fields': 'value',
    'format.output.envelope': 'false',
    'consumer.override.auto.offset.reset': 'earliest',
  });
  // Lines have no end behind the last one of a file.
  const landed = async () => {
    for (;;) {
      let bytes = 0;
      for await (const { Size = 0 } of listed(`${name}/`)) bytes += Size + 1;
      if (bytes >= lineBytes) return;
      await sleep(100);
    }
  };
  const measured = await timed(arm, landed, () => arm.go([name], 'sink', config));
  if (check) {
    const ids = new Set<number>();
    for await (const { Key } of listed(`${name}/`)) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: run, Key }));
      for (const id of idsOf((await Body!.transformToString()).split('\n'))) ids.add(id);
    }
    if (ids.size !== records) throw new Error(`${arm.label}: ${ids.size} of ${records} records are in the files`);
  }
  return measured;
}

let lineBytes = 0;
async function fill(): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: run }));
  await client.admin.createTopics([{ topic: `${run}-topic`, partitions: 1, replicationFactor: 1, configs: {} }]);
  const producer = await client.producer();
  const share = Math.ceil(records / objects);
  for (let object = 0; object < objects; object++) {
    const ids = Array.from({ length: Math.min(share, records - object * share) }, (_, at) => object * share + at);
    const lines = ids.map(lineOf);
    const body = lines.join('');
    lineBytes += Buffer.byteLength(body);
    await s3.send(
      new PutObjectCommand({ Bucket: run, Key: `in/${String(object).padStart(2, '0')}.jsonl`, Body: body }),
    );
    for (let from = 0; from < lines.length; from += 10_000) {
      const batch = producer.newBatch();
      for (const line of lines.slice(from, from + 10_000))
        batch.append(`${run}-topic`, 0, null, line.trimEnd(), null, null);
      await producer.send(batch);
    }
  }
  await producer.close();
}

try {
  await fill();
  for (const { title, race, file } of [
    { title: 'objects of jsonl to a topic', race: source, file: 's3-to-topic.md' },
    { title: 'a topic to files of jsonl', race: sink, file: 's3-to-files.md' },
  ]) {
    if (only !== undefined && only !== race.name) continue;
    const rows: string[] = [];
    const peaks = new Map<string, number>();
    const environment = { kafka, dynamoDb: endpoint, table, offsetsTopic: `${run}-offsets` };
    const peer = 'Aiven 3.4.3 in Java Connect 4.3';
    const arms = [
      await javaArm(peer, kafka, { 'offset.flush.interval.ms': String(flushMs) }, [peerJars]),
      await droverArm('Drover', environment),
    ];
    const results = new Map<string, Measured[]>(arms.map(({ label }) => [label, []]));
    try {
      for (let round = 0; round <= rounds; round++) {
        for (const arm of round % 2 === 0 ? arms : arms.toReversed()) {
          const name = `${run}-${race.name}-${arm.side}-${round}`;
          const measured = await race(arm, name, round === 0);
          await arm.clear([name]);
          if (round > 0) results.get(arm.label)!.push(measured);
          console.log(
            `${title}, round ${round}, ${arm.label}: ${measured.seconds.toFixed(1)} s, ${measured.cpu.toFixed(1)} s CPU`,
          );
        }
      }
      for (const arm of arms) peaks.set(arm.label, Math.max(peaks.get(arm.label) ?? 0, peakMemoryMb(arm.pids)));
    } finally {
      for (const arm of arms) await arm.stop();
    }
    const [theirs, ours] = arms.map(({ label }) => {
      const all = results.get(label)!;
      return {
        label,
        rate: records / median(all.map(({ seconds }) => seconds)),
        cpu: median(all.map(({ cpu }) => cpu)),
      };
    });
    for (const { label, rate, cpu } of [theirs!, ours!])
      rows.push(`| ${label} | ${(rate / 1000).toFixed(1)} | ${cpu.toFixed(1)} | ${peaks.get(label)} |`);
    const [faster, cheaper] = [ours!.rate / theirs!.rate, theirs!.cpu / ours!.cpu];
    const verdict = (value: number, wanted: number) => `goal ${wanted}: ${value >= wanted ? 'met' : 'missed'}`;
    rows.push(
      `| | **${faster.toFixed(1)}×** (${verdict(faster, goal.rate)}) | **1/${cheaper.toFixed(1)}** (${verdict(cheaper, goal.cpu)}) | |`,
    );
    const page = `# S3 beside Aiven’s connectors: ${title}

${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC. ${about}.

Printed by \`npm run bench:s3 -- ${records} ${rounds} ${race.name}\`: ${records.toLocaleString('en')} records of ${Math.round(lineBytes / records)} bytes of JSON, ${objects} objects, one task, one
partition, JsonConverter without schemas, the same configs on both sides; ${rounds} rounds after one that warms up and is checked record by record; medians.
The time is from the request to the last record, the sink's group join included. The bucket is the emulator's, a process of its own that is no arm's.
Aiven's sink writes when its worker flushes, so that this is done every ${flushMs / 1000} s here and not once a minute. Aiven's connectors are on no registry:
they were built from their sources.

| arm | k records/s | CPU, s | memory at its highest, MB |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
    mkdirSync(join(import.meta.dirname, '../results'), { recursive: true });
    writeFileSync(join(import.meta.dirname, '../results', file), page);
    console.log(rows.join('\n'));
  }
} finally {
  s3.destroy();
  await client.close();
  db.destroy();
  await teardown();
}
