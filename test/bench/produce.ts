/**
 * How fast records get to a broker: `node test/bench/produce.ts [records] [bytes] [partitions] [key=value …]`, where
 * key=value are producer overrides. Profile with `node --cpu-prof`. The broker is DROVER_TEST_KAFKA.
 */
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';

const [records = '1000000', bytes = '70', partitions = '1', ...rest] = process.argv.slice(2);
const total = Number(records);
const size = Number(bytes);
const perBatch = 20_000;
const overrides = Object.fromEntries(rest.map((one) => one.split('=') as [string, string]));

const client = createKafkaClient({ bootstrapServers: process.env.DROVER_TEST_KAFKA ?? '127.0.0.1:9092' });
const topic = `bench-produce-${process.pid}-${Date.now()}`;
await client.admin.createTopics([{ topic, partitions: Number(partitions), replicationFactor: 1, configs: {} }]);
const producer = await client.producer(overrides);
const values: string[] = [];
for (let index = 0; index < perBatch; index++) {
  values.push(Buffer.from(`line ${index} `.padEnd(size, 'abcdefghijklmnopqrstuvwxyz')).toString('latin1'));
}

async function round(count: number): Promise<void> {
  const started = performance.now();
  const cpu = process.cpuUsage();
  const free = Array.from({ length: 5 }, () => producer.newBatch());
  const flying = new Set<Promise<void>>();
  for (let sent = 0; sent < count; ) {
    if (free.length === 0) await Promise.race(flying);
    const batch = free.pop();
    if (!batch) continue;
    const many = Math.min(perBatch, count - sent);
    for (let index = 0; index < many; index++) batch.append(topic, null, null, values[index]!, null, null);
    sent += many;
    const flight: Promise<void> = producer.send(batch).then((outcome) => {
      if (outcome.failures.size > 0) throw outcome.failures.values().next().value;
      batch.clear();
      free.push(batch);
      flying.delete(flight);
    });
    flying.add(flight);
  }
  await Promise.all(flying);
  const seconds = (performance.now() - started) / 1000;
  const used = process.cpuUsage(cpu);
  const cpuSeconds = (used.user + used.system) / 1e6;
  console.log(
    `${count} records of ${size} bytes: ${seconds.toFixed(2)} s, ${Math.round(count / seconds)} records/s, ${cpuSeconds.toFixed(2)} s CPU`,
  );
}

for (let index = 0; index < 6; index++) await round(total);
const ends = await client.admin.endOffsets(
  Array.from({ length: Number(partitions) }, (_, partition) => ({ topic, partition })),
);
console.log(
  'landed',
  [...ends.get(topic)!.values()].reduce((sum, end) => sum + end, 0n),
);
await client.close();
