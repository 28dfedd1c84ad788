import type { SchemaElement } from 'hyparquet';
import {
  DATE_NAME,
  DataError,
  DECIMAL_NAME,
  Decimal,
  dateToInt,
  decimalScale,
  Instant,
  type Schema,
  Struct,
  TIME_NAME,
  TIMESTAMP_NAME,
  timeToInt,
} from '../../../src/api/index.ts';

/** Makes of a value what the Parquet library writes, and counts on `size` what it holds of memory, roughly. */
type ToParquet = (value: unknown, size: Size) => unknown;

export interface Size {
  bytes: number;
}

export interface ParquetColumn {
  readonly name: string;
  readonly toParquet: ToParquet;
}

export interface ParquetMapping {
  readonly schema: SchemaElement[];
  readonly columns: readonly ParquetColumn[];
}

/** The columns of a struct schema. */
export function parquetMapping(schema: Schema): ParquetMapping {
  if (schema.type !== 'struct') {
    throw new DataError('The record is no struct, and Parquet has columns: use a transformation like HoistField');
  }
  const elements: SchemaElement[] = [{ name: 'connect_record', num_children: schema.fields.length }];
  const columns = schema.fields.map((field) => {
    const { elements: own, toParquet } = column(field.name, field.schema, [schema]);
    elements.push(...own);
    return { name: field.name, toParquet };
  });
  if (columns.length === 0) throw new DataError('The struct has no field, and Parquet needs one column at least');
  return { schema: elements, columns };
}

interface Column {
  readonly elements: SchemaElement[];
  readonly toParquet: ToParquet;
}

function column(name: string, schema: Schema, within: readonly Schema[]): Column {
  if (within.includes(schema)) throw new DataError(`Field ${name} holds a struct like the one around it, without end`);
  const { elements, toParquet } = required(name, schema, [...within, schema]);
  const [first, ...rest] = elements as [SchemaElement, ...SchemaElement[]];
  return {
    elements: [{ ...first, repetition_type: schema.optional ? 'OPTIONAL' : 'REQUIRED' }, ...rest],
    toParquet: (value, size) => {
      const own = value ?? schema.defaultValue ?? null;
      if (own !== null) return toParquet(own, size);
      if (schema.optional) return null;
      throw new DataError(`Field ${name} is required, and has no value`);
    },
  };
}

function required(name: string, schema: Schema, within: readonly Schema[]): Column {
  const misfit = (value: unknown) =>
    new DataError(`Field ${name} is ${schema.name ?? schema.type}, but its value is of type ${typeof value}`);
  const simple = (
    element: Omit<SchemaElement, 'name'>,
    bytes: number,
    convert: (value: unknown) => unknown,
  ): Column => ({
    elements: [{ name, ...element }],
    toParquet: (value, size) => {
      size.bytes += bytes;
      return convert(value);
    },
  });
  const instant = (value: unknown): Instant => {
    if (value instanceof Instant) return value;
    throw misfit(value);
  };
  const ofType =
    <T>(type: 'number' | 'boolean') =>
    (value: unknown): T => {
      const own = typeof value;
      if (own !== type) throw misfit(value);
      return value as T;
    };
  switch (schema.name) {
    case DECIMAL_NAME:
      return decimal(name, schema, misfit);
    case DATE_NAME:
      return simple({ type: 'INT32', converted_type: 'DATE', logical_type: { type: 'DATE' } }, 8, (value) =>
        dateToInt(instant(value)),
      );
    case TIME_NAME:
      return simple(
        {
          type: 'INT32',
          converted_type: 'TIME_MILLIS',
          logical_type: { type: 'TIME', isAdjustedToUTC: true, unit: 'MILLIS' },
        },
        8,
        (value) => timeToInt(instant(value)),
      );
    case TIMESTAMP_NAME:
      return simple(
        {
          type: 'INT64',
          converted_type: 'TIMESTAMP_MILLIS',
          logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
        },
        24,
        (value) => instant(value).exactMs,
      );
  }
  switch (schema.type) {
    case 'int8':
      return simple({ type: 'INT32', converted_type: 'INT_8' }, 8, ofType('number'));
    case 'int16':
      return simple({ type: 'INT32', converted_type: 'INT_16' }, 8, ofType('number'));
    case 'int32':
      return simple({ type: 'INT32' }, 8, ofType('number'));
    case 'int64':
      return simple({ type: 'INT64' }, 24, (value) => {
        if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value;
        throw misfit(value);
      });
    case 'float32':
      return simple({ type: 'FLOAT' }, 16, ofType('number'));
    case 'float64':
      return simple({ type: 'DOUBLE' }, 16, ofType('number'));
    case 'boolean':
      return simple({ type: 'BOOLEAN' }, 8, ofType('boolean'));
    case 'string':
      return {
        elements: [{ name, type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } }],
        toParquet: (value, size) => {
          if (typeof value !== 'string') throw misfit(value);
          size.bytes += 24 + 2 * value.length;
          return value;
        },
      };
    case 'bytes':
      return {
        elements: [{ name, type: 'BYTE_ARRAY' }],
        toParquet: (value, size) => {
          if (!(value instanceof Uint8Array)) throw misfit(value);
          size.bytes += 96 + value.length;
          // Its own memory: the record's is a piece of the response that it came in.
          return new Uint8Array(value);
        },
      };
    case 'array':
      return list(name, schema, within, misfit);
    case 'map':
      return mapColumn(name, schema, within, misfit);
    case 'struct':
      return struct(name, schema, within, misfit);
  }
}

