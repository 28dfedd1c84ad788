import {
  ConfigError,
  type ConfigProblem,
  type ConfigValues,
  DataError,
  Decimal,
  Instant,
  type SinkRecord,
  Struct,
} from '../../src/api/index.ts';
import { literally, type SinkLayout } from './sink-layout.ts';
import type { confluentSinkConfig } from './sink-settings.ts';
import { TimePattern } from './time-pattern.ts';
import { TimeZone } from './time-zone.ts';

type Values = ConfigValues<typeof confluentSinkConfig>;

const simpleName = (name: string) => name.slice(Math.max(name.lastIndexOf('.'), name.lastIndexOf('$')) + 1);
const hourMs = 3_600_000;

/** `<topics.dir>/<topic>/<what the partitioner says>/<topic>+<partition>+<first offset>`. */
export function confluentLayout(values: Values, ending: string): SinkLayout {
  const dir = values['directory.delim'];
  const join = values['file.delim'];
  const width = values['filename.offset.zero.pad.width'];
  const top = values['topics.dir'] === '' ? '' : `${values['topics.dir']}${dir}`;
  const clock = clockOf(values);
  const partitioned = withSchemaName(values, partitionerOf(values, clock));
  const mine = new RegExp(`[^/]${literally(join)}\\d+${literally(join)}\\d{${Math.max(1, width)},}\\.[^/]+$`);
  return {
    ending,
    newestPerKey: false,
    prefix: top,
    pathOf(record, now) {
      const inside = isNull(record) ? values['tombstone.encoded.partition'] : partitioned(record, now);
      return `${top}${record.topic}${dir}${inside}`;
    },
    nameOf(path, first) {
      const offset = String(first.originalKafkaOffset).padStart(width, '0');
      return `${path}${dir}${first.topic}${join}${first.originalKafkaPartition}${join}${offset}`;
    },
    timeOf: (record, now) => clock?.(record, now) ?? null,
    owns: (key) => key.startsWith(top) && mine.test(key),
  };
}

const isNull = (record: SinkRecord) => record.value === null || record.value === undefined;

type Partitioner = (record: SinkRecord, now: number) => string;
type RecordClock = (record: SinkRecord, now: number) => number;

/** What no single setting shows. */
export function confluentLayoutProblems(values: Values): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const needs = (key: string & keyof Values, missing: boolean, what: string) => {
    if (missing) problems.push({ key, message: `The setting ${key} is missing: ${what}` });
  };
  const kind = simpleName(values['partitioner.class']);
  if (kind === 'FieldPartitioner') {
    needs('partition.field.name', values['partition.field.name'].length === 0, 'FieldPartitioner needs the fields');
  }
  if (kind === 'TimeBasedPartitioner') {
    needs('path.format', values['path.format'] === '', 'TimeBasedPartitioner needs the pattern of its paths');
    needs('partition.duration.ms', values['partition.duration.ms'] <= 0, 'TimeBasedPartitioner needs a step of time');
  }
  if (isTimeBased(kind)) needs('timezone', values.timezone === '', `${kind} needs the time zone of its paths`);
  if (values['rotate.schedule.interval.ms'] > 0) {
    needs(
      'timezone',
      values.timezone === '',
      'rotate.schedule.interval.ms counts from midnight, which needs a time zone',
    );
  }
  if (values['rotate.interval.ms'] > 0 && !isTimeBased(kind)) {
    problems.push({
      key: 'rotate.interval.ms',
      message: `rotate.interval.ms counts by the clock of a time-based partitioner, and ${kind} has none: choose another partitioner.class, or use file.max.age.ms`,
    });
  }
  try {
    if (problems.length === 0 && isTimeBased(kind)) patternOf(values);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push({ key: String(error.facts.key ?? 'path.format'), message: error.message });
  }
  return problems;
}

const isTimeBased = (kind: string) => /^(?:TimeBased|Hourly|Daily)Partitioner$/.test(kind);

