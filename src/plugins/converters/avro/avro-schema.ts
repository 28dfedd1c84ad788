import { DataError } from '../../../errors.ts';

/** JSON with integers beyond 2^53 kept as bigint. */
export type Json = null | boolean | number | bigint | string | Json[] | { [key: string]: Json };

export type AvroKind =
  | 'null'
  | 'boolean'
  | 'int'
  | 'long'
  | 'float'
  | 'double'
  | 'bytes'
  | 'string'
  | 'array'
  | 'map'
  | 'record'
  | 'enum'
  | 'fixed'
  | 'union';

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  readonly doc: string | null;
  /** `undefined` when there is none. */
  readonly default: Json | undefined;
  readonly props: Map<string, Json>;
}

/**
 * One node of a parsed Avro schema. Attributes that Avro does not know (`connect.*`, `logicalType`, …) are kept in
 * `props` in their order: the registry tells schemas apart by their text. Recursive schemas are cyclic graphs.
 */
export class AvroType {
  readonly kind: AvroKind;
  readonly name: string | null;
  readonly namespace: string | null;
  doc: string | null = null;
  readonly props = new Map<string, Json>();
  /** Of a record. */
  fields: AvroField[] = [];
  /** Of an enum. */
  symbols: readonly string[] = [];
  enumDefault: string | null = null;
  /** Of a fixed. */
  size = 0;
  /** Items of an array, values of a map. */
  element: AvroType | null = null;
  /** Branches of a union. */
  branches: readonly AvroType[] = [];

  constructor(kind: AvroKind, name: string | null = null, namespace: string | null = null) {
    this.kind = kind;
    this.name = name;
    this.namespace = namespace === '' ? null : namespace;
  }

  get fullName(): string {
    if (this.name === null) return this.kind;
    return this.namespace === null ? this.name : `${this.namespace}.${this.name}`;
  }

  /** A string attribute; null when absent or of another type. */
  text(key: string): string | null {
    const value = this.props.get(key);
    return typeof value === 'string' ? value : null;
  }
}

export function arrayOf(element: AvroType): AvroType {
  const type = new AvroType('array');
  type.element = element;
  return type;
}

export function mapOf(element: AvroType): AvroType {
  const type = new AvroType('map');
  type.element = element;
  return type;
}

export function unionOf(branches: readonly AvroType[]): AvroType {
  const type = new AvroType('union');
  type.branches = branches;
  return type;
}

const primitives: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
]);
const reserved: Readonly<Record<string, ReadonlySet<string>>> = {
  record: new Set(['type', 'name', 'namespace', 'doc', 'fields', 'aliases']),
  error: new Set(['type', 'name', 'namespace', 'doc', 'fields', 'aliases']),
  enum: new Set(['type', 'name', 'namespace', 'doc', 'symbols', 'default', 'aliases']),
  fixed: new Set(['type', 'name', 'namespace', 'doc', 'size', 'aliases']),
  array: new Set(['type', 'items']),
  map: new Set(['type', 'values']),
};
const fieldReserved: ReadonlySet<string> = new Set(['name', 'type', 'doc', 'default', 'order', 'aliases']);
const justType: ReadonlySet<string> = new Set(['type']);

/** Parses a schema; `references` are the texts of named types that it may use, in the order of their dependencies. */
export function parseAvroSchema(text: string, references: Iterable<string> = []): AvroType {
  const named = new Map<string, AvroType>();
  for (const reference of references) parseNode(parseJson(reference), null, named);
  return parseNode(parseJson(text), null, named);
}

