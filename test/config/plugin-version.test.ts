import { describe, expect, it } from 'vitest';
import { parseVersionRange, versionProblem } from '../../src/config/plugin-version.ts';
import { ConfigError } from '../../src/errors.ts';

describe('a plugin version', () => {
  const problem = (spec: string) => versionProblem('a.B', spec, ['4.3.0']);

  it.each(['latest', '4.3', ' 4.3.0 ', '[4.0,4.1],[4.3,)', '[4.3.0-SNAPSHOT,)', '(,)', '4.3,4.4', '[4.3.0.Final]'])(
    '%s is there',
    (spec) => expect(problem(spec)).toBeNull(),
  );

  it.each([
    ['(4.3.0,)', '(4.3.0,)'],
    ['4.4.0', '[4.4.0,4.4.0]'],
    ['LATEST', '[LATEST,LATEST]'],
    ['', '[,]'],
    ['[4.0,4.1],[4.4,)', '[4.0,4.1],[4.4,)'],
  ])('%s is not, and the answer tells which are', (spec, range) => {
    expect(problem(spec)).toBe(
      `Plugin a.B not found that matches the version range ${range}, available versions: [4.3.0]`,
    );
  });

  it.each([
    ['[4.3', 'Unbounded range: [4.3'],
    ['[4.3,4.2]', 'Range defies version ordering: [4.3,4.2]'],
    ['[4.3,4.3)', 'Range defies version ordering: [4.3,4.3)'],
    ['(4.3)', 'Single version must be surrounded by []: (4.3)'],
    ['[4.3,5.0],[4.5,6.0]', 'Ranges overlap: [4.3,5.0],[4.5,6.0]'],
    ['[,4.2],[4.1,)', 'Ranges overlap: [,4.2],[4.1,)'],
    [']4.3[', 'Only fully-qualified sets allowed in multiple set scenario: []4.3[]'],
  ])('%s is none', (spec, message) => {
    expect(() => parseVersionRange(spec)).toThrow(new ConfigError(message));
  });
});
