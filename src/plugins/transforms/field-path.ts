import type { Field, Schema } from '../../data/schema.ts';
import type { Struct } from '../../data/struct.ts';
import { ConfigError, DataError } from '../../errors.ts';
import { type DataMap, requireMapOrNull, requireStructOrNull } from './requirements.ts';
import { readField } from './struct-copy.ts';

const purpose = 'nested field access';

/** The way to one field. Java: SingleFieldPath (KIP-821). */
export class FieldPath {
  readonly text: string;
  readonly #steps: readonly string[];

  private constructor(text: string, steps: readonly string[]) {
    this.text = text;
    this.#steps = steps;
  }

  /** Syntax V1: the text is the field's name. */
  static plain(text: string): FieldPath {
    return new FieldPath(text, [text]);
  }

  /** Syntax V2: dotted, with backticks around names that hold dots. */
  static nested(text: string): FieldPath {
    return new FieldPath(text, parseSteps(text));
  }

  fieldOf(schema: Schema): Field | undefined {
    let current = schema;
    for (const step of this.#leading()) {
      const field = current.field(step);
      if (field === undefined) return undefined;
      current = field.schema;
    }
    return current.field(this.#last());
  }

  valueInStruct(struct: Struct, useDefault: boolean): unknown {
    let current: Struct | null = struct;
    for (const step of this.#leading()) {
      const field = current.schema.field(step);
      if (field === undefined) return null;
      current = requireStructOrNull(field.schema, readField(current, field, useDefault), purpose);
      if (current === null) return null;
    }
    const field = current.schema.field(this.#last());
    return field === undefined ? null : readField(current, field, useDefault);
  }

  valueInMap(map: DataMap): unknown {
    let current: DataMap | null = map;
    for (const step of this.#leading()) {
      current = requireMapOrNull(current.get(step) ?? null, purpose);
      if (current === null) return null;
    }
    return current.get(this.#last()) ?? null;
  }

  #leading(): readonly string[] {
    if (this.#steps.length === 0) throw new DataError('The path to the field is empty');
    return this.#steps.length === 1 ? noSteps : this.#steps.slice(0, -1);
  }

  #last(): string {
    return this.#steps.at(-1)!;
  }
}

const noSteps: readonly string[] = [];

function parseSteps(path: string): string[] {
  const steps: string[] = [];
  let rest = path;
  while (rest !== '') {
    if (rest.startsWith('`')) {
      const end = closingBacktick(path, rest);
      steps.push(withoutEscapes(rest.slice(1, end)));
      rest = rest.slice(end + 2);
      continue;
    }
    const dot = rest.indexOf('.');
    // A dot in front begins no step: what follows is one name, dots and all.
    if (dot <= 0) {
      steps.push(withoutEscapes(rest));
      break;
    }
    steps.push(withoutEscapes(rest.slice(0, dot)));
    rest = rest.slice(dot + 1);
  }
  return steps;
}

/** The backtick that ends the step at the front: one before a dot or at the end, and not escaped. */
function closingBacktick(path: string, rest: string): number {
  for (let at = rest.indexOf('`', 1); at !== -1; at = rest.indexOf('`', at + 1)) {
    const last = at === rest.length - 1;
    if (last || (rest[at + 1] === '.' && rest[at - 1] !== '\\')) return at;
  }
  throw new ConfigError(
    `Incomplete backtick pair in path: [${path}], consider adding a backslash before backtick at position ${path.length - rest.length} to escape it`,
    { key: 'field' },
  );
}

function withoutEscapes(step: string): string {
  return step.replaceAll('\\`', '`');
}
