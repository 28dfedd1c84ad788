/**
 * JavaScript maps know object keys by identity, Java's by content. Passing every key through one interner per map
 * makes equal keys one object; primitives pass unchanged.
 */
export class KeyInterner {
  #seen: Map<string, unknown> | null = null;

  intern(key: unknown): unknown {
    // Java's byte arrays, too, are only equal to themselves.
    if (typeof key !== 'object' || key === null || key instanceof Uint8Array) return key;
    const content = `${key.constructor.name}${JSON.stringify(key, plain)}`;
    this.#seen ??= new Map();
    const known = this.#seen.get(content);
    if (known !== undefined) return known;
    this.#seen.set(content, key);
    return key;
  }
}

function plain(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  return value instanceof Map ? [...value] : value;
}
