import { schemaEquals } from '../../../data/equality.ts';
import {
  DATE_NAME,
  DECIMAL_NAME,
  dateToInt,
  decimalScale,
  Instant,
  TIME_NAME,
  TIMESTAMP_NAME,
  timeToInt,
} from '../../../data/logical.ts';
import type { Field, Schema } from '../../../data/schema.ts';
import { Struct } from '../../../data/struct.ts';
import { DataError } from '../../../errors.ts';
import { schemaKey } from '../../../schema-registry/schema-key.ts';
import * as sink from '../../../schema-registry/sink.ts';
import { encodeAnything } from './anything-data.ts';
import type { AvroField, AvroType, Json } from './avro-schema.ts';
import * as c from './conventions.ts';
import { defaultFromJson } from './default-values.ts';
import { isAnything, toConnectSchema } from './to-connect-schema.ts';

/** Writes one value at a position of the sink's bytes and answers the position after it. */
export type Encode = (value: unknown, position: number) => number;

/** What generated code may call. */
const runtime = {
  ...sink,
  Struct,
  Instant,
  DataError,
  dateToInt: (value: unknown) => dateToInt(sink.instantOf(value, 'Date')),
  timeToInt: (value: unknown) => timeToInt(sink.instantOf(value, 'Time')),
  timestamp: (b: Uint8Array, p: number, value: unknown) => {
    const instant = sink.instantOf(value, 'Timestamp');
    return instant.safe ? sink.writeZigZag(b, p, instant.epochMs) : sink.writeZigZagBig(b, p, instant.exactMs);
  },
  nullValue: (): never => {
    throw new DataError('Found null value for non-optional schema');
  },
  notBoolean: (value: unknown): never => {
    throw sink.invalidType('boolean', value);
  },
  bytesOf: (value: unknown): Uint8Array => {
    if (value instanceof Uint8Array) return value;
    throw sink.invalidType('bytes', value);
  },
  fixed: (b: Buffer, p: number, bytes: Uint8Array, size: number, name: string) => {
    if (bytes.length !== size) {
      throw new DataError(`The fixed type ${name} has ${size} bytes, but the value has ${bytes.length}`);
    }
    return sink.writeRaw(b, p, bytes);
  },
  symbol: (symbols: ReadonlyMap<unknown, number>, value: unknown, name: string): number => {
    const index = symbols.get(value);
    if (index === undefined) throw new DataError(`${String(value)} is not a symbol of the enum ${name}`);
    return index;
  },
  listOf: (value: unknown): readonly unknown[] => {
    if (Array.isArray(value)) return value;
    throw sink.invalidType('array', value);
  },
  mapOf: (value: unknown): ReadonlyMap<unknown, unknown> => {
    if (value instanceof Map) return value;
    throw sink.invalidType('map', value);
  },
  mapKey: (value: unknown): string => {
    if (typeof value === 'string') return value;
    throw new DataError(`A map with string keys has the key ${String(value)}`);
  },
  structOf: (value: unknown, schema: Schema): Struct => {
    if (!(value instanceof Struct)) throw sink.invalidType('struct', value);
    if (value.schema !== schema && !sameStruct(value.schema, schema)) throw new DataError('Mismatching struct schema');
    return value;
  },
  noUnionField: (name: string): never => {
    throw new DataError(`The union struct ${name} has no field set`);
  },
  encodeAnything,
};

/** A default's struct cannot carry the schema that holds the default: name and fields decide. */
function sameStruct(a: Schema, b: Schema): boolean {
  if (a.type !== 'struct' || a.name !== b.name || a.fields.length !== b.fields.length) return false;
  if (schemaKey(a) === schemaKey(b)) return true;
  return a.fields.every((field, i) => {
    const other = b.fields[i] as Field;
    return field.name === other.name && schemaEquals(field.schema, other.schema);
  });
}

/**
 * Compiles the way from values of a Connect schema to Avro's binary form. `type` is the writer's schema: the one made
 * from `schema`, or a version that the registry holds, whose fields are found by name.
 */
