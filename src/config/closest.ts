import { distance } from 'fastest-levenshtein';
import { clientConfig } from './client-config.ts';

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
 * Settings that nobody declares and that differ by a letter or two from one that is declared and not given, or that is
 * one of the Kafka client whose setting it overrides. Connect passes over what it does not know, so that nothing else would tell.
 */
export function misspeltSettings(given: readonly string[], declared: ReadonlySet<string>): Misspelt[] {
  return given
    .filter((setting) => !declared.has(setting))
    .flatMap((setting) => {
      const known = overridesLike(setting) ?? declared;
      if (known.has(setting)) return [];
      const unused = [...known].filter((name) => !given.includes(name));
      const [meant] = closest(setting, unused, 1);
      const allowed = setting.length < 8 ? 1 : 2;
      return meant !== undefined && distance(setting.toLowerCase(), meant.toLowerCase()) <= allowed
        ? [{ setting, meant }]
        : [];
    });
}

/** All overrides of the same client; null: the setting is none. */
function overridesLike(setting: string): ReadonlySet<string> | null {
  const client = (['producer', 'consumer', 'admin'] as const).find((one) => setting.startsWith(`${one}.override.`));
  if (client === undefined) return null;
  return new Set([...clientConfig(client).keys.keys()].map((name) => `${client}.override.${name}`));
}
