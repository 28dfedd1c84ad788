import {
  type ConnectorConfig,
  type FedItem,
  type FedOutcome,
  type FeedContext,
  type Lag,
  type SourceFeed,
  type SourcePartition,
  SourceRecord,
} from '../../src/api/index.ts';
import { lagging, secondsOf } from '../feed-lag.ts';
import { answerStream } from '../stream-answer.ts';
import { placeBehind, progressOf } from './feed-place.ts';
import { recordsOf } from './records.ts';
import { type KinesisSettings, parseSettings } from './settings.ts';
import { shardPartition } from './stream-place.ts';
import { type EventRecord, eventRecordsOf } from './stream-record.ts';

/** Streams keep their records for at least a day. */
const alarmMs = 12 * 3_600_000;
const toldEveryMs = 600_000;
const toldAt = new Map<string, number>();
const mostTold = 1000;

/**
 * A batch of one shard, in order. One that is not done as a whole is given back as a whole: Lambda brings it again, and it
 * goes on behind the last record that was committed.
 */
export class KinesisFeed implements SourceFeed {
  readonly keepsOffsets = true;
  #settings!: KinesisSettings;
  #context!: FeedContext;
  /** Of the batch: what was not done before. */
  #left: readonly EventRecord[] = [];

  start(config: ConnectorConfig, context: FeedContext): void {
    this.#settings = parseSettings(config);
    this.#context = context;
  }

  async items(event: unknown): Promise<readonly FedItem[]> {
    const batch = eventRecordsOf(event);
    if (batch.length === 0) return [];
    this.#watchAge(batch);
    const shard = shardOf(batch);
    const partition = shardPartition(shard);
    const { records, parts } = progressOf(batch, await this.#context.offsetStorageReader.offset(partition));
    this.#left = batch.slice(records);
    return this.#left.map((_, at) => this.#item(batch, records + at, partition, shard, at === 0 ? parts : 0));
  }

  lag(outcomes: readonly FedOutcome[]): Lag | null {
    const record = lagging(this.#left, outcomes)?.record;
    if (record === undefined || record instanceof Error || record.arrivedAt === null) return null;
    return { seconds: secondsOf(Date.now() - record.arrivedAt) };
  }

  answer(_event: unknown, outcomes: readonly FedOutcome[]): unknown {
    return answerStream(outcomes);
  }

  stop(): void {}

  #item(
    batch: readonly EventRecord[],
    at: number,
    partition: SourcePartition,
    shard: string,
    partsDone: number,
  ): FedItem {
    const { given, record } = batch[at]!;
    const offset = placeBehind(batch, at);
    if (record instanceof Error) {
      const raw = JSON.stringify(given) ?? 'null';
      const topic = this.#settings['kafka.topic'];
      return { records: [SourceRecord.unreadable(record, partition, offset, topic, null, raw)], orderKey: shard };
    }
    const place = { partition, shard, offset, within: (part: number) => placeBehind(batch, at, part) };
    return { records: recordsOf(this.#settings, record, place, partsDone), orderKey: shard };
  }

  #watchAge(batch: readonly EventRecord[]): void {
    const now = Date.now();
    const arrived = batch.flatMap(({ record }) =>
      record instanceof Error || record.arrivedAt === null ? [] : [record.arrivedAt],
    );
    const ageMs = now - Math.min(now, ...arrived);
    const stream = this.#settings['kinesis.stream'];
    const about = `${this.#context.connector} ${stream}`;
    if (ageMs < alarmMs || now - (toldAt.get(about) ?? Number.NEGATIVE_INFINITY) < toldEveryMs) return;
    if (toldAt.size >= mostTold) toldAt.clear();
    toldAt.set(about, now);
    this.#context.warn(
      `The stream ${stream} is read ${(ageMs / 3_600_000).toFixed(1)} hours behind: what is older than its retention, 24 hours where no other is set, is lost`,
    );
  }
}

/** The batch is of one shard, which any of its records names. */
function shardOf(batch: readonly EventRecord[]): string {
  for (const { record } of batch) if (!(record instanceof Error) && record.shard !== null) return record.shard;
  return 'unknown';
}
