import { ConfigError } from '../errors.ts';
import { type CharacterSet, classEscape, propertySet } from './regex-classes.ts';

/** Flags in force where a node stands. */
export interface RegexFlags {
  readonly ignoreCase: boolean;
  readonly unicodeCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly unixLines: boolean;
  readonly comments: boolean;
  readonly unicodeClasses: boolean;
}

export type RegexNode =
  | { readonly kind: 'alternatives'; readonly options: readonly RegexNode[] }
  | { readonly kind: 'sequence'; readonly items: readonly RegexNode[] }
  | { readonly kind: 'character'; readonly code: number; readonly flags: RegexFlags }
  | { readonly kind: 'set'; readonly set: CharacterSet; readonly flags: RegexFlags }
  | { readonly kind: 'any'; readonly flags: RegexFlags }
  | { readonly kind: 'anchor'; readonly anchor: string; readonly flags: RegexFlags }
  | { readonly kind: 'lineBreak' }
  | { readonly kind: 'group'; readonly number: number; readonly body: RegexNode }
  | { readonly kind: 'plain' | 'atomic' | '=' | '!' | '<=' | '<!'; readonly body: RegexNode }
  | { readonly kind: 'backreference'; readonly group: number; readonly flags: RegexFlags }
  | {
      readonly kind: 'repeat';
      readonly body: RegexNode;
      readonly min: number;
      readonly max: number | null;
      readonly mode: 'greedy' | 'lazy' | 'possessive';
    };

export interface ParsedRegex {
  readonly pattern: string;
  readonly root: RegexNode;
  readonly groupCount: number;
  readonly names: ReadonlyMap<string, number>;
}

const noFlags: RegexFlags = {
  ignoreCase: false,
  unicodeCase: false,
  multiline: false,
  dotAll: false,
  unixLines: false,
  comments: false,
  unicodeClasses: false,
};

const flagNames: Readonly<Record<string, keyof RegexFlags>> = {
  i: 'ignoreCase',
  u: 'unicodeCase',
  m: 'multiline',
  s: 'dotAll',
  d: 'unixLines',
  x: 'comments',
  U: 'unicodeClasses',
};

/** Reads a regular expression in Java's syntax. */
export function parseJavaRegex(pattern: string): ParsedRegex {
  return new RegexParser(pattern).parse();
}

/** Groups and classes inside one another; Java gives up somewhere below 1,000. */
const deepest = 500;

function offsetsOf(chars: readonly string[]): number[] {
  let offset = 0;
  return chars.map((char) => {
    const start = offset;
    offset += char.length;
    return start;
  });
}

/**
 * Groups and repetitions in one pattern: each takes JavaScript's engine a third of a millisecond to compile, and nothing
 * can stop it there.
 */
const mostCostly = 2000;

/** Of a numbered character: leading zeros beyond this are nobody's. */
const longestEscape = 64;

