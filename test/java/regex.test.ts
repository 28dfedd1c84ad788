import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ConnectError } from '../../src/errors.ts';
import { JavaRegex } from '../../src/java/regex.ts';

test.each([
  ['orders.*', 'orders-eu', true],
  ['orders', 'orders-eu', false],
  ['(?i)MIXED', 'mixed', true],
  ['(?i)ö', 'Ö', false],
  ['(?iu)ö', 'Ö', true],
  ['a(?i)b(?-i)c', 'aBc', true],
  ['a(?i)b(?-i)c', 'aBC', false],
  ['a*+a', 'aaa', false],
  ['(?>a|ab)c', 'abc', false],
  ['\\Qa.b\\E', 'a.b', true],
  ['\\Qa.b\\E', 'axb', false],
  ['\\p{Lower}+', 'abc', true],
  ['\\p{Lower}+', 'ö', false],
  ['\\p{L}+', 'größe', true],
  ['[a-z&&[^b]]+', 'abc', false],
  ['[a-c[x-z]]+', 'axc', true],
  ['\\w+', 'größe', false],
  ['(?U)\\w+', 'größe', true],
  ['(?<y>\\d{4})-\\k<y>', '2024-2024', true],
  ['a.b', 'a\nb', false],
  ['(?<=a+)b', 'b', false],
  ['\\p{javaMirrored}', '(', true],
  ['\\p{javaMirrored}', 'a', false],
  ['\\p{javaDefined}', 'a', true],
  ['\\p{javaDefined}', '\u0378', false],
  ['\\p{javaJavaIdentifierStart}', '$', true],
  ['\\p{javaJavaIdentifierStart}', '7', false],
  ['\\p{javaJavaIdentifierPart}', '7', true],
  ['\\p{javaJavaIdentifierPart}', '\u200b', true],
  ['\\p{javaJavaIdentifierPart}', '-', false],
  ['\\p{javaUnicodeIdentifierStart}', '_', false],
  ['\\p{javaUnicodeIdentifierPart}', '_', true],
  ['\\p{javaIdentifierIgnorable}', '\u00ad', true],
  ['\\p{javaIdentifierIgnorable}', ' ', false],
  ['(?s)a.b', 'a\nb', true],
  ['(?x) a b # comment', 'ab', true],
  ['t$', 't\n', false],
  ['x{2}{2}', 'xx', true],
  ['(?m)^.*$', '', false],
  ['(?m)^.*$', 't', true],
  ['(?md)^', '', false],
  ['.*\\b', 'e\u0301', true],
  ['a\\B\u0301', 'a\u0301', true],
  ['\\x41\\u0042\\t', 'AB\t', true],
])('%s matches %j: %s', (pattern, text, matches) => {
  expect(new JavaRegex(pattern).matches(text)).toBe(matches);
});

test.each([
  ['(.*)-(.*)', '$2_$1', 'a-b', 'b_a'],
  ['(?<base>[a-z]+).*', '${base}!', 'abc1', 'abc!'],
  ['(x)?t', '[$1]', 't', '[]'],
  ['(.)(.*)', '$12', 'ab', 'a2'],
  ['(a)++(b)', '$2$1', 'aab', 'ba'],
  ['a', '\\$0\\\\', 'a', '$0\\'],
  ['t', 'x', 'at-t', 'ax-t'],
])('%s → %s on %s', (pattern, replacement, text, result) => {
  expect(new JavaRegex(pattern).replaceFirst(text, replacement)).toBe(result);
});

test.each([
  ['(', 'Unclosed group near index 1'],
  ['*', "Dangling meta character '*' near index 0\n*\n^"],
  ['[a', 'Unclosed character class near index 1'],
  ['x{2,1}', 'Illegal repetition range'],
  ['\\p{Foo}', 'Unknown character property name {Foo}'],
  ['\\G', '\\G is not supported'],
  ['\\X', '\\X is not supported'],
  ['\\p{InGreek}', 'The Unicode block \\p{InGreek} is not supported'],
  ['(a)?\\1', 'A reference (\\1) to a group that may not have matched is not supported'],
  ['\\1(a)', 'A reference to a group that comes later (\\1) is not supported'],
])('%s is refused with the construct named', (pattern, message) => {
  expect(() => new JavaRegex(pattern)).toThrow(message);
});

test('any text is a pattern or a coded error', () => {
  const piece = fc.constantFrom(
    'a',
    '(',
    ')',
    '[',
    ']',
    '{',
    '}',
    '*',
    '+',
    '?',
    '|',
    '\\',
    '^',
    '$',
    '.',
    '1',
    '-',
    '&&',
    '(?i)',
    '(?<n>',
    'Q',
    'p{L}',
    '\u00e9',
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.string(), (pieces, text) => {
      try {
        new JavaRegex(pieces.join('')).matches(text.slice(0, 20));
      } catch (error) {
        expect(error).toBeInstanceOf(ConnectError);
      }
    }),
    { numRuns: 3000 },
  );
});

test('find gives the named groups of the first match', () => {
  const regex = new JavaRegex('(?<what>[a-z]+)-(?<number>\\d+)(?<end>x)?');
  expect(regex.find('in/orders-12/b-3')).toEqual({ what: 'orders', number: '12', end: undefined });
  expect(regex.find('in/orders')).toBeNull();
  expect(new JavaRegex('.*').find('anything')).toEqual({});
});
