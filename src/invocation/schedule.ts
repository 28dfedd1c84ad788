import { ConfigError } from '../errors.ts';

/** When the tasks of a connector run, where `drover.schedule` says so instead of the idle back-off. */
export interface Schedule {
  /** The first time after `now` (epoch milliseconds); null: never again. */
  next(now: number): number | null;
}

/**
 * `rate(5 minutes)`, `cron(0 8 * * ? *)` as EventBridge writes it (six fields, Sunday is 1), `cron(0 8 * * *)` as Unix
 * writes it (five fields, Sunday is 0), `at(2026-12-01T08:00:00Z)` or `once`. Times are UTC. Throws ConfigError.
 */
export function parseSchedule(text: string): Schedule {
  const trimmed = text.trim();
  if (trimmed === 'once') return { next: () => null };
  const call = /^(rate|cron|at)\((.*)\)$/s.exec(trimmed);
  const argument = call?.[2]?.trim() ?? '';
  switch (call?.[1]) {
    case 'rate':
      return rate(argument, text);
    case 'cron':
      return cron(argument, text);
    case 'at':
      return at(argument, text);
    default:
      throw invalid(text, 'it must be once, rate(…), cron(…) or at(…)');
  }
}

const invalid = (text: string, problem: string) =>
  new ConfigError(`Invalid value ${text} for configuration drover.schedule: ${problem}`, { key: 'drover.schedule' });

const units: Readonly<Record<string, number>> = { second: 1000, minute: 60_000, hour: 3_600_000, day: 86_400_000 };

function rate(argument: string, text: string): Schedule {
  const parts = /^([0-9]{1,9})\s+(second|minute|hour|day)s?$/.exec(argument);
  const periodMs = parts === null ? 0 : Number(parts[1]) * units[parts[2]!]!;
  if (periodMs === 0) throw invalid(text, 'a rate is a positive number and seconds, minutes, hours or days');
  return { next: (now) => now + periodMs };
}

function at(argument: string, text: string): Schedule {
  // EventBridge writes the time without a zone and means UTC.
  const instant = Date.parse(/(?:Z|[+-][0-9]{2}:[0-9]{2})$/.test(argument) ? argument : `${argument}Z`);
  if (Number.isNaN(instant)) throw invalid(text, 'a time is written 2026-12-01T08:00:00Z');
  return { next: (now) => (instant > now ? instant : null) };
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekdays = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const dayMs = 86_400_000;
/** The rarest day that a cron can mean, 29 February on a given weekday, comes within 40 years. */
const farthestDays = 40 * 366;

interface Field {
  readonly values: ReadonlySet<number>;
  readonly any: boolean;
}

function cron(argument: string, text: string): Schedule {
  const parts = argument.split(/\s+/);
  if (parts.length !== 5 && parts.length !== 6) {
    throw invalid(text, 'a cron has the fields minutes, hours, day of month, month, day of week and (optionally) year');
  }
  const eventBridge = parts.length === 6;
  const read = (index: number, from: number, to: number, names: readonly string[] = [], base = from) =>
    field(parts[index]!, from, to, names, base, text);
  const minutes = [...read(0, 0, 59).values].sort((a, b) => a - b);
  const hours = [...read(1, 0, 23).values].sort((a, b) => a - b);
  const days = read(2, 1, 31);
  const monthField = read(3, 1, 12, months);
  const week = weekdaysOf(eventBridge ? read(4, 1, 7, weekdays) : read(4, 0, 7, weekdays), eventBridge);
  const years = eventBridge ? read(5, 1970, 2199) : null;

  const onDay = (day: Date) => {
    if (!monthField.values.has(day.getUTCMonth() + 1)) return false;
    if (years !== null && !years.values.has(day.getUTCFullYear())) return false;
    const ofMonth = days.values.has(day.getUTCDate());
    const ofWeek = week.values.has(day.getUTCDay());
    // As Unix has it: where both are given, either will do.
    return days.any || week.any ? ofMonth && ofWeek : ofMonth || ofWeek;
  };
  return {
    next(now) {
      const today = Math.floor(now / dayMs) * dayMs;
      for (let offset = 0; offset < farthestDays; offset++) {
        const midnight = today + offset * dayMs;
        if (!onDay(new Date(midnight))) continue;
        for (const hour of hours) {
          for (const minute of minutes) {
            const instant = midnight + hour * 3_600_000 + minute * 60_000;
            if (instant > now) return instant;
          }
        }
      }
      return null;
    },
  };
}

/** Days of the week as JavaScript counts them: Sunday is 0. */
function weekdaysOf({ values, any }: Field, fromOne: boolean): Field {
  return { any, values: new Set([...values].map((day) => (fromOne ? day - 1 : day % 7))) };
}

/** A list of values, ranges and steps; `?` and `*` mean any. Names count from `base`. */
function field(text: string, from: number, to: number, names: readonly string[], base: number, whole: string): Field {
  const number = (part: string) => {
    const name = names.indexOf(part.toUpperCase());
    const value = name >= 0 ? base + name : /^[0-9]{1,4}$/.test(part) ? Number(part) : Number.NaN;
    if (!(value >= from && value <= to)) throw invalid(whole, `${part} is not between ${from} and ${to}`);
    return value;
  };
  const values = new Set<number>();
  for (const part of text.split(',')) {
    const [range = '', stepText] = part.split('/', 2);
    const [start = '', end] = range.split('-', 2);
    const open = start === '*' || start === '?';
    const first = open ? from : number(start);
    const last = end !== undefined ? number(end) : open || stepText !== undefined ? to : first;
    const step = stepText === undefined ? 1 : /^[1-9][0-9]{0,3}$/.test(stepText) ? Number(stepText) : 0;
    if (step === 0 || last < first || (open && end !== undefined)) throw invalid(whole, `${part} is no range`);
    for (let value = first; value <= last; value += step) values.add(value);
  }
  return { values, any: text === '*' || text === '?' };
}
