import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { validString } from '../../config/validators.ts';
import { javaClassName } from '../../data/connect-class.ts';
import { schemaText } from '../../data/connect-schema.ts';
import { DATE_NAME, Instant, TIME_NAME, TIMESTAMP_NAME } from '../../data/logical.ts';
import type { Schema } from '../../data/schema.ts';
import { SchemaBuilder } from '../../data/schema-builder.ts';
import { Struct } from '../../data/struct.ts';
import { ConfigError, ConnectError, DataError } from '../../errors.ts';
import { MS_PER_DAY } from '../../java/calendar.ts';
import { SimpleDateFormat } from '../../java/simple-date-format.ts';
import { javaTrim } from '../../java/text.ts';
import { definePartTransform } from './define-transform.ts';
import type { RecordPart } from './record-part.ts';
import { requireMap, requireStructOrNull } from './requirements.ts';
import { copyBasics, copyField, fieldsOf, PerSchema, readField, replaceNullKey, requireFit } from './struct-copy.ts';

const purpose = 'converting timestamp formats';

const config = defineConfig({
  field: { type: 'STRING', default: '', importance: 'HIGH', doc: 'The field, or empty for the whole key or value.' },
  'target.type': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'What it becomes.',
    validator: validString('string', 'unix', 'Date', 'Time', 'Timestamp'),
  },
  format: {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: "Pattern of Java's SimpleDateFormat for texts, in UTC.",
  },
  'unix.precision': {
    type: 'STRING',
    default: 'milliseconds',
    importance: 'LOW',
    doc: 'Unit of `unix` numbers.',
    validator: validString('nanoseconds', 'microseconds', 'milliseconds', 'seconds'),
  },
  'replace.null.with.default': replaceNullKey,
});

type Kind = 'string' | 'unix' | 'Date' | 'Time' | 'Timestamp';
type Precision = 'nanoseconds' | 'microseconds' | 'milliseconds' | 'seconds';

interface Plan {
  readonly schema: Schema;
  /** Index of the field to convert; -1 when it is not there. */
  readonly index: number;
}

class TimestampConverter implements Transformation {
  readonly #part: RecordPart;
  #field = '';
  #target: Kind = 'unix';
  #precision: Precision = 'milliseconds';
  #format: SimpleDateFormat | null = null;
  #useDefault = true;
  readonly #plans = new PerSchema((schema) => this.#plan(schema));
  readonly #wholes = new PerSchema((schema) => targetSchema(this.#target, schema.optional));

  constructor(part: RecordPart) {
    this.#part = part;
  }

  configure(settings: Settings): void {
    const values = parseConfig(config, settings);
    this.#field = values.field;
    this.#target = values['target.type'];
    this.#precision = values['unix.precision'];
    this.#useDefault = values['replace.null.with.default'];
    this.#format = formatOf(values.format, this.#target);
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    const schema = this.#part.schema(record);
    const value = this.#part.value(record);
    if (schema === null) return this.#part.replace(record, null, this.#applySchemaless(value));
    if (this.#field === '') {
      const converted = value === null ? null : this.#convert(kindOf(schema), schema, value);
      if (value === null) kindOf(schema);
      return this.#part.replace(record, this.#wholes.get(schema), converted);
    }
    const struct = requireStructOrNull(schema, value, purpose);
    const plan = this.#plans.get(schema);
    return this.#part.replace(record, plan.schema, struct === null ? null : this.#applyTo(struct, plan));
  }

