/** A JSON schema, as OpenAPI 3.1 takes it. */
export type Schema = Readonly<Record<string, unknown>>;

declare const shape: unique symbol;
/** One whose values are of the type. */
export type SchemaOf<T> = Schema & { readonly [shape]?: T };
/** The type of what the schema describes. */
export type Shape<S> = S extends { readonly [shape]?: infer T } ? T : never;

type Properties = Readonly<Record<string, SchemaOf<unknown>>>;
type Fields<P extends Properties, Optional extends keyof P> = {
  readonly [Name in Exclude<keyof P, Optional>]: Shape<P[Name]>;
} & { readonly [Name in Optional]?: Shape<P[Name]> };

export function object<const P extends Properties, Optional extends keyof P & string = never>(
  properties: P,
  optional: readonly Optional[] = [],
): SchemaOf<Fields<P, Optional>> {
  const required = Object.keys(properties).filter((name) => !(optional as readonly string[]).includes(name));
  return { type: 'object', properties, required };
}

export const list = <T>(items: SchemaOf<T>): SchemaOf<readonly T[]> => ({ type: 'array', items });

export const byName = <T>(additionalProperties: SchemaOf<T>): SchemaOf<Readonly<Record<string, T>>> => ({
  type: 'object',
  additionalProperties,
});

export const oneOf = <const T extends string>(...values: readonly T[]): SchemaOf<T> => ({
  type: 'string',
  enum: values,
});

export const orNull = <T>(schema: SchemaOf<T>): SchemaOf<T | null> => ({ oneOf: [schema, { type: 'null' }] });

export const text: SchemaOf<string> = { type: 'string' };
export const integer: SchemaOf<number> = { type: 'integer' };
export const flag: SchemaOf<boolean> = { type: 'boolean' };

export const textOrNull: SchemaOf<string | null> = { type: ['string', 'null'] };
export const integerOrNull: SchemaOf<number | null> = { type: ['integer', 'null'] };
export const numberOrNull: SchemaOf<number | null> = { type: ['number', 'null'] };
export const instant: SchemaOf<string> = { type: 'string', format: 'date-time' };
export const instantOrNull: SchemaOf<string | null> = { type: ['string', 'null'], format: 'date-time' };
