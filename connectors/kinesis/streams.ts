import type { ShardedStream } from '../shard-walk.ts';
import type { KinesisSettings } from './settings.ts';
import type { StreamRecord } from './stream-record.ts';

/** What is asked of Kinesis. Errors are those of awsError. */
export interface KinesisStream extends ShardedStream<StreamRecord> {
  /** Hours that it keeps its records. */
  retentionHours(): Promise<number>;
  close(): void;
}

/** `signal` ends its requests. */
export type OpenStream = (settings: KinesisSettings, signal: AbortSignal) => Promise<KinesisStream>;
