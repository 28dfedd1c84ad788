import type { Converter } from '../api/converter.ts';
import type { Settings } from '../config/config-def.ts';
import { settingsWithPrefix } from '../config/parse-config.ts';
import type { Schema } from '../data/schema.ts';
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

/** Everything that is in the topics now, partition by partition; of transactions only what is committed. */
export async function readRecords(
  kafka: KafkaClient,
  topics: readonly string[],
  config: Settings,
  plugins: PluginRegistry,
  { asBytes = false } = {},
): Promise<TestRecord[]> {
  const key = asBytes ? null : await converterOf('key.converter', config, plugins);
  const value = asBytes ? null : await converterOf('value.converter', config, plugins);
  const described = await kafka.admin.describeTopics(topics);
  const partitions = described.flatMap(({ topic, partitions: count }) =>
    Array.from({ length: count }, (_, partition) => ({ topic, partition })),
  );
  const [starts, ends] = await Promise.all([
    kafka.admin.beginningOffsets(partitions),
    kafka.admin.endOffsets(partitions, 'read_committed'),
  ]);
  const fetcher = await kafka.fetcher();
  const records: TestRecord[] = [];
  try {
    for (const { topic, partition } of partitions) {
      const end = Number(ends.get(topic)?.get(partition) ?? 0n);
      let offset = Number(starts.get(topic)?.get(partition) ?? 0n);
      while (offset < end) {
        const [fetched] = await fetcher.fetch([{ topic, partition, offset }], fetchOptions);
        if (fetched?.error) throw fetched.error;
        const cursor = fetched?.cursor ?? null;
        if (cursor === null) continue;
        while (cursor.next()) if (cursor.offset < end) records.push(await decode(cursor, key, value));
        offset = cursor.endOffset;
      }
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
  const headers = Object.fromEntries(
    cursor.headers().map(({ key, value }) => [key, value === null ? null : Buffer.from(value).toString()]),
  );
  const key = keys === null ? { schema: null, value: keyBytes } : await keys.toConnectData(topic, keyBytes);
  const value = values === null ? { schema: null, value: valueBytes } : await values.toConnectData(topic, valueBytes);
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

const copyOf = ({ buffer }: RecordCursor, start: number, end: number) =>
  start < 0 ? null : Buffer.from(buffer.subarray(start, end));
