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

export function quoteJson(text: string): string {
  return special.test(text) ? `"${text.replace(specials, escaped)}"` : `"${text}"`;
}
