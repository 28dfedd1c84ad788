import { ConfigError } from '../errors.ts';
import { type CalendarFields, calendarFromEpochMs, calendarToEpochMs, MS_PER_DAY } from './calendar.ts';
import { javaDigits } from './text.ts';
import { zoneOffsets } from './zone-names.ts';

/**
 * Java's SimpleDateFormat as transformations use it: UTC, English (US) names, lenient. Lenient means that values
 * beyond their range roll over (month 13 is next January) and that text after the pattern's end does not matter.
 */
export class SimpleDateFormat {
  readonly pattern: string;
  readonly #parts: readonly Part[];
  /** A two-digit year means the one from here on within a hundred years. Epoch milliseconds. */
  readonly #centuryStart: number;

  /** Throws ConfigError for what Java refuses. `now` is what two-digit years are read relative to. */
  constructor(pattern: string, now: number = Date.now()) {
    this.pattern = pattern;
    this.#parts = compile(pattern);
    const today = calendarFromEpochMs(now);
    this.#centuryStart = calendarToEpochMs({ ...today, year: today.year - 80 });
  }

  /** Any 64-bit number of milliseconds; a number must be exact. */
  format(epochMs: number | bigint): string {
    const at = typeof epochMs === 'number' ? calendarFromEpochMs(epochMs) : farFields(epochMs);
    let text = '';
    for (const part of this.#parts) text += part.letter === null ? part.text : formatField(part.letter, part.count, at);
    return text;
  }

  /** Epoch milliseconds, or null when the text does not match. */
  parse(text: string): number | null {
    const reader = new DateReader(text, this.#centuryStart);
    for (let i = 0; i < this.#parts.length; i++) {
      const part = this.#parts[i]!;
      const ok =
        part.letter === null ? reader.literal(part.text) : reader.field(part.letter, part.count, this.#abuts(i));
      if (!ok) return null;
    }
    return reader.position === 0 ? null : reader.instant();
  }

  /** Numbers without anything between them are as long as their letters say. */
  #abuts(index: number): boolean {
    const next = this.#parts[index + 1];
    if (next === undefined || next.letter === null) return false;
    if (next.letter === 'M' || next.letter === 'L') return next.count <= 2;
    return !'GEazZX'.includes(next.letter);
  }
}

type Part = { readonly letter: null; readonly text: string } | { readonly letter: string; readonly count: number };

const letters = 'GyMdkHmsSEDFwWahKzZYuXL';

function compile(pattern: string): Part[] {
  const parts: Part[] = [];
  for (let i = 0; i < pattern.length; ) {
    const char = pattern[i]!;
    if (char === "'") {
      const [text, next] = quoted(pattern, i);
      parts.push({ letter: null, text });
      i = next;
      continue;
    }
    if (!/[a-zA-Z]/.test(char)) {
      parts.push({ letter: null, text: char });
      i++;
      continue;
    }
    if (!letters.includes(char)) throw new ConfigError(`Illegal pattern character '${char}'`);
    let end = i + 1;
    while (pattern[end] === char) end++;
    if (char === 'X' && end - i > 3) throw new ConfigError(`invalid ISO 8601 format: length=${end - i}`);
    parts.push({ letter: char, count: end - i });
    i = end;
  }
  return parts;
}

/** Text in quotes from `start` on; two quotes are one, inside and outside. */
function quoted(pattern: string, start: number): [text: string, next: number] {
  if (pattern[start + 1] === "'") return ["'", start + 2];
  let text = '';
  for (let i = start + 1; i < pattern.length; i++) {
    if (pattern[i] !== "'") text += pattern[i];
    else if (pattern[i + 1] === "'") {
      text += "'";
      i++;
    } else return [text, i + 1];
  }
  throw new ConfigError('Unterminated quote');
}

const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

type At = ReturnType<typeof calendarFromEpochMs>;

function formatField(letter: string, count: number, at: At): string {
  switch (letter) {
    case 'G':
      return at.year > 0 ? 'AD' : 'BC';
    case 'y':
      return year(at.year > 0 ? at.year : 1 - at.year, count);
    case 'Y':
      return year(weekYear(at), count);
    case 'M':
    case 'L':
      if (count >= 4) return months[at.month]!;
      return count === 3 ? months[at.month]!.slice(0, 3) : padded(at.month + 1, count);
    case 'd':
      return padded(at.day, count);
    case 'k':
      return padded(at.hour === 0 ? 24 : at.hour, count);
    case 'H':
      return padded(at.hour, count);
    case 'm':
      return padded(at.minute, count);
    case 's':
      return padded(at.second, count);
    case 'S':
      return padded(at.ms, count);
    case 'E':
      return count >= 4 ? weekdays[at.weekday]! : weekdays[at.weekday]!.slice(0, 3);
    case 'D':
      return padded(dayOfYear(at), count);
    case 'F':
      return padded(Math.floor((at.day - 1) / 7) + 1, count);
    case 'w':
      return padded(weekOfYear(at), count);
    case 'W':
      return padded(Math.floor((at.day - 1 + mod(at.weekday - (at.day - 1), 7)) / 7) + 1, count);
    case 'a':
      return at.hour < 12 ? 'AM' : 'PM';
    case 'h':
      return padded(at.hour % 12 === 0 ? 12 : at.hour % 12, count);
    case 'K':
      return padded(at.hour % 12, count);
    case 'u':
      return padded(at.weekday === 0 ? 7 : at.weekday, count);
    case 'z':
      return count >= 4 ? 'Coordinated Universal Time' : 'UTC';
    case 'Z':
      return '+0000';
    default:
      return 'Z';
  }
}

function year(value: number, count: number): string {
  return count === 2 ? padded(mod(value, 100), 2) : padded(value, count);
}

function padded(value: number, count: number): string {
  return value < 0 ? `-${String(-value).padStart(count, '0')}` : String(value).padStart(count, '0');
}

function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}

function dayNumber(fields: Partial<CalendarFields> & { year: number }): number {
  return calendarToEpochMs({ month: 0, day: 1, hour: 0, minute: 0, second: 0, ms: 0, ...fields }) / MS_PER_DAY;
}

const weekdayOf = (days: number) => mod(days + 4, 7);

function dayOfYear(at: CalendarFields): number {
  return dayNumber({ year: at.year, month: at.month, day: at.day }) - dayNumber({ year: at.year }) + 1;
}

/** US weeks: from Sunday on, and the week of 1 January is the first. */
function firstWeekStart(year: number): number {
  const first = dayNumber({ year });
  return first - weekdayOf(first);
}

function weekOfYear(at: CalendarFields): number {
  const day = dayNumber({ year: at.year, month: at.month, day: at.day });
  if (day >= firstWeekStart(at.year + 1)) return 1;
  return Math.floor((day - firstWeekStart(at.year)) / 7) + 1;
}

function weekYear(at: CalendarFields): number {
  const day = dayNumber({ year: at.year, month: at.month, day: at.day });
  return day >= firstWeekStart(at.year + 1) ? at.year + 1 : at.year;
}

/** The fields of an instant that no number holds exactly: its day and its time of day are looked at one by one. */
function farFields(epochMs: bigint): At {
  const day = BigInt(MS_PER_DAY);
  const timeOfDay = ((epochMs % day) + day) % day;
  const noon = Number((epochMs - timeOfDay) / day) * MS_PER_DAY + MS_PER_DAY / 2;
  const { hour, minute, second, ms } = calendarFromEpochMs(Number(timeOfDay));
  return { ...calendarFromEpochMs(noon), hour, minute, second, ms };
}

type FieldName =
  | 'era'
  | 'year'
  | 'weekYear'
  | 'month'
  | 'day'
  | 'dayOfYear'
  | 'weekday'
  | 'weekdayInMonth'
  | 'weekOfYear'
  | 'weekOfMonth'
  | 'hour24'
  | 'hour12'
  | 'half'
  | 'minute'
  | 'second'
  | 'ms'
  | 'zone';

const numberFields: Readonly<Record<string, FieldName>> = {
  d: 'day',
  H: 'hour24',
  k: 'hour24',
  K: 'hour12',
  h: 'hour12',
  m: 'minute',
  s: 'second',
  S: 'ms',
  D: 'dayOfYear',
  F: 'weekdayInMonth',
  w: 'weekOfYear',
  W: 'weekOfMonth',
  u: 'weekday',
};

/** Reads one text; what is set later wins where fields contradict, as in Java's Calendar. */
class DateReader {
  readonly #text: string;
  readonly #centuryStart: number;
  #at = 0;
  #stamp = 0;
  readonly #values = new Map<FieldName, { value: number; stamp: number }>();
  #ambiguousYear = false;

