import type { Painter } from './output.ts';

export interface ConfigChange {
  readonly key: string;
  /** Null: it is new. */
  readonly before: string | null;
  /** Null: it goes. */
  readonly after: string | null;
}

type Config = Readonly<Record<string, string>>;

/** By key; empty when they are the same. */
export function configChanges(before: Config | null, after: Config): ConfigChange[] {
  const keys = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after)])].sort();
  return keys
    .map((key) => ({
      key,
      before: before !== null && Object.hasOwn(before, key) ? before[key]! : null,
      after: Object.hasOwn(after, key) ? after[key]! : null,
    }))
    .filter((change) => change.before !== change.after);
}

const secretKey = /password|passphrase|secret|token|credential|private|api\.?key|access\.key|jaas/i;
const reference = /\$\{[^}]+\}/;

/** A password of a config is no text for a terminal or a build's log; references to secrets are. */
export function shownValue(key: string, value: string): string {
  return secretKey.test(key) && value !== '' && !reference.test(value) ? '[hidden]' : value;
}

export function printChanges(changes: readonly ConfigChange[], paint: Painter): string {
  const line = (sign: '+' | '-', key: string, value: string) =>
    `${paint(sign === '+' ? 'green' : 'red', `  ${sign} ${key}: ${JSON.stringify(shownValue(key, value))}`)}\n`;
  return changes
    .map(
      ({ key, before, after }) =>
        (before === null ? '' : line('-', key, before)) + (after === null ? '' : line('+', key, after)),
    )
    .join('');
}
