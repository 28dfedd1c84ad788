import type { Clock } from '../../clock.ts';
import type { LastCommit } from '../../storage/offset-backing-store.ts';

/** Nobody is told, and an error of its own would cost each run a trace. */
const inTime = new Error('It was closed in time');

/** A task that lets go within this is waited for with the last commit. */
const promptMs = 100;

export interface HeldCommit {
  /** What is to be written, as it is when it is written. */
  commit(): LastCommit;
  /** It is durable. */
  done(): void;
}

/**
 * What a run has to commit at its end, until its release is written: one request does both. It is held only where nobody
 * waits to hear that it is durable (a task's own `commit` or `committed`), and not for long: a task that is slow to stop
 * may be killed over it.
 */
export class HeldCommits {
  readonly #clock: Clock;
  readonly #write: (commit: LastCommit) => Promise<void>;
  #held: HeldCommit | null = null;

  /** `write`: commits without releasing. */
  constructor(clock: Clock, write: (commit: LastCommit) => Promise<void>) {
    this.#clock = clock;
    this.#write = write;
  }

  get any(): boolean {
    return this.#held !== null;
  }

  hold(commit: HeldCommit): void {
    this.#held = commit;
  }

  /** Commits what is held with `write`, which need not be now. */
  async with(write: (commit: LastCommit) => Promise<void>): Promise<void> {
    const held = this.#held;
    if (held === null) return;
    await write(held.commit());
    // Only once, though a run that is given up may be releasing while it still commits.
    if (this.#held !== held) return;
    this.#held = null;
    held.done();
  }

  /** Not with the release, but now. */
  commitNow(): Promise<void> {
    return this.with(this.#write);
  }

  /** Waits for what is closed at the end of a run, but commits before that if it takes long. */
  async until(closing: Promise<void>): Promise<void> {
    if (this.#held === null) return closing;
    const closed = new AbortController();
    const late = this.#clock.sleep(promptMs, closed.signal).catch(() => {});
    const ended = closing.then(
      () => closed.abort(inTime),
      () => closed.abort(inTime),
    );
    await Promise.race([ended, late]);
    // What it fails with the release will fail with too, and tell.
    if (!closed.signal.aborted) await this.commitNow().catch(() => {});
    await closing;
  }
}
