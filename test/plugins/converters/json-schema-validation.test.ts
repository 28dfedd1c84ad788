import { describe, expect, it } from 'vitest';
import { openValidation } from '../../../src/plugins/converters/json-schema/validation.ts';

describe('validation against a JSON Schema', () => {
  const schema = JSON.stringify({
    type: 'object',
    properties: { id: { type: 'string', pattern: '^(a+)+$' } },
    patternProperties: { '^x-': { type: 'integer' } },
  });

  it('takes what fits, also by patterns, and says what does not', async () => {
    const validate = await openValidation(schema, new Map());
    expect(() => validate('{"id":"aaa","x-1":1}')).not.toThrow();
    expect(() => validate('{"id":"b"}')).toThrow(/\/id must match pattern/);
    expect(() => validate('{"x-1":"one"}')).toThrow(/\/x-1 must be integer/);
  });

  it('a pattern that would not come back fails the record alone, which the error policy may skip', async () => {
    const validate = await openValidation(schema, new Map());
    const record = JSON.stringify({ id: `${'a'.repeat(60)}!` });
    for (let i = 0; i < 2; i++) {
      expect(() => validate(record)).toThrow(
        expect.objectContaining({ name: 'DataError', code: 'json_schema.pattern_too_slow' }),
      );
    }
    expect(() => validate('{"id":"aaa"}')).not.toThrow();
  });

  it('patterns of referenced schemas are bounded as well', async () => {
    const references = new Map([['id.json', JSON.stringify({ type: 'string', pattern: '^(a|a)*$' })]]);
    const referring = JSON.stringify({ type: 'object', properties: { id: { $ref: 'id.json' } } });
    const validate = await openValidation(referring, references);
    expect(() => validate(JSON.stringify({ id: `${'a'.repeat(60)}!` }))).toThrow(/was stopped after/);
    expect(() => validate('{"id":"aa"}')).not.toThrow();
  });
});
