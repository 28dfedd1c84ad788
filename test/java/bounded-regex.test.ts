import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { JavaRegex } from '../../src/java/regex.ts';
import { parseJavaRegex } from '../../src/java/regex-parse.ts';
import { isQuick } from '../../src/java/regex-quick.ts';

function errorOf(work: () => unknown): ConfigError {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return error as ConfigError;
  }
  throw new Error('it came back');
}

/** Each takes longer than anybody waits, on a text of 60 characters. */
const runaways = ['(.+)+[!]$', '(a+)+$', '(a|a)*b', '(a*)*b', '(.*)(.*)(.*)(.*)(.*)(.*)(.*)b'];

describe('a regular expression of a config takes no unbounded time', () => {
  it.each(runaways)('%s ends with an error that names its setting', (pattern) => {
    const regex = new JavaRegex(pattern, 'some.key');
    const text = `${'a'.repeat(60)}c`;
    for (const work of [() => regex.matches(text), () => regex.filter(['x', text])]) {
      const { message, facts } = errorOf(work);
      expect(facts.key).toBe('some.key');
      expect(message).toContain(`of some.key was stopped after 500 ms on "${text}"`);
    }
    expect(regex.filter(['x!', 'y'])).toEqual(['x!', 'y'].filter((one) => regex.matches(one)));
  });

  it('also where only a part is looked for', () => {
    const regex = new JavaRegex('.*|(a+)+b', 'regex');
    expect(regex.replaceFirst('abc', 'x')).toBe('x');
    errorOf(() => new JavaRegex('(a+)+b', 'regex').replaceFirst('a'.repeat(60), 'x'));
  });

  it.each(['orders.*', '(.*)-(.*)', '(?i)ORDERS\\..*', 'a|b|c', '\\Qa.b\\E.*', '[a-z&&[^i]]+', 'x{2}{2}', '(abc)'])(
    '%s is matched without a watchdog',
    (pattern) => expect(isQuick(parseJavaRegex(pattern).root)).toBe(true),
  );

  it.each([...runaways, '(?:(?:a|a){9}){9}', '(a|a)'.repeat(40), '(a)\\1', 'a*+b', '(?=a)b', '.*x.*y.*'])(
    '%s is not',
    (pattern) => expect(isQuick(parseJavaRegex(pattern).root)).toBe(false),
  );

  it('the watchdog changes no answer', () => {
    const atom = fc.constantFrom('a', 'b', '.', '[ab]', '(a|b)', '(?:ab)', '\\w');
    const pattern = fc
      .array(fc.tuple(atom, fc.constantFrom('', '*', '+', '?', '{2}', '*?')), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.map(([one, count]) => one + count).join(''));
    const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (source, subject) => {
        const expected = new RegExp(`^(?:${source})$`).test(subject);
        expect(new JavaRegex(source).matches(subject)).toBe(expected);
        // A look-ahead that says nothing takes it to the watchdog.
        expect(new JavaRegex(`(?=)(?:${source})`).matches(subject)).toBe(expected);
      }),
      { numRuns: 50 },
    );
  });
});

describe('a regular expression may be large', () => {
  it.each([
    ['groups', '(', ')'],
    ['other groups', '(?:', ')'],
    ['look-aheads', '(?=', ')'],
    ['classes', '[', ']'],
  ])('but %s inside one another are refused from some depth on, as in Java', (_what, open, close) => {
    const nested = (depth: number) => `${open.repeat(depth)}a${close.repeat(depth)}`;
    expect(new JavaRegex(nested(400)).pattern).toHaveLength(400 * (open.length + 1) + 1);
    for (const depth of [3000, 100_000]) {
      expect(errorOf(() => new JavaRegex(nested(depth))).message).toContain(
        'Stack overflow during pattern compilation near index',
      );
    }
  });

  it('and is read in one go', () => {
    const names = Array.from({ length: 20_000 }, (_, i) => `\\x74opic\\.${i}`);
    const regex = new JavaRegex(names.join('|'));
    expect(regex.filter(['topic.19999', 'topic.20000'])).toEqual(['topic.19999']);
  });

  it('but its engine must not need seconds to take it in', () => {
    expect(new JavaRegex('(a)'.repeat(2000)).matches('a'.repeat(2000))).toBe(true);
    for (const pattern of ['(a)'.repeat(2001), 'a{2}'.repeat(2001), 'a*'.repeat(100_000)]) {
      expect(errorOf(() => new JavaRegex(pattern)).message).toContain('more than 2000 groups and repetitions');
    }
  });
});
