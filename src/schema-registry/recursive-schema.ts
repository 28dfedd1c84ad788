import type { Field, Schema, SchemaType } from '../data/schema.ts';
import { DataError } from '../errors.ts';

/** The place in a recursive schema where it refers back to a struct around it; optional by its own right. */
export class RecursiveSchema implements Schema {
  readonly optional: boolean;
  #target: Schema | null = null;

  constructor(optional: boolean) {
    this.optional = optional;
  }

  resolve(target: Schema): void {
    this.#target = target;
  }

  get target(): Schema {
    if (this.#target === null) throw new DataError('A recursive schema was used before it was complete');
    return this.#target;
  }

  get type(): SchemaType {
    return this.target.type;
  }
  get name(): string | null {
    return this.target.name;
  }
  get version(): number | null {
    return this.target.version;
  }
  get doc(): string | null {
    return this.target.doc;
  }
  get parameters(): ReadonlyMap<string, string> | null {
    return this.target.parameters;
  }
  get defaultValue(): unknown {
    return undefined;
  }
  get keySchema(): Schema | null {
    return null;
  }
  get valueSchema(): Schema | null {
    return null;
  }
  get fields(): readonly Field[] {
    return this.target.fields;
  }
  field(name: string): Field | undefined {
    return this.target.field(name);
  }
}
