/** JSON strings as Java's Jackson writes them: upper-case hex, and every surrogate escaped. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must be escaped
const special = /[\0-\x1f"\\\ud800-\udfff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const specials = /[\0-\x1f"\\\ud800-\udfff]/g;

const short: Record<string, string> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\t': '\\t',
  '\n': '\\n',
  '\f': '\\f',
  '\r': '\\r',
};

function escaped(char: string): string {
  return short[char] ?? `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Whether Jackson would write the text otherwise than as it is. */
export function needsEscapes(text: string): boolean {
  return special.test(text);
}

/**
 * Not 0 when one of four bytes is a quote, a backslash or a control character, told by the borrow that subtracting
 * leaves in a byte's highest bit. The lowest of the marked bytes is such a one; those above it may not be.
 */
export function specialsIn(word: number): number {
  const quote = word ^ 0x22222222;
  const backslash = word ^ 0x5c5c5c5c;
  const marks =
    (((word - 0x20202020) | 0) & ~word) |
    (((quote - 0x01010101) | 0) & ~quote) |
    (((backslash - 0x01010101) | 0) & ~backslash);
  return marks & 0x80808080;
}

export function quoteJson(text: string): string {
  return special.test(text) ? `"${text.replace(specials, escaped)}"` : `"${text}"`;
}