  #applySchemaless(value: unknown): unknown {
    if (value === null || this.#field === '')
      return value === null ? null : this.#convert(inferKind(value), null, value);
    const map = requireMap(value, purpose);
    const updated = new Map(map);
    const item = map.get(this.#field) ?? null;
    return updated.set(this.#field, item === null ? null : this.#convert(inferKind(item), null, item));
  }

  #plan(schema: Schema): Plan {
    const builder = copyBasics(schema, 'struct');
    let index = -1;
    for (const field of fieldsOf(schema)) {
      const converted = field.name === this.#field;
      if (converted) index = field.index;
      builder.field(field.name, converted ? targetSchema(this.#target, field.schema.optional) : field.schema);
    }
    if (schema.optional) builder.optional();
    if (schema.defaultValue instanceof Struct) {
      builder.defaultValue(this.#applyTo(schema.defaultValue, { schema: builder.draft(), index }));
    }
    return { schema: builder.build(), index };
  }

  #applyTo(struct: Struct, plan: Plan): Struct {
    const values: unknown[] = [];
    for (const field of struct.schema.fields) {
      if (field.index === plan.index) {
        const item = readField(struct, field, this.#useDefault);
        const kind = kindOf(field.schema);
        values.push(requireFit(field, item === null ? null : this.#convert(kind, field.schema, item)));
      } else {
        values.push(copyField(struct, field, this.#useDefault));
      }
    }
    return new Struct(plan.schema, values);
  }

  #convert(kind: Kind, schema: Schema | null, value: unknown): unknown {
    return this.#fromInstant(this.#toInstant(kind, schema, value));
  }

  #toInstant(kind: Kind, schema: Schema | null, value: unknown): Instant {
    switch (kind) {
      case 'string': {
        if (typeof value !== 'string') throw wrongClass('String', schema, value);
        if (this.#format === null) {
          throw new ConfigError('TimestampConverter needs the setting format to read timestamps from text', {
            key: 'format',
          });
        }
        const parsed = this.#format.parse(value);
        if (parsed !== null) return new Instant(parsed);
        throw new DataError(
          `Could not parse timestamp: value (${value}) does not match pattern (${this.#format.pattern})`,
        );
      }
      case 'unix':
        if (typeof value !== 'bigint') throw wrongClass('Long', schema, value);
        return new Instant(toMilliseconds(value, this.#precision));
      default:
        if (!(value instanceof Instant)) throw wrongClass('Date', schema, value);
        return value;
    }
  }

  #fromInstant(instant: Instant): unknown {
    switch (this.#target) {
      case 'string':
        return this.#format!.format(instant.safe ? instant.epochMs : instant.exactMs);
      case 'unix':
        return fromMilliseconds(instant.exactMs, this.#precision);
      case 'Date':
        return instant.safe
          ? new Instant(Math.floor(instant.epochMs / MS_PER_DAY) * MS_PER_DAY)
          : new Instant(instant.exactMs - timeOfDay(instant.exactMs));
      case 'Time':
        return new Instant(Number(timeOfDay(instant.exactMs)));
      case 'Timestamp':
        return instant;
    }
  }
}

function formatOf(pattern: string, target: Kind): SimpleDateFormat | null {
  if (javaTrim(pattern) === '') {
    if (target !== 'string') return null;
    throw new ConfigError('TimestampConverter requires format option to be specified when using string timestamps', {
      key: 'format',
    });
  }
  try {
    return new SimpleDateFormat(pattern);
  } catch (cause) {
    const message = `TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: ${pattern}`;
    throw new ConfigError(message, { cause, key: 'format' });
  }
}

function kindOf(schema: Schema): Kind {
  switch (schema.name) {
    case TIMESTAMP_NAME:
      return 'Timestamp';
    case DATE_NAME:
      return 'Date';
    case TIME_NAME:
      return 'Time';
  }
  if (schema.type === 'string') return 'string';
  if (schema.type === 'int64') return 'unix';
  throw new ConnectError(
    'transform.failed',
    `Schema ${schemaText(schema)} does not correspond to a known timestamp type format`,
  );
}

function inferKind(value: unknown): Kind {
  if (value instanceof Instant) return 'Timestamp';
  if (typeof value === 'bigint') return 'unix';
  if (typeof value === 'string') return 'string';
  throw new DataError(`TimestampConverter does not support ${javaClassName(null, value)} objects as timestamps`);
}

function targetSchema(kind: Kind, optional: boolean): Schema {
  const builder = builderOf(kind);
  return (optional ? builder.optional() : builder).build();
}

function builderOf(kind: Kind): SchemaBuilder {
  switch (kind) {
    case 'string':
      return SchemaBuilder.string();
    case 'unix':
      return SchemaBuilder.int64();
    case 'Date':
      return SchemaBuilder.date();
    case 'Time':
      return SchemaBuilder.time();
    case 'Timestamp':
      return SchemaBuilder.timestamp();
  }
}

/** Java's TimeUnit: divisions truncate towards zero, products stay within 64 bits. */
function toMilliseconds(value: bigint, precision: Precision): bigint {
  switch (precision) {
    case 'seconds':
      return saturate(value * 1000n);
    case 'milliseconds':
      return value;
    case 'microseconds':
      return value / 1000n;
    case 'nanoseconds':
      return value / 1_000_000n;
  }
}

function fromMilliseconds(ms: bigint, precision: Precision): bigint {
  switch (precision) {
    case 'seconds':
      return ms / 1000n;
    case 'milliseconds':
      return ms;
    case 'microseconds':
      return saturate(ms * 1000n);
    case 'nanoseconds':
      return saturate(ms * 1_000_000n);
  }
}

const longMax = 2n ** 63n - 1n;
const longMin = -(2n ** 63n);

function saturate(value: bigint): bigint {
  return value > longMax ? longMax : value < longMin ? longMin : value;
}

function timeOfDay(ms: bigint): bigint {
  const day = BigInt(MS_PER_DAY);
  return ((ms % day) + day) % day;
}

function wrongClass(expected: string, schema: Schema | null, value: unknown): DataError {
  return new DataError(`Expected ${expected} timestamp, but found ${javaClassName(schema, value)}`);
}

export const timestampConverter = definePartTransform(
  {
    name: 'TimestampConverter',
    doc: 'Converts timestamps between text, numbers since 1970 and the types Date, Time and Timestamp.',
    config,
    examples: [
      {
        title: 'Text in another format',
        settings: { 'target.type': 'string', field: 'day', format: 'yyyy-MM-dd' },
        before: { value: { day: '2023-11-14' } },
        after: { value: { day: '2023-11-14' } },
      },
    ],
  },
  (part) => new TimestampConverter(part),
);
