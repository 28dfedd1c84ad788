import {
  BOOLEAN_SCHEMA,
  ConfigError,
  DataError,
  INT64_SCHEMA,
  OPTIONAL_INT64_SCHEMA,
  type Schema,
  SchemaBuilder,
  type SourceOffset,
  type SourcePartition,
  SourceRecord,
  STRING_SCHEMA,
  Struct,
} from '../../src/api/index.ts';
import { type Change, changeOf, type StreamRecord } from './change.ts';
import { type Attribute, type Item, itemText, plainItem } from './item.ts';
import { type DynamoDbSettings, mapKey } from './settings.ts';
import type { SnapshotState } from './snapshot-state.ts';

/** Of envelopes and offsets, as the Java connector has it. */
export const version = '1.0';

const sourceSchema = SchemaBuilder.struct()
  .name('com.trustpilot.connector.dynamodb.source')
  .field('version', STRING_SCHEMA)
  .field('table_name', STRING_SCHEMA)
  .field('init_sync', BOOLEAN_SCHEMA)
  .field('init_sync_state', STRING_SCHEMA)
  .field('init_sync_start', INT64_SCHEMA)
  .field('init_sync_end', OPTIONAL_INT64_SCHEMA)
  .field('init_sync_count', OPTIONAL_INT64_SCHEMA)
  .build();

const envelopeSchema = SchemaBuilder.struct()
  .name('com.trustpilot.connector.dynamodb.envelope')
  .field('version', STRING_SCHEMA)
  .field('document', STRING_SCHEMA)
  .field('source', sourceSchema)
  .field('op', STRING_SCHEMA)
  .field('ts_ms', INT64_SCHEMA)
  .build();

/** What a table's changes become. */
export interface TableRecords {
  readonly topic: string;
  /**
   * One record, or two where a tombstone follows. `before`: the offset of what lies in front of the change, for a record
   * that is not its last. Throws DataError for a change that cannot be told.
   */
  of(change: Change, place: Place): SourceRecord[];
}

export interface Place {
  readonly partition: SourcePartition;
  readonly before: SourceOffset;
  readonly offset: SourceOffset;
  readonly snapshot: SnapshotState;
  readonly sequenceNumber: string | null;
}

/** `keyNames`: in the order of the table's key schema. */
export function tableRecords(settings: DynamoDbSettings, table: string, keyNames: readonly string[]): TableRecords {
  const topic = topicOf(settings, table);
  const fields = keyNames.map((name) => ({ name, field: fieldName(name) }));
  const keySchema = fields
    .reduce((schema, { field }) => schema.field(field, STRING_SCHEMA), SchemaBuilder.struct().name(`${topic}.Key`))
    .build();
  const withImages = settings['record.shape'] === 'images';
  const schemaAndValue = (change: Change, place: Place): [Schema | null, unknown] =>
    withImages ? [null, images(table, change, place)] : [envelopeSchema, envelope(table, change, place.snapshot)];
  const tombstones = settings['tombstones.on.delete'];
  return {
    topic,
    of(change, place) {
      const values = fields.map(({ name }) => keyText(change.keys, name));
      const key = new Struct(keySchema, values);
      const [schema, value] = schemaAndValue(change, place);
      const ends = tombstones && change.op === 'd';
      const time = withImages ? change.createdAt : null;
      const { partition, before, offset } = place;
      const record = new SourceRecord(
        partition,
        ends ? before : offset,
        topic,
        null,
        keySchema,
        key,
        schema,
        value,
        time,
      );
      if (!ends) return [record];
      return [record, new SourceRecord(partition, offset, topic, null, keySchema, key, null, null, time)];
    },
  };
}

/** A stream's record as what it becomes, or as one that cannot be read, with all that came. */
export function recordsOf(records: TableRecords, record: StreamRecord, place: Place): SourceRecord[] {
  try {
    return records.of(changeOf(record), place);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const raw = JSON.stringify(record.given) ?? 'null';
    return [SourceRecord.unreadable(error, place.partition, place.offset, records.topic, null, raw)];
  }
}

/** The Java connector fails for bytes; here they are base64. */
function keyText(keys: Item, name: string): string {
  const value = keys.get(name);
  if (value === undefined || (value.type !== 'S' && value.type !== 'N' && value.type !== 'B')) {
    throw new DataError(`The record has no ${name} among its Keys, which are those of the table`);
  }
  return value.value;
}

function envelope(table: string, change: Change, snapshot: SnapshotState): Struct {
  const item = change.newImage ?? (change.op === 'd' ? change.keys : null);
  if (item === null) {
    throw new DataError(
      `The stream of ${table} has no new images: its view must be NEW_IMAGE or NEW_AND_OLD_IMAGES, or record.shape images`,
    );
  }
  const named = new Map<string, Attribute>();
  for (const [name, value] of item) {
    const field = fieldName(name);
    if (!named.has(field)) named.set(field, value);
  }
  const { state, startedAt, endedAt, count } = snapshot;
  const isOver = endedAt !== null;
  const source = new Struct(sourceSchema, [
    version,
    table,
    change.op === 'r',
    state,
    BigInt(startedAt),
    isOver ? BigInt(endedAt) : null,
    isOver ? BigInt(count) : null,
  ]);
  return new Struct(envelopeSchema, [version, itemText(named, true), source, change.op, BigInt(change.createdAt)]);
}

function images(table: string, change: Change, { sequenceNumber }: Place): Map<string, unknown> {
  const { op, keys, newImage, oldImage, createdAt, expired } = change;
  return new Map<string, unknown>([
    ['op', op],
    ['table', table],
    ['sequence_number', sequenceNumber],
    ['ts_ms', BigInt(createdAt)],
    ['expired', expired],
    ['keys', plainItem(keys)],
    ['before', oldImage === null ? null : plainItem(oldImage)],
    ['after', newImage === null ? null : plainItem(newImage)],
  ]);
}

/** Letters, digits and underscores, as the Java connector leaves them. It loses an item whose name has none of them. */
function fieldName(attribute: string): string {
  return attribute.replace(/^[^a-zA-Z_]/, '').replace(/[^a-zA-Z0-9_]/g, '') || attribute;
}

function topicOf(settings: DynamoDbSettings, table: string): string {
  return settings['kafka.topic.prefix'] + (topicMap(settings[mapKey]).get(table) ?? table);
}

/** Throws ConfigError. */
export function topicMap(text: string): ReadonlyMap<string, string> {
  if (text.trim() === '') return new Map();
  const wrong = (cause?: unknown) =>
    new ConfigError(`${mapKey} must be a JSON object from names of tables to names of topics`, { key: mapKey, cause });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw wrong(cause);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw wrong();
  const entries = Object.entries(parsed);
  if (!entries.every((entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1] !== '')) {
    throw wrong();
  }
  return new Map(entries);
}
