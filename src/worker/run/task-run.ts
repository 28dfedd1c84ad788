import type { Lag } from '../../api/task.ts';
import { scheduledRun } from '../../invocation/run-plan.ts';
import {
  keepsStates,
  newestChanges,
  type PositionChange,
  type TaskCounters,
  type TaskItem,
} from '../../storage/items.ts';
import type { Lease } from '../../storage/lease-store.ts';
import type { LastCommit, SinkPosition, SourceOffsetEntry } from '../../storage/offset-backing-store.ts';
import { inWaiting, runCost } from '../../telemetry/run-cost.ts';
import type { KnownOffsets } from './known-tasks.ts';
import { HeldCommits } from './last-commit.ts';
import { Linger } from './linger.ts';
import { PluginRun } from './plugin-run.ts';
import type { RunHost } from './run-host.ts';
import type { GivenFacts } from './task-facts.ts';

export function lagCounters(lag: Lag | null) {
  return {
    lagRecords: lag?.records ?? null,
    lagSeconds: lag?.seconds ?? null,
    lagSecondsLeft: lag?.secondsLeft ?? null,
  };
}

/** One run of one task under its lease: what it commits is the task's, and presents the fencing token (I2). */
export class TaskRun extends PluginRun {
  readonly item: TaskItem;
  readonly lease: Lease;
  readonly linger: Linger;
  /** The task is on its way out, and this run only finishes what it has open. */
  readonly closes: boolean;
  /** Source offsets that need not be read again; null: all are read. */
  readonly knownOffsets: KnownOffsets | null;

  /** The last commit, for the release to take along. */
  readonly held: HeldCommits;

  readonly #changes: PositionChange[] = [];
  #savedChanges = 0;

  constructor(
    host: RunHost,
    item: TaskItem,
    lease: Lease,
    given: Omit<GivenFacts, 'about' | 'startsAnew'>,
    knownOffsets: KnownOffsets | null,
  ) {
    const about = { connector: item.connector, task: item.task };
    const startsAnew = !item.revoked && (item.state !== 'RUNNING' || item.trace !== null);
    super(host, { ...given, about, startsAnew });
    this.item = item;
    this.closes = item.revoked;
    this.report.leavesOpen = keepsStates(item);
    this.lease = lease;
    this.knownOffsets = knownOffsets;
    this.held = new HeldCommits(host.clock, async ({ offsets, positions }) => {
      if (offsets !== undefined) await this.commitOffsets(offsets);
      if (positions !== undefined) await this.commitPositions(positions, this.progress());
    });
    this.linger = new Linger({
      limits: this.limits,
      cost: inWaiting(runCost, host.settings.taskMemoryMb),
      rhythm: item.rhythm,
      lastLookAt: item.counters.lastRunAt,
      emptyRuns: item.counters.consecutiveEmptyRuns,
      requestedAt: this.requestedAt,
      followed: scheduledRun(this.config, host.clock.now()) === null,
    });
  }

  /** The status says RUNNING from the moment the task has started, not only when the run is over. */
  async reportRunning(): Promise<void> {
    if (!this.startsAnew) return;
    const { connector, task } = this.about;
    await this.host.stores.status.putTaskState(connector, task, 'RUNNING', null, this.lease.owner, this.lease);
  }

  /** Tells that a position is not what the last commit made it: with the next commit, and given the group by an event. */
  noteChange(
    change: Pick<PositionChange, 'reason' | 'topic' | 'kafkaPartition'> & { from: bigint | null; to: bigint | null },
    group: string | null = null,
  ): void {
    const { reason, topic, kafkaPartition } = change;
    const [from, to] = [change.from, change.to].map((offset) => (offset === null ? null : Number(offset)));
    const facts = { reason, topic, kafkaPartition, from: from ?? null, to: to ?? null };
    this.#changes.push({ at: this.host.clock.now(), ...facts });
    if (group !== null) this.report.emit('sink.position-changed', { group, ...facts });
  }

  get hasUnsavedChanges(): boolean {
    return this.#changes.length > this.#savedChanges;
  }

  /** Commits a source's offsets (I2). */
  async commitOffsets(offsets: readonly SourceOffsetEntry[]): Promise<void> {
    const { revoked } = await this.knowing({ offsets }, () =>
      this.host.stores.offsets.commitSourceOffsets(this.lease, offsets, this.progress()),
    );
    if (revoked) this.bounds.end('revoked');
  }

  /** Writes what is committed, and knows it from then on. */
  knowing<T>({ offsets = [] }: LastCommit, write: () => Promise<T>): Promise<T> {
    return this.knownOffsets === null ? write() : this.knownOffsets.through(offsets, write);
  }

  /** Has positions committed with the release, and what is noted of their changes until then. */
  holdPositions(positions: readonly SinkPosition[], done: () => void): void {
    this.held.hold({
      commit: () => ({ positions, ...(this.hasUnsavedChanges ? { changes: this.#allChanges() } : {}) }),
      done,
    });
  }

  #allChanges(): readonly PositionChange[] {
    return newestChanges(this.item.positionChanges, this.#changes);
  }

  /** Commits a sink's positions, and what was noted of their changes since (I2). */
  async commitPositions(positions: readonly SinkPosition[], progress: Partial<TaskCounters>): Promise<void> {
    const noted = this.#changes.length;
    const changes = this.hasUnsavedChanges ? this.#allChanges() : undefined;
    const { revoked } = await this.host.stores.offsets.commitSinkPositions(this.lease, positions, progress, changes);
    this.#savedChanges = noted;
    if (revoked) this.bounds.end('revoked');
  }

  /** New totals for the task's item. */
  progress(): Partial<TaskCounters> {
    const { counters } = this.item;
    const { lag, records, bytes } = this.report;
    // One that stays tells it while it runs; others in the end.
    const behind = this.limits.stays && lag !== null ? lagCounters(lag) : {};
    return { records: counters.records + records, bytes: counters.bytes + bytes, ...behind };
  }
}
