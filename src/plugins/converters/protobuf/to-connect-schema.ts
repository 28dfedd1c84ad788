import { ConnectSchema } from '../../../data/connect-schema.ts';
import { DATE_NAME, DECIMAL_NAME, DECIMAL_SCALE, TIME_NAME, TIMESTAMP_NAME } from '../../../data/logical.ts';
import type { Field, Schema, SchemaType } from '../../../data/schema.ts';
import { DataError } from '../../../errors.ts';
import { RecursiveSchema } from '../../../schema-registry/recursive-schema.ts';
import * as c from './conventions.ts';
import type { Message, MessageField } from './descriptor.ts';

interface Context {
  readonly options: c.ProtobufDataOptions;
  readonly open: Map<Message, RecursiveSchema[]>;
}

/** The Connect schema of a message; a wrapper message is its scalar. Java: ProtobufData.toConnectSchema. */
export function toConnectSchema(message: Message, version: number | null, options: c.ProtobufDataOptions): Schema {
  const scalar = options.wrapperForRawPrimitives ? c.wrappers.get(message.fullName) : undefined;
  if (scalar !== undefined) return new ConnectSchema(connectType(scalar), { version });
  return structSchema(message, { options, open: new Map() }, { version });
}

/** The Connect fields of a message: a struct per oneof, then the others, with what fills each. */
export function layoutOf(
  message: Message,
  options: c.ProtobufDataOptions,
): (
  | { readonly name: string; readonly field: MessageField }
  | { readonly name: string; readonly members: MessageField[] }
)[] {
  const membersOf = (oneof: string) => message.fields.filter((field) => field.oneof === oneof);
  const plain = message.fields.filter((field) => field.oneof === null).map((field) => ({ name: field.name, field }));
  if (options.flattenUnions) {
    return [...message.oneofs.flatMap(membersOf).map((field) => ({ name: field.name, field })), ...plain];
  }
  const unions = message.oneofs.map((oneof, index) => ({
    name: options.generateIndexForUnions ? `${oneof}_${index}` : oneof,
    members: membersOf(oneof),
  }));
  return [...unions, ...plain];
}

function structSchema(
  message: Message,
  context: Context,
  own: { version?: number | null; optional?: boolean; tag?: number },
): Schema {
  const { options } = context;
  const waiting: RecursiveSchema[] = [];
  context.open.set(message, waiting);
  const fields: Field[] = layoutOf(message, options).map((part, index) => ({
    name: part.name,
    index,
    schema:
      'members' in part
        ? unionSchema(part.members, message, context)
        : fieldSchema(part.field, context, part.field.oneof !== null),
  }));
  context.open.delete(message);
  const schema = new ConnectSchema('struct', {
    name: options.enhancedSchemaSupport ? message.fullName : message.name,
    version: own.version ?? null,
    optional: own.optional ?? false,
    parameters: own.tag === undefined ? null : new Map([[c.tagParameter, String(own.tag)]]),
    fields,
  });
  for (const reference of waiting) reference.resolve(schema);
  return schema;
}

function unionSchema(members: readonly MessageField[], message: Message, context: Context): Schema {
  const { options } = context;
  const oneof = members[0]?.oneof ?? '';
  const name = options.enhancedSchemaSupport ? `${message.fullName}.${oneof}` : oneof;
  return new ConnectSchema('struct', {
    name: options.generalizedSumTypeSupport ? oneof : `${c.unionPrefix}.${name}`,
    optional: true,
    parameters: options.generalizedSumTypeSupport ? new Map([[c.generalizedUnion, oneof]]) : null,
    fields: members.map((member, index) => ({
      name: member.name,
      index,
      schema: fieldSchema(member, context, true),
    })),
  });
}

function connectType(scalar: string): SchemaType {
  switch (scalar) {
    case 'int32':
    case 'sint32':
    case 'sfixed32':
      return 'int32';
    case 'float':
      return 'float32';
    case 'double':
      return 'float64';
    case 'bool':
      return 'boolean';
    case 'string':
    case 'bytes':
      return scalar;
    default:
      return 'int64';
  }
}

