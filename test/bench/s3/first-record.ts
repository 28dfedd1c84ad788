/**
 * How long from an object that is put to its record on the topic, on the whole local stack: bucket, EventBridge, queue,
 * coordinator, task function, Kafka; and the same of Aiven's source in Apache's own worker beside it, where its jars are to be had
 * (DROVER_BENCH_S3_JARS, as in race.ts). `npm run bench:s3-first-record`, or
 * `node test/bench/s3/first-record.ts [objects alone] [objects of the burst]`. Uses the stack of `npm start` when it is up,
 * else starts one.
 *
 * An object holds the time just before it was put; its record's time is when the broker appended it, on the same machine.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { homeFolder } from '../../../local/folders.ts';
import { startJavaConnect } from '../../../local/java-connect.ts';
import { freePort } from '../../../local/ports.ts';
import { printedStep } from '../../../local/progress.ts';
import { call, status } from '../../../local/rest-client.ts';
import { signalService, stopService } from '../../../local/service.ts';
import { localSettings } from '../../../local/settings.ts';
import { type LocalStack, readStack, startStack, stopStack } from '../../../local/stack.ts';
import { createKafkaClient } from '../../../src/kafka/kafka-client.ts';
import { until } from '../../support/until.ts';
import { Bodies, senders } from '../feeds/arms.ts';
import { Landed } from '../feeds/landed.ts';
import { machine } from '../races/process-cpu.ts';

const [aloneText = '100', burstText = '500'] = process.argv.slice(2);
const alone = Number(aloneText);
const burst = Number(burstText);
const peerJars = process.env.DROVER_BENCH_S3_JARS;

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
const running = readStack(homeFolder);
const stack: LocalStack = running ?? (await startStack({ ...localSettings(), step: printedStep }));
const about = machine();
const folder = mkdtempSync(join(tmpdir(), 'drover-first-record-'));
const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
const fetcher = await kafka.fetcher();
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const s3 = new S3Client({ endpoint: stack.awsEndpoint, region: stack.region, credentials, forcePathStyle: true });
const { bucket: Bucket } = stack.playground;
const run = `first-record-${process.pid}`;

interface Figures {
  readonly title: string;
  readonly alone: readonly number[];
  readonly burst: readonly number[];
  /** Records that came again; no arm was killed. */
  readonly twice: number;
}

async function put(prefix: string, bodies: Bodies): Promise<void> {
  const sender = async () => {
    for (let [body] = bodies.take(1); body !== undefined; [body] = bodies.take(1)) {
      await s3.send(new PutObjectCommand({ Bucket, Key: `${prefix}${body.split(' ')[1]}.txt`, Body: body }));
    }
  };
  await Promise.all(Array.from({ length: senders }, sender));
}

/** `settings`: what one side has and the other has not. */
async function measure(title: string, restUrl: string, name: string, settings: Readonly<Record<string, string>>) {
  const topic = `${run}-${name}`;
  const prefix = `in/${topic}/`;
  const configs = { 'message.timestamp.type': 'LogAppendTime' };
  await kafka.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs }]);
  await call(restUrl, 'PUT', `/connectors/${name}/config`, {
    'connector.class': 'io.aiven.kafka.connect.s3.source.S3SourceConnector',
    'tasks.max': '1',
    'aws.s3.bucket.name': Bucket,
    'aws.s3.prefix': prefix,
    'aws.s3.region': stack.region,
    'file.name.template': '.*',
    'input.format': 'bytes',
    topic,
    'key.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
    'value.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
    ...settings,
  });
  try {
    const runs = async () => (await status(restUrl, name)).tasks[0]?.state === 'RUNNING';
    await until(`${name} runs`, runs);
    const landed = new Landed(fetcher, topic);
    let sent = 0;
    const putAndWait = async (count: number) => {
      const first = sent;
      await put(prefix, new Bodies(sent, count));
      sent += count;
      await landed.wait(sent);
      return Array.from({ length: count }, (_, index) => landed.delays.get(first + index)!);
    };
    // The first ones find cold functions and code.
    for (let i = 0; i < 5; i++) await putAndWait(1);
    const figures: { alone: number[]; burst: number[] } = { alone: [], burst: [] };
    for (let i = 0; i < alone; i++) {
      // At any moment of whatever it does between two objects.
      await sleep(200 + ((i * 1237) % 2800));
      figures.alone.push(...(await putAndWait(1)));
    }
    figures.burst.push(...(await putAndWait(burst)));
    return { title, ...figures, twice: landed.twice };
  } finally {
    await call(restUrl, 'DELETE', `/connectors/${name}`);
  }
}

async function besideJava(jars: string): Promise<Figures> {
  const port = await freePort();
  const java = await startJavaConnect({
    folder: join(folder, 'java'),
    port,
    bootstrapServers: stack.bootstrapServers,
    groupId: run,
    topicPrefix: `${run}-`,
    plugins: [jars],
  });
  const end = () => signalService(java, 'SIGKILL');
  process.once('exit', end);
  try {
    return await measure('Aiven 3.4.3 in Java Connect 4.3', `http://127.0.0.1:${port}`, 'aiven', {
      'aws.s3.endpoint': stack.awsEndpoint,
      'aws.access.key.id': credentials.accessKeyId,
      'aws.secret.access.key': credentials.secretAccessKey,
    });
  } finally {
    await stopService(java);
    process.removeListener('exit', end);
  }
}

const quantile = (all: readonly number[], part: number) => {
  const sorted = all.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
};
const seconds = (ms: number) => (ms / 1000).toFixed(2);
const row = ({ title, alone: one, burst: flood, twice }: Figures) => {
  const quantiles = [one, flood].flatMap((all) => [0.5, 0.99].map((part) => seconds(quantile(all, part))));
  return `| ${[title, ...quantiles, twice].join(' | ')} |`;
};

function page(all: readonly Figures[]): string {
  return `# From an object to its record

${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC. ${about}.

Printed by \`npm run bench:s3-first-record -- ${alone} ${burst}\` on the local stack, where AWS is an emulator. The bucket tells EventBridge, whose rule
rings; the connector's own look at the bucket is an hour apart. Seconds from just before the object is put to its record appended by the broker. *Alone*:
${alone} objects, each 0.2 to 3 s after the record of the one before was there; *burst*: ${burst} objects from ${senders} senders at once. One task; functions
are warm. Aiven's source looks at the bucket again and again.

| | alone: p50 | p99 | burst: p50 | p99 | records that came again |
| --- | --- | --- | --- | --- | --- |
${all.map(row).join('\n')}
`;
}

try {
  // The one that the bucket's doorbell wakes.
  const idle = { 'drover.idle.floor.ms': '3600000', 'drover.idle.ceiling.ms': '3600000' };
  const all: Figures[] = [await measure('Drover', stack.restUrl, 'orders-in', idle)];
  console.log(row(all[0]!));
  if (all[0]!.twice > 0) throw new Error(`${all[0]!.twice} objects are on the topic twice`);
  if (peerJars !== undefined) all.push(await besideJava(peerJars));
  const results = join(import.meta.dirname, '../results');
  mkdirSync(results, { recursive: true });
  writeFileSync(join(results, 's3-first-record.md'), page(all));
  console.log(all.map(row).join('\n'));
} finally {
  await fetcher.close();
  await kafka.close();
  s3.destroy();
  rmSync(folder, { recursive: true, force: true });
  if (running === null) await stopStack(homeFolder);
}
