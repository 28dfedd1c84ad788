/** What comes from outside, before anybody knows what it is. */
export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** None for what is no object. */
export const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {});

/** Null for what is no JSON, or no text. */
export function jsonIn(text: unknown): unknown {
  if (typeof text !== 'string') return null;
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
