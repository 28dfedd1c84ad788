import {
  ConnectError,
  type ConnectorConfig,
  type Lag,
  type SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from '../../src/api/index.ts';
import { type ShardBatch, type ShardedStream, type ShardStart, ShardWalk } from '../shard-walk.ts';
import type { StreamRecord } from './change.ts';
import { recordsOf, type TableRecords, tableRecords } from './records.ts';
import { ageProblem, lagOf } from './retention.ts';
import { type DynamoDbSettings, parseSettings } from './settings.ts';
import { Snapshot } from './snapshot.ts';
import { noSnapshot, type SnapshotState, snapshotOf, snapshotPartition } from './snapshot-state.ts';
import { shardOffset, shardPartition, shardStart } from './stream-place.ts';
import { tablesOf } from './table-names.ts';
import type { OpenTables, Tables } from './tables.ts';

/** The service wants no more than a few requests a second and shard. */
const emptyPauseMs = 250;
const throttledPauseMs = 1000;

interface PolledTable {
  readonly name: string;
  readonly records: TableRecords;
  readonly snapshot: Snapshot | null;
  readonly snapshotState: SnapshotState;
  readonly walk: ShardWalk<StreamRecord> | null;
  /** How old the last record was when it was read; null: nothing new lately. */
  ageMs: number | null;
}

/**
 * Polls the streams of some tables, and takes their snapshots where they are asked for: a page of the snapshot and what the
 * stream has, in turn, so that a long snapshot does not let the stream's 24 hours pass. The stream is read after the page, so
 * that what an item has become stands behind what it was.
 */
export class DynamoDbSourceTask implements SourceTask {
  readonly #open: OpenTables;
  #settings!: DynamoDbSettings;
  #context!: SourceTaskContext;
  #tables: Tables | null = null;
  #polled: PolledTable[] | null = null;

  constructor(open: OpenTables) {
    this.#open = open;
  }

  async start(config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    this.#settings = parseSettings(config);
    this.#context = context;
    this.#tables = await this.#open(this.#settings, context.signal);
  }

  async poll(): Promise<SourceRecord[] | null> {
    this.#polled ??= await this.#openTables();
    const records: SourceRecord[] = [];
    for (const table of this.#polled) {
      if (this.#context.signal.aborted) break;
      if (table.snapshot !== null && !table.snapshot.done) {
        for (const record of await table.snapshot.next()) records.push(record);
      }
      if (table.walk !== null) for (const record of await this.#stream(table, table.walk)) records.push(record);
    }
    return records.length === 0 ? null : records;
  }

  lag(): Lag | null {
    const ages = (this.#polled ?? []).flatMap(({ ageMs }) => (ageMs === null ? [] : [ageMs]));
    return ages.length === 0 ? null : lagOf(Math.max(...ages));
  }

  stop(): void {
    this.#tables?.close();
    this.#tables = null;
    this.#polled = null;
  }

  #openTables(): Promise<PolledTable[]> {
    return Promise.all(tablesOf(this.#settings).map((name) => this.#openTable(name)));
  }

  async #openTable(name: string): Promise<PolledTable> {
    const settings = this.#settings;
    const tables = this.#tables!;
    const { keyNames, streamArn } = await tables.describe(name);
    const records = tableRecords(settings, name, keyNames);
    const { snapshot, state } = await this.#openSnapshot(name, records, keyNames);
    let walk: ShardWalk<StreamRecord> | null = null;
    if (!settings['task.fed']) {
      if (streamArn === null) {
        throw new ConnectError(
          'dynamodb.no_stream',
          `The table ${name} has no stream: enable one with the view NEW_AND_OLD_IMAGES or NEW_IMAGE`,
        );
      }
      walk = this.#walk(name, streamArn);
    }
    return { name, records, snapshot, snapshotState: state, walk, ageMs: null };
  }

  async #openSnapshot(table: string, records: TableRecords, keyNames: readonly string[]) {
    const { snapshot, 'snapshot.segments': count, 'snapshot.page.items': pageItems } = this.#settings;
    const partitions = Array.from({ length: count }, (_, segment) => snapshotPartition(table, segment, count));
    const offsets = await this.#context.offsetStorageReader.offsets(partitions);
    const segments = offsets.map(snapshotOf);
    const state = segments.length === 1 ? segments[0]! : noSnapshot;
    if (snapshot === 'none') return { snapshot: null, state };
    return { snapshot: new Snapshot(this.#tables!, records, { table, keyNames, pageItems, segments }), state };
  }

  #walk(table: string, streamArn: string): ShardWalk<StreamRecord> {
    const { signal } = this.#context;
    const stream = this.#tables!.stream(streamArn);
    const starts = async (shards: readonly string[]) => {
      const offsets = await this.#context.offsetStorageReader.offsets(
        shards.map((shard) => shardPartition(table, shard)),
      );
      return offsets.map(shardStart);
    };
    const iterator = async (shard: string, start: ShardStart): Promise<string> => {
      try {
        return await stream.iterator(shard, start);
      } catch (error) {
        if (((error as Error).cause as Error | undefined)?.name !== 'TrimmedDataAccessException') throw error;
        this.#tellTrimmed(table, shard, start, error);
        return stream.iterator(shard, { at: 'TRIM_HORIZON' });
      }
    };
    const guarded: ShardedStream<StreamRecord> = {
      shards: () => stream.shards(),
      iterator,
      read: (at) => stream.read(at),
      sequenceNumberOf: (record) => stream.sequenceNumberOf(record),
      sizeOf: (record) => stream.sizeOf(record),
    };
    return new ShardWalk(guarded, { starts, emptyPauseMs, throttledPauseMs, signal });
  }

  #tellTrimmed(table: string, shard: string, start: ShardStart, cause: unknown): void {
    const from = 'sequenceNumber' in start ? `behind the sequence number ${start.sequenceNumber}` : 'from its start';
    const lost = `Records of the table ${table}, shard ${shard}, ${from}, are gone: its stream keeps them for 24 hours`;
    if (this.#settings['stream.trimmed'] === 'continue') {
      this.#context.warn(`${lost}. Going on with the oldest that are there`);
      return;
    }
    throw new ConnectError(
      'dynamodb.trimmed',
      `${lost}. To go on with the oldest that are there set stream.trimmed to continue, or remove the offset of the shard; ` +
        `to have all items again remove the offset of {"table_name":"${table}"} and set snapshot to initial`,
      { cause },
    );
  }

  async #stream(table: PolledTable, walk: ShardWalk<StreamRecord>): Promise<SourceRecord[]> {
    const batches = await walk.next();
    table.ageMs = null;
    const now = Date.now();
    for (const { records } of batches) {
      const { createdAt } = records.at(-1)!;
      if (createdAt !== null) table.ageMs = Math.max(table.ageMs ?? 0, now - createdAt);
    }
    const problem = ageProblem(this.#context.connector, table.name, table.ageMs, now);
    if (problem !== null) this.#context.warn(problem);
    return batches.flatMap((batch) => this.#recordsOf(table, batch));
  }

  #recordsOf({ name, records, snapshotState }: PolledTable, { shard, records: given }: ShardBatch<StreamRecord>) {
    const partition = shardPartition(name, shard);
    return given.flatMap((record) => {
      const sequenceNumber = record.sequenceNumber ?? '';
      const offset = shardOffset(shard, sequenceNumber);
      const before = shardOffset(shard, sequenceNumber, true);
      return recordsOf(records, record, { partition, before, offset, snapshot: snapshotState, sequenceNumber });
    });
  }
}
