import { adminConfig, type Client, producerConfig, requireOverrides } from '../../config/client-config.ts';
import type { Settings } from '../../config/config-def.ts';
import { parseConfig, parseGiven, settingsWithPrefix } from '../../config/parse-config.ts';
import { ConnectError, RetriableError } from '../../errors.ts';
import { newestChanges, type PositionChange, type TaskCounters, type TaskItem } from '../../storage/items.ts';
import type { Lease } from '../../storage/lease-store.ts';
import type { SinkPosition } from '../../storage/offset-backing-store.ts';
import type { EventName, Events } from '../../telemetry/events.ts';
import type { Deadlines } from './lease.ts';
import type { RunHost } from './run-host.ts';
import type { RunLimits } from './run-limits.ts';

type AboutTask = { readonly connector: string; readonly task: number };
type TaskEvent = { [K in EventName]: Events[K] extends { connector: string } ? K : never }[EventName];

/** Plugin code sees that its run is over by its signal, and should be quick to return. */
export const settleMs = 1000;

/** Why a run stops taking new records. `backlog`: there may be more, the task goes on in its next run. */
export type EndReason = 'drained' | 'backlog' | 'revoked';

/**
 * One run of one task as its steps see it: who it is, what it may do and until when, what it has done. It ends at its
 * own time (`ending`), and what plugin code leaves unfinished after that is cut (`guard`).
 */
export class TaskRun {
  readonly host: RunHost;
  readonly about: AboutTask;
  readonly item: TaskItem;
  readonly lease: Lease;
  readonly takeover: boolean;
  /** The connector's settings, secrets resolved. */
  readonly config: Settings;
  /** As the connector had it when the run began. */
  readonly topicResets: number;
  /** The task's own settings, secrets resolved. */
  readonly taskConfig: Settings;
  readonly limits: RunLimits;
  readonly deadlines: Deadlines;
  /** When the run was asked for, and how long after that each step was first done. */
  readonly requestedAt: number;
  readonly steps: Record<string, number> = {};

  records = 0;
  bytes = 0;
  commits = 0;
  /** How far the task is behind, if it is known. */
  lag: { readonly records?: number; readonly seconds?: number } | null = null;
  /** What the sink reads is not what it was assigned: the connector's run should look. */
  topicsChanged = false;
  /** Set by cut plugin code: this environment must not run anything else. */
  tainted = false;

  readonly #changes: PositionChange[] = [];
  #savedChanges = 0;
  readonly #ending = new AbortController();
  readonly #cutting = new AbortController();
  readonly #abandoning = Promise.withResolvers<never>();
  readonly #done = new AbortController();
  readonly #waiting = new Set<(error: unknown) => void>();
  /** Calls of the plugin that have not come back. */
  readonly #calls = new Set<Promise<unknown>>();
  #isWhole: () => boolean = () => true;
  #overdue = false;
  #outOfTime = false;
  #reason: EndReason | null = null;
  #broken: unknown = null;

  constructor(
    host: RunHost,
    given: Pick<
      TaskRun,
      'item' | 'lease' | 'takeover' | 'config' | 'topicResets' | 'taskConfig' | 'limits' | 'deadlines' | 'requestedAt'
    >,
  ) {
    this.host = host;
    this.item = given.item;
    this.lease = given.lease;
    this.takeover = given.takeover;
    this.config = given.config;
    this.topicResets = given.topicResets;
    this.taskConfig = given.taskConfig;
    this.limits = given.limits;
    this.deadlines = given.deadlines;
    this.requestedAt = given.requestedAt;
    this.about = { connector: given.item.connector, task: given.item.task };
  }

  /** Aborts when the run must end; plugins see it too. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Aborts when what still waits, for Kafka say, must give up. */
  get cut(): AbortSignal {
    return this.#cutting.signal;
  }

  /** Rejects when there is no more time for anything but to release the lease. */
  get abandoned(): Promise<never> {
    return this.#abandoning.promise;
  }

  get ended(): boolean {
    return this.#ending.signal.aborted;
  }

  get endReason(): EndReason {
    return this.#reason ?? 'backlog';
  }

