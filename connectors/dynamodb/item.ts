import { DataError } from '../../src/api/index.ts';

/** An attribute's value as DynamoDB JSON has it; bytes are base64. */
export type Attribute =
  | { readonly type: 'S' | 'N' | 'B'; readonly value: string }
  | { readonly type: 'BOOL' | 'NULL'; readonly value: boolean }
  | { readonly type: 'SS' | 'NS' | 'BS'; readonly value: readonly string[] }
  | { readonly type: 'L'; readonly value: readonly Attribute[] }
  | { readonly type: 'M'; readonly value: Item };

/** By the attributes' names, in their order. */
export type Item = ReadonlyMap<string, Attribute>;

/** DynamoDB itself allows 32. */
const deepest = 64;

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);

/** Of an event, or as the SDK gives it. Throws DataError that names the attribute. */
export function parseItem(given: unknown, where: string, depth = 0): Item {
  if (!isFields(given)) throw new DataError(`${where} is no object of attributes`);
  return new Map(Object.entries(given).map(([name, value]) => [name, attributeOf(value, `${where}.${name}`, depth)]));
}

function attributeOf(given: unknown, where: string, depth: number): Attribute {
  if (depth > deepest) throw new DataError(`${where} is nested deeper than ${deepest} levels`);
  const entries = isFields(given) ? Object.entries(given).filter(([, value]) => value !== undefined) : [];
  if (entries.length !== 1) throw new DataError(`${where} is no attribute of DynamoDB: one type is expected in it`);
  const [name, value] = entries[0]!;
  // Offsets of the Java connector have the names in small letters.
  const type = name.toUpperCase();
  const wrong = () => new DataError(`${where} is no attribute of DynamoDB: its ${name} is wrong`);
  const listed = <T>(read: (one: unknown) => T): T[] => {
    if (!Array.isArray(value)) throw wrong();
    return value.map(read);
  };
  const text = (one: unknown): string => {
    if (typeof one !== 'string') throw wrong();
    return one;
  };
  const number = (one: unknown): string => {
    if (!numberText.test(text(one))) throw wrong();
    return text(one);
  };
  const bytes = (one: unknown): string => {
    if (one instanceof Uint8Array) return Buffer.from(one).toString('base64');
    if (!base64Text.test(text(one))) throw wrong();
    return text(one);
  };
  switch (type) {
    case 'S':
      return { type, value: text(value) };
    case 'N':
      return { type, value: number(value) };
    case 'B':
      return { type, value: bytes(value) };
    case 'BOOL':
    case 'NULL':
      if (typeof value !== 'boolean') throw wrong();
      return { type, value };
    case 'SS':
      return { type, value: listed(text) };
    case 'NS':
      return { type, value: listed(number) };
    case 'BS':
      return { type, value: listed(bytes) };
    case 'L':
      return { type, value: listed((one) => attributeOf(one, `${where}[]`, depth + 1)) };
    case 'M':
      return { type, value: parseItem(value, where, depth + 1) };
  }
  throw new DataError(`${where} is of the type ${name}, which DynamoDB does not have`);
}

const numberText = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/;
const base64Text = /^[A-Za-z0-9+/]*={0,2}$/;

/** As text of DynamoDB JSON. `small`: type names in small letters, as the Java connector writes them. */
export function itemText(item: Item, small: boolean): string {
  return `{${[...item].map(([name, value]) => `${JSON.stringify(name)}:${attributeText(value, small)}`).join(',')}}`;
}

function attributeText({ type, value }: Attribute, small: boolean): string {
  const text =
    type === 'M'
      ? itemText(value, small)
      : type === 'L'
        ? `[${value.map((one) => attributeText(one, small)).join(',')}]`
        : JSON.stringify(value);
  return `{"${small ? type.toLowerCase() : type}":${text}}`;
}

/** Roughly, in bytes. */
export function itemBytes(item: Item): number {
  let bytes = 0;
  for (const [name, attribute] of item) bytes += name.length + attributeBytes(attribute);
  return bytes;
}

function attributeBytes({ type, value }: Attribute): number {
  if (type === 'M') return itemBytes(value);
  if (type === 'L') return value.reduce((sum, one) => sum + attributeBytes(one), 0);
  if (typeof value === 'boolean') return 1;
  return typeof value === 'string' ? value.length : value.reduce((sum, one) => sum + one.length, 0);
}

/** For requests of the SDK. */
export function sdkItem(item: Item): Record<string, unknown> {
  return Object.fromEntries([...item].map(([name, value]) => [name, sdkAttribute(value)]));
}

function sdkAttribute(attribute: Attribute): Record<string, unknown> {
  const { type, value } = attribute;
  const plain =
    type === 'M'
      ? sdkItem(value)
      : type === 'L'
        ? value.map(sdkAttribute)
        : type === 'B'
          ? Buffer.from(value, 'base64')
          : type === 'BS'
            ? value.map((one) => Buffer.from(one, 'base64'))
            : value;
  return { [type]: plain };
}

/** As values without a schema: whole numbers as int64, others as float64, what fits neither exactly as text. */
export function plainItem(item: Item): Map<string, unknown> {
  return new Map([...item].map(([name, value]) => [name, plainAttribute(value)]));
}

function plainAttribute({ type, value }: Attribute): unknown {
  switch (type) {
    case 'N':
      return plainNumber(value);
    case 'NS':
      return value.map(plainNumber);
    case 'B':
      return Buffer.from(value, 'base64');
    case 'BS':
      return value.map((one) => Buffer.from(one, 'base64'));
    case 'NULL':
      return null;
    case 'L':
      return value.map(plainAttribute);
    case 'M':
      return plainItem(value);
    default:
      return value;
  }
}

const longest = 1n << 63n;

function plainNumber(text: string): bigint | number | string {
  if (/^[+-]?\d+$/.test(text)) {
    const whole = BigInt(text.replace(/^\+/, ''));
    return whole >= -longest && whole < longest ? whole : text;
  }
  const double = Number(text);
  return significant(String(double)) === significant(text) ? double : text;
}

/** The digits and the power of ten, whatever the notation. */
function significant(text: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return 'none';
  const digits = `${whole}${fraction}`.replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  const power = Number(exponent) - fraction.length + (digits.length - kept.length);
  return kept === '' ? '0' : `${sign === '-' ? '-' : ''}${kept}e${power}`;
}