  constructor(text: string, centuryStart: number) {
    this.#text = text;
    this.#centuryStart = centuryStart;
  }

  get position(): number {
    return this.#at;
  }

  literal(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  field(letter: string, count: number, fixedLength: boolean): boolean {
    const start = this.#at;
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\t') this.#at++;
    if (this.#at >= this.#text.length) return false;
    // The length counts from where the field began, blanks included.
    const end = fixedLength ? start + count : this.#text.length;
    // Blanks may stand before a number, not before a name.
    if ('GEa'.includes(letter) || ('ML'.includes(letter) && count > 2)) this.#at = start;
    switch (letter) {
      case 'G':
        return this.#name('era', ['BC', 'AD']);
      case 'y':
      case 'Y':
        return this.#year(letter === 'y' ? 'year' : 'weekYear', count, end);
      case 'M':
      case 'L':
        if (count <= 2) return this.#number('month', end, (value) => value - 1);
        return this.#name('month', months) || this.#name('month', shortNames(months));
      case 'E':
        return this.#name('weekday', weekdays) || this.#name('weekday', shortNames(weekdays));
      case 'a':
        return this.#name('half', ['AM', 'PM']);
      case 'z':
      case 'Z':
        return this.#zone(start);
      case 'X':
        return this.#isoZone(count);
      case 'k':
        return this.#number('hour24', end, (value) => (value === 24 ? 0 : value));
      case 'h':
        return this.#number('hour12', end, (value) => (value === 12 ? 0 : value));
      case 'u':
        // Beyond Monday to Sunday Java takes the number for its own, which begins with Sunday as 1.
        return this.#number('weekday', end, (value) => (value >= 1 && value <= 7 ? value % 7 : value - 1));
      default:
        return this.#number(numberFields[letter]!, end, (value) => value);
    }
  }

  #set(name: FieldName, value: number): true {
    this.#stamp++;
    this.#values.set(name, { value, stamp: this.#stamp });
    return true;
  }

  #year(name: 'year' | 'weekYear', count: number, end: number): boolean {
    const digitsAt = this.#at;
    const number = this.#digits(end);
    if (number === null) return false;
    const twoDigits = this.#at - digitsAt === 2 && /^\d\d$/.test(this.#text.slice(digitsAt, this.#at));
    if (count > 2 || !twoDigits) return this.#set(name, number);
    const startYear = calendarFromEpochMs(this.#centuryStart).year;
    this.#ambiguousYear = number === startYear % 100;
    const century = Math.floor(startYear / 100) * 100 + (number < startYear % 100 ? 100 : 0);
    return this.#set(name, number + century);
  }

  #number(name: FieldName, end: number, change: (value: number) => number): boolean {
    const number = this.#digits(end);
    return number === null ? false : this.#set(name, change(number));
  }

