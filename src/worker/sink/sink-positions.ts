import type { KeptState, KeptStates, PartitionStates, Positions, TopicPartition } from '../../api/task.ts';
import { ConnectError } from '../../errors.ts';
import type { FetchPosition } from '../../kafka/types.ts';
import type { SinkPosition } from '../../storage/offset-backing-store.ts';

/** One assigned partition: `committed` ≤ `delivered` ≤ `fetchFrom`, but for a rewind. All are next offsets to read. */
export class PartitionPosition implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  /** The next fetch starts here. */
  fetchFrom: number;
  /** Everything before it was put, filtered or skipped by the error policy. */
  delivered: number;
  /** In the table; -1: nothing yet. */
  committed: number;
  paused = false;
  /** Grows with every rewind: what was fetched or converted before it is void. */
  rewinds = 0;
  /** Which topic of that name it counts in; null: not known. */
  readonly topicId: string | null;
  /** Its topic or partition is no more, or another topic has the name: there is nothing to fetch or commit in this run. */
  lost: 'gone' | 'made-again' | null = null;
  /** As the broker last told; -1: unknown. */
  highWatermark = -1;
  /** What the task keeps beside it, as the table has it; null: nothing. */
  state: string | null;
  /** The same as it is to be; undefined: as it is. */
  nextState: string | null | undefined = undefined;

  constructor(
    topic: string,
    partition: number,
    position: number,
    committed: number,
    topicId: string | null = null,
    state: string | null = null,
  ) {
    this.state = state;
    this.topic = topic;
    this.partition = partition;
    this.fetchFrom = position;
    this.delivered = position;
    this.committed = committed;
    this.topicId = topicId;
  }

  seek(offset: number): void {
    this.rewinds++;
    this.fetchFrom = offset;
    this.delivered = offset;
  }
}

/** An item of the table has room for 400 KiB, of everything. */
const mostStateChars = 200 << 10;

/** The positions of one sink task in one run. Pure. */
export class SinkPositions {
  readonly all: readonly PartitionPosition[];

  constructor(all: readonly PartitionPosition[]) {
    this.all = all;
  }

  find(topic: string, partition: number): PartitionPosition | undefined {
    return this.all.find((one) => one.partition === partition && one.topic === topic);
  }

  fetchable(): FetchPosition[] {
    return this.all
      .filter((one) => !one.paused && one.lost === null)
      .map(({ topic, partition, fetchFrom, topicId }) => ({
        topic,
        partition,
        offset: fetchFrom,
        ...(topicId === null ? {} : { topicId }),
      }));
  }

  get hasUncommitted(): boolean {
    return this.all.some((one) => one.delivered !== one.committed);
  }

  get hasStates(): boolean {
    return this.all.some(({ state }) => state !== null);
  }

  get hasUnsavedStates(): boolean {
    return this.all.some(({ nextState, lost }) => nextState !== undefined && lost === null);
  }

  /** What a task is told when its partitions are opened. */
  kept(): KeptStates {
    const kept = new Map<string, Map<number, KeptState>>();
    for (const { topic, partition, state, delivered } of this.all) {
      if (state === null) continue;
      const partitions = kept.get(topic) ?? new Map<number, KeptState>();
      kept.set(topic, partitions.set(partition, { state, position: delivered }));
    }
    return kept;
  }

  /** They are stored with the next commit. Those of partitions that are not assigned are nobody's. */
  takeStates(states: PartitionStates): void {
    for (const [topic, partitions] of states) {
      for (const [partition, state] of partitions) {
        const one = this.find(topic, partition);
        if (one !== undefined) one.nextState = state === one.state ? undefined : state;
      }
    }
    const chars = this.all.reduce((sum, { state, nextState }) => sum + ((nextState ?? state)?.length ?? 0), 0);
    if (chars <= mostStateChars) return;
    throw new ConnectError(
      'sink.state_too_large',
      `The task keeps ${chars} characters beside its positions, and ${mostStateChars} is the most that there is room for`,
    );
  }

  /** What a task is asked about in `flush` and `preCommit`. */
  delivered(): Positions {
    return toMap(this.all.map((one) => ({ ...one, offset: one.delivered })));
  }

  /**
   * What may be committed of the task's answer: assigned partitions that changed, or their states, never beyond what was
   * delivered (I5). Of a lost one nothing: that the task has flushed it is all that could be done.
   */
  committable(answer: Positions): { readonly positions: SinkPosition[]; readonly apply: () => void } {
    const changed: { one: PartitionPosition; offset: number; state: string | null }[] = [];
    const take = (one: PartitionPosition, offset: number) =>
      changed.push({ one, offset, state: one.nextState === undefined ? one.state : one.nextState });
    const untouched = new Set(this.all.filter(({ nextState, lost }) => nextState !== undefined && lost === null));
    for (const one of this.all) if (one.lost !== null) one.committed = one.delivered;
    for (const [topic, partitions] of answer) {
      for (const [partition, offset] of partitions) {
        const one = this.find(topic, partition);
        if (one === undefined || one.lost !== null || offset > one.delivered || offset < 0) continue;
        if (offset === one.committed && one.nextState === undefined) continue;
        untouched.delete(one);
        take(one, offset);
      }
    }
    for (const one of untouched) take(one, Math.max(0, one.committed));
    return {
      positions: changed.map(({ one: { topic, partition, topicId }, offset, state }) => ({
        topic,
        kafkaPartition: partition,
        offset: BigInt(offset),
        ...(topicId === null ? {} : { topicId }),
        ...(state === null ? {} : { state }),
      })),
      apply: () => {
        for (const { one, offset, state } of changed) {
          one.committed = offset;
          one.state = state;
          one.nextState = undefined;
        }
      },
    };
  }

  /** Records between what was delivered and the end of the log, as far as known. */
  lag(): number | null {
    let lag: number | null = null;
    for (const { highWatermark, delivered, lost } of this.all) {
      if (highWatermark >= 0 && lost === null) lag = (lag ?? 0) + Math.max(0, highWatermark - delivered);
    }
    return lag;
  }
}

function toMap(entries: readonly { topic: string; partition: number; offset: number }[]): Positions {
  const positions: Positions = new Map();
  for (const { topic, partition, offset } of entries) {
    const partitions = positions.get(topic) ?? new Map<number, number>();
    partitions.set(partition, offset);
    positions.set(topic, partitions);
  }
  return positions;
}
