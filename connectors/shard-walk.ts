import { isThrottle } from './aws-errors.ts';

/** What Kinesis and the streams of DynamoDB have in common: shards, which end, and others that go on from them. */
export interface ShardedStream<R> {
  /** All that the stream still keeps. */
  shards(): Promise<readonly Shard[]>;
  iterator(shard: string, start: ShardStart): Promise<string>;
  read(iterator: string): Promise<ShardPage<R>>;
  sequenceNumberOf(record: R): string;
  /** Roughly, in bytes. */
  sizeOf(record: R): number;
}

export interface Shard {
  readonly id: string;
  /** What it goes on from; they may be gone already. */
  readonly parents: readonly string[];
}

export type ShardStart =
  | { readonly at: 'TRIM_HORIZON' }
  | { readonly at: 'AT_SEQUENCE_NUMBER' | 'AFTER_SEQUENCE_NUMBER'; readonly sequenceNumber: string }
  /** Epoch milliseconds. */
  | { readonly at: 'AT_TIMESTAMP'; readonly timestamp: number };

export interface ShardPage<R> {
  readonly records: readonly R[];
  /** Null: the shard has ended and nothing more will come of it. */
  readonly next: string | null;
  /** How far behind its newest record the shard is read; null: the stream does not tell. */
  readonly behindMs: number | null;
}

export interface ShardBatch<R> {
  readonly shard: string;
  readonly records: readonly R[];
}

export interface ShardWalkOptions {
  /** Where each of these shards is to be begun, in their order. */
  starts(shards: readonly string[]): Promise<readonly ShardStart[]>;
  /** How long a shard that has nothing new is left alone. */
  readonly emptyPauseMs: number;
  /** How long one is left alone that was asked too often. */
  readonly throttledPauseMs: number;
  readonly signal: AbortSignal;
  now?(): number;
}

interface OpenShard {
  /** Null: to be had anew, behind what was read last. */
  iterator: string | null;
  start: ShardStart;
  readyAt: number;
  lastReadAt: number;
  /** Empty pages that are still taken for a gap, of a stream that does not say how far behind it is read. */
  patience: number;
  behindMs: number | null;
}

/** Read at the same time. */
const shardsAtOnce = 4;
/** What one call gives: several lie in memory at a time, on their way. */
const maxBytes = 1 << 18;
/** Where a shard is read from its beginning, from where it was left, and behind records of this run. */
const patienceAt = { beginning: 40, left: 5, records: 2, tip: 1 };

/**
 * Reads all shards of a stream, each from its own start, parents to their end before children: of what is kept in order,
 * a key, the newer records lie in a child.
 */
export class ShardWalk<R> {
  readonly #stream: ShardedStream<R>;
  readonly #options: ShardWalkOptions;
  readonly #now: () => number;
  #known: readonly Shard[] | null = null;
  readonly #open = new Map<string, OpenShard>();
  readonly #ended = new Set<string>();
  /** Read, and not given yet. */
  readonly #queue: ShardBatch<R>[] = [];
  #failure: { readonly error: unknown } | null = null;

