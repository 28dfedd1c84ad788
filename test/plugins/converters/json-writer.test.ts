import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteSink } from '../../../src/data/byte-sink.ts';
import { OPTIONAL_STRING_SCHEMA, SchemaBuilder, STRING_SCHEMA } from '../../../src/data/schema-builder.ts';
import { Struct } from '../../../src/data/struct.ts';
import { JsonConverter } from '../../../src/plugins/converters/json.ts';
import { data } from './arbitrary-data.ts';

function converter(settings: Record<string, string>): JsonConverter {
  const json = new JsonConverter();
  json.configure(settings, { isKey: false });
  return json;
}

const text = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.string({ maxLength: 60, unit: 'binary' }),
  fc.string({ maxLength: 60, unit: fc.constantFrom('a', '"', '\\', '\n', '\u0001', '\u007f', 'é', '🐂', '世') }),
);

const row = SchemaBuilder.struct()
  .name('io.example.Row')
  .field('one', STRING_SCHEMA)
  .field('"two"', OPTIONAL_STRING_SCHEMA)
  .build();

describe('JsonConverter.writeConnectData', () => {
  it.each(['true', 'false'])('writes the bytes of fromConnectData, any data, schemas.enable=%s', (enable) => {
    const json = converter({ 'schemas.enable': enable });
    fc.assert(
      fc.property(data, fc.nat({ max: 9 }), ({ schema, value }, before) => {
        const sink = new ByteSink();
        sink.position = before;
        const written = json.writeConnectData('t', schema, value, sink);
        if (!written) return schema === null;
        const wanted = Buffer.from(json.fromConnectData('t', schema, value) as string);
        expect(sink.bytes.subarray(before, sink.position)).toEqual(wanted);
        return true;
      }),
      { numRuns: 500 },
    );
  });

  it('writes any text as fromConnectData does, also where a field keeps its text for a while', () => {
    const json = converter({});
    fc.assert(
      fc.property(fc.array(fc.tuple(text, fc.option(text), fc.nat({ max: 3 })), { maxLength: 20 }), (rows) => {
        const sink = new ByteSink();
        let wanted = '';
        for (const [one, two, repeats] of rows) {
          const value = new Struct(row, [one, two]);
          for (let i = 0; i <= repeats; i++) {
            json.writeConnectData('t', row, value, sink);
            wanted += json.fromConnectData('t', row, value);
          }
        }
        expect(sink.bytes.subarray(0, sink.position).equals(Buffer.from(wanted))).toBe(true);
      }),
    );
  });

  it('grows with a value that is larger than its memory', () => {
    const json = converter({ 'schemas.enable': 'false' });
    const sink = new ByteSink();
    for (const size of [10, 100_000, 300_000]) json.writeConnectData('t', STRING_SCHEMA, 'x'.repeat(size), sink);
    expect(sink.position).toBe(400_010 + 6);
    expect(sink.bytes.toString('latin1', 0, 13)).toBe('"xxxxxxxxxx""');
  });

  it('fails as fromConnectData does', () => {
    const json = converter({});
    const failure = (write: () => unknown) => {
      try {
        return write();
      } catch (error) {
        return String(error);
      }
    };
    for (const value of [null, 5, new Struct(row, ['a'])]) {
      expect(failure(() => json.writeConnectData('t', STRING_SCHEMA, value, new ByteSink()))).toBe(
        failure(() => json.fromConnectData('t', STRING_SCHEMA, value)),
      );
    }
  });
});
