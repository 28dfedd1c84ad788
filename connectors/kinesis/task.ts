import {
  type ConnectorConfig,
  type Lag,
  SourceRecord,
  type SourceTask,
  type SourceTaskContext,
} from '../../src/api/index.ts';
import { type ShardBatch, type ShardedStream, type ShardStart, ShardWalk } from '../shard-walk.ts';
import { type Place, recordsOf } from './records.ts';
import { type KinesisSettings, parseSettings, timestampOf } from './settings.ts';
import { shardOffset, shardPartition, shardPlaceOf, sinceOffset, startAt } from './stream-place.ts';
import type { StreamRecord } from './stream-record.ts';
import type { KinesisStream, OpenStream } from './streams.ts';

/** Told once the records that are read now are older than this part of what the stream keeps. */
const alarmAt = 0.5;

/** Polls the shards of a stream, all that `kinesis.shard.id` fits. */
export class KinesisSourceTask implements SourceTask {
  readonly #open: OpenStream;
  #settings!: KinesisSettings;
  #context!: SourceTaskContext;
  #stream: KinesisStream | null = null;
  #walk: ShardWalk<StreamRecord> | null = null;
  /** Where shards are begun within a record. */
  readonly #places = new Map<string, { readonly sequenceNumber: string; readonly part: number | null }>();
  /** Where shards are begun at LATEST, to be kept: it is where they are begun again as long as they have nothing. */
  #marks: SourceRecord[] = [];
  /** Asked only of a stream that is behind by hours. */
  #keptHours: number | null = null;
  #warned = false;

  constructor(open: OpenStream) {
    this.#open = open;
  }

  async start(config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    const settings = parseSettings(config);
    this.#settings = settings;
    this.#context = context;
    const stream = await this.#open(settings, context.signal);
    this.#stream = stream;
    const wanted = new RegExp(`^(?:${settings['kinesis.shard.id']})$`);
    const some: ShardedStream<StreamRecord> = {
      shards: async () => (await stream.shards()).filter(({ id }) => wanted.test(id)),
      iterator: (shard, start) => stream.iterator(shard, start),
      read: (iterator) => stream.read(iterator),
      sequenceNumberOf: (record) => stream.sequenceNumberOf(record),
      sizeOf: (record) => stream.sizeOf(record),
    };
    this.#walk = new ShardWalk(some, {
      starts: (shards) => this.#starts(shards),
      emptyPauseMs: settings['kinesis.empty.records.backoff.ms'],
      throttledPauseMs: settings['kinesis.throughput.exceeded.backoff.ms'],
      signal: context.signal,
    });
  }

  async poll(): Promise<SourceRecord[] | null> {
    const batches = await this.#walk!.next();
    await this.#watchRetention();
    const records = [...this.#marks.splice(0), ...batches.flatMap((batch) => this.#recordsOf(batch))];
    return records.length === 0 ? null : records;
  }

  lag(): Lag | null {
    const behindMs = this.#walk?.behindMs ?? null;
    if (behindMs === null) return null;
    const seconds = Math.round(behindMs / 1000);
    return this.#keptHours === null
      ? { seconds }
      : { seconds, secondsLeft: Math.max(0, this.#keptHours * 3600 - seconds) };
  }

  stop(): void {
    this.#stream?.close();
    this.#stream = null;
    this.#walk = null;
  }

  async #starts(shards: readonly string[]): Promise<ShardStart[]> {
    const offsets = await this.#context.offsetStorageReader.offsets(shards.map(shardPartition));
    return offsets.map((offset, at) => {
      const place = shardPlaceOf(offset);
      const shard = shards[at]!;
      if (place === null) return this.#beginning(shard);
      if ('sequenceNumber' in place) this.#places.set(shard, place);
      return startAt(place);
    });
  }

  /** A shard that begins later has nothing older: all of it is read. */
  #beginning(shard: string): ShardStart {
    const { 'kinesis.position': position, 'kinesis.shard.timestamp': text, 'task.since': since } = this.#settings;
    if (position === 'TRIM_HORIZON') return { at: 'TRIM_HORIZON' };
    if (position === 'AT_TIMESTAMP') return startAt({ since: timestampOf(text ?? '')! });
    const place = { since: since ?? Date.now() };
    this.#marks.push(SourceRecord.mark(shardPartition(shard), sinceOffset(place.since)));
    return startAt(place);
  }

  #recordsOf({ shard, records }: ShardBatch<StreamRecord>): SourceRecord[] {
    const partition = shardPartition(shard);
    return records.flatMap((record) => {
      const { sequenceNumber } = record;
      const place: Place = {
        partition,
        shard,
        offset: shardOffset(sequenceNumber),
        within: (part) => shardOffset(sequenceNumber, part),
      };
      const begun = this.#places.get(shard);
      const part = begun?.sequenceNumber === sequenceNumber ? begun.part : null;
      return recordsOf(this.#settings, record, place, part === null ? 0 : part + 1);
    });
  }

  /** Once in a run, and only where it is behind by hours. */
  async #watchRetention(): Promise<void> {
    const behindMs = this.#walk!.behindMs ?? 0;
    const hour = 3_600_000;
    if (this.#warned || behindMs < 12 * hour) return;
    this.#warned = true;
    const hours = await this.#stream!.retentionHours();
    this.#keptHours = hours;
    if (behindMs < alarmAt * hours * hour) return;
    const left = Math.max(0, hours - behindMs / hour).toFixed(1);
    this.#context.warn(
      `The stream ${this.#settings['kinesis.stream']} is read ${(behindMs / hour).toFixed(1)} hours behind: it keeps its ` +
        `records for ${hours}, ${left} hours are left before some are lost`,
    );
  }
}
