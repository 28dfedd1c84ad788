const quarterMs = 900_000;
const dayMs = 86_400_000;
/** Offsets that are remembered; they change at quarters of an hour, if they do. */
const mostKnown = 1000;

/** A clock on the wall somewhere. */
export class TimeZone {
  readonly name: string;
  readonly #fixedMs: number | null;
  readonly #format: Intl.DateTimeFormat | null;
  readonly #known = new Map<number, number>();

  /** Throws RangeError for a name that is none. */
  constructor(name: string) {
    this.name = /^(?:Z|GMT|UT|UTC|Etc\/UTC)$/i.test(name) ? 'UTC' : name.replace(/^(?:UTC|GMT|UT)(?=[+-])/i, '');
    const fixed = /^([+-])(\d{1,2})(?::?(\d{2}))?$/.exec(this.name);
    if (this.name === 'UTC') this.#fixedMs = 0;
    else if (fixed === null) this.#fixedMs = null;
    else {
      const [, sign, hours, minutes = '0'] = fixed;
      if (Number(hours) > 18 || Number(minutes) > 59) throw new RangeError(`There is no time zone ${name}`);
      this.#fixedMs = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
    }
    this.#format = this.#fixedMs === null ? newFormat(this.name) : null;
  }

  /** Milliseconds that its clock is ahead of UTC at an instant. */
  offsetAt(epochMs: number): number {
    if (this.#fixedMs !== null) return this.#fixedMs;
    const quarter = Math.floor(epochMs / quarterMs);
    const known = this.#known.get(quarter);
    if (known !== undefined) return known;
    const at = quarter * quarterMs;
    const parts = Object.fromEntries(this.#format!.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year, month, day, hour, minute, second } = parts as Record<string, number>;
    const offset = Date.UTC(year!, month! - 1, day!, hour! % 24, minute!, second!) - at;
    if (this.#known.size >= mostKnown) this.#known.clear();
    this.#known.set(quarter, offset);
    return offset;
  }

  /** The first instant after this one that is a multiple of the interval since midnight. */
  nextMultiple(epochMs: number, intervalMs: number): number {
    const offset = this.offsetAt(epochMs);
    const local = epochMs + offset;
    const midnight = Math.floor(local / dayMs) * dayMs;
    const within = Math.floor((local - midnight) / intervalMs + 1) * intervalMs;
    return midnight + within - offset;
  }
}

function newFormat(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
}
