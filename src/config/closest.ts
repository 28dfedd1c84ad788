import { distance } from 'fastest-levenshtein';

/** What somebody may have meant who has misspelt it. */

/** Those that the word may stand for, the likeliest first: a few letters wrong, missing, or swapped. */
export function closest(word: string, candidates: readonly string[], most = 3): string[] {
  const lower = word.toLowerCase();
  const allowed = Math.max(1, Math.floor(word.length * 0.4));
  return candidates
    .map((candidate) => ({ candidate, away: distance(lower, candidate.toLowerCase()) }))
    .filter(({ candidate, away }) => away <= allowed || (lower.length > 2 && candidate.toLowerCase().startsWith(lower)))
    .sort((one, other) => one.away - other.away || (one.candidate < other.candidate ? -1 : 1))
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

export interface Misspelt {
  readonly setting: string;
  /** What it may stand for. */
  readonly meant: string;
}

/**
 * Settings that nobody declares and that differ by a letter or two from one that is declared and not given. Connect passes
 * over what it does not know, so that nothing else would tell.
 */
export function misspeltSettings(given: readonly string[], declared: ReadonlySet<string>): Misspelt[] {
  const unknown = given.filter((setting) => !declared.has(setting));
  if (unknown.length === 0) return [];
  const unused = [...declared].filter((name) => !given.includes(name));
  return unknown.flatMap((setting) => {
    const [meant] = closest(setting, unused, 1);
    const allowed = setting.length < 8 ? 1 : 2;
    return meant !== undefined && distance(setting.toLowerCase(), meant.toLowerCase()) <= allowed
      ? [{ setting, meant }]
      : [];
  });
}
