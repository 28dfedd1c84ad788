import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { valueEquals } from '../../../src/data/equality.ts';
import { compileJsonEncoder } from '../../../src/data/json-encoder.ts';
import type { Schema } from '../../../src/data/schema.ts';
import {
  BOOLEAN_SCHEMA,
  DATE_SCHEMA,
  FLOAT64_SCHEMA,
  INT8_SCHEMA,
  INT32_SCHEMA,
  INT64_SCHEMA,
  OPTIONAL_STRING_SCHEMA,
  SchemaBuilder,
  STRING_SCHEMA,
} from '../../../src/data/schema-builder.ts';
import { Struct } from '../../../src/data/struct.ts';
import { compileJsonDecoder, hasTemporal } from '../../../src/plugins/converters/json-decoder.ts';
import { JsonDocument } from '../../../src/plugins/converters/json-document.ts';
import { JsonScan, JsonTemplate } from '../../../src/plugins/converters/json-template.ts';
import { data } from './arbitrary-data.ts';

const coding = { replaceNullWithDefault: true, numericDecimals: false };

/** What the template says of the text, wherever it lies in its buffer. */
function look(schema: Schema | null, text: string): unknown {
  const bytes = Buffer.from(text);
  const buffer = Buffer.concat([Buffer.from([0xff, 0x22, 0x80]), bytes, Buffer.from('"}')]);
  const scan = new JsonScan();
  scan.turnTo(buffer, 3, 3 + bytes.length);
  return JsonTemplate.of(schema, coding)?.read(scan);
}

function parse(schema: Schema | null, text: string): unknown {
  const bytes = Buffer.from(text);
  const document = new JsonDocument(compileJsonDecoder(schema, coding), hasTemporal(schema));
  return document.readWhole(bytes, 0, bytes.length);
}

const row = SchemaBuilder.struct()
  .field('id', INT64_SCHEMA)
  .field('name', OPTIONAL_STRING_SCHEMA)
  .field('ok', BOOLEAN_SCHEMA)
  .field('tags', SchemaBuilder.array(STRING_SCHEMA).build())
  .field('ratio', FLOAT64_SCHEMA)
  .build();

describe('JsonTemplate', () => {
  it('reads a struct that is laid out as it was written', () => {
    const value = look(row, '{"id":-42,"name":"Zoë","ok":true,"tags":["a","b"],"ratio":1.5e3}') as Struct;
    expect(value).toBeInstanceOf(Struct);
    expect(value.values).toEqual([-42n, 'Zoë', true, ['a', 'b'], 1500]);
    expect((look(row, '{"id":0,"name":null,"ok":false,"tags":[],"ratio":-0.5}') as Struct).values).toEqual([
      0n,
      null,
      false,
      [],
      -0.5,
    ]);
  });

  it.each([
    [STRING_SCHEMA, '"a\\n"'],
    [STRING_SCHEMA, '"a\tb"'],
    [STRING_SCHEMA, '"open'],
    [STRING_SCHEMA, '"one" "two"'],
    [STRING_SCHEMA, 'null'],
    [INT32_SCHEMA, '05'],
    [INT32_SCHEMA, '-0'],
    [INT32_SCHEMA, '5.0'],
    [INT32_SCHEMA, '1e3'],
    [INT32_SCHEMA, '12345678901'],
    [INT32_SCHEMA, '-'],
    [INT32_SCHEMA, ' 5'],
    [INT64_SCHEMA, '9007199254740993'],
    [FLOAT64_SCHEMA, '-0.0'],
    [FLOAT64_SCHEMA, '.5'],
    [FLOAT64_SCHEMA, '1e999'],
    [BOOLEAN_SCHEMA, 'truer'],
    [DATE_SCHEMA, '5'],
    [SchemaBuilder.array(INT8_SCHEMA).build(), '[1,]'],
    [SchemaBuilder.array(INT8_SCHEMA).build(), '[1'],
    [row, '{"name":"a","id":1,"ok":true,"tags":[],"ratio":1}'],
    [row, '{ "id":1,"name":"a","ok":true,"tags":[],"ratio":1}'],
    [row, '{"id":1,"name":"a","ok":true,"tags":[],"ratio":1,"more":2}'],
    [row, '{"id":1}'],
    [row, ''],
  ])('leaves to the parser what is laid out otherwise: %s', (schema, text) => {
    expect(look(schema, text)).toBeUndefined();
  });

  it('leaves malformed UTF-8 to the parser', () => {
    const buffer = Buffer.from([0x22, 0x61, 0xed, 0xa0, 0x80, 0x22]);
    const scan = new JsonScan();
    scan.turnTo(buffer, 0, buffer.length);
    expect(JsonTemplate.of(STRING_SCHEMA, coding)!.read(scan)).toBeUndefined();
  });

  it('says what the parser says, or nothing, of any value and of any damage to its text', () => {
    fc.assert(
      fc.property(
        data,
        fc.nat(),
        fc.constantFrom('', '"', '0', '-', '.', 'e', ' ', ',', '}', '\\', '\u0001', 'é'),
        ({ schema, value }, place, character) => {
          const text = compileJsonEncoder(schema, coding)(value);
          const at = place % (text.length + 1);
          for (const variant of [text, text.slice(0, at) + character + text.slice(at + 1)]) {
            const seen = look(schema, variant);
            if (seen === undefined) continue;
            expect(valueEquals(seen, parse(schema, variant))).toBe(true);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});
