import type { Shard, ShardedStream, ShardPage, ShardStart } from '../../connectors/shard-walk.ts';

export interface MemoryShardsOptions<R> {
  readonly sequenceNumberOf: (record: R) => string;
  readonly createdAt?: (record: R) => number;
  /** Tells how far behind it is read, as Kinesis does. */
  readonly tellsBehind?: boolean;
  readonly pageRecords?: number;
  /** Of each page before one with records, so many are empty. */
  readonly emptyPages?: number;
}

interface MemoryShard<R> {
  readonly parents: readonly string[];
  readonly records: R[];
  ended: boolean;
  gone: number;
}

/** A stream that can be split, merged and trimmed at will, which the emulator's cannot. Iterators are `<shard> <place>`. */
export class MemoryShards<R> implements ShardedStream<R> {
  readonly #shards = new Map<string, MemoryShard<R>>();
  readonly #options: MemoryShardsOptions<R>;
  /** Errors for the next reads, in turn. */
  readonly failures: Error[] = [];
  /** Shard of each read that was answered. */
  readonly reads: string[] = [];

  constructor(options: MemoryShardsOptions<R>) {
    this.#options = options;
  }

  add(shard: string, records: readonly R[] = [], parents: readonly string[] = []): void {
    const known = this.#shards.get(shard);
    if (known === undefined) this.#shards.set(shard, { parents, records: [...records], ended: false, gone: 0 });
    else known.records.push(...records);
  }

  end(shard: string): void {
    this.#shards.get(shard)!.ended = true;
  }

  /** The first records of a shard are too old to be kept. */
  trim(shard: string, records: number): void {
    this.#shards.get(shard)!.gone = records;
  }

  forget(shard: string): void {
    this.#shards.delete(shard);
  }

  async shards(): Promise<readonly Shard[]> {
    return [...this.#shards].map(([id, { parents }]) => ({ id, parents }));
  }

  async iterator(shard: string, start: ShardStart): Promise<string> {
    const { records, gone } = this.#shardOf(shard);
    let place = gone;
    if ('sequenceNumber' in start) {
      const found = records.findIndex((record) => this.sequenceNumberOf(record) === start.sequenceNumber);
      place = found + (start.at === 'AT_SEQUENCE_NUMBER' ? 0 : 1);
      if (found < gone) throw refusal('TrimmedDataAccessException');
    } else if (start.at === 'AT_TIMESTAMP') {
      const { createdAt } = this.#options;
      while (place < records.length && createdAt!(records[place]!) < start.timestamp) place++;
    }
    return `${shard} ${place} ${this.#options.emptyPages ?? 0}`;
  }

  async read(iterator: string): Promise<ShardPage<R>> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const [shard, from, empty] = iterator.split(' ') as [string, string, string];
    const { records, ended } = this.#shardOf(shard);
    const { pageRecords = 10, tellsBehind = false, emptyPages = 0 } = this.#options;
    const behindMs = (place: number) => (tellsBehind ? (records.length - place) * 1000 : null);
    this.reads.push(shard);
    const place = Number(from);
    if (Number(empty) > 0) {
      return { records: [], next: `${shard} ${place} ${Number(empty) - 1}`, behindMs: behindMs(place) };
    }
    const page = records.slice(place, place + pageRecords);
    const behind = place + page.length;
    const next = ended && behind >= records.length ? null : `${shard} ${behind} ${emptyPages}`;
    return { records: page, next, behindMs: behindMs(behind) };
  }

  #shardOf(id: string): MemoryShard<R> {
    const shard = this.#shards.get(id);
    if (shard === undefined) throw refusal('ResourceNotFoundException');
    return shard;
  }

  sequenceNumberOf = (record: R): string => this.#options.sequenceNumberOf(record);
  sizeOf = (): number => 100;
}

/** As awsError gives it. */
export function refusal(name: string): Error {
  const cause = Object.assign(new Error(`${name} of the service`), { name });
  return new Error(`The stream cannot be read: ${name}`, { cause });
}