  /** An integer as Java's number format reads it: a minus, digits, perhaps an exponent. */
  #digits(end: number): number | null {
    if (end > this.#text.length) return null;
    const match = /^-?\p{Nd}+(?:E-?\p{Nd}+)?/u.exec(this.#text.slice(this.#at, end));
    if (match === null) return null;
    this.#at += match[0].length;
    const value = Math.trunc(Number(javaDigits(match[0])));
    // As a Java int: beyond 64 bits it saturates, below that the low bits count.
    if (!Number.isFinite(value) || Math.abs(value) >= 2 ** 63) return value > 0 ? 2147483647 : -2147483648;
    return Number(BigInt.asIntN(32, BigInt(value)));
  }

  /** The longest of these names that stands here, whatever its case; its index is the value. */
  #name(name: FieldName, names: readonly string[]): boolean {
    let best = -1;
    names.forEach((candidate, i) => {
      const here = this.#text.slice(this.#at, this.#at + candidate.length);
      if (here.toLowerCase() !== candidate.toLowerCase()) return;
      if (best === -1 || candidate.length > names[best]!.length) best = i;
    });
    if (best === -1) return false;
    this.#at += names[best]!.length;
    return this.#set(name, best);
  }

  #zone(start: number): boolean {
    const sign = this.#text[this.#at];
    if (sign === '+' || sign === '-') {
      this.#at++;
      return this.#zoneNumber(sign, false, 0);
    }
    if (/^gmt/i.test(this.#text.slice(start)) && this.#at === start) {
      const offsetSign = this.#text[this.#at + 3];
      this.#at += 3;
      if (offsetSign !== '+' && offsetSign !== '-') return this.#set('zone', 0);
      this.#at++;
      return this.#zoneNumber(offsetSign, true, 0);
    }
    return this.#zoneName();
  }

