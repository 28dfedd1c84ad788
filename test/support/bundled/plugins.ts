import {
  type AnyPlugin,
  type ConnectorConfig,
  definePlugin,
  INT32_SCHEMA,
  INT64_SCHEMA,
  OPTIONAL_STRING_SCHEMA,
  SchemaBuilder,
  SourceRecord,
  type SourceTask,
  type SourceTaskContext,
  STRING_SCHEMA,
  Struct,
} from '../../../src/api/index.ts';
import { sourceOf } from '../worker-plugins.ts';
import { checks } from './checks.ts';

/** The plugins of an app, for tests of what is deployed. */

type Records = (config: ConnectorConfig) => Promise<SourceRecord[]> | SourceRecord[];

/** Gives its records once; `records` is asked at the start of the task. */
class OnceTask implements SourceTask {
  readonly #records: Records;
  #left: SourceRecord[] = [];

  constructor(records: Records) {
    this.#records = records;
  }

  async start(config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    const done = await context.offsetStorageReader.offset(partition);
    this.#left = done === null ? await this.#records(config) : [];
  }

  poll(): SourceRecord[] | null {
    const records = this.#left;
    this.#left = [];
    return records.length === 0 ? null : records;
  }

  stop(): void {}
}

const partition = { once: 'once' };
const topicOf = (config: ConnectorConfig) => config.topic ?? 'no-topic';

async function results(config: ConnectorConfig): Promise<SourceRecord[]> {
  const records: SourceRecord[] = [];
  for (const { name, run } of checks()) {
    const result = await run().then(
      () => 'ok',
      (error: Error) => error.stack ?? String(error),
    );
    records.push(text(config, records.length, name, result));
  }
  return records;
}

function text(config: ConnectorConfig, index: number, key: string, value: string): SourceRecord {
  return new SourceRecord(partition, { index }, topicOf(config), null, STRING_SCHEMA, key, STRING_SCHEMA, value);
}

const orderSchema = SchemaBuilder.struct()
  .name('com.example.Order')
  .field('id', INT64_SCHEMA)
  .field('name', STRING_SCHEMA)
  .field('note', OPTIONAL_STRING_SCHEMA)
  .field('counts', SchemaBuilder.array(INT32_SCHEMA).build())
  .build();

function orders(config: ConnectorConfig): SourceRecord[] {
  return [0, 1, 2].map((index) => {
    const order = new Struct(orderSchema)
      .put('id', BigInt(index))
      .put('name', `order ${index}`)
      .put('note', index === 1 ? 'a note' : null)
      .put('counts', [index, index + 1]);
    return new SourceRecord(partition, { index }, topicOf(config), null, null, null, orderSchema, order);
  });
}

class LostConnectionError extends Error {
  override readonly name = 'LostConnectionError';
}

function failDeepInside(): never {
  throw new LostConnectionError('the system is gone');
}

const plugins: readonly AnyPlugin[] = [
  /** Writes what each check says: the check's name as key, `ok` or a trace as value. */
  sourceOf('com.example.ChecksConnector', () => new OnceTask(results)),
  sourceOf('com.example.OrdersConnector', () => new OnceTask(orders)),
  /** Writes the setting `text`, which may refer to a secret. */
  sourceOf('com.example.TextConnector', () => new OnceTask((config) => [text(config, 0, 'text', config.text ?? '')])),
  sourceOf('com.example.FailingConnector', () => new OnceTask(() => failDeepInside())),
  definePlugin({
    ...sourceOf('com.example.UncreatableConnector', () => new OnceTask(() => [])),
    create: () => failDeepInside(),
  }),
  definePlugin({
    ...sourceOf('com.example.HalfConnector', () => new OnceTask(() => [])),
    create: () => ({ start() {} }) as never,
  }),
];

export default plugins;
