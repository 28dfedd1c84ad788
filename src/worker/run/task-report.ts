import type { Lag } from '../../api/task.ts';
import type { EventName, Events } from '../../telemetry/events.ts';
import type { TaskFacts } from './task-facts.ts';

type TaskEvent = { [K in EventName]: Events[K] extends { connector: string } ? K : never }[EventName];

/** What a run has done so far, and the events that tell of it. */
export class TaskReport {
  records = 0;
  bytes = 0;
  commits = 0;
  /** How far the task is behind, if it is known. */
  lag: Lag | null = null;
  /** What the sink reads is not what it was assigned: the connector's run should look. */
  topicsChanged = false;
  /** Epoch milliseconds: a sink's task wants to run by then, whatever comes; null: it does not. */
  wakeAt: number | null = null;
  /** Something is kept beside the positions that a closing run would have to finish. */
  leavesOpen = false;
  /** How long after the run was asked for each step was first done. */
  readonly steps: Record<string, number> = {};

  readonly #facts: TaskFacts;
  #toldRecords = 0;
  #toldBytes = 0;

  constructor(facts: TaskFacts) {
    this.#facts = facts;
  }

  emit<K extends TaskEvent>(event: K, facts: Omit<Events[K], 'connector' | 'task'>): void {
    const { host, about } = this.#facts;
    host.telemetry.emit(event, { ...about, ...facts } as unknown as Events[K]);
  }

  step(name: string): void {
    const { host, requestedAt } = this.#facts;
    this.steps[name] ??= host.clock.now() - requestedAt;
    host.onStep?.(name);
  }

  /** Of a run that goes on: what it has moved since it was last told. */
  tellProgress(): void {
    const facts = this.untold;
    if (facts.records === 0) return;
    this.#toldRecords += facts.records;
    this.#toldBytes += facts.bytes;
    this.emit('run.goes-on', facts);
  }

  get untold(): { readonly records: number; readonly bytes: number } {
    return { records: this.records - this.#toldRecords, bytes: this.bytes - this.#toldBytes };
  }

  skipped(stage: string, records: number): void {
    this.emit('record.skipped', { stage, records });
  }

  async activeTopics(topics: ReadonlySet<string>): Promise<void> {
    const { host, about, knownTopics } = this.#facts;
    if (!host.settings.topicTrackingEnable) return;
    await knownTopics.add(topics, (fresh) => host.stores.status.addActiveTopics(about.connector, fresh));
  }
}
