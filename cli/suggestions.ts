import { distance } from 'fastest-levenshtein';

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
