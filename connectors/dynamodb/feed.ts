import {
  type ConnectorConfig,
  DataError,
  type FedItem,
  type FedOutcome,
  type FeedContext,
  type Lag,
  type SourceFeed,
  type SourcePartition,
} from '../../src/api/index.ts';
import { lagging } from '../feed-lag.ts';
import { answerStream } from '../stream-answer.ts';
import { changeOf, type StreamRecord, streamRecordOf } from './change.ts';
import { laneOf, placeBefore, placeBehind, recordsDone } from './feed-place.ts';
import { recordsOf, type TableRecords, tableRecords } from './records.ts';
import { ageProblem, lagOf } from './retention.ts';
import { type DynamoDbSettings, parseSettings } from './settings.ts';
import { type SnapshotState, snapshotOf, snapshotPartition } from './snapshot-state.ts';
import { tablesOf } from './table-names.ts';
import type { OpenTables } from './tables.ts';

/** Key schemas, which a table never changes, for as long as the environment lives. */
const keySchemas = new Map<string, readonly string[]>();
const mostKeySchemas = 1000;

/**
 * A batch of a table's stream: of one shard, which Lambda does not name, in order. A batch that is not done as a whole is
 * given back as a whole: Lambda brings it again, and it goes on behind the last record that was committed.
 */
export class DynamoDbFeed implements SourceFeed {
  readonly keepsOffsets = true;
  readonly #open: OpenTables;
  #settings!: DynamoDbSettings;
  #context!: FeedContext;
  /** Of the batch: what was not done before. */
  #left: readonly StreamRecord[] = [];

  constructor(open: OpenTables) {
    this.#open = open;
  }

  start(config: ConnectorConfig, context: FeedContext): void {
    this.#settings = parseSettings(config);
    this.#context = context;
  }

  async items(event: unknown): Promise<readonly FedItem[]> {
    const batch = batchOf(event);
    const [table] = tablesOf(this.#settings);
    if (batch.length === 0 || table === undefined) return [];
    this.#watchAge(table, batch);
    const lane = laneOf(table, batch);
    const [committed, scanned] = await this.#context.offsetStorageReader.offsets([
      lane,
      snapshotPartition(table, 0, 1),
    ]);
    const records = tableRecords(this.#settings, table, await this.#keyNames(table, batch));
    const done = recordsDone(batch, committed ?? null);
    const snapshot = snapshotOf(scanned ?? null);
    this.#left = batch.slice(done);
    return this.#left.map((_, at) => itemOf({ table, batch, lane, records, snapshot }, done + at));
  }

  lag(outcomes: readonly FedOutcome[]): Lag | null {
    const createdAt = lagging(this.#left, outcomes)?.createdAt ?? null;
    return createdAt === null ? null : lagOf(Date.now() - createdAt);
  }

  answer(_event: unknown, outcomes: readonly FedOutcome[]): unknown {
    return answerStream(outcomes);
  }

  stop(): void {}

  #watchAge(table: string, batch: readonly StreamRecord[]): void {
    const now = Date.now();
    const ages = batch.flatMap(({ createdAt }) => (createdAt === null ? [] : [now - createdAt]));
    const problem = ageProblem(this.#context.connector, table, Math.max(0, ...ages), now);
    if (problem !== null) this.#context.warn(problem);
  }

  /** A key of one attribute shows in the record; of two, the table says which is the hash key. */
  async #keyNames(table: string, batch: readonly StreamRecord[]): Promise<readonly string[]> {
    const [first] = batch.flatMap(keyNamesOf);
    if (first === undefined || first.length < 2) return first ?? [];
    const about = `${this.#settings['aws.region']} ${this.#settings['dynamodb.service.endpoint']} ${table}`;
    const known = keySchemas.get(about);
    if (known?.every((name) => first.includes(name))) return known;
    const tables = await this.#open(this.#settings, this.#context.signal);
    try {
      const { keyNames } = await tables.describe(table);
      if (keySchemas.size >= mostKeySchemas) keySchemas.clear();
      keySchemas.set(about, keyNames);
      return keyNames;
    } finally {
      tables.close();
    }
  }
}

function keyNamesOf(record: StreamRecord): (readonly string[])[] {
  try {
    return [[...changeOf(record).keys.keys()]];
  } catch {
    // Told with the item.
    return [];
  }
}

interface Batch {
  readonly table: string;
  readonly batch: readonly StreamRecord[];
  readonly lane: SourcePartition;
  readonly records: TableRecords;
  readonly snapshot: SnapshotState;
}

function itemOf({ table, batch, lane, records, snapshot }: Batch, at: number): FedItem {
  const { sequenceNumber } = batch[at]!;
  const place = { partition: lane, before: placeBefore(batch, at), offset: placeBehind(batch, at), snapshot };
  return { records: recordsOf(records, batch[at]!, { ...place, sequenceNumber }), orderKey: table };
}

/** Throws DataError for what is no event of a stream. */
function batchOf(event: unknown): StreamRecord[] {
  const records = typeof event === 'object' && event !== null ? (event as { Records?: unknown }).Records : undefined;
  if (!Array.isArray(records)) throw new DataError('Not an event of a DynamoDB stream: it has no Records');
  return records.map(streamRecordOf);
}
