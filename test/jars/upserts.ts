import type { KafkaClient } from '../../src/kafka/types.ts';
import type { Database } from './databases.ts';

export const jdbcSink = 'io.debezium.connector.jdbc.JdbcSinkConnector';
const json = 'org.apache.kafka.connect.json.JsonConverter';

/** Debezium's settings for a table of a PostgreSQL that a topic fills. */
export const upsertsInto = (database: Database, table: string, topic: string) => ({
  'connector.class': jdbcSink,
  'tasks.max': '1',
  topics: topic,
  'key.converter': json,
  'value.converter': json,
  'consumer.override.auto.offset.reset': 'earliest',
  'consumer.override.max.poll.records': '50',
  'connection.url': `jdbc:postgresql://${database.host}:${database.port}/${database.name}`,
  'connection.username': database.user,
  'connection.password': database.password,
  'insert.mode': 'upsert',
  'delete.enabled': 'true',
  'primary.key.mode': 'record_key',
  'schema.evolution': 'basic',
  'collection.name.format': table,
});

type Field = readonly [name: string, type: string, optional: boolean];

const withSchema = (fields: readonly Field[], payload: object) =>
  JSON.stringify({
    schema: {
      type: 'struct',
      optional: false,
      name: 'row',
      fields: fields.map(([field, type, optional]) => ({ field, type, optional })),
    },
    payload,
  });

/** A row whose `v` is null is deleted; one with `more` has a column more. */
export type Sent = readonly [id: number, v: string | null, more?: number];

export async function sendRows(kafka: KafkaClient, topic: string, rows: readonly Sent[]): Promise<void> {
  const id: Field = ['id', 'int32', false];
  const producer = await kafka.producer();
  const batch = producer.newBatch();
  for (const [at, v, more] of rows) {
    const fields: readonly Field[] = [
      id,
      ['v', 'string', true],
      ...(more === undefined ? [] : [['more', 'int64', true] as const]),
    ];
    const payload = { id: at, v, ...(more === undefined ? {} : { more }) };
    batch.append(topic, 0, withSchema([id], { id: at }), v === null ? null : withSchema(fields, payload), null, null);
  }
  await producer.send(batch);
  await producer.close();
}
