/**
 * How fast records come from a broker: `node test/bench/fetch.ts [records] [bytes] [compression]`. Fills a topic
 * first. Profile with `node --cpu-prof`. The broker is DROVER_TEST_KAFKA.
 */
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';

const [records = '1000000', bytes = '70', compression = 'none'] = process.argv.slice(2);
const total = Number(records);

const client = createKafkaClient({ bootstrapServers: process.env.DROVER_TEST_KAFKA ?? '127.0.0.1:9092' });
const topic = `bench-fetch-${process.pid}-${Date.now()}`;
await client.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
const producer = await client.producer({ 'compression.type': compression });
const batch = producer.newBatch();
const padding = 'abcdefghijklmnopqrstuvwxyz';
for (let sent = 0; sent < total; sent += batch.size) {
  batch.clear();
  for (let index = 0; index < Math.min(50_000, total - sent); index++) {
    batch.append(topic, 0, null, `line ${sent + index} `.padEnd(Number(bytes), padding), null, null);
  }
  await producer.send(batch);
}
const fetcher = await client.fetcher();

for (let round = 0; round < 6; round++) {
  const started = performance.now();
  const cpu = process.cpuUsage();
  let offset = 0;
  let count = 0;
  let payload = 0;
  while (offset < total) {
    const [answer] = await fetcher.fetch([{ topic, partition: 0, offset }], {
      maxWaitMs: 500,
      minBytes: 1,
      maxBytes: 50 << 20,
      maxPartitionBytes: 4 << 20,
      isolationLevel: 'read_committed',
    });
    if (!answer?.cursor) throw answer?.error ?? new Error('nothing fetched');
    const { cursor } = answer;
    while (cursor.next()) {
      count++;
      payload += cursor.valueEnd - cursor.valueStart;
    }
    offset = cursor.nextOffset;
  }
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  console.log(
    `${count} records, ${payload} bytes: ${seconds.toFixed(2)} s, ${Math.round(count / seconds)} records/s, ${((used.user + used.system) / 1e6).toFixed(2)} s CPU`,
  );
}
await client.close();
