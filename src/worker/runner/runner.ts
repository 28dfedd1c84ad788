import type { Clock } from '../../clock.ts';
import type { InvokedRun, RunRequest } from '../../invocation/run-request.ts';
import type { RunnerQueue } from '../../invocation/runner-queue.ts';
import type { ConfigBackingStore } from '../../storage/config-backing-store.ts';
import type { Telemetry } from '../../telemetry/telemetry.ts';
import { messageOf } from '../record/failure.ts';

/** A run in a process of its own, as an invocation of Lambda has one: no task feels another (L6). */
export interface RunProcess {
  /** Whether the process has ended in order, its lease released. */
  readonly ended: Promise<boolean>;
  /** Has the run commit, close and let go. */
  stop(): void;
}

export interface RunnerDeps {
  readonly queue: Pick<RunnerQueue, 'receive' | 'sift'>;
  readonly configs: Pick<ConfigBackingStore, 'getTask'>;
  readonly start: (run: InvokedRun) => RunProcess;
  /** The process of a run has ended without a word: what it held is to be taken over. */
  readonly takeOver: (run: InvokedRun) => Promise<void>;
  /** At a time. */
  readonly mostTasks: number;
  readonly clock: Clock;
  readonly telemetry: Telemetry;
}

type TaskRequest = RunRequest & { readonly kind: 'task' };

const retryMs = 2000;
/** For a runner that is full: how often it looks who waits. */
const lookAgainMs = 20_000;

const keyOf = ({ connector, task }: TaskRequest) => JSON.stringify([connector, task]);

/**
 * Runs tasks for as long as they want to be run, which Lambda does not: hears of them by a queue, starts a process for
 * each, and says when one has died. It holds nothing itself; leases let any number of runners do this side by side (I1).
 */
export class Runner {
  readonly #deps: RunnerDeps;
  readonly #running = new Map<string, RunProcess>();
  readonly #ending = new Set<Promise<void>>();
  #ended = 0;

  constructor(deps: RunnerDeps) {
    this.#deps = deps;
  }

  /** Until `signal` aborts and all runs have ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { telemetry, mostTasks } = this.#deps;
    telemetry.emit('runner.started', { tasks: mostTasks });
    signal.addEventListener('abort', () => {
      for (const process of this.#running.values()) process.stop();
    });
    while (!signal.aborted) {
      try {
        await this.#takeSome(signal);
      } catch (error) {
        if (signal.aborted) break;
        telemetry.emit('runner.failed', { error: messageOf(error) });
        await this.#deps.clock.sleep(retryMs, signal).catch(() => {});
      }
    }
    while (this.#ending.size > 0) await Promise.all(this.#ending);
    telemetry.emit('runner.stopped', { ended: this.#ended });
  }

  async #takeSome(signal: AbortSignal): Promise<void> {
    const { queue, mostTasks } = this.#deps;
    const room = mostTasks - this.#running.size;
    if (room === 0) return this.#waitForRoom(signal);
    const asked = await queue.receive(room, signal);
    for (const { request, invocation } of asked) {
      if (request.kind === 'task') await this.#start(request, invocation, signal);
    }
  }

  /**
   * Meanwhile it takes away what is sent for tasks that run, so that what lies in the queue are runs that wait: the alarm
   * on its length means them.
   */
  async #waitForRoom(signal: AbortSignal): Promise<void> {
    const { queue, mostTasks, clock, telemetry } = this.#deps;
    const hasRoom = new AbortController();
    const over = AbortSignal.any([signal, hasRoom.signal]);
    const freed = Promise.race([...this.#ending]).finally(() => hasRoom.abort());
    const isWaiting = async ({ request }: InvokedRun) =>
      request.kind === 'task' && !this.#running.has(keyOf(request)) && (await this.#isFree(request));
    let isTold = false;
    const sift = async () => {
      while (!over.aborted) {
        const waiting = await queue.sift(isWaiting, over);
        if (waiting === 0) continue;
        if (!isTold) telemetry.emit('runner.full', { tasks: mostTasks });
        isTold = true;
        await clock.sleep(lookAgainMs, over);
      }
    };
    const sifting = sift().catch((error) => {
      if (!over.aborted) telemetry.emit('runner.failed', { error: messageOf(error) });
    });
    await freed;
    await sifting;
  }

  async #start(request: TaskRequest, invocation: string, signal: AbortSignal): Promise<void> {
    const key = keyOf(request);
    if (this.#running.has(key) || signal.aborted || !(await this.#isFree(request)) || signal.aborted) return;
    const run = { request, invocation };
    const process = this.#deps.start(run);
    this.#running.set(key, process);
    const ending: Promise<void> = process.ended
      .then(async (inOrder) => {
        this.#ended++;
        if (!inOrder) await this.#deps.takeOver(run);
      })
      .catch((error) => this.#deps.telemetry.emit('runner.failed', { error: messageOf(error) }))
      .finally(() => {
        this.#running.delete(key);
        this.#ending.delete(ending);
      });
    this.#ending.add(ending);
  }

  /** A task that somebody runs is due all the same, and sent with every tick: a look is cheaper than a process. */
  async #isFree({ connector, task }: TaskRequest): Promise<boolean> {
    const item = await this.#deps.configs.getTask(connector, task);
    if (item === undefined) return false;
    return item.leaseOwner === null || item.leaseExpiresAt <= this.#deps.clock.now();
  }
}