type Misfit = (value: unknown) => DataError;

/** Unscaled, in as few bytes of a fixed length as the precision needs; without one, in bytes of any length. */
function decimal(name: string, schema: Schema, misfit: Misfit): Column {
  const scale = decimalScale(schema);
  const given = Number(schema.parameters?.get('connect.decimal.precision') ?? 38);
  const precision = Math.max(1, scale, Number.isInteger(given) && given > 0 ? Math.min(given, 38) : 38);
  if (scale < 0 || scale > 38) {
    throw new DataError(`Field ${name} is a decimal of scale ${scale}; Parquet's readers know those from 0 to 38`);
  }
  const most = 10n ** BigInt(precision);
  return {
    elements: [
      {
        name,
        type: 'FIXED_LEN_BYTE_ARRAY',
        type_length: bytesFor(precision),
        converted_type: 'DECIMAL',
        logical_type: { type: 'DECIMAL', precision, scale },
        precision,
        scale,
      },
    ],
    toParquet: (value, size) => {
      if (!(value instanceof Decimal)) throw misfit(value);
      if (value.scale !== scale) throw new DataError(`Field ${name} has scale ${scale}, but its value ${value.scale}`);
      if (value.unscaled >= most || value.unscaled <= -most) {
        throw new DataError(
          `Field ${name} has more than ${precision} digits, which is the most that a column may have`,
        );
      }
      size.bytes += 40;
      return value.unscaled;
    },
  };
}

/** Of a two's complement with so many decimal digits. */
const bytesFor = (precision: number) => Math.ceil((Math.log2(10) * precision + 1) / 8);

function list(name: string, schema: Schema, within: readonly Schema[], misfit: Misfit): Column {
  const element = column('element', inner(name, schema.valueSchema), within);
  return {
    elements: [
      { name, num_children: 1, converted_type: 'LIST', logical_type: { type: 'LIST' } },
      { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
      ...element.elements,
    ],
    toParquet: (value, size) => {
      if (!Array.isArray(value)) throw misfit(value);
      size.bytes += 32;
      return value.map((item) => element.toParquet(item, size));
    },
  };
}

function mapColumn(name: string, schema: Schema, within: readonly Schema[], misfit: Misfit): Column {
  const keys = column('key', inner(name, schema.keySchema), within);
  const values = column('value', inner(name, schema.valueSchema), within);
  const [key, ...keyRest] = keys.elements as [SchemaElement, ...SchemaElement[]];
  return {
    elements: [
      { name, num_children: 1, converted_type: 'MAP', logical_type: { type: 'MAP' } },
      { name: 'key_value', num_children: 2, repetition_type: 'REPEATED' },
      { ...key, repetition_type: 'REQUIRED' },
      ...keyRest,
      ...values.elements,
    ],
    toParquet: (value, size) => {
      if (!(value instanceof Map)) throw misfit(value);
      size.bytes += 32;
      return Array.from(value, ([own, item]) => {
        if (own === null) throw new DataError(`Field ${name} is a map with a null for a key, which Parquet has not`);
        size.bytes += 56;
        return { key: keys.toParquet(own, size), value: values.toParquet(item, size) };
      });
    },
  };
}

function struct(name: string, schema: Schema, within: readonly Schema[], misfit: Misfit): Column {
  if (schema.fields.length === 0)
    throw new DataError(`Field ${name} is a struct without a field, which Parquet has not`);
  const fields = schema.fields.map((field) => ({ field, ...column(field.name, field.schema, within) }));
  return {
    elements: [{ name, num_children: fields.length }, ...fields.flatMap(({ elements }) => elements)],
    toParquet: (value, size) => {
      if (!(value instanceof Struct)) throw misfit(value);
      size.bytes += 56;
      const record: Record<string, unknown> = {};
      for (const { field, toParquet } of fields) record[field.name] = toParquet(value.values[field.index], size);
      return record;
    },
  };
}

function inner(name: string, schema: Schema | null): Schema {
  if (schema !== null) return schema;
  throw new DataError(`Field ${name} has no schema of what is in it, which Parquet needs`);
}
