import { setTimeout as sleep } from 'node:timers/promises';
import type { Converter, DataToRead } from '../api/converter.ts';
import type { Settings } from '../config/config-def.ts';
import { settingsWithPrefix } from '../config/parse-config.ts';
import type { Schema, SchemaAndValue } from '../data/schema.ts';
import { ConnectError, isRetriable } from '../errors.ts';
import type { KafkaClient, RecordCursor } from '../kafka/types.ts';
import { createPlugin } from '../plugins/create-plugin.ts';
import type { PluginRegistry } from '../plugins/registry.ts';

/** A record of a topic, decoded. */
export interface TestRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly key: unknown;
  readonly keySchema: Schema | null;
  readonly value: unknown;
  readonly valueSchema: Schema | null;
  /** As they lie in Kafka; null: none. */
  readonly keyBytes: Buffer | null;
  readonly valueBytes: Buffer | null;
  /** The last of each name, as text. */
  readonly headers: Readonly<Record<string, string | null>>;
}

const fetchOptions = {
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 8 << 20,
  maxPartitionBytes: 1 << 20,
  isolationLevel: 'read_committed',
} as const;

export interface ReadOptions {
  readonly asBytes?: boolean;
  /** Where to go on; left out: from the beginning. Moved on to where it came. */
  readonly positions?: Positions;
}

/** The next offset to read of each partition that is known. */
export class Positions {
  readonly #offsets = new Map<string, number>();

  get(topic: string, partition: number): number | undefined {
    return this.#offsets.get(`${topic}-${partition}`);
  }

  set(topic: string, partition: number, offset: number): void {
    this.#offsets.set(`${topic}-${partition}`, offset);
  }
}

async function partitionsOf(kafka: KafkaClient, topics: readonly string[]) {
  const described = await kafka.admin.describeTopics(topics);
  return described.flatMap(({ topic, partitions: count }) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  );
}

/** Behind all that is in the cluster now. */
export async function positionsAtEnd(kafka: KafkaClient): Promise<Positions> {
  const partitions = await partitionsOf(kafka, await kafka.admin.listTopics());
  const ends = await kafka.admin.endOffsets(partitions);
  const positions = new Positions();
  for (const { topic, partition } of partitions) {
    positions.set(topic, partition, Number(ends.get(topic)?.get(partition) ?? 0n));
  }
  return positions;
}

const retryMs = 100;
const mostRetries = 100;

/** Everything that is in the topics now, partition by partition; of transactions only what is committed. */
export async function readRecords(
  kafka: KafkaClient,
  topics: readonly string[],
  config: Settings,
  plugins: PluginRegistry,
  { asBytes = false, positions = new Positions() }: ReadOptions = {},
): Promise<TestRecord[]> {
  const key = asBytes ? null : await converterOf('key.converter', config, plugins);
  const value = asBytes ? null : await converterOf('value.converter', config, plugins);
  const partitions = await partitionsOf(kafka, topics);
  const [starts, ends] = await Promise.all([
    kafka.admin.beginningOffsets(partitions),
    kafka.admin.endOffsets(partitions, 'read_committed'),
  ]);
  const fetcher = await kafka.fetcher();
  const records: TestRecord[] = [];
  try {
    for (const { topic, partition } of partitions) {
      const end = Number(ends.get(topic)?.get(partition) ?? 0n);
      let offset = positions.get(topic, partition) ?? Number(starts.get(topic)?.get(partition) ?? 0n);
      let retries = 0;
      while (offset < end) {
        const [fetched] = await fetcher.fetch([{ topic, partition, offset }], fetchOptions);
        // A topic that has just been made may have no leader yet.
        if (fetched?.error && (!isRetriable(fetched.error) || ++retries > mostRetries)) throw fetched.error;
        const cursor = fetched?.cursor ?? null;
        if (cursor === null) {
          await sleep(retryMs);
          continue;
        }
        while (cursor.next()) if (cursor.offset < end) records.push(await decode(cursor, key, value));
        offset = cursor.endOffset;
      }
      positions.set(topic, partition, Math.max(offset, end));
    }
  } finally {
    await fetcher.close();
    await key?.close?.();
    await value?.close?.();
  }
  return records;
}

async function converterOf(setting: string, config: Settings, plugins: PluginRegistry): Promise<Converter> {
  const converter = await createPlugin(plugins.get('converter', config[setting] ?? ''));
  converter.configure(settingsWithPrefix(config, `${setting}.`), { isKey: setting === 'key.converter' });
  return converter;
}

async function decode(cursor: RecordCursor, keys: Converter | null, values: Converter | null): Promise<TestRecord> {
  const { topic, partition, offset, timestamp } = cursor;
  const keyBytes = copyOf(cursor, cursor.keyStart, cursor.keyEnd);
  const valueBytes = copyOf(cursor, cursor.valueStart, cursor.valueEnd);
  const read = cursor.headers();
  const headers = Object.fromEntries(
    read.map(({ key, value }) => [key, value === null ? null : Buffer.from(value).toString()]),
  );
  const key = await converted(keys, { topic, headers: read, bytes: keyBytes });
  const value = await converted(values, { topic, headers: read, bytes: valueBytes });
  return {
    topic,
    partition,
    offset,
    timestamp,
    key: key.value,
    keySchema: key.schema,
    value: value.value,
    valueSchema: value.schema,
    keyBytes,
    valueBytes,
    headers,
  };
}

/** Some converters find in the headers how a value is to be read: those are asked for many, with what lies beside each. */
async function converted(
  converter: Converter | null,
  item: DataToRead & { readonly bytes: Buffer | null },
): Promise<SchemaAndValue> {
  if (converter === null) return { schema: null, value: item.bytes };
  if (converter.toConnectDataAll === undefined) return converter.toConnectData(item.topic, item.bytes);
  const [outcome] = await converter.toConnectDataAll([item]);
  if (outcome === undefined) throw new ConnectError('plugin.failed', 'A converter that is asked for many answers none');
  if (outcome.failed) throw outcome.error;
  return outcome.answer;
}

const copyOf = ({ buffer }: RecordCursor, start: number, end: number) =>
  start < 0 ? null : Buffer.from(buffer.subarray(start, end));
