import type { Run, RunPage } from '../answers.ts';
import type { Installation } from '../installation.ts';
import { FunctionLogs, type LogLine, memoryOf } from '../logs.ts';
import { joinRuns, runEvents, runOf } from '../runs.ts';
import { runningRoles } from '../stack-resources.ts';

const most = 20_000;
const everyMs = 3000;

/**
 * Runs out of the functions' log, read once and then what is new, as long as somebody looks. It asks nothing of the
 * table, however many runs there are.
 */
export class RunHistory {
  readonly #installation: Installation;
  readonly #now: () => number;
  #logs: Pick<FunctionLogs, 'next'> | null = null;
  #memory: ReadonlyMap<string, number> | null = null;
  #since = Number.POSITIVE_INFINITY;
  /** Counts the readings from the start: a cursor of an older one is worth nothing. */
  #reading = 0;
  #runs: Run[] = [];
  #dropped = 0;
  #readAt = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(installation: Installation, now: () => number) {
    this.#installation = installation;
    this.#now = now;
  }

  /** Runs that ended since an instant, in the order in which they were read; with `after` only what came since. */
  async look(since: number, after: string | null): Promise<RunPage> {
    const work = this.#work.then(() => this.#read(since));
    this.#work = work.catch(() => {});
    await work;
    const [reading, place] = (after ?? '').split('.').map(Number);
    const known = reading === this.#reading && place !== undefined && place >= this.#dropped;
    const from = known ? place - this.#dropped : 0;
    const sinceText = new Date(since).toISOString();
    const runs = this.#runs.slice(from).filter(({ endedAt }) => endedAt >= sinceText);
    return { cursor: `${this.#reading}.${this.#dropped + this.#runs.length}`, cut: this.#dropped > 0, runs };
  }

  async #read(since: number): Promise<void> {
    const now = this.#now();
    if (this.#logs === null || since < this.#since) {
      this.#since = since;
      this.#reading++;
      this.#runs = [];
      this.#dropped = 0;
      const question = { roles: runningRoles, connector: null, task: null, events: runEvents };
      this.#logs = new FunctionLogs(this.#installation, question, since);
      this.#readAt = 0;
    }
    if (now - this.#readAt < everyMs) return;
    this.#memory ??= await memoryOf(this.#installation);
    const lines: LogLine[] = await this.#logs.next(now).catch((error: unknown) => {
      this.#logs = null;
      throw error;
    });
    this.#readAt = now;
    this.#runs.push(...joinRuns(lines.map((line) => runOf(line, this.#memory?.get(line.role) ?? null))));
    const over = this.#runs.length - most;
    if (over > 0) {
      this.#runs.splice(0, over);
      this.#dropped += over;
    }
  }
}