function patternOf(values: Values): TimePattern {
  const kind = simpleName(values['partitioner.class']);
  const day = "'year'=YYYY/'month'=MM/'day'=dd";
  const fixed = kind === 'HourlyPartitioner' ? `${day}/'hour'=HH` : kind === 'DailyPartitioner' ? day : null;
  const pattern = fixed?.replaceAll('/', values['directory.delim']) ?? values['path.format'];
  return new TimePattern(pattern, new TimeZone(values.timezone || 'UTC'), values.locale, 'path.format');
}

function partitionerOf(values: Values, clock: RecordClock | null): Partitioner {
  const kind = simpleName(values['partitioner.class']);
  if (kind === 'FieldPartitioner') {
    const fields = values['partition.field.name'];
    return (record) =>
      fields.map((field) => `${field}=${partText(fieldOf(record, field), field)}`).join(values['directory.delim']);
  }
  if (clock === null) return (record) => `partition=${record.originalKafkaPartition}`;
  const pattern = patternOf(values);
  const step =
    kind === 'HourlyPartitioner' ? hourMs : kind === 'DailyPartitioner' ? 24 * hourMs : values['partition.duration.ms'];
  const zone = new TimeZone(values.timezone || 'UTC');
  return (record, now) => {
    const at = clock(record, now);
    // Steps are of the time on the wall, so that a day begins at its midnight.
    const offset = zone.offsetAt(at);
    return pattern.at(Math.floor((at + offset) / step) * step - offset);
  };
}

function withSchemaName(values: Values, inner: Partitioner): Partitioner {
  const affix = values['s3.schema.partition.affix.type'];
  if (affix === 'NONE') return inner;
  return (record, now) => {
    const name = `schema_name=${record.valueSchema?.name ?? 'null'}`;
    const parts = [inner(record, now), name];
    return (affix === 'PREFIX' ? parts.reverse() : parts).join(values['directory.delim']);
  };
}

/** Null: the partitioner has nothing to do with time. */
function clockOf(values: Values): RecordClock | null {
  if (!isTimeBased(simpleName(values['partitioner.class']))) return null;
  switch (simpleName(values['timestamp.extractor']).replace('TimestampExtractor', '')) {
    case 'Record':
      return (record) => {
        if (record.timestamp !== null) return record.timestamp;
        throw new DataError('The record has no timestamp, by which timestamp.extractor=Record finds its path');
      };
    case 'RecordField': {
      const field = values['timestamp.field'];
      return (record) => timeIn(fieldOf(record, field), field);
    }
    default:
      return (_record, now) => now;
  }
}

/** Dots reach into structs and objects, unless a field has the whole name. */
function fieldOf(record: SinkRecord, path: string): unknown {
  const whole = inside(record.value, path);
  if (whole !== undefined) return whole;
  let value: unknown = record.value;
  for (const name of path.split('.')) {
    value = inside(value, name);
    if (value === undefined) throw new DataError(`The record's value has no field ${path}, by which its path is found`);
  }
  return value;
}

/** Undefined: there is no such field. */
function inside(value: unknown, name: string): unknown {
  if (value instanceof Struct) {
    const field = value.schema.field(name);
    return field === undefined ? undefined : value.get(field);
  }
  if (value instanceof Map) return value.has(name) ? value.get(name) : undefined;
  return undefined;
}

function partText(value: unknown, field: string): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value === 'number' && Number.isInteger(value)) return String(value);
  if (value instanceof Instant) return String(value.exactMs);
  const what =
    value instanceof Decimal ? 'a decimal' : typeof value === 'object' ? 'no plain value' : 'no whole number';
  throw new DataError(`Field ${field} is ${what}: FieldPartitioner takes whole numbers, texts, booleans and times`);
}

function timeIn(value: unknown, field: string): number {
  if (value instanceof Instant) return value.epochMs;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number' && Number.isFinite(value)) return Math.trunc(value);
  if (typeof value === 'string') {
    const time = /^-?\d+$/.test(value) ? Number(value) : Date.parse(isoWithZone(value));
    if (!Number.isNaN(time)) return time;
  }
  throw new DataError(
    `Field ${field} is no time: timestamp.extractor=RecordField reads milliseconds, ISO 8601 text, and Timestamps`,
  );
}

/** A date and time without a zone is UTC, as in Java, and not the function's own. */
const isoWithZone = (text: string) => (/T[^Zz+-]*$/.test(text) ? `${text}Z` : text);
