import type { SchemaElement } from 'hyparquet';
import { DataError, type Schema, SchemaBuilder, Struct } from '../../../src/api/index.ts';
import { leafReading, type ValueReading } from './parquet-values.ts';

export interface RowReading {
  readonly schema: Schema;
  read(row: Readonly<Record<string, unknown>>): unknown;
  /** The file's schema without what values stand for: they are to be given as they are stored. */
  readonly stored: readonly SchemaElement[];
}

interface Node {
  readonly element: SchemaElement;
  readonly children: readonly Node[];
}

/** How the rows of a file become structs. Throws DataError for a schema that is none, or holds what is not known. */
export function parquetRows(elements: readonly SchemaElement[]): RowReading {
  const { node: root } = nodeAt(elements, 0, 0);
  if (root.children.length === 0) throw new DataError('The Parquet file has no columns');
  const { schema, read } = structReading(root, false);
  return {
    schema,
    read: read as RowReading['read'],
    stored: elements.map((element) => withoutMeaning(element)),
  };
}

const maxDepth = 100;

function nodeAt(elements: readonly SchemaElement[], index: number, depth: number): { node: Node; next: number } {
  const element = elements[index];
  if (element === undefined || depth > maxDepth) throw new DataError('The schema of the Parquet file is malformed');
  const children: Node[] = [];
  let next = index + 1;
  for (let i = 0; i < (element.num_children ?? 0); i++) {
    const child = nodeAt(elements, next, depth + 1);
    children.push(child.node);
    next = child.next;
  }
  return { node: { element, children }, next };
}

const isList = ({ converted_type: converted, logical_type: logical }: SchemaElement) =>
  converted === 'LIST' || logical?.type === 'LIST';
const isMap = ({ converted_type: converted, logical_type: logical }: SchemaElement) =>
  converted === 'MAP' || converted === 'MAP_KEY_VALUE' || logical?.type === 'MAP';

function withoutMeaning(element: SchemaElement): SchemaElement {
  const { converted_type: _converted, logical_type: _logical, ...stored } = element;
  return isList(element) ? { ...stored, converted_type: 'LIST' } : stored;
}

function readingOf(node: Node): ValueReading {
  const { element } = node;
  if (element.repetition_type === 'REPEATED') {
    // A list of the old kind, without a group around it.
    return listReading(node.children.length === 0 ? leafReading(element, false) : structReading(node, false), false);
  }
  const optional = element.repetition_type === 'OPTIONAL';
  if (node.children.length === 0) return leafReading(element, optional);
  const [repeated, ...others] = node.children;
  const isOfOne = others.length === 0 && repeated!.element.repetition_type === 'REPEATED';
  if (isOfOne && isList(element)) return groupedList(repeated!, optional);
  if (isOfOne && isMap(element) && repeated!.children.length === 2) return mapReading(repeated!, optional);
  return structReading(node, optional);
}

function groupedList(repeated: Node, optional: boolean): ValueReading {
  const { children, element } = repeated;
  if (children.length === 1) return listReading(readingOf(children[0]!), optional);
  if (children.length === 0) return listReading(leafReading(element, false), optional);
  // The library takes this for a struct with a list in it.
  const list = listReading(structReading(repeated, false), optional);
  return { schema: list.schema, read: (group) => list.read((group as Record<string, unknown>)[element.name]) };
}

function listReading(element: ValueReading, optional: boolean): ValueReading {
  const builder = SchemaBuilder.array(element.schema);
  return {
    schema: (optional ? builder.optional() : builder).build(),
    read: (raw) => Array.from(raw as ArrayLike<unknown>, (value) => orNull(element, value)),
  };
}

function mapReading(repeated: Node, optional: boolean): ValueReading {
  const [key, value] = repeated.children as [Node, Node];
  const [keys, values] = [readingOf(key), readingOf(value)];
  const builder = SchemaBuilder.map(keys.schema, values.schema);
  return {
    schema: (optional ? builder.optional() : builder).build(),
    read(raw) {
      const entries = (raw as Record<string, unknown>)[repeated.element.name] as ArrayLike<Record<string, unknown>>;
      const map = new Map<unknown, unknown>();
      for (const entry of Array.from(entries ?? [])) {
        map.set(orNull(keys, entry[key.element.name]), orNull(values, entry[value.element.name]));
      }
      return map;
    },
  };
}

function structReading(node: Node, optional: boolean): ValueReading {
  const builder = SchemaBuilder.struct();
  const fields = node.children.map((child) => ({ name: child.element.name, reading: readingOf(child) }));
  for (const { name, reading } of fields) builder.field(name, reading.schema);
  const schema = (optional ? builder.optional() : builder).build();
  return {
    schema,
    read(raw) {
      const row = raw as Readonly<Record<string, unknown>>;
      return new Struct(
        schema,
        fields.map(({ name, reading }) => orNull(reading, row[name])),
      );
    },
  };
}

function orNull({ schema, read }: ValueReading, raw: unknown): unknown {
  if (raw !== null && raw !== undefined) return read(raw);
  if (!schema.optional && schema.type !== 'array') throw new DataError('A value that is required is missing');
  return schema.optional ? null : [];
}
