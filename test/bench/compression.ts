/**
 * What `producer.override.compression.type` costs and saves, beside none in the same run: access-log lines, each its own,
 * through the producer to a real broker and back through the fetcher. `npm run bench:compression`, or
 * `node test/bench/compression.ts [rounds, default 5] [records, default 500000]`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CompressionType, loadCodecs } from '../../src/kafka/codecs.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { newRecordColumns } from '../../src/kafka/outgoing-batch.ts';
import { RecordBatchEncoder } from '../../src/kafka/record-batch-encoder.ts';
import type { OutgoingBatch, Producer } from '../../src/kafka/types.ts';
import setup, { kafkaAddress } from '../support/services.ts';
import { median } from './median.ts';
import { machine } from './races/process-cpu.ts';

const types: readonly CompressionType[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const [roundsText = '5', recordsText = '500000'] = process.argv.slice(2);
const rounds = Number(roundsText);
const records = Number(recordsText);
const perBatch = 4000;
const perRequestBytes = 300_000;

interface Figures {
  readonly ms: number;
  readonly cpuMs: number;
}

/** Always the same ones: a fixed sequence of numbers stands in for chance. */
function* accessLog(count: number): Generator<string> {
  const pages = ['/', '/products/list', '/products/item', '/cart', '/checkout', '/static/app.js', '/api/v1/orders'];
  let seed = 7;
  const next = (below: number) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return Math.floor((seed / 2147483648) * below);
  };
  for (let index = 0; index < count; index++) {
    const time = new Date(1_790_000_000_000 + index * 3).toISOString();
    const address = `10.${next(256)}.${next(256)}.${next(256)}`;
    yield `${address} [${time}] "GET ${pages[next(pages.length)]}?id=${next(1_000_000)} HTTP/1.1" 200 ${next(50_000)} ${next(900)}ms`;
  }
}

async function measured(work: () => Promise<void>): Promise<Figures> {
  const cpu = process.cpuUsage();
  const started = performance.now();
  await work();
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1000 };
}

const teardown = await setup();
try {
  const about = machine();
  const client = createKafkaClient({ bootstrapServers: kafkaAddress() });
  const lines = [...accessLog(records)];
  const codecs = await loadCodecs();

  /** Bytes of a record in its batch, headers of the batches included. */
  const size = (type: CompressionType): number => {
    const encoder = new RecordBatchEncoder(codecs, { type }, perRequestBytes);
    const columns = newRecordColumns();
    for (const line of lines.slice(0, 20_000)) columns.append('t', null, null, line, null, null);
    const indices = Array.from({ length: columns.size }, (_, index) => index);
    const identity = { producerId: 1n, epoch: 0, baseSequence: 0, transactional: false };
    let bytes = 0;
    for (let from = 0; from < columns.size; ) {
      const batch = encoder.encode(columns, indices, from, columns.size, identity, 0);
      bytes += batch.bytes.length;
      from += batch.count;
    }
    return bytes / columns.size;
  };

  const produce = async (producer: Producer, topic: string): Promise<void> => {
    const flying = new Set<Promise<void>>();
    const send = (batch: OutgoingBatch): void => {
      const flight: Promise<void> = producer.send(batch).then(({ failures }) => {
        for (const failure of failures.values()) throw failure;
        batch.release();
        flying.delete(flight);
      });
      flying.add(flight);
    };
    for (let from = 0; from < lines.length; from += perBatch) {
      const batch = producer.newBatch();
      for (let at = from; at < Math.min(lines.length, from + perBatch); at++) {
        batch.append(topic, 0, null, lines[at]!, null, null);
      }
      send(batch);
      if (flying.size >= 5) await Promise.race(flying);
    }
    await Promise.all(flying);
  };

  const fetch = async (topic: string): Promise<void> => {
    const fetcher = await client.fetcher();
    let seen = 0;
    for (let offset = 0; offset < records; ) {
      const [fetched] = await fetcher.fetch([{ topic, partition: 0, offset }], {
        maxWaitMs: 500,
        minBytes: 1,
        maxBytes: 8 << 20,
        maxPartitionBytes: 1 << 20,
        isolationLevel: 'read_uncommitted',
      });
      if (!fetched?.cursor) throw fetched?.error ?? new Error('nothing fetched');
      while (fetched.cursor.next()) {
        if (fetched.cursor.valueEnd - fetched.cursor.valueStart !== lines[seen]!.length)
          throw new Error(`line ${seen}`);
        seen++;
      }
      offset = fetched.cursor.nextOffset;
    }
    await fetcher.close();
    if (seen !== records) throw new Error(`${seen} of ${records} records came back`);
  };

  const produced = new Map<CompressionType, Figures[]>(types.map((type) => [type, []]));
  const fetched = new Map<CompressionType, Figures[]>(types.map((type) => [type, []]));
  // The first round warms up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    for (let turn = 0; turn < types.length; turn++) {
      const type = types[(turn + round) % types.length]!;
      const topic = `compression-${process.pid}-${type}-${round}`;
      await client.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
      const producer = await client.producer({ 'compression.type': type });
      const out = await measured(() => produce(producer, topic));
      await producer.close();
      const back = await measured(() => fetch(topic));
      if (round === 0) continue;
      produced.get(type)!.push(out);
      fetched.get(type)!.push(back);
    }
  }

  const rowOf = (type: CompressionType): string => {
    const told = (all: ReadonlyMap<CompressionType, readonly Figures[]>): string[] => {
      const of = (which: CompressionType, figure: keyof Figures) => median(all.get(which)!.map((one) => one[figure]));
      const rate = Math.round(records / of(type, 'ms'));
      return [`${rate}`, `${(of(type, 'cpuMs') / of('none', 'cpuMs')).toFixed(2)}×`];
    };
    const bytes = size(type);
    const saved = `${bytes.toFixed(0)} (${(size('none') / bytes).toFixed(1)}× smaller)`;
    return `| ${[type, saved, ...told(produced), ...told(fetched)].join(' | ')} |`;
  };
  const page = `# Compression

${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC. ${about}.

${records.toLocaleString('en')} access-log lines of ${Math.round(lines.reduce((sum, line) => sum + line.length, 0) / records)} bytes on average, acks=all, one partition; median of ${rounds} rounds after a warm-up, types alternated.
CPU is this process's, to that without compression. gzip and zstd are Node's own; snappy and lz4 are WebAssembly.

| \`compression.type\` | bytes a record | produced, k/s | CPU | fetched, k/s | CPU |
| --- | --- | --- | --- | --- | --- |
${types.map(rowOf).join('\n')}
`;
  mkdirSync(join(import.meta.dirname, 'results'), { recursive: true });
  writeFileSync(join(import.meta.dirname, 'results', 'compression.md'), page);
  console.log(page);
  await client.close();
} finally {
  await teardown();
}
