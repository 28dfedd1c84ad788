import type { ConnectorRow } from '../cli/answers.ts';

export function matches(row: ConnectorRow, words: readonly string[]): boolean {
  if (words.length === 0) return true;
  const text = `${row.name} ${row.type} ${row.className} ${row.topics.join(' ')} ${row.error ?? ''}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

export const wordsOf = (text: string) => text.toLowerCase().split(/\s+/).filter(Boolean);

/** Those that are searched for, and those that share a topic with one of them. */
export function chosen(
  all: readonly ConnectorRow[],
  search: string,
): { readonly meant: readonly ConnectorRow[]; readonly beside: readonly ConnectorRow[] } {
  const words = wordsOf(search);
  if (words.length === 0) return { meant: all, beside: [] };
  const meant = all.filter((row) => matches(row, words));
  const topics = new Set(meant.flatMap((row) => row.topics));
  const known = new Set(meant);
  return { meant, beside: all.filter((row) => !known.has(row) && row.topics.some((topic) => topics.has(topic))) };
}
