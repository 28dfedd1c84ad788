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