/** JSON in which integers that a number cannot hold become bigints. */
function parseJson(text: string): Json {
  try {
    // The reviver's third argument carries the source text (ECMAScript 2025); not yet in TypeScript's library.
    const reviver = (_key: string, value: Json, context?: { source?: string }): Json => {
      if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
      const source = context?.source;
      return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value;
    };
    return JSON.parse(text, reviver as (key: string, value: Json) => Json) as Json;
  } catch (error) {
    // A reference to a bare primitive may come without quotes.
    if (primitives.has(text.trim())) return text.trim();
    throw new DataError(`The schema is not JSON: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

function isObject(json: Json | undefined): json is { [key: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

function parseNode(json: Json | undefined, namespace: string | null, named: Map<string, AvroType>): AvroType {
  if (typeof json === 'string') return typeNamed(json, namespace, named);
  if (Array.isArray(json)) return parseUnion(json, namespace, named);
  if (!isObject(json)) throw new DataError('An Avro schema must be a name, an object or an array');
  const kind = json.type;
  if (typeof kind !== 'string') {
    // {"type": {"type": …}}: attributes of the outer object do not count in Avro.
    if (isObject(kind) || Array.isArray(kind)) return parseNode(kind, namespace, named);
    throw new DataError('An Avro schema object lacks its "type"');
  }
  if (kind === 'record' || kind === 'error' || kind === 'enum' || kind === 'fixed') {
    return parseNamed(kind, json, namespace, named);
  }
  if (kind === 'array' || kind === 'map') {
    const type = new AvroType(kind);
    type.element = parseNode(kind === 'array' ? json.items : json.values, namespace, named);
    keepProps(type.props, json, reserved[kind]!);
    return type;
  }
  if (primitives.has(kind)) {
    const type = new AvroType(kind as AvroKind);
    keepProps(type.props, json, justType);
    return type;
  }
  return typeNamed(kind, namespace, named);
}

function parseUnion(json: Json[], namespace: string | null, named: Map<string, AvroType>): AvroType {
  const branches = json.map((branch) => parseNode(branch, namespace, named));
  const seen = new Set<string>();
  for (const branch of branches) {
    if (branch.kind === 'union') throw new DataError('An Avro union may not directly hold another union');
    if (seen.has(branch.fullName)) throw new DataError(`An Avro union holds ${branch.fullName} twice`);
    seen.add(branch.fullName);
  }
  return unionOf(branches);
}

function parseNamed(
  kind: 'record' | 'error' | 'enum' | 'fixed',
  json: { [key: string]: Json },
  enclosing: string | null,
  named: Map<string, AvroType>,
): AvroType {
  const written = json.name;
  if (typeof written !== 'string' || written === '') throw new DataError(`An Avro ${kind} lacks its "name"`);
  const dot = written.lastIndexOf('.');
  const own = typeof json.namespace === 'string' ? json.namespace : enclosing;
  const namespace = dot < 0 ? own : written.slice(0, dot);
  const type = new AvroType(kind === 'error' ? 'record' : kind, dot < 0 ? written : written.slice(dot + 1), namespace);
  if (named.has(type.fullName)) throw new DataError(`The Avro schema defines ${type.fullName} twice`);
  named.set(type.fullName, type);
  if (typeof json.doc === 'string') type.doc = json.doc;
  if (kind === 'enum') {
    if (!Array.isArray(json.symbols)) throw new DataError(`The Avro enum ${type.fullName} lacks its "symbols"`);
    type.symbols = json.symbols.map(String);
    if (typeof json.default === 'string') type.enumDefault = json.default;
  } else if (kind === 'fixed') {
    if (typeof json.size !== 'number' || !Number.isSafeInteger(json.size) || json.size < 0) {
      throw new DataError(`The Avro fixed ${type.fullName} lacks its "size"`);
    }
    type.size = json.size;
  } else {
    if (!Array.isArray(json.fields)) throw new DataError(`The Avro record ${type.fullName} lacks its "fields"`);
    type.fields = json.fields.map((field) => parseField(field, type, named));
  }
  keepProps(type.props, json, reserved[kind]!);
  return type;
}

function parseField(json: Json, record: AvroType, named: Map<string, AvroType>): AvroField {
  if (!isObject(json) || typeof json.name !== 'string') {
    throw new DataError(`A field of the Avro record ${record.fullName} lacks its "name"`);
  }
  const props = new Map<string, Json>();
  keepProps(props, json, fieldReserved);
  return {
    name: json.name,
    type: parseNode(json.type, record.namespace, named),
    doc: typeof json.doc === 'string' ? json.doc : null,
    default: json.default,
    props,
  };
}

function typeNamed(name: string, namespace: string | null, named: Map<string, AvroType>): AvroType {
  if (primitives.has(name)) return new AvroType(name as AvroKind);
  const full = name.includes('.') || namespace === null ? name : `${namespace}.${name}`;
  const found = named.get(full) ?? named.get(name);
  if (found === undefined) throw new DataError(`The Avro schema uses the type ${full}, which is not defined`);
  return found;
}

function keepProps(props: Map<string, Json>, json: { [key: string]: Json }, known: ReadonlySet<string>): void {
  for (const [key, value] of Object.entries(json)) {
    if (!known.has(key) && value !== null) props.set(key, value);
  }
}

/** The schema's text with attributes in Avro's own order, every named type spelled out at its first use. */
export function printAvroSchema(type: AvroType): string {
  return printNode(type, null, new Map());
}

function printNode(type: AvroType, space: string | null, written: Map<string, AvroType>): string {
  switch (type.kind) {
    case 'record':
    case 'enum':
    case 'fixed': {
      const known = written.get(type.fullName);
      if (known === type) return printReference(type, space);
      if (known !== undefined) {
        if (printNode(known, space, new Map()) === printNode(type, space, new Map()))
          return printReference(type, space);
        throw new DataError(
          `Two different schemas are both named ${type.fullName}, which Avro forbids: give one another name`,
        );
      }
      written.set(type.fullName, type);
      return printNamed(type, space, written);
    }
    case 'array':
      return `{"type":"array","items":${printNode(type.element!, space, written)}${printProps(type.props)}}`;
    case 'map':
      return `{"type":"map","values":${printNode(type.element!, space, written)}${printProps(type.props)}}`;
    case 'union':
      return `[${type.branches.map((branch) => printNode(branch, space, written)).join(',')}]`;
    default:
      return type.props.size === 0 ? `"${type.kind}"` : `{"type":"${type.kind}"${printProps(type.props)}}`;
  }
}

function printReference(type: AvroType, space: string | null): string {
  return JSON.stringify(type.namespace === space && !primitives.has(type.name!) ? type.name : type.fullName);
}

function printNamed(type: AvroType, space: string | null, written: Map<string, AvroType>): string {
  let text = `{"type":"${type.kind}","name":${JSON.stringify(type.name)}`;
  if (type.namespace !== space) text += `,"namespace":${JSON.stringify(type.namespace ?? '')}`;
  if (type.doc !== null) text += `,"doc":${JSON.stringify(type.doc)}`;
  if (type.kind === 'fixed') {
    text += `,"size":${type.size}`;
  } else if (type.kind === 'enum') {
    text += `,"symbols":${JSON.stringify(type.symbols)}`;
    if (type.enumDefault !== null) text += `,"default":${JSON.stringify(type.enumDefault)}`;
  } else {
    const fields = type.fields.map((field) => {
      let one = `{"name":${JSON.stringify(field.name)},"type":${printNode(field.type, type.namespace, written)}`;
      if (field.doc !== null) one += `,"doc":${JSON.stringify(field.doc)}`;
      if (field.default !== undefined) one += `,"default":${printJson(field.default)}`;
      return `${one}${printProps(field.props)}}`;
    });
    text += `,"fields":[${fields.join(',')}]`;
  }
  return `${text}${printProps(type.props)}}`;
}

function printProps(props: ReadonlyMap<string, Json>): string {
  let text = '';
  for (const [key, value] of props) text += `,${JSON.stringify(key)}:${printJson(value)}`;
  return text;
}

function printJson(json: Json): string {
  if (typeof json === 'bigint') return json.toString();
  if (Array.isArray(json)) return `[${json.map(printJson).join(',')}]`;
  if (isObject(json)) {
    return `{${Object.entries(json)
      .map(([key, value]) => `${JSON.stringify(key)}:${printJson(value)}`)
      .join(',')}}`;
  }
  return JSON.stringify(json);
}
