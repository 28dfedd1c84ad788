/**
 * What one object takes of memory while it is read, however large it is: a process of its own for each, that runs the real
 * worker out of a bundle, into a real Kafka; the store is in this process and makes the bytes when they are asked for.
 * `npm run bench:s3-memory`, or
 * `node test/bench/s3/memory.ts [GB, default 5] [formats, default all: jsonl,csv,…]`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createKafkaClient } from '../../../src/kafka/kafka-client.ts';
import { dynamoDbClient, newTable } from '../../integration/storage/dynamodb-table.ts';
import { FakeS3 } from '../../support/fake-s3.ts';
import setup, { dynamoDbEndpoint, kafkaAddress } from '../../support/services.ts';
import { functionMb, functionOptions } from '../asked-child.ts';
import { droverArm } from '../races/arms.ts';
import { cpuSeconds, machine, peakMemoryMb } from '../races/process-cpu.ts';
import { madeObjects } from './made-objects.ts';

const [gigabytes = '5', wanted = Object.keys(madeObjects).join()] = process.argv.slice(2);
const bytes = Number(gigabytes) * 2 ** 30;
const teardown = await setup();
const about = machine();
const kafka = kafkaAddress();
const client = createKafkaClient({ bootstrapServers: kafka });
const db = dynamoDbClient();
const table = await newTable(db);
const run = `s3-memory-${process.pid}`;
const s3 = await FakeS3.start();
const rows: string[] = [];
const goalMb = 300;
let highest = 0;
function page(): string {
  return `# Memory of one large object

${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC. ${about}.

Printed by \`npm run bench:s3-memory -- ${gigabytes} ${wanted}\`: one object of each format, of so many GB unpacked, to a topic, in a process of its own for each that runs the whole worker out of a
bundle, with \`${functionOptions(functionMb).join(' ')}\`, as Lambda's runtime starts Node in a function of ${functionMb} MB: on its command line, where
NODE_OPTIONS of a function changes nothing. The store is in another process. The machine need not be quiet: the rates are no measure.

| format | MB as stored | records | k records/s | CPU, s | resident at its highest, MB |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}

Within ${goalMb} MB: ${highest <= goalMb ? 'met' : 'missed'}. V8's young generation keeps the size to which a poll has grown it; the task function ends that
growth at a third of that ([garbage-collection.ts](../../../src/worker/garbage-collection.ts)), at half of what it took before.
`;
}

try {
  for (const format of wanted.split(',')) {
    const make = madeObjects[format];
    if (make === undefined) throw new Error(`There is no format ${format}: ${Object.keys(madeObjects).join(', ')}`);
    const { content, records } = await make(bytes);
    s3.put(`${format}/object.${format}`, content);
    const topic = `${run}-${format}`;
    // What is written is not looked at: the broker may let it go.
    const configs = { 'retention.bytes': String(1 << 28), 'segment.bytes': String(1 << 26) };
    await client.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs }]);
    const arm = await droverArm(`s3 ${format}`, {
      kafka,
      dynamoDb: dynamoDbEndpoint(),
      table,
      offsetsTopic: `${run}-offsets`,
    });
    const began = performance.now();
    await arm.go([topic], 'source', (name) => ({
      name,
      'connector.class': 'io.aiven.kafka.connect.s3.source.S3SourceConnector',
      'tasks.max': '1',
      ...s3.settings,
      'aws.s3.prefix': `${format}/`,
      topic,
      'input.format': format.split('.')[0]!,
      'file.compression.type': 'auto',
      'key.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
    }));
    const seconds = (performance.now() - began) / 1000;
    const end = Number((await client.admin.endOffsets([{ topic, partition: 0 }])).get(topic)!.get(0)!);
    if (end !== records) throw new Error(`${end} of ${records} records of ${format} are there`);
    const [peak, cpu] = [peakMemoryMb(arm.pids), cpuSeconds(arm.pids)];
    highest = Math.max(highest, peak);
    const megabytes = Math.round(content.size / 2 ** 20);
    rows.push(
      `| ${format} | ${megabytes.toLocaleString('en')} | ${records.toLocaleString('en')} | ${Math.round(records / seconds / 1000)} | ${cpu.toFixed(0)} | ${peak} |`,
    );
    console.log(rows.at(-1));
    // After each: the next one takes its time.
    writeFileSync(join(import.meta.dirname, '../results/s3-memory.md'), page());
    await arm.stop();
    s3.delete(`${format}/object.${format}`);
  }
} finally {
  await s3[Symbol.asyncDispose]();
  await client.close();
  db.destroy();
  await teardown();
}