  /** From here on nothing new begins; what was begun is finished and committed. */
  end(reason: EndReason): void {
    if (this.#reason === null || reason === 'revoked') this.#reason = reason;
    this.#ending.abort();
  }

  /** The run's own limits, but not its deadline, wait until this says that nothing would be cut in two. */
  endsWhole(isWhole: () => boolean): void {
    this.#isWhole = isWhole;
  }

  /** The run's own limits are reached, and `endSoon` is to be asked again. */
  get overdue(): boolean {
    return this.#overdue;
  }

  /** The deadline has come, and nobody has revoked the task. */
  get outOfTime(): boolean {
    return this.#outOfTime && this.endReason === 'backlog';
  }

  endSoon(): void {
    if (this.#isWhole()) this.end('backlog');
    else this.#overdue = true;
  }

  /** An error from outside the plugin's calls (an unhandled rejection): the call under way fails with it, or the next. */
  break(error: unknown): void {
    this.#broken ??= error;
    this.end('backlog');
    for (const reject of this.#waiting) reject(error);
  }

  /** Starts the run's own clock; `stop` it when the run is over. */
  startClock(external?: AbortSignal): { stop(): void } {
    const { clock } = this.host;
    const { endsAt, cutAt, abandonAt } = this.deadlines;
    const until = Math.min(endsAt, clock.now() + this.limits.maxMs);
    const onExternal = () => this.end('backlog');
    external?.addEventListener('abort', onExternal, { once: true });
    if (external?.aborted) onExternal();
    const at = (instant: number, act: () => void) => {
      clock.sleep(Math.max(0, instant - clock.now()), this.#done.signal).then(act, () => {});
    };
    at(until, () => this.endSoon());
    at(endsAt, () => {
      this.#outOfTime = !this.ended;
      this.end('backlog');
    });
    at(cutAt, () => this.#cut());
    at(abandonAt, () => {
      this.tainted = true;
      this.#abandoning.reject(unfinished(this.about));
    });
    return {
      stop: () => {
        this.#done.abort();
        external?.removeEventListener('abort', onExternal);
      },
    };
  }

  #cut(): void {
    this.end('backlog');
    this.#cutting.abort(unfinished(this.about));
    for (const reject of this.#waiting) reject(null);
  }

  /**
   * Waits for plugin code, but not beyond the cut: a plugin that blocks is given up and its run counts as failed. Plain
   * values pass through, so a plugin that does not wait costs no promise. Its `stop` is waited for whatever went before,
   * as long as the run itself is not abandoned.
   */
  guard<T>(step: string, work: T | Promise<T>): T | Promise<T> {
    const stops = step === 'stop';
    if (!(work instanceof Promise)) {
      if (this.#broken !== null && !stops) throw this.#broken;
      return work;
    }
    this.#follow(work);
    if (this.#broken !== null && !stops) throw this.#broken;
    if (this.cut.aborted) {
      if (stops) return Promise.race([work, this.abandoned]);
      this.tainted = true;
      throw blocked(step, this.about);
    }
    return new Promise<T>((resolve, reject) => {
      const giveUp = (error: unknown) => {
        this.#waiting.delete(giveUp);
        if (error === null) {
          this.tainted = true;
          this.emit('run.cut', { step });
        }
        reject(error ?? blocked(step, this.about));
      };
      this.#waiting.add(giveUp);
      work.then(
        (value) => {
          this.#waiting.delete(giveUp);
          resolve(value);
        },
        (error) => {
          this.#waiting.delete(giveUp);
          reject(error);
        },
      );
    });
  }

  #follow(work: Promise<unknown>): void {
    this.#calls.add(work);
    const back = () => void this.#calls.delete(work);
    work.then(back, back);
  }

  /** After the run: what an error left under way is waited for a little; what is still at it then taints the environment. */
  async settle(): Promise<void> {
    if (this.tainted || this.#calls.size === 0) return;
    const { clock } = this.host;
    const left = Math.max(0, Math.min(settleMs, this.deadlines.abandonAt - clock.now()));
    const enough = new AbortController();
    await Promise.race([Promise.allSettled(this.#calls), clock.sleep(left, enough.signal).catch(() => {})]);
    enough.abort();
    this.tainted = this.#calls.size > 0;
  }

  /** Fails with what `break` was told, if anything. */
  throwIfBroken(): void {
    if (this.#broken !== null) throw this.#broken;
  }

  /** Sleeps, but wakes when the run must end; tells whether the whole time has passed. */
  async pause(ms: number): Promise<boolean> {
    try {
      await this.host.clock.sleep(ms, this.ending);
      return true;
    } catch {
      return false;
    }
  }

  skipped(stage: string, records: number): void {
    this.emit('record.skipped', { stage, records });
  }

  step(name: string): void {
    this.steps[name] ??= this.host.clock.now() - this.requestedAt;
    this.host.onStep?.(name);
  }

  emit<K extends TaskEvent>(event: K, facts: Omit<Events[K], 'connector' | 'task'>): void {
    this.host.telemetry.emit(event, { ...this.about, ...facts } as unknown as Events[K]);
  }

  /** An idle sink is left to the probe once its pauses have reached their ceiling. */
  isIdleSink(backOffMs: number): boolean {
    return backOffMs >= this.limits.idleCeilingMs;
  }

  /**
   * `producer.override.*`, with the producer's patience bounded by the run: what Kafka does not answer must end as the
   * producer's own error, which names the broker, before the run is cut.
   */
  producerOverrides(): Settings {
    const own = this.#overrides('producer');
    const parsed = parseConfig(producerConfig, own);
    const left = this.#msLeft();
    const bounded: Record<string, string> = { ...own };
    for (const key of ['max.block.ms', 'delivery.timeout.ms'] as const) {
      if (parsed[key] > left) bounded[key] = String(left);
    }
    return bounded;
  }

  /** `admin.override.*`, bounded likewise. */
  adminOverrides(): Settings {
    const own = this.#overrides('admin');
    const key = 'default.api.timeout.ms';
    const left = this.#msLeft();
    return (parseGiven(adminConfig, own)[key] ?? 0) > left ? { ...own, [key]: String(left) } : own;
  }

  /** `consumer.override.*`. */
  consumerOverrides(): Settings {
    return this.#overrides('consumer');
  }

  /** Throws ConfigError for what Kafka's own client would refuse. */
  #overrides(client: Client): Settings {
    const overrides = settingsWithPrefix(this.config, `${client}.override.`);
    requireOverrides(client, overrides);
    return overrides;
  }

  #msLeft(): number {
    return Math.max(1, Math.floor(this.deadlines.endsAt - this.host.clock.now()));
  }

  /** What source and sink tasks are told alike. */
  taskContext() {
    return {
      ...this.about,
      signal: this.ending,
      deadlineAt: this.deadlines.endsAt,
      warn: (message: string) => this.emit('plugin.log', { message }),
    };
  }

  /** The task is new, or was restarted, or its last run failed: not just one more run of a task that runs. */
  get startsAnew(): boolean {
    return this.item.state !== 'RUNNING' || this.item.trace !== null;
  }

  /** The status says RUNNING from the moment the task has started, not only when the run is over. */
  async reportRunning(): Promise<void> {
    if (!this.startsAnew) return;
    const { connector, task } = this.about;
    await this.host.stores.status.putTaskState(connector, task, 'RUNNING', null, this.lease.owner, this.lease);
  }

  async recordActiveTopics(topics: ReadonlySet<string>): Promise<void> {
    if (!this.host.settings.topicTrackingEnable || topics.size === 0) return;
    await this.host.activeTopics.add(this.about.connector, topics, this.topicResets);
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
    if (group !== null) this.emit('sink.position-changed', { group, ...facts });
  }

  get hasUnsavedChanges(): boolean {
    return this.#changes.length > this.#savedChanges;
  }

  /** Commits a sink's positions, and what was noted of their changes since (I2). */
  async commitPositions(positions: readonly SinkPosition[], progress: Partial<TaskCounters>): Promise<void> {
    const noted = this.#changes.length;
    const changes = this.hasUnsavedChanges ? newestChanges(this.item.positionChanges, this.#changes) : undefined;
    const { revoked } = await this.host.stores.offsets.commitSinkPositions(this.lease, positions, progress, changes);
    this.#savedChanges = noted;
    if (revoked) this.end('revoked');
  }

  /** New totals for the task's item. */
  progress(): Partial<TaskCounters> {
    const { counters } = this.item;
    return { records: counters.records + this.records, bytes: counters.bytes + this.bytes };
  }
}

function blocked(step: string, { connector, task }: AboutTask): ConnectError {
  return new ConnectError(
    'task.blocked',
    `The plugin of ${connector}-${task} did not return from ${step} before the run's deadline and was cut. ` +
      'It should return what it has when its context.signal aborts',
    { retriable: true, javaClass: 'TimeoutException' },
  );
}

function unfinished({ connector, task }: AboutTask): RetriableError {
  return new RetriableError(
    `The run of ${connector}-${task} had to give up waiting before its deadline: Kafka, or what the task talks to, did not answer`,
    { code: 'task.unfinished' },
  );
}
