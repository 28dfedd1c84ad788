import type { ShardedStream } from '../shard-walk.ts';
import type { StreamRecord } from './change.ts';
import type { Item } from './item.ts';
import type { DynamoDbSettings } from './settings.ts';

export interface TableFacts {
  /** Hash key first. */
  readonly keyNames: readonly string[];
  /** Null: it has no stream. */
  readonly streamArn: string | null;
}

export interface ScanRequest {
  readonly segment: number;
  readonly segments: number;
  readonly behind: Item | null;
  readonly most: number;
}

export interface ScanPage {
  readonly items: readonly Item[];
  /** Key behind which the segment goes on; null: that was all of it. */
  readonly behind: Item | null;
}

/** What is asked of DynamoDB. Errors are those of awsError. */
export interface Tables {
  describe(table: string): Promise<TableFacts>;
  /** What was written before is in it. */
  scan(table: string, request: ScanRequest): Promise<ScanPage>;
  stream(streamArn: string): ShardedStream<StreamRecord>;
  close(): void;
}

/** `signal` ends its requests. */
export type OpenTables = (settings: DynamoDbSettings, signal: AbortSignal) => Promise<Tables>;
