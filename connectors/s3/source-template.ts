import { DataError, javaText, type Schema, Struct } from '../../src/api/index.ts';

/**
 * Templates of topics, keys, partitions and headers: text with `{{…}}` in it. Inside stands
 *  - `bucket`, `key`, `name` (the key behind its last slash), `etag`, `version`, `modified` (ISO 8601), `record` (its
 *    number in the object, from 1 on),
 *  - the name of a group that file.name.template has found in the key,
 *  - a JSON pointer (RFC 6901) into the value: `{{/customer/id}}`.
 */
export interface TemplateFacts {
  readonly names: Readonly<Record<string, string | undefined>>;
  readonly record: number;
  readonly schema: Schema | null;
  readonly value: unknown;
}

type Part = string | { readonly name: string } | { readonly pointer: readonly string[] };

const placeholder = /\{\{([^{}]*)\}\}/g;

export class Template {
  readonly text: string;
  readonly #parts: readonly Part[];
  /** Whether it is the same for all records of an object. */
  readonly isOfObject: boolean;

  constructor(text: string) {
    this.text = text;
    this.#parts = partsOf(text);
    this.isOfObject = this.#parts.every(
      (part) => typeof part === 'string' || ('name' in part && part.name !== 'record'),
    );
  }

  /** Null where something in it is not there. */
  render(facts: TemplateFacts): string | null {
    let text = '';
    for (const part of this.#parts) {
      const found = typeof part === 'string' ? part : textOf(part, facts);
      if (found === null) return null;
      text += found;
    }
    return text;
  }
}

function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const match of text.matchAll(placeholder)) {
    if (match.index > from) parts.push(text.slice(from, match.index));
    from = match.index + match[0].length;
    const inside = match[1]!.trim();
    parts.push(inside.startsWith('/') ? { pointer: pointerOf(inside) } : { name: inside });
  }
  if (from < text.length) parts.push(text.slice(from));
  return parts;
}

const pointerOf = (text: string) =>
  text
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));

function textOf(part: Exclude<Part, string>, facts: TemplateFacts): string | null {
  if ('name' in part) return part.name === 'record' ? String(facts.record) : (facts.names[part.name] ?? null);
  let { schema, value } = facts;
  for (const step of part.pointer) {
    if (value instanceof Struct) {
      const field = value.schema.field(step);
      if (field === undefined) return null;
      value = value.get(field);
      schema = field.schema;
    } else if (value instanceof Map) {
      value = value.get(step);
      schema = schema?.valueSchema ?? null;
    } else if (Array.isArray(value)) {
      value = /^(?:0|[1-9]\d*)$/.test(step) ? value[Number(step)] : undefined;
      schema = schema?.valueSchema ?? null;
    } else return null;
    if (value === null || value === undefined) return null;
  }
  if (typeof value === 'string') return value;
  if (value instanceof Struct || value instanceof Map || Array.isArray(value)) {
    throw new DataError(`/${part.pointer.join('/')} is no single value: point to one inside it`);
  }
  return javaText(schema, value);
}

/** Undefined: it is well-formed. */
export function templateProblem(text: string): string | undefined {
  for (const [whole, inside] of text.matchAll(placeholder)) {
    const name = inside!.trim();
    if (!name.startsWith('/') && !/^[A-Za-z_]\w*$/.test(name)) {
      return `${whole} is neither a name nor a JSON pointer, as in {{key}} and {{/id}}`;
    }
  }
  const rest = text.replace(placeholder, '');
  return rest.includes('{{') || rest.includes('}}') ? 'A {{ is not closed, or a }} not opened' : undefined;
}
