import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MirrorTopic } from '../../src/mirror/project.ts';

export interface JavaRecord {
  readonly topic: MirrorTopic;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string | null;
}

/**
 * What Java Connect 4.3.0 wrote to its three topics (1, 25 and 5 partitions) while connectors were created, paused,
 * resumed, restarted, stopped, failed and deleted, their offsets altered and reset, and a logger set; in the order of
 * each partition.
 */
export const javaRecords: readonly JavaRecord[] = readFileSync(
  join(import.meta.dirname, 'java-connect-4.3.jsonl'),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as JavaRecord);

export const javaValues = (key: string) => javaRecords.filter((record) => record.key === key).map(({ value }) => value);