const countForm = /\{([0-9]+)(,([0-9]*))?/y;
const groupNameForm = /([a-zA-Z][a-zA-Z0-9]*)>/y;
const referenceForm = /k<([a-zA-Z][a-zA-Z0-9]*)>/y;

class RegexParser {
  readonly #pattern: string;
  readonly #chars: readonly string[];
  /** Where each character begins in the pattern, if some take two code units. */
  readonly #offsets: readonly number[] | null;
  #at = 0;
  #depth = 0;
  #flags: RegexFlags = noFlags;
  #groupCount = 0;
  #costly = 0;
  readonly #names = new Map<string, number>();
  /** The lowest number that was referred to before its group was there. */
  #earlyReference = Number.POSITIVE_INFINITY;

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#chars = [...pattern];
    this.#offsets = this.#chars.length === pattern.length ? null : offsetsOf(this.#chars);
  }

  parse(): ParsedRegex {
    const root = this.#alternatives();
    if (this.#at < this.#chars.length) throw this.#error("Unmatched closing ')'", this.#at - 1);
    if (this.#earlyReference <= this.#groupCount) {
      throw this.#refuse(`A reference to a group that comes later (\\${this.#earlyReference})`);
    }
    return { pattern: this.#pattern, root, groupCount: this.#groupCount, names: this.#names };
  }

  #error(problem: string, index: number): ConfigError {
    const at = Math.max(index, -1);
    const place = at >= 0 ? ` near index ${at}` : '';
    const marker = at >= 0 && at < this.#chars.length ? `\n${' '.repeat(at)}^` : '';
    return new ConfigError(`${problem}${place}\n${this.#pattern}${marker}`);
  }

  /** For what Java knows and JavaScript has nothing for. */
  #refuse(construct: string): ConfigError {
    return new ConfigError(`${construct} is not supported in regular expressions here: ${this.#pattern}`);
  }

  #peek(ahead = 0): string | undefined {
    return this.#chars[this.#at + ahead];
  }

  #take(text: string): boolean {
    const chars = [...text];
    if (!chars.every((char, i) => this.#peek(i) === char)) return false;
    this.#at += chars.length;
    return true;
  }

  /** What a form, sticky and of ASCII alone, finds where the parser is. */
  #match(form: RegExp): RegExpExecArray | null {
    form.lastIndex = this.#offsets === null ? this.#at : (this.#offsets[this.#at] ?? this.#pattern.length);
    return form.exec(this.#pattern);
  }

  #countCostly(): void {
    this.#costly++;
    if (this.#costly > mostCostly) {
      throw new ConfigError(
        `A regular expression of more than ${mostCostly} groups and repetitions is not supported here`,
      );
    }
  }

  #nested<T>(parse: () => T): T {
    if (this.#depth >= deepest) throw this.#error('Stack overflow during pattern compilation', this.#at);
    this.#depth++;
    const parsed = parse();
    this.#depth--;
    return parsed;
  }

  #alternatives(): RegexNode {
    const options = [this.#sequence()];
    while (this.#take('|')) options.push(this.#sequence());
    return options.length === 1 ? options[0]! : { kind: 'alternatives', options };
  }

  #sequence(): RegexNode {
    const items: RegexNode[] = [];
    for (;;) {
      this.#skipComments();
      const char = this.#peek();
      if (char === undefined || char === '|' || char === ')') break;
      if (char === '\\' && this.#peek(1) === 'Q') {
        this.#quoted(items);
        continue;
      }
      if (char === '\\' && this.#peek(1) === 'E') {
        throw this.#error('Illegal/unsupported escape sequence', this.#at + 1);
      }
      const atom = this.#atom();
      if (atom === null) continue;
      items.push(this.#quantified(atom));
    }
    return items.length === 1 ? items[0]! : { kind: 'sequence', items };
  }

  #skipComments(): void {
    if (!this.#flags.comments) return;
    for (;;) {
      const char = this.#peek();
      if (char === '#') {
        while (this.#peek() !== undefined && !/[\n\r\u0085\u2028\u2029]/.test(this.#peek()!)) this.#at++;
      } else if (char !== undefined && /[ \t\n\v\f\r]/.test(char)) this.#at++;
      else return;
    }
  }

  #quoted(items: RegexNode[]): void {
    this.#at += 2;
    const literals: RegexNode[] = [];
    while (this.#peek() !== undefined && !this.#take('\\E')) {
      literals.push({ kind: 'character', code: this.#chars[this.#at]!.codePointAt(0)!, flags: this.#flags });
      this.#at++;
    }
    const last = literals.pop();
    items.push(...literals);
    if (last !== undefined) items.push(this.#quantified(last));
  }

  /** One thing that a quantifier may follow; null for flags, which are no thing. */
  #atom(): RegexNode | null {
    const start = this.#at;
    const char = this.#chars[this.#at]!;
    switch (char) {
      case '*':
      case '+':
      case '?':
        throw this.#error(`Dangling meta character '${char}'`, start);
      case '{':
        // Java takes a count where nothing stands before it as a count of nothing.
        return { kind: 'sequence', items: [] };
      case '(':
        return this.#group();
      case '[':
        this.#at++;
        return { kind: 'set', set: this.#characterClass(), flags: this.#flags };
      case '.':
        this.#at++;
        return { kind: 'any', flags: this.#flags };
      case '^':
      case '$':
        this.#at++;
        return { kind: 'anchor', anchor: char, flags: this.#flags };
      case '\\':
        return this.#escape();
      default:
        this.#at++;
        return { kind: 'character', code: char.codePointAt(0)!, flags: this.#flags };
    }
  }

  #quantified(atom: RegexNode): RegexNode {
    this.#skipComments();
    const range = this.#range();
    if (range === null) return atom;
    this.#countCostly();
    const mode = this.#take('+') ? 'possessive' : this.#take('?') ? 'lazy' : 'greedy';
    return { kind: 'repeat', body: atom, min: range[0], max: range[1], mode };
  }

  #range(): readonly [number, number | null] | null {
    if (this.#take('*')) return [0, null];
    if (this.#take('+')) return [1, null];
    if (this.#take('?')) return [0, 1];
    if (this.#peek() !== '{') return null;
    const match = this.#match(countForm);
    if (match === null) throw this.#error('Illegal repetition', this.#at + 1 - (this.#at === 0 ? 1 : 0));
    const min = Number(match[1]);
    const max = match[2] === undefined ? min : match[3] === '' ? null : Number(match[3]);
    this.#at += match[0].length;
    if (this.#peek() !== '}') throw this.#error('Unclosed counted closure', this.#at);
    if (min > 2147483647 || (max !== null && (max > 2147483647 || max < min))) {
      throw this.#error('Illegal repetition range', this.#at);
    }
    this.#at++;
    return [min, max];
  }

  #group(): RegexNode | null {
    this.#at++;
    this.#countCostly();
    const outer = this.#flags;
    if (!this.#take('?')) {
      this.#groupCount++;
      const number = this.#groupCount;
      return { kind: 'group', number, body: this.#groupBody(outer) };
    }
    if (this.#take(':')) return { kind: 'plain', body: this.#groupBody(outer) };
    if (this.#take('>')) return { kind: 'atomic', body: this.#groupBody(outer) };
    if (this.#take('=')) return { kind: '=', body: this.#groupBody(outer) };
    if (this.#take('!')) return { kind: '!', body: this.#groupBody(outer) };
    if (this.#take('<=')) return { kind: '<=', body: this.#groupBody(outer) };
    if (this.#take('<!')) return { kind: '<!', body: this.#groupBody(outer) };
    if (this.#take('<')) return this.#namedGroup(outer);
    return this.#flagGroup(outer);
  }

  #namedGroup(outer: RegexFlags): RegexNode {
    const match = this.#match(groupNameForm);
    if (match === null) {
      throw this.#error(
        /^[a-zA-Z]/.test(this.#peek() ?? '')
          ? "named capturing group is missing trailing '>'"
          : 'capturing group name does not start with a Latin letter',
        this.#at,
      );
    }
    const name = match[1]!;
    if (this.#names.has(name))
      throw this.#error(`Named capturing group <${name}> is already defined`, this.#at + name.length);
    this.#at += match[0].length;
    this.#groupCount++;
    const number = this.#groupCount;
    this.#names.set(name, number);
    return { kind: 'group', number, body: this.#groupBody(outer) };
  }

  /** `(?i)` is in force up to the end of the group around it, `(?i:x)` inside. */
  #flagGroup(outer: RegexFlags): RegexNode | null {
    let on = true;
    const flags = { ...outer };
    for (;;) {
      const char = this.#peek();
      if (char === '-' && on) on = false;
      else if (char !== undefined && flagNames[char] !== undefined) {
        flags[flagNames[char]] = on;
        if (char === 'U' && on) flags.unicodeCase = true;
      } else if (char === ')') {
        this.#at++;
        this.#flags = flags;
        return null;
      } else if (char === ':') {
        this.#at++;
        this.#flags = flags;
        return { kind: 'plain', body: this.#groupBody(outer) };
      } else throw this.#error(char === undefined ? 'Unknown inline modifier' : 'Unknown inline modifier', this.#at);
      this.#at++;
    }
  }

  #groupBody(outer: RegexFlags): RegexNode {
    const body = this.#nested(() => this.#alternatives());
    if (!this.#take(')')) throw this.#error('Unclosed group', this.#at);
    this.#flags = outer;
    return body;
  }

  #escape(): RegexNode {
    this.#at++;
    const flags = this.#flags;
    const char = this.#peek();
    if (char === undefined) throw this.#error('Unexpected internal error', this.#at);
    if (/[1-9]/.test(char)) return this.#backreference();
    switch (char) {
      case 'A':
      case 'z':
      case 'Z':
      case 'b':
      case 'B':
        this.#at++;
        if (char === 'b' && this.#peek() === '{' && this.#peek(1) === 'g') throw this.#refuse('\\b{g}');
        return { kind: 'anchor', anchor: char, flags };
      case 'G':
        throw this.#refuse('\\G');
      case 'X':
        throw this.#refuse('\\X');
      case 'R':
        this.#at++;
        return { kind: 'lineBreak' };
      case 'k': {
        const match = this.#match(referenceForm);
        if (match === null) throw this.#error("\\k is not followed by '<' for named capturing group", this.#at);
        const group = this.#names.get(match[1]!);
        if (group === undefined) throw this.#error(`named capturing group <${match[1]}> does not exist`, this.#at);
        this.#at += match[0].length;
        return { kind: 'backreference', group, flags };
      }
    }
    const set = this.#setEscape(char);
    if (set !== null) return { kind: 'set', set, flags };
    return { kind: 'character', code: this.#characterEscape(), flags };
  }

  #backreference(): RegexNode {
    let group = Number(this.#peek());
    this.#at++;
    if (group > this.#groupCount) {
      // Java lets a reference fail whose group there is not (yet).
      this.#earlyReference = Math.min(this.#earlyReference, group);
      return { kind: '!', body: { kind: 'sequence', items: [] } };
    }
    while (/[0-9]/.test(this.#peek() ?? '')) {
      const longer = group * 10 + Number(this.#peek());
      if (longer > this.#groupCount) break;
      group = longer;
      this.#at++;
    }
    return { kind: 'backreference', group, flags: this.#flags };
  }

  /** `\d`, `\p{..}` and their like; null when the escape is of one character. */
  #setEscape(char: string): CharacterSet | null {
    const named = classEscape(char, this.#flags.unicodeClasses);
    if (named !== null) {
      this.#at++;
      return named;
    }
    if (char !== 'p' && char !== 'P') return null;
    this.#at++;
    let name: string;
    if (this.#take('{')) {
      const end = this.#chars.indexOf('}', this.#at);
      if (end === -1) throw this.#error('Unclosed character family', this.#chars.length - 1);
      name = this.#chars.slice(this.#at, end).join('');
      this.#at = end + 1;
      if (name === '') throw this.#error('Empty character family', this.#at - 1);
    } else {
      name = this.#peek() ?? '';
      this.#at++;
    }
    const set = propertySet(name, char === 'P', this.#flags.unicodeClasses);
    if (set === 'unknown') throw this.#error(`Unknown character property name {${name}}`, this.#at - 1);
    if (set === 'block') throw this.#refuse(`The Unicode block \\${char}{${name}}`);
    return set;
  }

  #characterEscape(): number {
    const start = this.#at;
    const char = this.#chars[this.#at]!;
    this.#at++;
    const simple = { t: 9, n: 10, r: 13, f: 12, a: 7, e: 27 }[char];
    if (simple !== undefined) return simple;
    const rest = this.#chars.slice(this.#at, this.#at + longestEscape).join('');
    const numbered = (form: RegExp, radix: number, problem: string): number => {
      const match = form.exec(rest);
      if (match === null) throw this.#error(problem, this.#at);
      this.#at += match[0].length;
      const code = Number.parseInt(match[1]!, radix);
      if (code > 0x10ffff) throw this.#error('Hexadecimal codepoint is too big', this.#at);
      return code;
    };
    switch (char) {
      case '0':
        return numbered(/^([0-3]?[0-7]?[0-7])/, 8, 'Illegal octal escape sequence');
      case 'x':
        if (rest.startsWith('{')) return numbered(/^\{([0-9a-fA-F]+)\}/, 16, 'Unclosed hexadecimal escape sequence');
        return numbered(/^([0-9a-fA-F]{2})/, 16, 'Illegal hexadecimal escape sequence');
      case 'u':
        return this.#unicodeEscape(rest);
      case 'c': {
        const control = this.#peek();
        if (control === undefined) throw this.#error('Illegal control escape sequence', this.#at);
        this.#at++;
        return control.codePointAt(0)! ^ 64;
      }
      case 'N':
        throw this.#refuse('\\N{name}');
    }
    if (/[a-zA-Z]/.test(char)) throw this.#error('Illegal/unsupported escape sequence', start);
    return char.codePointAt(0)!;
  }

  /** Two escaped surrogates are one character. */
  #unicodeEscape(rest: string): number {
    const match = /^([0-9a-fA-F]{4})(?:\\u([dD][c-fC-F][0-9a-fA-F]{2}))?/.exec(rest);
    if (match === null) throw this.#error('Illegal Unicode escape sequence', this.#at);
    const code = Number.parseInt(match[1]!, 16);
    const paired = code >= 0xd800 && code < 0xdc00 && match[2] !== undefined;
    this.#at += paired ? 10 : 4;
    return paired ? 0x10000 + ((code - 0xd800) << 10) + (Number.parseInt(match[2]!, 16) - 0xdc00) : code;
  }

  /** From behind the `[` to behind its `]`: unions, `&&` and classes inside classes. */
  #characterClass(): CharacterSet {
    const negated = this.#take('^');
    const operands: CharacterSet[][] = [[]];
    let first = true;
    for (;;) {
      this.#skipComments();
      const char = this.#peek();
      const union = operands.at(-1)!;
      if (char === undefined) throw this.#error('Unclosed character class', this.#chars.length - 1);
      if (char === ']' && !(first && operands.length === 1)) {
        this.#at++;
        break;
      }
      first = false;
      if (char === '[') {
        this.#at++;
        union.push(this.#nested(() => this.#characterClass()));
      } else if (char === '&' && this.#peek(1) === '&') {
        this.#at += 2;
        while (this.#take('&'));
        operands.push([]);
      } else if (char === '\\' && this.#peek(1) === 'Q') {
        this.#at += 2;
        while (this.#peek() !== undefined && !this.#take('\\E')) {
          const code = this.#chars[this.#at]!.codePointAt(0)!;
          union.push({ kind: 'range', from: code, to: code });
          this.#at++;
        }
      } else union.push(this.#classMember());
    }
    const sets = operands
      .filter((union) => union.length > 0)
      .map((members): CharacterSet => ({ kind: 'union', members }));
    if (sets.length === 0) throw this.#error('Bad class syntax', this.#at - 1);
    const body: CharacterSet = sets.length === 1 ? sets[0]! : { kind: 'intersection', members: sets };
    return negated ? { kind: 'not', member: body } : body;
  }

  #classMember(): CharacterSet {
    const from = this.#classCharacter();
    if (typeof from !== 'number') return from;
    const next = this.#peek(1);
    if (this.#peek() !== '-' || next === undefined || next === ']' || next === '[') {
      return { kind: 'range', from, to: from };
    }
    this.#at++;
    const to = this.#classCharacter();
    if (typeof to !== 'number' || to < from) throw this.#error('Illegal character range', this.#at - 1);
    return { kind: 'range', from, to };
  }

  #classCharacter(): number | CharacterSet {
    const char = this.#chars[this.#at]!;
    this.#at++;
    if (char !== '\\') return char.codePointAt(0)!;
    const escaped = this.#peek();
    if (escaped === undefined) throw this.#error('Unclosed character class', this.#chars.length - 1);
    if (/[1-9AbBGzZkRX]/.test(escaped)) throw this.#error('Illegal/unsupported escape sequence', this.#at);
    return this.#setEscape(escaped) ?? this.#characterEscape();
  }
}