function fieldSchema(field: MessageField, context: Context, inOneof: boolean): Schema {
  const { options } = context;
  const tag = [c.tagParameter, String(field.number)] as const;
  const entry = field.repeated ? (field.message?.entry ?? null) : null;
  let optional = false;
  if (inOneof) optional = true;
  else if (options.optionalForNullables) optional = field.optionalKeyword;
  else if (!options.wrapperForNullables) optional = true;
  if (entry !== null) {
    const full = options.enhancedSchemaSupport ? field.message!.fullName : field.message!.name;
    return new ConnectSchema('map', {
      name: mapName(full),
      // Like every message.
      optional: true,
      keySchema: fieldSchema(entry.key, context, false),
      valueSchema: fieldSchema(entry.value, context, false),
      parameters: new Map([tag]),
    });
  }
  if (field.repeated) {
    const valueSchema = elementSchema(field, context, true, []);
    return new ConnectSchema('array', { optional: true, valueSchema, parameters: new Map([tag]) });
  }
  const wrapper: (readonly [string, string])[] =
    inOneof && options.wrapperForNullables && field.message !== null && c.wrappers.has(field.message.fullName)
      ? [[c.wrapperParameter, 'true']]
      : [];
  return elementSchema(field, context, optional, [...wrapper, tag]);
}

/** `TestMapEntry` is the map `test_map`; what stands before the last dot stays as it is. */
function mapName(entryName: string): string {
  const dot = entryName.lastIndexOf('.') + 1;
  const name = entryName.slice(dot).replace(/Entry$/, '');
  return (
    entryName.slice(0, dot) + name.replace(/[A-Z]/g, (char, at: number) => (at === 0 ? '' : '_') + char.toLowerCase())
  );
}

function elementSchema(
  field: MessageField,
  context: Context,
  forceOptional: boolean,
  extra: readonly (readonly [string, string])[],
): Schema {
  const { options } = context;
  const build = (
    type: SchemaType,
    own: readonly (readonly [string, string])[],
    name: string | null,
    version: number | null,
    optional: boolean,
  ) => {
    const parameters = new Map([...own, ...extra]);
    return new ConnectSchema(type, { name, version, optional, parameters: parameters.size === 0 ? null : parameters });
  };
  if (field.type === 'enum') {
    const type = field.enumType!;
    const parameter = options.generalizedSumTypeSupport ? c.generalizedEnum : c.enumParameter;
    const symbols = [...type.numbers].map(([name, number]) => [`${parameter}.${name}`, String(number)] as const);
    const name = options.enhancedSchemaSupport ? type.fullName : type.name;
    return build(options.intForEnums ? 'int32' : 'string', [[parameter, type.name], ...symbols], name, null, true);
  }
  if (field.message !== null) return messageSchema(field, field.message, context, build, extra);
  const type = connectType(field.type);
  const narrow = field.params.get('connect.type');
  if (type === 'int32' && (narrow === 'int8' || narrow === 'int16'))
    return build(narrow, [], null, null, forceOptional);
  const plain = field.type === type || type === 'float32' || type === 'float64' || type === 'boolean';
  return build(type, plain ? [] : [[c.typeParameter, field.type]], null, null, forceOptional);
}

type Build = (
  type: SchemaType,
  own: readonly (readonly [string, string])[],
  name: string | null,
  version: number | null,
  optional: boolean,
) => ConnectSchema;

/** Messages are optional by nature: one that is not there is null. */
function messageSchema(
  field: MessageField,
  message: Message,
  context: Context,
  build: Build,
  extra: readonly (readonly [string, string])[],
): Schema {
  switch (message.fullName) {
    case 'confluent.type.Decimal': {
      const scale = field.params.get('scale');
      const precision = field.params.get('precision');
      const own: [string, string][] = [[DECIMAL_SCALE, isNumber(scale) ? scale : '0']];
      if (isNumber(precision)) own.push([c.precisionParameter, precision]);
      return build('bytes', own, DECIMAL_NAME, 1, true);
    }
    case 'google.type.Date':
      return build('int32', [], DATE_NAME, 1, true);
    case 'google.type.TimeOfDay':
      return build('int32', [], TIME_NAME, 1, true);
    case 'google.protobuf.Timestamp':
      return build('int64', [], TIMESTAMP_NAME, 1, true);
    case 'confluent.type.Variant':
      throw new DataError('The Protobuf type confluent.type.Variant cannot be read', {
        code: 'protobuf.variant_unsupported',
      });
  }
  const scalar = context.options.wrapperForNullables ? c.wrappers.get(message.fullName) : undefined;
  if (scalar !== undefined) return build(connectType(scalar), [], null, null, true);
  const open = context.open.get(message);
  if (open !== undefined) {
    const reference = new RecursiveSchema(true);
    open.push(reference);
    return reference;
  }
  const tag = extra.find(([key]) => key === c.tagParameter);
  return structSchema(
    message,
    context,
    tag === undefined ? { optional: true } : { optional: true, tag: Number(tag[1]) },
  );
}

function isNumber(text: string | undefined): text is string {
  return text !== undefined && /^-?\d{1,9}$/.test(text);
}
