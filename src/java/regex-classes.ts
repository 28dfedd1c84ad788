/** Sets of characters as regular expressions name them. */
export type CharacterSet =
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  /** Source text that JavaScript understands inside a class. */
  | { readonly kind: 'named'; readonly source: string }
  | { readonly kind: 'union' | 'intersection'; readonly members: readonly CharacterSet[] }
  | { readonly kind: 'not'; readonly member: CharacterSet };

const named = (source: string): CharacterSet => ({ kind: 'named', source });
const not = (member: CharacterSet): CharacterSet => ({ kind: 'not', member });

const digit = '0-9';
const word = 'a-zA-Z_0-9';
const space = ' \\t\\n\\v\\f\\r';
const horizontal = ' \\t\\u00A0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000';
const vertical = '\\n\\v\\f\\r\\u0085\\u2028\\u2029';
const unicodeWord = '\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}';

/** `\d \D \w \W \s \S \h \H \v \V`: ASCII in Java unless the flag U is on. */
export function classEscape(letter: string, unicode: boolean): CharacterSet | null {
  switch (letter) {
    case 'd':
      return named(unicode ? '\\p{Nd}' : digit);
    case 'D':
      return not(named(unicode ? '\\p{Nd}' : digit));
    case 'w':
      return named(unicode ? unicodeWord : word);
    case 'W':
      return not(named(unicode ? unicodeWord : word));
    case 's':
      return named(unicode ? '\\p{White_Space}' : space);
    case 'S':
      return not(named(unicode ? '\\p{White_Space}' : space));
    case 'h':
      return named(horizontal);
    case 'H':
      return not(named(horizontal));
    case 'v':
      return named(vertical);
    case 'V':
      return not(named(vertical));
    default:
      return null;
  }
}

/** POSIX classes: ASCII only, and in Unicode under the flag U. */
const posix: Readonly<Record<string, readonly [ascii: string, unicode: string]>> = {
  Lower: ['a-z', '\\p{Lowercase}'],
  Upper: ['A-Z', '\\p{Uppercase}'],
  ASCII: ['\\x00-\\x7f', '\\x00-\\x7f'],
  Alpha: ['a-zA-Z', '\\p{Alphabetic}'],
  Digit: [digit, '\\p{Nd}'],
  Alnum: ['a-zA-Z0-9', '\\p{Alphabetic}\\p{Nd}'],
  Punct: ['\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e', '\\p{P}'],
  Graph: ['\\x21-\\x7e', '[^\\p{White_Space}\\p{Cc}\\p{Cs}\\p{Cn}]'],
  Print: ['\\x20-\\x7e', '[[^\\p{White_Space}\\p{Cc}\\p{Cs}\\p{Cn}]\\p{Zs}]'],
  Blank: [' \\t', '\\p{Zs}\\t'],
  Cntrl: ['\\x00-\\x1f\\x7f', '\\p{Cc}'],
  XDigit: ['0-9a-fA-F', '\\p{Nd}\\p{Hex_Digit}'],
  Space: [space, '\\p{White_Space}'],
};

/** What java.lang.Character calls it. */
const javaMethods: Readonly<Record<string, string>> = {
  javaLowerCase: '\\p{Lowercase}',
  javaUpperCase: '\\p{Uppercase}',
  javaAlphabetic: '\\p{Alphabetic}',
  javaIdeographic: '\\p{Ideographic}',
  javaTitleCase: '\\p{Lt}',
  javaDigit: '\\p{Nd}',
  javaLetter: '\\p{L}',
  javaLetterOrDigit: '\\p{L}\\p{Nd}',
  javaSpaceChar: '\\p{Z}',
  javaWhitespace: '[[\\p{Z}\\t\\n\\v\\f\\r\\x1c-\\x1f]--[\\u00a0\\u2007\\u202f]]',
  javaISOControl: '\\p{Cc}',
  javaMirrored: '\\p{Bidi_Mirrored}',
  javaDefined: '[^\\p{Cn}]',
  javaIdentifierIgnorable: '\\x00-\\x08\\x0e-\\x1b\\x7f-\\x9f\\p{Cf}',
  javaJavaIdentifierStart: '\\p{L}\\p{Nl}\\p{Sc}\\p{Pc}',
  javaJavaIdentifierPart: '\\p{L}\\p{Nl}\\p{Sc}\\p{Pc}\\p{Nd}\\p{Mc}\\p{Mn}\\x00-\\x08\\x0e-\\x1b\\x7f-\\x9f\\p{Cf}',
  javaUnicodeIdentifierStart: '\\p{ID_Start}',
  javaUnicodeIdentifierPart: '\\p{ID_Continue}\\x00-\\x08\\x0e-\\x1b\\x7f-\\x9f\\p{Cf}',
};

