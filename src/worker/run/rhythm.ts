/** So many pauses are remembered: enough to tell a rhythm, few enough to forget the one before. */
const gapsKept = 16;

interface Remembered {
  /** Epoch milliseconds of the last records, where the run that saw them stayed until it found no more; null: it did not. */
  readonly at: number | null;
  /** Milliseconds, the newest last. */
  readonly gaps: readonly number[];
  /** The run after those records was woken, not due by its pause. */
  readonly woken: boolean;
}

const nothing: Remembered = { at: null, gaps: [], woken: false };

/**
 * The pauses between a stream's records, as far as runs of one task have seen them: those that a run has waited through,
 * and those that lay between two runs. Time in which a run had something to do is no pause.
 */
export class Rhythm {
  readonly #gaps: number[];
  readonly #before: Remembered;
  #woken: boolean;

  /** `text`: what an earlier run kept; null: none. What cannot be read is as good as none. */
  constructor(text: string | null = null) {
    this.#before = read(text);
    this.#gaps = [...this.#before.gaps];
    this.#woken = this.#before.woken;
  }

  get gaps(): readonly number[] {
    return this.#gaps;
  }

  /** Somebody else tells when there are records: a run is there for them at once. */
  get isWoken(): boolean {
    return this.#woken;
  }

  /** Records came after a wait of so long. */
  add(gapMs: number): void {
    this.#gaps.push(Math.max(1, Math.round(gapMs)));
    if (this.#gaps.length > gapsKept) this.#gaps.shift();
  }

  /**
   * This run has found records with its first look, at `now`. They came at some time since the last look, and nobody
   * knows when: the middle is right on average. Of a run that was woken they came just now.
   */
  addBetweenRuns(lastLookAt: number | null, now: number, woken: boolean): void {
    const { at } = this.#before;
    if (at === null || lastLookAt === null || lastLookAt < at || now < lastLookAt) return;
    this.#woken = woken;
    this.add((woken ? now : (lastLookAt + now) / 2) - at);
  }

  /** `lastAt`: of the last records that this run has seen, if it has stayed until there were no more. */
  toText(lastAt: number | null): string {
    return JSON.stringify({ at: lastAt, gaps: this.#gaps, ...(this.#woken ? { woken: true } : {}) });
  }
}

function read(text: string | null): Remembered {
  if (text === null) return nothing;
  try {
    const { at, gaps, woken } = JSON.parse(text) as Partial<Record<keyof Remembered, unknown>>;
    const isTime = (value: unknown): value is number => typeof value === 'number' && value >= 0;
    return {
      at: isTime(at) ? at : null,
      gaps: Array.isArray(gaps) ? gaps.filter(isTime).slice(-gapsKept) : [],
      woken: woken === true,
    };
  } catch {
    return nothing;
  }
}