export function compileEncoder(
  schema: Schema | null,
  type: AvroType,
  target: sink.Sink,
  options: c.AvroDataOptions,
): Encode {
  if (schema === null) {
    if (!isAnything(type)) {
      throw new DataError(`Data without a schema cannot be written with the Avro schema ${type.fullName}`);
    }
    return (value, position) => encodeAnything(target.bytes, position, value);
  }
  return new EncoderCompiler(target, options).compile(schema, type);
}

class EncoderCompiler {
  readonly #target: sink.Sink;
  readonly #options: c.AvroDataOptions;
  readonly #constants: unknown[] = [];
  readonly #functions: string[] = [];
  readonly #structs = new Map<AvroType, Map<string, string>>();
  #names = 0;

  constructor(target: sink.Sink, options: c.AvroDataOptions) {
    this.#target = target;
    this.#options = options;
  }

  compile(schema: Schema, type: AvroType): Encode {
    const body = this.#value(schema, type, 'v');
    const constants = this.#constants.map((_, i) => `const k${i} = k[${i}];`).join('\n');
    const source = `"use strict";
const { Struct, Instant, DataError, writeZigZag, writeZigZagBig, writeFloat, writeDouble, writeString, writeBytes, writeDecimal } = rt;
${constants}
${this.#functions.join('\n')}
return function encode(v, p) { const b = target.bytes;
${body}
return p; };`;
    // The source is made of schema structure alone; names from schemas enter as constants, never as code.
    return new Function('rt', 'target', 'k', source)(runtime, this.#target, this.#constants) as Encode;
  }

  #constant(value: unknown): string {
    const index = this.#constants.indexOf(value);
    return `k${index >= 0 ? index : this.#constants.push(value) - 1}`;
  }