  constructor(stream: ShardedStream<R>, options: ShardWalkOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /**
   * What there is now, a bounded part of it; empty: no shard has anything new, or none may be asked again yet. Records of a
   * shard are in order.
   */
  async next(): Promise<ShardBatch<R>[]> {
    if (this.#queue.length === 0) await this.#fill();
    const given: ShardBatch<R>[] = [];
    let bytes = 0;
    while (bytes < maxBytes) {
      const batch = this.#queue.shift();
      if (batch === undefined) break;
      let size = 0;
      while (size < batch.records.length && bytes < maxBytes) bytes += this.#stream.sizeOf(batch.records[size++]!);
      given.push({ shard: batch.shard, records: batch.records.slice(0, size) });
      if (size < batch.records.length) {
        this.#queue.unshift({ shard: batch.shard, records: batch.records.slice(size) });
      }
    }
    return given;
  }

  /** Until there is something, or no shard may be asked any more. */
  async #fill(): Promise<void> {
    this.#throwIfFailed();
    while (this.#queue.length === 0 && !this.#options.signal.aborted) {
      await this.#openShards();
      const ready = this.#ready();
      if (ready.length === 0) return;
      this.#queue.push(...(await this.#readAll(ready)));
      // What was read comes first: the shards' iterators are behind it already.
      if (this.#queue.length === 0) this.#throwIfFailed();
    }
  }

  /** Of the shard that is read the furthest behind; null: none has said. */
  get behindMs(): number | null {
    const all = [...this.#open.values()].flatMap(({ behindMs }) => (behindMs === null ? [] : [behindMs]));
    return all.length === 0 ? null : Math.max(...all);
  }

  #throwIfFailed(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure.error;
  }

  /** Those whose parents are read to their end, or gone. */
  async #openShards(): Promise<void> {
    this.#known ??= await this.#stream.shards();
    const kept = new Set(this.#known.map(({ id }) => id));
    const next = this.#known.filter(
      ({ id, parents }) =>
        !this.#open.has(id) &&
        !this.#ended.has(id) &&
        parents.every((parent) => !kept.has(parent) || this.#ended.has(parent)),
    );
    if (next.length === 0) return;
    const starts = await this.#options.starts(next.map(({ id }) => id));
    next.forEach(({ id }, at) => {
      const start = starts[at] ?? { at: 'TRIM_HORIZON' };
      const patience = 'sequenceNumber' in start ? patienceAt.left : patienceAt.beginning;
      this.#open.set(id, { iterator: null, start, readyAt: 0, lastReadAt: 0, patience, behindMs: null });
    });
  }

  /** In turn. */
  #ready(): [string, OpenShard][] {
    const now = this.#now();
    return [...this.#open]
      .filter(([, { readyAt }]) => readyAt <= now)
      .sort(([, one], [, other]) => one.lastReadAt - other.lastReadAt)
      .slice(0, shardsAtOnce);
  }

  async #readAll(shards: readonly [string, OpenShard][]): Promise<ShardBatch<R>[]> {
    const pages = await Promise.allSettled(shards.map(([id, shard]) => this.#read(id, shard)));
    const found: ShardBatch<R>[] = [];
    for (const [at, page] of pages.entries()) {
      const [id, shard] = shards[at]!;
      if (page.status === 'rejected') await this.#failed(id, shard, page.reason);
      else if (page.value.records.length > 0) found.push({ shard: id, records: page.value.records });
    }
    return found;
  }

  async #read(id: string, shard: OpenShard): Promise<ShardPage<R>> {
    shard.iterator ??= await this.#stream.iterator(id, shard.start);
    const page = await this.#stream.read(shard.iterator);
    const now = this.#now();
    shard.lastReadAt = now;
    shard.iterator = page.next;
    shard.behindMs = page.behindMs;
    const last = page.records.at(-1);
    if (last !== undefined) {
      shard.start = { at: 'AFTER_SEQUENCE_NUMBER', sequenceNumber: this.#stream.sequenceNumberOf(last) };
    }
    if (page.next === null) {
      this.#open.delete(id);
      this.#ended.add(id);
      // Its children are there now, if it was split or merged.
      this.#known = null;
      return page;
    }
    if (last !== undefined) {
      shard.patience = patienceAt.records;
      return page;
    }
    shard.patience--;
    if (page.behindMs === null ? shard.patience <= 0 : page.behindMs <= 0) {
      shard.patience = patienceAt.tip;
      shard.readyAt = now + this.#options.emptyPauseMs;
    }
    return page;
  }

  async #failed(id: string, shard: OpenShard, error: unknown): Promise<void> {
    if (this.#options.signal.aborted) return;
    const cause = ((error as Error).cause ?? error) as Error;
    if (cause.name === 'ExpiredIteratorException') shard.iterator = null;
    else if (cause.name === 'TrimmedDataAccessException' && shard.iterator !== null) {
      // Too old between the two requests: what is said of that is said where the next iterator is asked for.
      shard.iterator = null;
      shard.readyAt = this.#now() + this.#options.emptyPauseMs;
    } else if (isThrottle(cause)) shard.readyAt = this.#now() + this.#options.throttledPauseMs;
    else if (cause.name !== 'ResourceNotFoundException' || (await this.#isListed(id))) this.#failure ??= { error };
    else {
      // It had ended, and all that it held is too old by now.
      this.#open.delete(id);
      this.#ended.add(id);
    }
  }

  /** By a new look at the stream. Where that fails there is no telling. */
  async #isListed(id: string): Promise<boolean> {
    try {
      this.#known = await this.#stream.shards();
      return this.#known.some((shard) => shard.id === id);
    } catch {
      return true;
    }
  }
}
