import type { Clock } from '../clock.ts';
import { kafkaError, kafkaErrors } from '../kafka/errors.ts';
import type { FetchedPartition, Fetcher, FetchOptions, FetchPosition, RecordCursor } from '../kafka/types.ts';
import type { MemoryLog, StoredRecord } from './memory-log.ts';

const recordOverhead = 20;

function sizeOf({ key, value, headers }: StoredRecord): number {
  const own = recordOverhead + (key?.length ?? 0) + (value?.length ?? 0);
  return headers.reduce((sum, header) => sum + header.key.length + (header.value?.length ?? 0), own);
}

/** Answers at once where there are records, else waits for them as a broker does. */
export class MemoryFetcher implements Fetcher {
  readonly #log: MemoryLog;
  readonly #clock: Clock;
  #turn = 0;

  constructor(log: MemoryLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  async fetch(
    positions: readonly FetchPosition[],
    options: FetchOptions,
    signal?: AbortSignal,
  ): Promise<FetchedPartition[]> {
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
    const isNews = ({ cursor, error }: FetchedPartition) =>
      error !== null || (cursor !== null && cursor.endOffset > cursor.nextOffset);
    const waitUntil = this.#clock.now() + options.maxWaitMs;
    for (;;) {
      const fetched = this.#read(positions, options);
      const left = waitUntil - this.#clock.now();
      if (positions.length === 0 || fetched.some(isNews) || left <= 0) return fetched;
      await this.#change(left, signal);
    }
  }

  async close(): Promise<void> {}

  async #change(atMostMs: number, signal: AbortSignal | undefined): Promise<void> {
    const enough = new AbortController();
    const either = signal === undefined ? enough.signal : AbortSignal.any([enough.signal, signal]);
    const { promise, resolve } = Promise.withResolvers<void>();
    const forget = this.#log.onChange(resolve);
    const slept = this.#clock.sleep(atMostMs, either);
    slept.catch(() => {});
    try {
      await Promise.race([promise, slept]);
    } finally {
      forget();
      enough.abort();
    }
  }

  #read(positions: readonly FetchPosition[], options: FetchOptions): FetchedPartition[] {
    let left = options.maxBytes;
    const first = positions.length === 0 ? 0 : this.#turn++ % positions.length;
    const turned = [...positions.slice(first), ...positions.slice(0, first)];
    return turned.map((position) => {
      const fetched = this.#readOne(position, options, left);
      left -= fetched.bytes;
      return fetched.partition;
    });
  }

  #readOne(position: FetchPosition, options: FetchOptions, left: number) {
    const { topic: name, partition: number, offset, topicId = null } = position;
    const topic = this.#log.topics.get(name);
    const partition = topic?.partitions[number];
    const about = { doing: 'read from', topic: name, partition: number };
    const failed = (code: number) => ({
      bytes: 0,
      partition: {
        topic: name,
        partition: number,
        topicId: topic?.id ?? null,
        highWatermark: -1,
        lastStableOffset: -1,
        error: kafkaError(code, about),
        cursor: null,
      },
    });
    if (topicId !== null && topic?.id !== topicId) return failed(kafkaErrors.UNKNOWN_TOPIC_ID);
    if (topic === undefined || partition === undefined) return failed(kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION);
    if (offset < partition.start || offset > partition.end) return failed(kafkaErrors.OFFSET_OUT_OF_RANGE);
    const committed = options.isolationLevel === 'read_committed';
    const { end: highWatermark, lastStableOffset } = partition;
    const limit = committed ? lastStableOffset : highWatermark;
    const most = Math.min(left, options.maxPartitionBytes);
    const records: StoredRecord[] = [];
    let bytes = 0;
    let next = offset;
    for (; next < limit; next++) {
      const record = partition.at(next)!;
      if (record.control || (committed && record.transaction?.state === 'aborted')) continue;
      const size = sizeOf(record);
      // The first record is given whatever its size, as a broker does.
      if (bytes + size > most && (records.length > 0 || left < options.maxBytes)) break;
      records.push(record);
      bytes += size;
    }
    const cursor = new MemoryCursor(name, number, offset, next, records);
    return {
      bytes,
      partition: {
        topic: name,
        partition: number,
        topicId: topic.id,
        highWatermark,
        lastStableOffset,
        error: null,
        cursor,
      },
    };
  }
}

class MemoryCursor implements RecordCursor {
  readonly topic: string;
  readonly partition: number;
  readonly endOffset: number;
  readonly timestampType = 'CreateTime';
  readonly buffer: Buffer;
  offset = -1;
  timestamp = -1;
  keyStart = -1;
  keyEnd = -1;
  valueStart = -1;
  valueEnd = -1;
  headerCount = 0;
  nextOffset: number;
  readonly #records: readonly StoredRecord[];
  #index = -1;
  #at = 0;

  constructor(topic: string, partition: number, from: number, endOffset: number, records: readonly StoredRecord[]) {
    this.topic = topic;
    this.partition = partition;
    this.nextOffset = from;
    this.endOffset = endOffset;
    this.#records = records;
    this.buffer = Buffer.concat(records.flatMap(({ key, value }) => [key ?? empty, value ?? empty]));
  }

  next(): boolean {
    const record = this.#records[++this.#index];
    if (record === undefined) {
      this.nextOffset = this.endOffset;
      return false;
    }
    this.offset = record.offset;
    this.timestamp = record.timestamp;
    this.headerCount = record.headers.length;
    [this.keyStart, this.keyEnd] = this.#take(record.key);
    [this.valueStart, this.valueEnd] = this.#take(record.value);
    this.nextOffset = record.offset + 1;
    return true;
  }

  headers() {
    return this.#records[this.#index]?.headers ?? [];
  }

  #take(bytes: Uint8Array | null): [number, number] {
    if (bytes === null) return [-1, -1];
    const start = this.#at;
    this.#at += bytes.length;
    return [start, this.#at];
  }
}

const empty = new Uint8Array(0);
