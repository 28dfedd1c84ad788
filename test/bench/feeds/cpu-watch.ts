import { cpuSeconds } from '../races/process-cpu.ts';

const everyMs = 250;

/** CPU of processes that come and go, such as the environments of functions: what each had used when it was last seen. */
export class CpuWatch {
  readonly #pids: () => readonly number[];
  readonly #first = new Map<number, number>();
  readonly #last = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;

  /** Counts from now on; a process that comes later counts from its start. */
  constructor(pids: () => readonly number[]) {
    this.#pids = pids;
    this.#look();
    for (const [pid, used] of this.#last) this.#first.set(pid, used);
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  #look(): void {
    for (const pid of this.#pids()) {
      try {
        this.#last.set(pid, cpuSeconds([pid]));
      } catch {
        // Gone by itself.
      }
    }
  }

  /** Seconds, and how many processes used them. */
  stop(): { readonly seconds: number; readonly processes: number } {
    clearInterval(this.#timer);
    this.#look();
    let seconds = 0;
    let processes = 0;
    for (const [pid, used] of this.#last) {
      const own = used - (this.#first.get(pid) ?? 0);
      seconds += own;
      if (own > 0) processes++;
    }
    return { seconds, processes };
  }
}
