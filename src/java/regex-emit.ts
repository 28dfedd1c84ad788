import { ConfigError } from '../errors.ts';
import { code, setSource } from './regex-classes.ts';
import type { ParsedRegex, RegexFlags, RegexNode } from './regex-parse.ts';

export interface EmittedRegex {
  /** For the flag v alone. */
  readonly source: string;
  /** JavaScript's group number by Java's, with 0 for the whole match. */
  readonly groups: readonly number[];
}

/** Writes what was parsed as a JavaScript regular expression. */
export function emitRegex(parsed: ParsedRegex): EmittedRegex {
  const emitter = new Emitter(parsed);
  const source = emitter.node(parsed.root);
  return { source, groups: emitter.groups };
}

const lineEnds = '\\n\\r\\u0085\\u2028\\u2029';
const atEnd = '(?![^])';
const beforeLineEnd = `(?=[\\r\\u0085\\u2028\\u2029]|(?<!\\r)\\n)`;
const beforeLastLineEnd = `(?=\\r\\n${atEnd}|[\\r\\u0085\\u2028\\u2029]${atEnd}|(?<!\\r)\\n${atEnd})`;
/** A letter's or digit's combining marks belong to its word, as far as Java's boundaries are concerned. */
const behindWord = '(?:(?<=_)|(?<=[\\p{L}\\p{Nd}]\\p{Mn}*))';
const notBehindWord = '(?:(?<!_)(?<![\\p{L}\\p{Nd}]\\p{Mn}*))';
const beforeWord = '(?:(?=[\\p{L}\\p{Nd}_])|(?<=[\\p{L}\\p{Nd}]\\p{Mn}*)(?=\\p{Mn}))';
const notBeforeWord = '(?:(?![\\p{L}\\p{Nd}_])(?!(?<=[\\p{L}\\p{Nd}]\\p{Mn}*)\\p{Mn}))';

class Emitter {
  readonly groups: number[] = [0];
  readonly #pattern: string;
  #count = 0;
  /** Groups that may have matched nothing when a reference to them is reached, by their nesting. */
  readonly #certain = new Set<number>();
  #optionalDepth = 0;

  constructor(parsed: ParsedRegex) {
    this.#pattern = parsed.pattern;
  }

  node(node: RegexNode): string {
    switch (node.kind) {
      case 'alternatives':
        return this.#optional(() => node.options.map((option) => this.node(option)).join('|'));
      case 'sequence':
        return node.items.map((item) => this.#item(item)).join('');
      case 'character':
        return character(node.code, node.flags);
      case 'set':
        return characterSet(node.set, node.flags);
      case 'any':
        return node.flags.dotAll ? '[^]' : `[^${node.flags.unixLines ? '\\n' : lineEnds}]`;
      case 'anchor':
        return anchor(node.anchor, node.flags);
      case 'lineBreak':
        return '(?:\\r\\n|[\\n\\v\\f\\r\\u0085\\u2028\\u2029])';
      case 'group':
        return this.#group(node.number, node.body);
      case 'plain':
        return `(?:${this.node(node.body)})`;
      case 'atomic':
        return this.#atomic(() => this.node(node.body));
      case '=':
      case '<=':
        return `(?${node.kind}${this.node(node.body)})`;
      case '!':
      case '<!':
        return this.#optional(() => `(?${node.kind}${this.node(node.body)})`);
      case 'backreference':
        return this.#backreference(node.group, node.flags);
      case 'repeat':
        return this.#repeat(node);
    }
  }

  #item(node: RegexNode): string {
    return node.kind === 'alternatives' ? `(?:${this.node(node)})` : this.node(node);
  }

  #optional(emit: () => string): string {
    this.#optionalDepth++;
    const source = emit();
    this.#optionalDepth--;
    return source;
  }

  #group(number: number, body: RegexNode): string {
    this.#count++;
    this.groups[number] = this.#count;
    const certain = this.#optionalDepth === 0;
    const source = `(${this.node(body)})`;
    if (certain) this.#certain.add(number);
    return source;
  }

  /** A look-ahead is never re-entered: what it captured is taken whole or not at all. */
  #atomic(emit: () => string): string {
    this.#count++;
    const number = this.#count;
    return `(?:(?=(${emit()}))\\${number})`;
  }

  #repeat(node: Extract<RegexNode, { kind: 'repeat' }>): string {
    const emit = () => {
      const body = `(?:${this.node(node.body)})`;
      const count = node.max === node.min ? `{${node.min}}` : `{${node.min},${node.max ?? ''}}`;
      return `${body}${count}${node.mode === 'lazy' ? '?' : ''}`;
    };
    const scoped = node.min === 0 ? () => this.#optional(emit) : emit;
    return node.mode === 'possessive' ? this.#atomic(scoped) : scoped();
  }

  #backreference(group: number, flags: RegexFlags): string {
    // JavaScript lets an unset group match nothing where Java lets it fail.
    if (!this.#certain.has(group)) {
      throw new ConfigError(
        `A reference (\\${group}) to a group that may not have matched is not supported in regular expressions here: ${this.#pattern}`,
      );
    }
    const source = `(?:\\${this.groups[group]})`;
    return flags.ignoreCase ? `(?i:${source})` : source;
  }
}

function character(codePoint: number, flags: RegexFlags): string {
  const plain = code(codePoint);
  if (!flags.ignoreCase) return plain;
  if (flags.unicodeCase) return `(?i:${plain})`;
  const text = String.fromCodePoint(codePoint);
  return /[a-zA-Z]/.test(text) ? `[${text.toLowerCase()}${text.toUpperCase()}]` : plain;
}

function characterSet(set: Parameters<typeof setSource>[0], flags: RegexFlags): string {
  if (flags.ignoreCase && flags.unicodeCase) return `(?i:[${setSource(set, false)}])`;
  return `[${setSource(set, flags.ignoreCase)}]`;
}

function anchor(which: string, flags: RegexFlags): string {
  switch (which) {
    case '^':
      if (!flags.multiline) return '(?<![^])';
      // Never at the end of the input, not even of an empty one.
      return flags.unixLines
        ? `(?:(?:(?<![^])|(?<=\\n))(?=[^]))`
        : `(?:(?:(?<![^])|(?<=[\\n\\u0085\\u2028\\u2029])|(?<=\\r)(?!\\n))(?=[^]))`;
    case '$':
      if (flags.multiline) return flags.unixLines ? `(?:(?=\\n)|${atEnd})` : `(?:${beforeLineEnd}|${atEnd})`;
      return flags.unixLines ? `(?:(?=\\n${atEnd})|${atEnd})` : `(?:${beforeLastLineEnd}|${atEnd})`;
    case 'A':
      return '(?<![^])';
    case 'z':
      return atEnd;
    case 'Z':
      return flags.unixLines ? `(?:(?=\\n${atEnd})|${atEnd})` : `(?:${beforeLastLineEnd}|${atEnd})`;
    case 'b':
      return `(?:${behindWord}${notBeforeWord}|${notBehindWord}${beforeWord})`;
    default:
      return `(?:${behindWord}${beforeWord}|${notBehindWord}${notBeforeWord})`;
  }
}
