import type { ConnectRecord } from '../../api/record.ts';
import type { Transformation } from '../../api/transformation.ts';
import { defineConfig, type Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { listOfDistinct, nonEmptyString } from '../../config/validators.ts';
import { javaClass, javaClassName } from '../../data/connect-class.ts';
import { Decimal, Instant } from '../../data/logical.ts';
import type { Schema, SchemaType } from '../../data/schema.ts';
import { BigInteger, Float32, Float64, Int8, Int16, Int32, withWidth } from '../../data/schemaless.ts';
import { Struct, validateValue } from '../../data/struct.ts';
import {
  convertToByte,
  convertToDouble,
  convertToFloat,
  convertToInteger,
  convertToLong,
  convertToShort,
} from '../../data/values.ts';
import { DataError } from '../../errors.ts';
import { definePartTransform } from './define-transform.ts';
import type { RecordPart } from './record-part.ts';
import { requireMap, requireStruct } from './requirements.ts';
import { copyField, readField, replaceNullKey } from './struct-copy.ts';

const purpose = 'mask fields';

const config = defineConfig({
  fields: { type: 'LIST', importance: 'HIGH', doc: 'Fields to mask.', validator: listOfDistinct({ empty: false }) },
  replacement: {
    type: 'STRING',
    default: null,
    importance: 'LOW',
    doc: 'What stands in place of numbers and texts; without it they become 0 and empty.',
    validator: nonEmptyString,
  },
  'replace.null.with.default': replaceNullKey,
});

const noEntries: readonly unknown[] = [];

class MaskField implements Transformation {
  readonly #part: RecordPart;
  #fields: ReadonlySet<string> = new Set();
  #replacement: string | null = null;
  #useDefault = true;

  constructor(part: RecordPart) {
    this.#part = part;
  }

  configure(settings: Settings): void {
    const values = parseConfig(config, settings);
    this.#fields = new Set(values.fields);
    this.#replacement = values.replacement;
    this.#useDefault = values['replace.null.with.default'];
  }

  apply<R extends ConnectRecord<R>>(record: R): R {
    const schema = this.#part.schema(record);
    const value = this.#part.value(record);
    if (schema === null) {
      const map = requireMap(value, purpose);
      const updated = new Map(map);
      for (const field of this.#fields) updated.set(field, this.#mask(null, map.get(field) ?? null));
      return this.#part.replace(record, null, updated);
    }
    const struct = requireStruct(schema, value, purpose);
    const values: unknown[] = [];
    for (const field of struct.schema.fields) {
      if (this.#fields.has(field.name)) {
        const masked = this.#mask(field.schema, readField(struct, field, this.#useDefault));
        validateValue(field.schema, masked, field.name);
        values.push(masked);
      } else {
        values.push(copyField(struct, field, this.#useDefault));
      }
    }
    return this.#part.replace(record, schema, new Struct(struct.schema, values));
  }

  #mask(schema: Schema | null, value: unknown): unknown {
    if (value === null) return null;
    return this.#replacement === null ? blank(schema, value) : replaced(schema, value, this.#replacement);
  }
}

function blank(schema: Schema | null, value: unknown): unknown {
  switch (javaClass(schema, value)) {
    case 'Boolean':
      return false;
    case 'String':
      return '';
    case 'BigDecimal':
      return new Decimal(0n, 0);
    case 'BigInteger':
      return new BigInteger(0n);
    case 'Date':
      return new Instant(0);
    case 'List':
      return noEntries;
    case 'Map':
      return new Map();
    case 'Long':
      return 0n;
    case 'Byte':
      return typeof value === 'number' ? 0 : new Int8(0);
    case 'Short':
      return typeof value === 'number' ? 0 : new Int16(0);
    case 'Integer':
      return typeof value === 'number' ? 0 : new Int32(0);
    case 'Float':
      return typeof value === 'number' ? 0 : new Float32(0);
    case 'Double':
      return typeof value === 'number' ? 0 : new Float64(0);
    default:
      throw new DataError(`Cannot mask value of type: ${javaClassName(schema, value)}`);
  }
}

function replaced(schema: Schema | null, value: unknown, replacement: string): unknown {
  // A wrapper stays one: it stands beside no schema, or beside one that it does not fit.
  const sized = (type: SchemaType, number: number | null) =>
    typeof value === 'number' && schema !== null ? number : withWidth(number, type);
  switch (javaClass(schema, value)) {
    case 'String':
      return replacement;
    case 'Byte':
      return sized('int8', convertToByte(null, replacement));
    case 'Short':
      return sized('int16', convertToShort(null, replacement));
    case 'Integer':
      return sized('int32', convertToInteger(null, replacement));
    case 'Long':
      return convertToLong(null, replacement);
    case 'Float':
      return sized('float32', convertToFloat(null, replacement));
    case 'Double':
      return convertToDouble(null, replacement);
    case 'BigDecimal': {
      const decimal = Decimal.parse(replacement);
      if (decimal === null) throw notANumber(replacement);
      return decimal;
    }
    case 'BigInteger':
      if (!/^[+-]?[0-9]+$/.test(replacement)) throw notANumber(replacement);
      return new BigInteger(BigInt(replacement.replace('+', '')));
    default:
      throw new DataError(`Cannot mask value of type ${javaClassName(schema, value)} with custom replacement.`);
  }
}

function notANumber(replacement: string): DataError {
  return new DataError(`Unable to convert ${replacement} (class java.lang.String) to a number`);
}

export const maskField = definePartTransform(
  {
    name: 'MaskField',
    doc: "Replaces the content of fields by nothing (0, false, an empty text) or by a text or number of one's own.",
    config,
    examples: [
      {
        title: 'Hide a card number',
        settings: { fields: 'card', replacement: '****' },
        before: { value: { card: '4111', total: 5 } },
        after: { value: { card: '****', total: 5 } },
      },
      {
        title: 'Without a replacement',
        settings: { fields: 'card,total' },
        before: { value: { card: '4111', total: 5 } },
        after: { value: { card: '', total: 0 } },
      },
    ],
  },
  (part) => new MaskField(part),
);
