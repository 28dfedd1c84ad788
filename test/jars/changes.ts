import type { KafkaClient } from '../../src/kafka/types.ts';
import { readTopic } from '../support/kafka-records.ts';

/** What Debezium tells of a row. */
export interface Change {
  readonly op: string;
  readonly before: Readonly<Record<string, unknown>> | null;
  readonly after: Readonly<Record<string, unknown>> | null;
  readonly source: Readonly<Record<string, unknown>>;
}

export async function changesIn(kafka: KafkaClient, topic: string): Promise<Change[]> {
  const records = await readTopic(kafka, topic);
  return records.flatMap(({ value }) => (value === null ? [] : [JSON.parse(value) as Change]));
}

/** Of rows with `id` and `v`, a line each. */
export const told = (list: readonly Change[]) =>
  list.map(({ op, after, before }) => `${op} ${(after ?? before)?.id} ${after?.v ?? ''}`);

/** Numbers of rows with an `id`, in the order of the changes. */
export const idsOf = (list: readonly Change[]) => list.map(({ before, after }) => Number((after ?? before)?.id));

/** The statements in a topic of the history of schemas, as Debezium has them of MariaDB and the like. */
export async function statementsIn(kafka: KafkaClient, topic: string): Promise<string[]> {
  return (await readTopic(kafka, topic)).map(({ value }) => String(JSON.parse(value!).ddl));
}
