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

/** Every dot outside backticks separates two steps, which may be empty. */
function parseSteps(path: string): string[] {
  const steps: string[] = [];
  let at = 0;
  while (at < path.length) {
    if (path[at] === '`') {
      const [step, end] = quotedStep(path, at);
      steps.push(step);
      at = end;
    } else {
      const dot = path.indexOf('.', at);
      const end = dot === -1 ? path.length : dot;
      steps.push(path.slice(at, end));
      at = end;
    }
    if (at === path.length) break;
    at++;
    if (at === path.length) steps.push('');
  }
  return steps;
}

/**
 * A step in backticks. The one that closes it stands at the end or before a dot; a backslash there takes it as part of
 * the name, and elsewhere it needs none.
 */
function quotedStep(path: string, start: number): [step: string, end: number] {
  let step = '';
  for (let i = start + 1; i < path.length; i++) {
    const closes = path[i] === '`' && (i + 1 === path.length || path[i + 1] === '.');
    if (closes && path[i - 1] !== '\\') return [step, i + 1];
    step = closes ? `${step.slice(0, -1)}\`` : step + path[i];
  }
  throw new ConfigError(
    `Incomplete backtick pair in path: [${path}], consider adding a backslash before backtick at position ${start} to escape it`,
    { key: 'field' },
  );
}
