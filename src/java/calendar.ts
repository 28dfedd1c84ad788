export const MS_PER_DAY = 86_400_000;

/**
 * Java's lenient GregorianCalendar in UTC: Julian dates before 15 October 1582, and fields that overflow into the
 * next. Only the calendar; patterns are read elsewhere.
 */
export interface CalendarFields {
  /** Proleptic: 0 is 1 BC. */
  readonly year: number;
  /** 0 is January. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly ms: number;
}

/** 1582-10-15, in days since 1970-01-01. */
const cutoverDay = -141_427;
const cutoverYear = 1582;

/** Epoch milliseconds; fields may be out of their range. */
export function calendarToEpochMs(fields: CalendarFields): number {
  const timeOfDay = ((fields.hour * 60 + fields.minute) * 60 + fields.second) * 1000 + fields.ms;
  const extraDays = Math.floor(timeOfDay / MS_PER_DAY);
  const year = fields.year + Math.floor(fields.month / 12);
  const month = fields.month - Math.floor(fields.month / 12) * 12;
  const gregorian = () => gregorianDay(year, month) + fields.day - 1 + extraDays;
  const julian = () => julianDay(year, month) + fields.day - 1 + extraDays;
  return pickDay(fields.year, gregorian, julian) * MS_PER_DAY + (timeOfDay - extraDays * MS_PER_DAY);
}

function pickDay(year: number, gregorian: () => number, julian: () => number): number {
  if (year > cutoverYear) {
    const day = gregorian();
    if (day >= cutoverDay) return day;
  } else if (year < cutoverYear) {
    const day = julian();
    if (day < cutoverDay) return day;
    return day;
  }
  const day = gregorian();
  return day >= cutoverDay ? day : julian();
}

/** The fields of an instant; a bigint where a number would lose its milliseconds. */
export function calendarFromEpochMs(epochMs: number | bigint): CalendarFields & { weekday: number } {
  const [days, timeOfDay] = typeof epochMs === 'bigint' ? splitLong(epochMs) : splitSafe(epochMs);
  const date = days >= cutoverDay ? gregorianDate(days) : julianDate(days);
  return {
    ...date,
    hour: Math.floor(timeOfDay / 3_600_000),
    minute: Math.floor(timeOfDay / 60_000) % 60,
    second: Math.floor(timeOfDay / 1000) % 60,
    ms: timeOfDay % 1000,
    weekday: (((days + 4) % 7) + 7) % 7,
  };
}

function splitSafe(epochMs: number): [number, number] {
  const days = Math.floor(epochMs / MS_PER_DAY);
  return [days, epochMs - days * MS_PER_DAY];
}

function splitLong(epochMs: bigint): [number, number] {
  const timeOfDay = ((epochMs % dayLength) + dayLength) % dayLength;
  return [Number((epochMs - timeOfDay) / dayLength), Number(timeOfDay)];
}

const dayLength = BigInt(MS_PER_DAY);
const daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];

/** First day of a month, in days since the epoch. */
function gregorianDay(year: number, month: number): number {
  const y = year - 1;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const start = 365 * y + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) - 719_162;
  return start + (daysBefore[month] as number) + (leap && month > 1 ? 1 : 0);
}

function julianDay(year: number, month: number): number {
  const y = year - 1;
  const start = 365 * y + Math.floor(y / 4) - 719_164;
  return start + (daysBefore[month] as number) + (year % 4 === 0 && month > 1 ? 1 : 0);
}

type CalendarDate = Pick<CalendarFields, 'year' | 'month' | 'day'>;

function gregorianDate(days: number): CalendarDate {
  return dateOf(days, Math.floor((days + 719_162) / 365.2425) + 1, gregorianDay);
}

function julianDate(days: number): CalendarDate {
  return dateOf(days, Math.floor((days + 719_164) / 365.25) + 1, julianDay);
}

function dateOf(days: number, guess: number, firstDay: (year: number, month: number) => number): CalendarDate {
  let year = guess;
  while (firstDay(year, 0) > days) year--;
  while (firstDay(year + 1, 0) <= days) year++;
  let month = 11;
  while (firstDay(year, month) > days) month--;
  return { year, month, day: days - firstDay(year, month) + 1 };
}
