import { ConfigError } from '../errors.ts';
import { isTopicName, legalTopicNames } from './topic-name.ts';

/** Checks one parsed value (null when unset or unreadable) and throws a ConfigError. Java: ConfigDef.Validator. */
export interface Validator {
  check(name: string, value: unknown): void;
  /** What is allowed, as Java's validators print themselves. */
  readonly description: string;
  /** Repeated elements are dropped where the setting is read, and only told where it is validated. */
  readonly dropsDuplicates?: boolean;
}

/** A validator that admits only these strings: the parsed type becomes their union. */
export interface OneOf<V extends string = string> extends Validator {
  readonly values: readonly V[];
}

/** Apache's wording for a setting that is there but wrong. */
export function invalidValue(name: string, value: unknown, problem?: string): ConfigError {
  const text = Array.isArray(value) ? `[${value.join(', ')}]` : String(value);
  return new ConfigError(
    `Invalid value ${text} for configuration ${name}${problem === undefined ? '' : `: ${problem}`}`,
    {
      key: name,
    },
  );
}

/** Apache's wording for a required setting that is not there. */
export function missingValue(name: string): ConfigError {
  return new ConfigError(`Missing required configuration "${name}" which has no default value.`, { key: name });
}

/** Java: ConfigDef.Range. */
export function range(min: number, max?: number): Validator {
  return {
    description: max === undefined ? `[${min},...]` : `[${min},...,${max}]`,
    check(name, value) {
      if (value === null || value === undefined) throw invalidValue(name, null, 'Value must be non-null');
      if (Number(value) < min) throw invalidValue(name, value, `Value must be at least ${min}`);
      if (max !== undefined && Number(value) > max)
        throw invalidValue(name, value, `Value must be no more than ${max}`);
    },
  };
}

export const atLeast = (min: number): Validator => range(min);

/** The same, of a setting that may be left out. */
export const nullOr = (validator: Validator): Validator => ({
  ...validator,
  check(name, value) {
    if (value !== null && value !== undefined) validator.check(name, value);
  },
});

/** Java: ConfigDef.ValidString. */
export function validString<const V extends string>(...values: readonly V[]): OneOf<V> {
  const allowed = new Set<unknown>(values);
  return {
    values,
    description: `[${values.join(', ')}]`,
    check(name, value) {
      if (!allowed.has(value)) throw invalidValue(name, value, `String must be one of: ${values.join(', ')}`);
    },
  };
}

/** Java: ConfigDef.CaseInsensitiveValidString; the value stays as the user wrote it. */
export function caseInsensitiveString(...values: readonly string[]): Validator {
  const allowed = new Set(values.map((value) => value.toUpperCase()));
  return {
    description: `(case insensitive) [${values.join(', ')}]`,
    check(name, value) {
      if (typeof value !== 'string' || !allowed.has(value.toUpperCase())) {
        throw invalidValue(name, value, `String must be one of (case insensitive): ${values.join(', ')}`);
      }
    },
  };
}

/** Java: ConfigDef.NonEmptyString. */
export const nonEmptyString: Validator = {
  description: 'non-empty string',
  check(name, value) {
    if (value === '') throw invalidValue(name, value, 'String must be non-empty');
  },
};

/** Java: ConfigDef.NonNullValidator. */
export const nonNull: Validator = {
  description: 'non-null string',
  check(name, value) {
    if (value === null || value === undefined) throw invalidValue(name, null, 'entry must be non null');
  },
};

/** A check of the author's own; throw ConfigError or return a text that says what is wrong. Java: LambdaValidator. */
export function lambda(description: string, check: (name: string, value: unknown) => string | undefined): Validator {
  return {
    description,
    check(name, value) {
      const problem = check(name, value);
      if (problem !== undefined) throw invalidValue(name, value, problem);
    },
  };
}

/** One that Kafka makes. */
export const topicName: Validator = lambda('name of a topic', (_name, value) =>
  typeof value === 'string' && isTopicName(value) ? undefined : `It must be the name of one topic (${legalTopicNames})`,
);

/** All of them, in order. Java: ConfigDef.CompositeValidator. */
export function allOf(...validators: readonly Validator[]): Validator {
  return {
    description: validators.map((validator) => validator.description).join(', '),
    check(name, value) {
      for (const validator of validators) validator.check(name, value);
    },
  };
}

/** Elements neither repeated nor empty. Java: ConfigDef.ValidList.anyNonDuplicateValues. */
export function listOfDistinct(options: { empty: boolean }): Validator {
  return {
    description: '',
    dropsDuplicates: true,
    check(name, value) {
      if (value === null || value === undefined) {
        throw new ConfigError(`Configuration '${name}' values must not be null.`, { key: name });
      }
      const elements = value as readonly string[];
      if (elements.length === 0) {
        if (options.empty) return;
        throw new ConfigError(`Configuration '${name}' must not be empty. Valid values include: any non-empty value`, {
          key: name,
        });
      }
      if (new Set(elements).size !== elements.length) {
        throw new ConfigError(`Configuration '${name}' values must not be duplicated.`, { key: name });
      }
      if (elements.includes('')) {
        throw new ConfigError(`Configuration '${name}' values must not be empty.`, { key: name });
      }
    },
  };
}

/** Java: NonEmptyListValidator of Connect's transforms. */
export const nonEmptyList: Validator = {
  description: 'non-empty list',
  check(name, value) {
    if (!Array.isArray(value) || value.length === 0) throw invalidValue(name, value ?? null, 'Empty list');
  },
};
