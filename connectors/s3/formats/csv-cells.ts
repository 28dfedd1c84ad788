import {
  DataError,
  Decimal,
  Instant,
  OPTIONAL_BOOLEAN_SCHEMA,
  OPTIONAL_FLOAT32_SCHEMA,
  OPTIONAL_FLOAT64_SCHEMA,
  OPTIONAL_INT8_SCHEMA,
  OPTIONAL_INT16_SCHEMA,
  OPTIONAL_INT32_SCHEMA,
  OPTIONAL_INT64_SCHEMA,
  OPTIONAL_STRING_SCHEMA,
  OPTIONAL_TIMESTAMP_SCHEMA,
  type Schema,
  SchemaBuilder,
} from '../../../src/api/index.ts';

/** How the cells of a column are read; `parse` answers undefined for what is no value of the type. */
export interface CellType {
  readonly name: string;
  readonly schema: Schema;
  readonly parse: (cell: string) => unknown;
}

const integer = /^[+-]?\d{1,19}$/;
const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;
const words: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
]);

const small = (bits: number) => (cell: string) => {
  const value = integer.test(cell) ? Number(cell) : Number.NaN;
  const limit = 2 ** (bits - 1);
  return value >= -limit && value < limit ? value : undefined;
};

function long(cell: string): bigint | undefined {
  if (!integer.test(cell)) return undefined;
  const value = BigInt(cell.replace(/^\+/, ''));
  return BigInt.asIntN(64, value) === value ? value : undefined;
}

const float = (cell: string) => (number.test(cell) || /^[+-]?(?:NaN|Infinity)$/.test(cell) ? Number(cell) : undefined);

const dayMs = 86_400_000;
const isoDate = /^\d{4}-\d\d-\d\d$/;
const isoInstant = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:?\d\d)?$/;

/** Without a zone it is UTC, whatever the machine's is. */
function instant(cell: string): Instant | undefined {
  if (integer.test(cell)) return new Instant(Number(cell));
  if (!isoInstant.test(cell)) return undefined;
  const text = cell.replace(' ', 'T').replace(/([+-]\d\d)(\d\d)$/, '$1:$2');
  const ms = Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(ms) ? undefined : new Instant(ms);
}

function date(cell: string): Instant | undefined {
  if (!isoDate.test(cell)) return undefined;
  const ms = Date.parse(`${cell}T00:00:00Z`);
  // 2026-02-31 is another day's name to some.
  return Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 10) !== cell || ms % dayMs !== 0
    ? undefined
    : new Instant(ms);
}

const plain: ReadonlyMap<string, CellType> = new Map(
  [
    { name: 'string', schema: OPTIONAL_STRING_SCHEMA, parse: (cell: string): unknown => cell },
    { name: 'boolean', schema: OPTIONAL_BOOLEAN_SCHEMA, parse: (cell: string) => words.get(cell.toLowerCase()) },
    { name: 'int8', schema: OPTIONAL_INT8_SCHEMA, parse: small(8) },
    { name: 'int16', schema: OPTIONAL_INT16_SCHEMA, parse: small(16) },
    { name: 'int32', schema: OPTIONAL_INT32_SCHEMA, parse: small(32) },
    { name: 'int64', schema: OPTIONAL_INT64_SCHEMA, parse: long },
    {
      name: 'float32',
      schema: OPTIONAL_FLOAT32_SCHEMA,
      parse: (cell: string) => {
        const value = float(cell);
        return value === undefined ? undefined : Math.fround(value);
      },
    },
    { name: 'float64', schema: OPTIONAL_FLOAT64_SCHEMA, parse: float },
    { name: 'date', schema: SchemaBuilder.date().optional().build(), parse: date },
    { name: 'timestamp', schema: OPTIONAL_TIMESTAMP_SCHEMA, parse: instant },
  ].map((type) => [type.name, type]),
);

export const cellTypeNames = [...plain.keys(), 'decimal(scale)'];

const decimals = new Map<number, CellType>();

function decimalOf(scale: number): CellType {
  let type = decimals.get(scale);
  if (type === undefined) {
    const parse = (cell: string) => {
      const value = number.test(cell) ? Decimal.parse(cell) : null;
      if (value === null || value.scale > scale) return undefined;
      return new Decimal(value.unscaled * 10n ** BigInt(scale - value.scale), scale);
    };
    type = { name: `decimal(${scale})`, schema: SchemaBuilder.decimal(scale).optional().build(), parse };
    decimals.set(scale, type);
  }
  return type;
}

/** Undefined: there is no type of that name. */
export function findCellType(name: string): CellType | undefined {
  const scale = /^decimal\((\d{1,3})\)$/.exec(name)?.[1];
  return scale === undefined ? plain.get(name) : decimalOf(Number(scale));
}

export function cellTypes(name: string): CellType {
  const type = findCellType(name);
  if (type === undefined) throw new DataError(`There is no type ${name}; there are ${cellTypeNames.join(', ')}`);
  return type;
}

/** Throws DataError that names the column. */
export function readCell(type: CellType, column: string, cell: string): unknown {
  const value = type.parse(cell);
  if (value !== undefined) return value;
  throw new DataError(`Column ${column} holds ${JSON.stringify(cell.slice(0, 100))}, which is no ${type.name}`);
}