const binaryProperties: Readonly<Record<string, string>> = {
  alphabetic: 'Alphabetic',
  ideographic: 'Ideographic',
  letter: 'L',
  lowercase: 'Lowercase',
  uppercase: 'Uppercase',
  titlecase: 'Lt',
  punctuation: 'P',
  control: 'Cc',
  white_space: 'White_Space',
  digit: 'Nd',
  hex_digit: 'Hex_Digit',
  join_control: 'Join_Control',
  noncharacter_code_point: 'Noncharacter_Code_Point',
  assigned: 'Assigned',
  emoji: 'Emoji',
};

/** `\p{name}` or `\P{name}`. `unknown`: Java does not know it; `block`: JavaScript has no blocks. */
export function propertySet(name: string, negated: boolean, unicode: boolean): CharacterSet | 'unknown' | 'block' {
  const source = propertySource(name, unicode);
  if (source === 'unknown' || source === 'block') return source;
  return negated ? not(named(source)) : named(source);
}

function propertySource(name: string, unicode: boolean): string {
  const known = posix[name]?.[unicode ? 1 : 0] ?? javaMethods[name];
  if (known !== undefined) return known;
  const [key, value] = name.includes('=') ? name.split('=', 2) : [null, name];
  switch (key?.toLowerCase()) {
    case 'sc':
    case 'script':
      return checked(`\\p{Script=${titleCase(value!)}}`);
    case 'gc':
    case 'general_category':
      return checked(`\\p{gc=${value}}`);
    case 'blk':
    case 'block':
      return 'block';
  }
  if (key !== null) return 'unknown';
  if (name.startsWith('In')) return 'block';
  if (name === 'L1') return '\\x00-\\xff';
  if (name === 'all') return '\\p{Any}';
  if (name === 'LD') return '\\p{L}\\p{Nd}';
  if (/^[A-Z][a-z]?$/.test(name)) return checked(`\\p{gc=${name}}`);
  if (!name.startsWith('Is')) return 'unknown';
  const property = name.slice(2);
  const binary = binaryProperties[property.toLowerCase()];
  if (binary !== undefined) return `\\p{${binary}}`;
  if (/^[A-Z][a-z]?$/.test(property)) return checked(`\\p{gc=${property}}`);
  return checked(`\\p{Script=${titleCase(property)}}`);
}

function checked(source: string): string {
  try {
    new RegExp(source, 'v');
    return source;
  } catch {
    return 'unknown';
  }
}

function titleCase(name: string): string {
  return name.toLowerCase().replace(/(^|_)[a-z]/g, (letter) => letter.toUpperCase());
}

/** The set as the inside of a JavaScript class (flag v); `ascii` adds the other case of ASCII letters in ranges. */
export function setSource(set: CharacterSet, bothCases: boolean): string {
  switch (set.kind) {
    case 'range': {
      const plain = rangeSource(set.from, set.to);
      return bothCases ? plain + otherCases(set.from, set.to) : plain;
    }
    case 'named':
      return set.source;
    case 'union':
      return set.members.map((member) => setSource(member, bothCases)).join('');
    case 'intersection':
      return `[${set.members.map((member) => `[${setSource(member, bothCases)}]`).join('&&')}]`;
    case 'not':
      return `[^${setSource(set.member, bothCases)}]`;
  }
}

function rangeSource(from: number, to: number): string {
  return from === to ? code(from) : `${code(from)}-${code(to)}`;
}

export function code(codePoint: number): string {
  return `\\u{${codePoint.toString(16)}}`;
}

function otherCases(from: number, to: number): string {
  const lower = overlap(from, to, 0x41, 0x5a);
  const upper = overlap(from, to, 0x61, 0x7a);
  return (
    (lower === null ? '' : rangeSource(lower[0] + 32, lower[1] + 32)) +
    (upper === null ? '' : rangeSource(upper[0] - 32, upper[1] - 32))
  );
}

function overlap(from: number, to: number, low: number, high: number): readonly [number, number] | null {
  const start = Math.max(from, low);
  const end = Math.min(to, high);
  return start <= end ? [start, end] : null;
}
