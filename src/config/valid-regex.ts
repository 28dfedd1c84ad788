import { ConfigError } from '../errors.ts';
import { JavaRegex } from '../java/regex.ts';
import { invalidValue, type Validator } from './validators.ts';

/** Java: RegexValidator. */
export const validRegex: Validator = {
  description: 'valid regex',
  check(name, value) {
    if (typeof value !== 'string') throw invalidValue(name, null, 'Invalid regex: there is none');
    try {
      new JavaRegex(value);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      throw invalidValue(name, value, `Invalid regex: ${error.message}`);
    }
  },
};
