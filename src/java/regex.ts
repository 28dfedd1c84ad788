import { ConfigError, DataError } from '../errors.ts';
import { boundedMatch } from './bounded-match.ts';
import { emitRegex } from './regex-emit.ts';
import { parseJavaRegex } from './regex-parse.ts';
import { isQuick, quickTextLength } from './regex-quick.ts';

/**
 * A regular expression in Java's syntax, run by JavaScript's engine: what both know is taken as it is, what only Java
 * knows is rewritten (possessive quantifiers, `\Q..\E`, inline flags, POSIX classes, `$` before a last line end ...),
 * and the little that has no counterpart is refused with an error that names it. None takes unbounded time: one that
 * runs away ends with a ConfigError that names the setting.
 */
export class JavaRegex {
  readonly pattern: string;
  readonly #whole: RegExp;
  readonly #anywhere: RegExp;
  /** JavaScript's number of each of Java's groups, from group 0 on. */
  readonly #groups: readonly number[];
  readonly #names: ReadonlyMap<string, number>;
  /** The setting that it is the value of, for messages. */
  readonly #key: string | null;
  readonly #quick: boolean;

  /** Throws a ConfigError in Java's words where Java would, else in ours. */
  constructor(pattern: string, key: string | null = null) {
    this.pattern = pattern;
    this.#key = key;
    const parsed = parseJavaRegex(pattern);
    const emitted = emitRegex(parsed);
    this.#groups = emitted.groups;
    this.#names = parsed.names;
    this.#quick = isQuick(parsed.root);
    try {
      this.#whole = new RegExp(`^(?:${emitted.source})$`, 'v');
      this.#anywhere = new RegExp(emitted.source, 'v');
    } catch (cause) {
      throw this.#cannotRun(cause);
    }
  }

  /** Whether the whole text matches. Java: Matcher.matches. */
  matches(text: string): boolean {
    return this.#run([text], (one) => this.#whole.test(one))[0]!;
  }

  /** Those that match as a whole. */
  filter(texts: readonly string[]): string[] {
    const matches = this.#run(texts, (text) => this.#whole.test(text));
    return texts.filter((_, i) => matches[i]);
  }

  /** What the named groups of the first match hold, anywhere in the text; null: there is none. Java: Matcher.find. */
  find(text: string): Readonly<Record<string, string | undefined>> | null {
    const match = this.#run([text], (one) => this.#anywhere.exec(one))[0]!;
    if (match === null) return null;
    return Object.fromEntries(Array.from(this.#names, ([name, group]) => [name, match[this.#groups[group]!]]));
  }

  /** The text with the first match replaced. Java: Matcher.replaceFirst. */
  replaceFirst(text: string, replacement: string): string {
    const match = this.#run([text], (one) => this.#anywhere.exec(one))[0]!;
    if (match === null) return text;
    const end = match.index + match[0].length;
    return text.slice(0, match.index) + this.#expand(replacement, match) + text.slice(end);
  }

  #run<T>(texts: readonly string[], match: (text: string) => T): T[] {
    try {
      if (this.#quick && texts.every((text) => text.length <= quickTextLength)) return texts.map(match);
      return boundedMatch({ pattern: this.pattern, key: this.#key }, texts, match);
    } catch (error) {
      if (error instanceof ConfigError) throw error;
      throw this.#cannotRun(error);
    }
  }

  /** V8 compiles a pattern when it is first used, and refuses some only then. */
  #cannotRun(cause: unknown): ConfigError {
    return new ConfigError(`The regular expression ${this.pattern} cannot be run: ${(cause as Error).message}`, {
      cause,
      ...(this.#key === null ? {} : { key: this.#key }),
    });
  }

  /** `$1`, `${name}` and `\x` as Java reads them; an unset group is empty. */
  #expand(replacement: string, match: RegExpExecArray): string {
    let result = '';
    for (let i = 0; i < replacement.length; ) {
      const char = replacement[i]!;
      if (char === '\\') {
        if (i + 1 === replacement.length) throw replacementError('character to be escaped is missing');
        result += replacement[i + 1];
        i += 2;
      } else if (char === '$') {
        const [group, next] = this.#groupAt(replacement, i + 1);
        result += match[this.#groups[group]!] ?? '';
        i = next;
      } else {
        result += char;
        i++;
      }
    }
    return result;
  }

  #groupAt(replacement: string, start: number): [group: number, next: number] {
    if (start === replacement.length) throw replacementError('Illegal group reference: group index is missing');
    if (replacement[start] === '{') {
      const name = /^\{([a-zA-Z][a-zA-Z0-9]*)\}/.exec(replacement.slice(start));
      if (name === null) throw replacementError("named capturing group is missing trailing '}'");
      const group = this.#names.get(name[1]!);
      if (group === undefined) throw replacementError(`No group with name {${name[1]}}`);
      return [group, start + name[0].length];
    }
    if (!/[0-9]/.test(replacement[start]!)) throw replacementError('Illegal group reference');
    let group = Number(replacement[start]);
    if (group >= this.#groups.length) throw replacementError(`No group ${group}`);
    let next = start + 1;
    // Further digits belong to the number while there is such a group.
    while (/[0-9]/.test(replacement[next] ?? '')) {
      const longer = group * 10 + Number(replacement[next]);
      if (longer >= this.#groups.length) break;
      group = longer;
      next++;
    }
    return [group, next];
  }
}

function replacementError(message: string): DataError {
  return new DataError(message, { code: 'regex.replacement', javaClass: 'IllegalArgumentException' });
}
