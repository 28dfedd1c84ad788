import protobuf from 'protobufjs';
import { DataError } from '../../../errors.ts';
import { knownFiles } from './known-types.ts';

export interface EnumType {
  readonly fullName: string;
  readonly name: string;
  readonly numbers: ReadonlyMap<string, number>;
  readonly names: ReadonlyMap<number, string>;
}

export interface MessageField {
  readonly name: string;
  readonly number: number;
  /** A scalar's name, `message` or `enum`. */
  readonly type: string;
  readonly message: Message | null;
  readonly enumType: EnumType | null;
  readonly repeated: boolean;
  readonly packed: boolean;
  /** Text that is not UTF-8 is an error, as in proto3; in proto2 it is replaced. */
  readonly utf8: boolean;
  /** Says whether it is set: proto3 `optional`, proto2, members of a oneof. */
  readonly presence: boolean;
  readonly proto3Optional: boolean;
  /** Declared with a label `optional` in either syntax. */
  readonly optionalKeyword: boolean;
  /** Without synthetic ones. */
  readonly oneof: string | null;
  /** `confluent.field_meta`. */
  readonly params: ReadonlyMap<string, string>;
  readonly defaultValue: unknown;
}

export class Message {
  readonly fullName: string;
  readonly name: string;
  fields: MessageField[] = [];
  oneofs: string[] = [];
  nested: Message[] = [];

  constructor(fullName: string, name: string) {
    this.fullName = fullName;
    this.name = name;
  }

  field(name: string): MessageField | undefined {
    return this.fields.find((field) => field.name === name);
  }

  /** Key and value when this is the entry of a map, spelled out or not. */
  get entry(): { key: MessageField; value: MessageField } | null {
    const [key, value] = this.fields;
    const isEntry =
      this.name.endsWith('Entry') &&
      this.fields.length === 2 &&
      key?.name === 'key' &&
      value?.name === 'value' &&
      !key.repeated &&
      !value.repeated;
    return isEntry ? { key: key!, value: value! } : null;
  }
}

export interface ProtoFile {
  /** Top-level messages of the file, in order. */
  readonly messages: readonly Message[];
}