  #fresh(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  /** Statements that write the variable `v` and move `p`. */
  #value(schema: Schema, type: AvroType, v: string): string {
    if (type.kind === 'union') return this.#union(schema, type, v);
    return `if (${v} === null || ${v} === undefined) rt.nullValue();\n${this.#present(schema, type, v)}`;
  }

  #union(schema: Schema, type: AvroType, v: string): string {
    if (c.isUnion(schema)) return this.#unionStruct(schema, type, v);
    const index = this.#branchOf(c.nonOptional(schema), type);
    const none = type.branches.findIndex((branch) => branch.kind === 'null');
    const whenNull = none < 0 || !schema.optional ? 'rt.nullValue();' : `b[p++] = ${none * 2};`;
    return `if (${v} === null || ${v} === undefined) { ${whenNull} } else { b[p++] = ${index * 2};
${this.#present(schema, type.branches[index]!, v)} }`;
  }

  /** A struct that stands for a union: the first field that is set is the value. */
  #unionStruct(schema: Schema, type: AvroType, v: string): string {
    const none = type.branches.findIndex((branch) => branch.kind === 'null');
    const missing = none < 0 ? `rt.noUnionField(${this.#constant(schema.name)});` : `b[p++] = ${none * 2};`;
    const absent = none < 0 ? 'rt.nullValue();' : `b[p++] = ${none * 2};`;
    const values = this.#fresh('u');
    let code = `if (${v} === null || ${v} === undefined) { ${absent} } else {
const ${values} = rt.structOf(${v}, ${this.#constant(schema)}).values; let x;\n`;
    for (const field of schema.fields) {
      const inner = c.nonOptional(field.schema);
      const index = this.#branchOf(inner, type);
      const x = this.#fresh('x');
      code += `if ((x = ${this.#fieldValue(field, values)}) !== null && x !== undefined) { const ${x} = x; b[p++] = ${index * 2};
${this.#present(field.schema, type.branches[index]!, x)} } else `;
    }
    return `${code}{ ${missing} } }`;
  }

  /** Which branch of a union holds values of a schema: the one of the same name, else the only one of its kind. */
  #branchOf(schema: Schema, type: AvroType): number {
    const kind = this.#kindOf(schema);
    const wanted = kind === 'enum' ? this.#enumName(schema) : schema.name;
    const name = wanted === null ? null : c.scrubFullName(wanted, this.#options.scrubInvalidNames);
    let index = type.branches.findIndex((branch) => branch.kind === kind && branch.fullName === name);
    if (index < 0) index = type.branches.findIndex((branch) => branch.kind === kind && fits(branch, schema));
    if (index < 0 && kind === 'enum') index = type.branches.findIndex((branch) => branch.kind === 'string');
    if (index < 0 && kind === 'string') index = type.branches.findIndex((branch) => branch.kind === 'enum');
    if (index < 0) index = type.branches.findIndex((branch) => widens(kind, branch.kind));
    if (index < 0) {
      throw new DataError(`No branch of the Avro union takes a ${schema.type}${name === null ? '' : ` named ${name}`}`);
    }
    return index;
  }

  #enumName(schema: Schema): string | null {
    const parameter = this.#options.generalizedSumTypeSupport ? c.generalizedEnum : c.enumParameter;
    return schema.parameters?.get(parameter) ?? null;
  }

  #kindOf(schema: Schema): AvroType['kind'] {
    switch (schema.type) {
      case 'int8':
      case 'int16':
      case 'int32':
        return 'int';
      case 'int64':
        return 'long';
      case 'float32':
        return 'float';
      case 'float64':
        return 'double';
      case 'string':
        return c.isEnum(schema) && (this.#options.enhancedSchemaSupport || this.#options.generalizedSumTypeSupport)
          ? 'enum'
          : 'string';
      case 'bytes':
        return c.isFixed(schema) ? 'fixed' : 'bytes';
      case 'map':
        return c.hasAvroKeys(schema, this.#options) ? 'map' : 'array';
      case 'struct':
        return 'record';
      default:
        return schema.type;
    }
  }

  /** Statements for a value that is known to be there. */
  #present(schema: Schema, type: AvroType, v: string): string {
    switch (schema.type) {
      case 'int8':
      case 'int16':
      case 'int32':
      case 'int64':
      case 'float32':
      case 'float64':
        return this.#number(schema, type, v);
      case 'boolean':
        this.#require(schema, type, 'boolean');
        return `if (typeof ${v} !== "boolean") rt.notBoolean(${v}); b[p++] = ${v} ? 1 : 0;`;
      case 'string':
        return this.#string(schema, type, v);
      case 'bytes':
        return this.#bytes(schema, type, v);
      case 'array':
        this.#require(schema, type, 'array');
        return this.#array(schema, type, v);
      case 'map':
        return this.#map(schema, type, v);
      case 'struct':
        this.#require(schema, type, 'record');
        return `p = ${this.#struct(schema, type)}(${v}, p);`;
    }
  }

  #require(schema: Schema, type: AvroType, ...kinds: AvroType['kind'][]): void {
    if (kinds.includes(type.kind)) return;
    const what = schema.name === null ? schema.type : `${schema.type} ${schema.name}`;
    throw new DataError(`The schema's ${what} cannot be written as the Avro type ${type.fullName}`);
  }

  #number(schema: Schema, type: AvroType, v: string): string {
    const logical = this.#logicalNumber(schema, type, v);
    if (logical !== null) return logical;
    const own = this.#kindOf(schema);
    if (own !== type.kind && !widens(own, type.kind)) this.#require(schema, type, own);
    const n = this.#fresh('n');
    const test = schema.type === 'int64' ? `typeof ${v} !== "bigint"` : `typeof ${v} !== "number"`;
    const read = `let ${n} = ${v}; if (${test}) ${n} = rt.fitting(${this.#constant(schema.type)}, ${v});\n`;
    if (own === 'long') {
      const narrow = type.kind === 'long' ? n : `Number(${n})`;
      return read + (type.kind === 'long' ? `p = writeZigZagBig(b, p, ${n});` : this.#writeNumber(type, narrow));
    }
    if (own === 'int') {
      // The common number is one to three bytes; nothing is called for it.
      return `${read}if ((${n} | 0) !== ${n}) rt.fitting("int32", {});
${type.kind === 'int' || type.kind === 'long' ? inlineInt(n) : this.#writeNumber(type, n)}`;
    }
    return read + this.#writeNumber(type, n);
  }

  #writeNumber(type: AvroType, n: string): string {
    return type.kind === 'float' ? `p = writeFloat(b, p, ${n});` : `p = writeDouble(b, p, ${n});`;
  }

  #logicalNumber(schema: Schema, type: AvroType, v: string): string | null {
    switch (schema.name) {
      case DATE_NAME:
        this.#require(schema, type, 'int', 'long');
        return `p = writeZigZag(b, p, rt.dateToInt(${v}));`;
      case TIME_NAME:
        this.#require(schema, type, 'int', 'long');
        return `p = writeZigZag(b, p, rt.timeToInt(${v}));`;
      case TIMESTAMP_NAME:
        this.#require(schema, type, 'long');
        return `p = rt.timestamp(b, p, ${v});`;
      default:
        return null;
    }
  }

  #string(schema: Schema, type: AvroType, v: string): string {
    if (type.kind === 'enum') {
      const symbols = new Map(type.symbols.map((symbol, index) => [symbol, index]));
      return `p = writeZigZag(b, p, rt.symbol(${this.#constant(symbols)}, ${v}, ${this.#constant(type.fullName)}));`;
    }
    this.#require(schema, type, 'string', 'bytes');
    return `if (typeof ${v} !== "string") rt.fitting("string", ${v}); p = writeString(b, p, ${v});`;
  }

  #bytes(schema: Schema, type: AvroType, v: string): string {
    this.#require(schema, type, 'bytes', 'fixed');
    const decimal = schema.name === DECIMAL_NAME;
    if (decimal && type.kind === 'bytes') {
      return `p = writeDecimal(b, p, ${v}, ${decimalScale(schema)}, ${this.#constant(schema)});`;
    }
    const bytes = decimal ? `rt.decimalBytes(${this.#constant(schema)}, ${v})` : `rt.bytesOf(${v})`;
    if (type.kind === 'bytes') return `p = writeBytes(b, p, ${bytes});`;
    const sized = decimal ? `rt.padDecimal(${bytes}, ${type.size})` : bytes;
    return `p = rt.fixed(b, p, ${sized}, ${type.size}, ${this.#constant(type.fullName)});`;
  }

  #array(schema: Schema, type: AvroType, v: string): string {
    const list = this.#fresh('l');
    const i = this.#fresh('i');
    const x = this.#fresh('x');
    return `const ${list} = rt.listOf(${v});
if (${list}.length > 0) { p = writeZigZag(b, p, ${list}.length);
for (let ${i} = 0; ${i} < ${list}.length; ${i}++) { const ${x} = ${list}[${i}];
${this.#value(schema.valueSchema!, type.element!, x)} } }
b[p++] = 0;`;
  }

  #map(schema: Schema, type: AvroType, v: string): string {
    const map = this.#fresh('m');
    const key = this.#fresh('x');
    const item = this.#fresh('x');
    let entry: string;
    if (type.kind === 'map') {
      if (schema.keySchema!.type !== 'string') this.#require(schema, type, 'array');
      entry = `p = writeString(b, p, rt.mapKey(${key}));\n${this.#value(schema.valueSchema!, type.element!, item)}`;
    } else {
      this.#require(schema, type, 'array');
      const element = type.element!;
      this.#require(schema, element, 'record');
      entry = element.fields
        .map((field) => {
          if (field.name === 'key') return `{ ${this.#value(schema.keySchema!, field.type, key)} }`;
          if (field.name === 'value') return `{ ${this.#value(schema.valueSchema!, field.type, item)} }`;
          throw new DataError(`The Avro map entry ${element.fullName} has the unknown field ${field.name}`);
        })
        .join('\n');
    }
    return `const ${map} = rt.mapOf(${v});
if (${map}.size > 0) { p = writeZigZag(b, p, ${map}.size);
for (const [${key}, ${item}] of ${map}) { ${entry} } }
b[p++] = 0;`;
  }

  /** The name of the function that writes this struct as this record. */
  #struct(schema: Schema, type: AvroType): string {
    const key = schemaKey(schema);
    let byKey = this.#structs.get(type);
    if (byKey === undefined) {
      byKey = new Map();
      this.#structs.set(type, byKey);
    }
    const known = byKey.get(key);
    if (known !== undefined) return known;
    const name = this.#fresh('e');
    byKey.set(key, name);
    const fields = type.fields.map((field) => this.#field(schema, field)).join('\n');
    const struct = this.#constant(schema);
    this.#functions.push(`function ${name}(v, p) { const b = target.bytes;
if (!(v instanceof Struct) || v.schema !== ${struct}) rt.structOf(v, ${struct});
const values = v.values;
${fields}
return p; }`);
    return name;
  }

  #field(schema: Schema, avroField: AvroField): string {
    const { scrubInvalidNames } = this.#options;
    const field = schema.fields.find(({ name }) => c.scrubName(name, scrubInvalidNames) === avroField.name);
    if (field === undefined) return this.#missingField(avroField);
    const x = this.#fresh('x');
    return `{ const ${x} = ${this.#fieldValue(field, 'values')};\n${this.#value(field.schema, avroField.type, x)} }`;
  }

  #fieldValue(field: Field, values: string): string {
    const { schema } = field;
    if (schema.defaultValue === undefined) return `${values}[${field.index}]`;
    if (schema.optional && this.#options.ignoreDefaultForNullables) return `${values}[${field.index}]`;
    return `(${values}[${field.index}] ?? ${this.#constant(schema.defaultValue)})`;
  }

  /** A field that only the registry's version has: its default is written. */
  #missingField(field: AvroField): string {
    const first = field.type.kind === 'union' ? field.type.branches[0] : field.type;
    if (field.default === null && field.type.branches.some((branch) => branch.kind === 'null')) {
      return `b[p++] = ${field.type.branches.findIndex((branch) => branch.kind === 'null') * 2};`;
    }
    if (field.default === undefined || first === undefined) {
      throw new DataError(
        `The field ${field.name} of the registered Avro schema has no default and is not in the data`,
      );
    }
    const schema = toConnectSchema(first, null, this.#options);
    if (schema === null)
      throw new DataError(`The field ${field.name} of the registered Avro schema has no usable default`);
    const value = defaultFromJson(schema, first, field.default as Json, this.#options);
    const write = `const v = ${this.#constant(value)};\n${this.#present(schema, first, 'v')}`;
    return field.type.kind === 'union' ? `{ b[p++] = 0; ${write} }` : `{ ${write} }`;
  }
}

/** Zigzag varint of an int32 in place. */
function inlineInt(n: string): string {
  return `{ let z = ((${n} << 1) ^ (${n} >> 31)) >>> 0; while (z > 127) { b[p++] = (z & 127) | 128; z >>>= 7; } b[p++] = z; }`;
}

function fits(branch: AvroType, schema: Schema): boolean {
  return branch.kind !== 'fixed' || String(branch.size) === schema.parameters?.get(c.fixedSizeParameter);
}

/** Avro's promotions, for a registered version that is wider than the data. */
function widens(from: AvroType['kind'], to: AvroType['kind']): boolean {
  switch (from) {
    case 'int':
      return to === 'long' || to === 'float' || to === 'double';
    case 'long':
      return to === 'float' || to === 'double';
    case 'float':
      return to === 'double';
    case 'bytes':
      return to === 'string';
    case 'string':
      return to === 'bytes';
    default:
      return false;
  }
}
