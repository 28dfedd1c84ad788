import { invalidValue, type Validator } from '../../config/validators.ts';

/** Java's String.split without a limit: empty parts at the end do not count. */
export function splitColons(text: string): string[] {
  const parts = text.split(':');
  if (parts.length === 1) return parts;
  while (parts.length > 0 && parts.at(-1) === '') parts.pop();
  return parts;
}

/** `a:b` pairs; a later pair of the same left side wins. */
export function parsePairs(name: string, pairs: readonly string[]): Map<string, string> {
  const result = new Map<string, string>();
  for (const pair of pairs) {
    const parts = splitColons(pair);
    if (parts.length !== 2) throw invalidValue(name, pairs, `Invalid rename mapping: ${pair}`);
    result.set(parts[0]!, parts[1]!);
  }
  return result;
}

export const validPairs: Validator = {
  description: 'list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>',
  check(name, value) {
    parsePairs(name, value as readonly string[]);
  },
};
