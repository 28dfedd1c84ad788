import type { Options, ValidateFunction } from 'ajv';
import { ConfigError, DataError, SerializationError } from '../../../errors.ts';
import { boundedMatch } from '../../../java/bounded-match.ts';

/** Throws unless a JSON text fits the schema. */
export type Validate = (json: string) => void;

/** The validator library is only loaded where payloads are to be checked. Draft 4 is read as draft 7. */
export async function openValidation(schema: string, references: ReadonlyMap<string, string>): Promise<Validate> {
  let check: ValidateFunction;
  try {
    const parsed = JSON.parse(schema) as { $schema?: unknown };
    const draft = typeof parsed.$schema === 'string' ? parsed.$schema : '';
    const { $schema: _, ...rest } = parsed;
    const options: Options = { strict: false, validateFormats: false, allErrors: false, logger: false };
    const validator = draft.includes('2020-12')
      ? new (await import('ajv/dist/2020.js')).Ajv2020(options)
      : draft.includes('2019-09')
        ? new (await import('ajv/dist/2019.js')).Ajv2019(options)
        : new (await import('ajv')).Ajv(options);
    for (const [name, text] of references) {
      const { $schema: _ignored, ...reference } = JSON.parse(text) as { $schema?: unknown };
      validator.addSchema(reference, name);
    }
    check = validator.compile(rest);
  } catch (error) {
    throw new DataError(
      `The JSON Schema cannot be checked: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
  const hasPatterns = [schema, ...references.values()].some((text) => /"pattern(?:Properties)?"/.test(text));
  return (json) => {
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch (cause) {
      throw new SerializationError('The payload is not JSON', { cause });
    }
    if (hasPatterns ? withinTime(check, value, json) : check(value)) return;
    const [first] = check.errors ?? [];
    throw new DataError(
      `JSON does not match its schema: ${first?.instancePath || 'the value'} ${first?.message ?? 'is not valid'}`,
      { code: 'json_schema.invalid' },
    );
  };
}

/** A schema comes from a registry, with patterns that may take longer than anybody waits. Only this record fails then. */
function withinTime(check: ValidateFunction, value: unknown, json: string): boolean {
  try {
    return boundedMatch({ pattern: 'of the JSON Schema', key: null }, [json], () => check(value))[0]!;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new DataError(error.message, { cause: error, code: 'json_schema.pattern_too_slow' });
  }
}