  #zoneName(): boolean {
    const rest = this.#text.slice(this.#at).toLowerCase();
    let best: readonly [string, number] | null = null;
    for (const [name, offset] of zoneOffsets) {
      if (rest.startsWith(name) && (best === null || name.length > best[0].length)) best = [name, offset];
    }
    if (best === null) return false;
    this.#at += best[0].length;
    return this.#set('zone', best[1] * 60_000);
  }

  #isoZone(count: number): boolean {
    const sign = this.#text[this.#at];
    this.#at++;
    if (sign === 'Z') return this.#set('zone', 0);
    if (sign !== '+' && sign !== '-') return false;
    return this.#zoneNumber(sign, count === 3, count);
  }

  /** `hh`, `hhmm` or, with a colon, `hh:mm`; one digit of hours is enough before a colon. */
  #zoneNumber(sign: string, colon: boolean, isoCount: number): boolean {
    const rest = this.#text.slice(this.#at);
    const form =
      isoCount === 1 ? /^(\d\d)/ : colon ? (isoCount === 0 ? /^(\d\d?):(\d\d)/ : /^(\d\d):(\d\d)/) : /^(\d\d)(\d\d)/;
    const match = form.exec(rest);
    if (match === null) return false;
    const hours = Number(match[1]);
    const minutes = Number(match[2] ?? 0);
    if (hours > 23 || minutes > 59) return false;
    this.#at += match[0].length;
    return this.#set('zone', (hours * 60 + minutes) * 60_000 * (sign === '-' ? -1 : 1));
  }

  instant(): number {
    const result = this.#resolve(this.#valueOf('year', 1970));
    if (this.#ambiguousYear && result < this.#centuryStart) return this.#resolve(this.#valueOf('year', 1970) + 100);
    return result;
  }

  #valueOf(name: FieldName, missing: number): number {
    return this.#values.get(name)?.value ?? missing;
  }

  #stampOf(name: FieldName): number {
    return this.#values.get(name)?.stamp ?? 0;
  }

  #resolve(writtenYear: number): number {
    const year = this.#values.get('era')?.value === 0 ? 1 - writtenYear : writtenYear;
    const clock = {
      hour: this.#hour(),
      minute: this.#valueOf('minute', 0),
      second: this.#valueOf('second', 0),
      ms: this.#valueOf('ms', 0),
    };
    return calendarToEpochMs({ ...this.#date(year), ...clock }) - this.#valueOf('zone', 0);
  }

  #hour(): number {
    const half = this.#stampOf('half');
    const hour12 = this.#stampOf('hour12');
    const pair = half > 0 && hour12 > 0 ? Math.max(half, hour12) : 0;
    const hour24 = this.#stampOf('hour24');
    if (hour24 > 0 && hour24 >= pair) return this.#valueOf('hour24', 0);
    return this.#valueOf('hour12', 0) + 12 * this.#valueOf('half', 0);
  }

  /** The date from whichever complete set of fields was written last. */
  #date(year: number): Pick<CalendarFields, 'year' | 'month' | 'day'> {
    const weekdayStamp = this.#stampOf('weekday');
    const with_ = (stamp: number) => (stamp > 0 && weekdayStamp > 0 ? Math.max(stamp, weekdayStamp) : 0);
    const stamps = {
      day: this.#stampOf('day'),
      weekOfMonth: with_(this.#stampOf('weekOfMonth')),
      weekdayInMonth: with_(this.#stampOf('weekdayInMonth')),
      dayOfYear: this.#stampOf('dayOfYear'),
      weekOfYear: with_(this.#stampOf('weekOfYear')),
    };
    let best = Math.max(...Object.values(stamps));
    if (best === 0) {
      stamps.weekOfMonth = this.#stampOf('weekOfMonth');
      stamps.weekdayInMonth = Math.max(this.#stampOf('weekdayInMonth'), weekdayStamp);
      stamps.weekOfYear = this.#stampOf('weekOfYear');
      best = Math.max(stamps.weekOfMonth, stamps.weekdayInMonth, stamps.weekOfYear);
      if (best === 0) {
        stamps.day = this.#stampOf('month');
        best = stamps.day;
      }
    }
    const weekStamp = this.#stampOf('weekOfYear');
    const weekYear = this.#values.get('weekYear');
    if (weekYear !== undefined && weekYear.stamp > this.#stampOf('year')) return this.#weekDate(weekYear.value);
    const month = this.#valueOf('month', 0);
    if (best === stamps.day) return { year, month, day: this.#valueOf('day', 1) };
    if (best === stamps.weekOfMonth && this.#stampOf('weekOfMonth') >= weekStamp) {
      return this.#inWeek(year, month, this.#valueOf('weekOfMonth', 1));
    }
    if (best === stamps.weekdayInMonth && this.#stampOf('weekdayInMonth') >= weekStamp) {
      return this.#nthWeekday(year, month);
    }
    if (best === stamps.dayOfYear) return { year, month: 0, day: this.#valueOf('dayOfYear', 1) };
    return this.#inWeek(year, 0, this.#valueOf('weekOfYear', 1));
  }

  #inWeek(year: number, month: number, week: number): Pick<CalendarFields, 'year' | 'month' | 'day'> {
    const first = dayNumber({ year, month });
    return { year, month, day: 1 - weekdayOf(first) + 7 * (week - 1) + mod(this.#valueOf('weekday', 0), 7) };
  }

  #nthWeekday(year: number, month: number): Pick<CalendarFields, 'year' | 'month' | 'day'> {
    const nth = this.#valueOf('weekdayInMonth', 1);
    const weekday = this.#valueOf('weekday', 0);
    if (nth >= 0) {
      const first = dayNumber({ year, month });
      return { year, month, day: 1 + mod(weekday - weekdayOf(first), 7) + 7 * (nth - 1) };
    }
    const next = dayNumber({ year, month: month + 1 });
    const last = next - 1;
    const length = next - dayNumber({ year, month });
    return { year, month, day: length - mod(weekdayOf(last) - weekday, 7) + 7 * (nth + 1) };
  }

  #weekDate(weekYear: number): Pick<CalendarFields, 'year' | 'month' | 'day'> {
    let week = this.#valueOf('weekOfYear', 1);
    let weekday = this.#valueOf('weekday', 0);
    if (weekday < 0 || weekday > 6) {
      // A day beyond the week moves the week; what is left counts from Monday on.
      week += Math.floor(weekday / 7);
      weekday = (mod(weekday, 7) + 1) % 7;
    }
    const offset = firstWeekStart(weekYear) - dayNumber({ year: weekYear });
    return { year: weekYear, month: 0, day: 1 + offset + 7 * (week - 1) + weekday };
  }
}

function shortNames(names: readonly string[]): string[] {
  return names.map((name) => name.slice(0, 3));
}
