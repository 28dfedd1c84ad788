import type { Clock } from '../../clock.ts';
import { ConnectError, RetriableError } from '../../errors.ts';
import type { Deadlines } from './lease.ts';

/** Plugin code sees that its run is over by its signal, and should be quick to return. */
export const settleMs = 1000;

/** Why a run stops taking new records. `backlog`: there may be more, the task goes on in its next run. */
export type EndReason = 'drained' | 'backlog' | 'revoked';

/** Why signals abort: one error for all runs, since each would cost a trace. */
const over = new DOMException('The run is over', 'AbortError');

type AboutRun = { readonly connector: string; readonly task: number };

/**
 * How long a run goes on, and who waits how long for what: it ends at its own time (`ending`), and what plugin code
 * leaves unfinished after that is cut (`guard`).
 */
export class RunBounds {
  /** Set by cut plugin code: this environment must not run anything else. */
  tainted = false;

  readonly #clock: Clock;
  readonly #about: AboutRun;
  #deadlines: Deadlines;
  readonly #maxMs: number;
  readonly #onCut: (step: string) => void;
  readonly #ending = new AbortController();
  readonly #cutting = new AbortController();
  readonly #abandoning = Promise.withResolvers<never>();
  readonly #done = new AbortController();
  readonly #waiting = new Set<(error: unknown) => void>();
  /** Calls of the plugin that have not come back. */
  readonly #calls = new Set<Promise<unknown>>();
  #pluginCut = false;
  #isWhole: () => boolean = () => true;
  #overdue = false;
  #outOfTime = false;
  #timeIsUp = false;
  #reason: EndReason | null = null;
  #broken: unknown = null;

  /** `maxMs`: the run's own limit, from its start on. `onCut` hears of every step of the plugin that was given up. */
  constructor(clock: Clock, about: AboutRun, deadlines: Deadlines, maxMs: number, onCut: (step: string) => void) {
    this.#clock = clock;
    this.#about = about;
    this.#deadlines = deadlines;
    this.#maxMs = maxMs;
    this.#onCut = onCut;
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

  /** Code of the plugin may still be running; else what an abandoned run left waits for Kafka, say, and sends nothing behind the cut. */
  get pluginAtWork(): boolean {
    return this.#pluginCut || this.#calls.size > 0;
  }

  /** From here on nothing new begins; what was begun is finished and committed. */
  end(reason: EndReason): void {
    if (this.#reason === null || reason === 'revoked') this.#reason = reason;
    this.#ending.abort(over);
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

  /** What ends the run is its time, the run's own or its deadline. */
  get timeIsUp(): boolean {
    return this.#timeIsUp && this.endReason === 'backlog';
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

  /** Time runs from here; `stop` it when the run is over. */
  start(external?: AbortSignal): { stop(): void } {
    const clock = this.#clock;
    const limitAt = clock.now() + this.#maxMs;
    const onExternal = () => this.end('backlog');
    external?.addEventListener('abort', onExternal, { once: true });
    if (external?.aborted) onExternal();
    const at = (instant: () => number, act: () => void) => {
      const wait = async () => {
        let waitedFor: number;
        do {
          waitedFor = instant();
          await clock.sleep(Math.max(0, waitedFor - clock.now()), this.#done.signal);
          // Moved on meanwhile.
        } while (instant() > waitedFor);
        act();
      };
      wait().catch(() => {});
    };
    at(
      () => Math.min(this.#deadlines.endsAt, limitAt),
      () => {
        this.#timeIsUp = !this.ended;
        this.endSoon();
      },
    );
    at(
      () => this.#deadlines.endsAt,
      () => {
        this.#outOfTime = !this.ended;
        this.end('backlog');
      },
    );
    at(
      () => this.#deadlines.cutAt,
      () => this.#cut(),
    );
    const abandon = () => {
      this.tainted = true;
      this.#abandoning.reject(unfinished(this.#about));
    };
    at(() => this.#deadlines.abandonAt, abandon);
    return {
      stop: () => {
        this.#done.abort(over);
        external?.removeEventListener('abort', onExternal);
      },
    };
  }

  /** The lease was renewed: the run has until these. Only later ones, or those that the run starts with. */
  move(deadlines: Deadlines): void {
    this.#deadlines = deadlines;
  }

  #cut(): void {
    this.end('backlog');
    this.#cutting.abort(unfinished(this.#about));
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
      this.#pluginCut = true;
      throw blocked(step, this.#about);
    }
    return new Promise<T>((resolve, reject) => {
      const giveUp = (error: unknown) => {
        this.#waiting.delete(giveUp);
        if (error === null) {
          this.tainted = true;
          this.#pluginCut = true;
          this.#onCut(step);
        }
        reject(error ?? blocked(step, this.#about));
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
    const clock = this.#clock;
    const left = Math.max(0, Math.min(settleMs, this.#deadlines.abandonAt - clock.now()));
    const enough = new AbortController();
    await Promise.race([Promise.allSettled(this.#calls), clock.sleep(left, enough.signal).catch(() => {})]);
    enough.abort(over);
    this.tainted = this.#calls.size > 0;
  }

  /** Fails with what `break` was told, if anything. */
  throwIfBroken(): void {
    if (this.#broken !== null) throw this.#broken;
  }

  /** Sleeps, but wakes when the run must end; tells whether the whole time has passed. */
  async pause(ms: number): Promise<boolean> {
    try {
      await this.#clock.sleep(ms, this.ending);
      return true;
    } catch {
      return false;
    }
  }
}

function blocked(step: string, { connector, task }: AboutRun): ConnectError {
  return new ConnectError(
    'task.blocked',
    `The plugin of ${connector}-${task} did not return from ${step} before the run's deadline and was cut. ` +
      'It should return what it has when its context.signal aborts. Work that no run can hold is for the runner: drover.runner=always',
    { retriable: true, javaClass: 'TimeoutException' },
  );
}

function unfinished({ connector, task }: AboutRun): RetriableError {
  return new RetriableError(
    `The run of ${connector}-${task} had to give up waiting before its deadline: Kafka, or what the task talks to, did not answer`,
    { code: 'task.unfinished' },
  );
}