/** Parses a .proto text with what it imports: `references` by import path, then the well-known files. */
export function parseProto(text: string, references: ReadonlyMap<string, string>): ProtoFile {
  const root = new protobuf.Root();
  try {
    load(text, references, root, new Set());
    const before = new Set(typesIn(root));
    protobuf.parse(text, root, { keepCase: true });
    root.resolveAll();
    const own = typesIn(root).filter((type) => !before.has(type) && !(type.parent instanceof protobuf.Type));
    const reader = new Reader();
    return { messages: own.map((type) => reader.message(type)) };
  } catch (error) {
    if (error instanceof DataError) throw error;
    throw new DataError(
      `The Protobuf schema cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
}

function load(text: string, references: ReadonlyMap<string, string>, root: protobuf.Root, loaded: Set<string>): void {
  const { imports, weakImports } = protobuf.parse(text, new protobuf.Root(), { keepCase: true });
  for (const path of [...(imports ?? []), ...(weakImports ?? [])]) {
    if (loaded.has(path)) continue;
    loaded.add(path);
    const imported = references.get(path) ?? knownFiles.get(path);
    if (imported === undefined) {
      throw new DataError(`The Protobuf schema imports ${path}, which is not among its references in the registry`);
    }
    load(imported, references, root, loaded);
    protobuf.parse(imported, root, { keepCase: true });
  }
}

function typesIn(namespace: protobuf.NamespaceBase): protobuf.Type[] {
  return namespace.nestedArray.flatMap((nested) => {
    if (nested instanceof protobuf.Type) return [nested, ...typesIn(nested)];
    return nested instanceof protobuf.Namespace ? typesIn(nested) : [];
  });
}

class Reader {
  readonly #messages = new Map<protobuf.Type, Message>();
  readonly #enums = new Map<protobuf.Enum, EnumType>();

  message(type: protobuf.Type): Message {
    const known = this.#messages.get(type);
    if (known !== undefined) return known;
    const message = new Message(type.fullName.replace(/^\./, ''), type.name);
    this.#messages.set(type, message);
    message.nested = type.nestedArray
      .filter((nested) => nested instanceof protobuf.Type)
      .map((one) => this.message(one));
    message.oneofs = type.oneofsArray.filter((oneof) => !oneof.isProto3Optional).map((oneof) => oneof.name);
    message.fields = type.fieldsArray.map((field) => this.#field(field, message));
    return message;
  }

  #field(field: protobuf.Field, parent: Message): MessageField {
    if (field instanceof protobuf.MapField) return this.#mapField(field, parent);
    const resolved = field.resolvedType;
    const proto3Optional = field.options?.proto3_optional === true;
    const oneof = field.partOf === null || field.partOf?.isProto3Optional ? null : (field.partOf?.name ?? null);
    if (field.type === 'group') throw new DataError(`The Protobuf group ${field.fullName} is not supported`);
    return {
      name: field.name,
      number: field.id,
      type: resolved instanceof protobuf.Type ? 'message' : resolved instanceof protobuf.Enum ? 'enum' : field.type,
      message: resolved instanceof protobuf.Type ? this.message(resolved) : null,
      enumType: resolved instanceof protobuf.Enum ? this.#enum(resolved) : null,
      repeated: field.repeated,
      packed: field.repeated && field.packed,
      utf8: isUtf8Verified(field),
      presence: !field.repeated && (field.hasPresence || oneof !== null),
      proto3Optional,
      optionalKeyword:
        proto3Optional ||
        (!field.repeated &&
          !field.required &&
          field.hasPresence &&
          oneof === null &&
          !(resolved instanceof protobuf.Type && isProto3(field))),
      oneof,
      params: paramsOf(field),
      defaultValue: field.options?.default,
    };
  }

  /** A map field is a repeated message of key and value. */
  #mapField(field: protobuf.MapField, parent: Message): MessageField {
    const name = `${camel(field.name)}Entry`;
    const entry = new Message(`${parent.fullName}.${name}`, name);
    const resolved = field.resolvedType;
    const plain = {
      message: null,
      enumType: null,
      repeated: false,
      packed: false,
      utf8: isUtf8Verified(field),
      presence: false,
      proto3Optional: false,
      optionalKeyword: false,
      oneof: null,
      params: new Map<string, string>(),
      defaultValue: undefined,
    };
    entry.fields = [
      { ...plain, name: 'key', number: 1, type: field.keyType },
      {
        ...plain,
        name: 'value',
        number: 2,
        type: resolved instanceof protobuf.Type ? 'message' : resolved instanceof protobuf.Enum ? 'enum' : field.type,
        message: resolved instanceof protobuf.Type ? this.message(resolved) : null,
        enumType: resolved instanceof protobuf.Enum ? this.#enum(resolved) : null,
        presence: resolved instanceof protobuf.Type,
      },
    ];
    return {
      ...plain,
      name: field.name,
      number: field.id,
      type: 'message',
      message: entry,
      repeated: true,
      params: paramsOf(field),
    };
  }

  #enum(type: protobuf.Enum): EnumType {
    let known = this.#enums.get(type);
    if (known === undefined) {
      known = {
        fullName: type.fullName.replace(/^\./, ''),
        name: type.name,
        numbers: new Map(Object.entries(type.values)),
        names: new Map(Object.entries(type.values).map(([name, number]) => [number, name])),
      };
      this.#enums.set(type, known);
    }
    return known;
  }
}

function isProto3(field: protobuf.Field): boolean {
  return featuresOf(field).field_presence === 'IMPLICIT';
}

function isUtf8Verified(field: protobuf.FieldBase): boolean {
  return featuresOf(field).utf8_validation === 'VERIFY';
}

function featuresOf(field: protobuf.FieldBase): { field_presence?: string; utf8_validation?: string } {
  return (field as unknown as { _features?: ReturnType<typeof featuresOf> })._features ?? {};
}

function camel(name: string): string {
  return name.replace(/(^|_)(.)/g, (_, _line, char: string) => char.toUpperCase());
}

function paramsOf(field: protobuf.FieldBase): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  for (const option of field.parsedOptions ?? []) {
    const meta = option['(confluent.field_meta)'] as { params?: unknown } | undefined;
    const list = Array.isArray(meta?.params) ? meta.params : meta?.params === undefined ? [] : [meta.params];
    for (const pair of list as { key?: unknown; value?: unknown }[]) params.set(String(pair.key), String(pair.value));
  }
  return params;
}

/** The path of a message in its file. */
export function indexesOf(file: ProtoFile, fullName: string): number[] | null {
  const search = (messages: readonly Message[], path: number[]): number[] | null => {
    for (const [index, message] of messages.entries()) {
      const here = [...path, index];
      if (message.fullName === fullName) return here;
      const found = search(message.nested, here);
      if (found !== null) return found;
    }
    return null;
  };
  return search(file.messages, []);
}

export function messageAt(file: ProtoFile, path: readonly number[]): Message {
  let messages = file.messages;
  let message: Message | undefined;
  for (const index of path) {
    message = messages[index];
    if (message === undefined) throw new DataError(`The schema has no message at [${path.join(', ')}]`);
    messages = message.nested;
  }
  if (message === undefined) throw new DataError('The payload names no message');
  return message;
}
