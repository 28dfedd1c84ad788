import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Converter, HeaderConverter } from '../../../src/api/converter.ts';
import type { PluginDescriptor } from '../../../src/api/plugin.ts';
import type { Schema } from '../../../src/data/schema.ts';
import {
  BOOLEAN_SCHEMA,
  BYTES_SCHEMA,
  FLOAT32_SCHEMA,
  FLOAT64_SCHEMA,
  INT16_SCHEMA,
  INT32_SCHEMA,
  INT64_SCHEMA,
  SchemaBuilder,
  STRING_SCHEMA,
} from '../../../src/data/schema-builder.ts';
import { Int32 } from '../../../src/data/schemaless.ts';
import { Struct } from '../../../src/data/struct.ts';
import { ConnectError } from '../../../src/errors.ts';
import { booleanConverter } from '../../../src/plugins/converters/boolean.ts';
import { byteArrayConverter } from '../../../src/plugins/converters/byte-array.ts';
import {
  doubleConverter,
  floatConverter,
  integerConverter,
  longConverter,
  shortConverter,
} from '../../../src/plugins/converters/numbers.ts';
import { simpleHeaderConverter } from '../../../src/plugins/converters/simple-header.ts';
import { stringConverter } from '../../../src/plugins/converters/string.ts';
import { valuesOf } from './arbitrary-data.ts';

function open(plugin: PluginDescriptor<'converter'>, settings: Record<string, string> = {}): Converter {
  const converter = plugin.create() as Converter;
  converter.configure(settings, { isKey: true });
  return converter;
}

function bytesOf(value: unknown): Buffer {
  return Buffer.from(value as string);
}

const fixed: [PluginDescriptor<'converter'>, Schema][] = [
  [shortConverter, INT16_SCHEMA],
  [integerConverter, INT32_SCHEMA],
  [longConverter, INT64_SCHEMA],
  [floatConverter, FLOAT32_SCHEMA],
  [doubleConverter, FLOAT64_SCHEMA],
  [booleanConverter, BOOLEAN_SCHEMA],
  [byteArrayConverter, BYTES_SCHEMA],
  [stringConverter, STRING_SCHEMA],
];

describe.each(fixed)('$className', (plugin, schema) => {
  it('brings back every value of its type, and null', () => {
    const converter = open(plugin);
    fc.assert(
      fc.property(valuesOf(schema), (value) => {
        const back = converter.toConnectData('t', bytesOf(converter.fromConnectData('t', schema, value)));
        expect(back).toMatchObject({ schema: { type: schema.type, optional: true }, value });
      }),
    );
    expect(converter.fromConnectData('t', schema, null)).toBeNull();
    expect(converter.toConnectData('t', null)).toMatchObject({ value: null });
  });

  it('raises only coded errors, whatever the bytes', () => {
    const converter = open(plugin);
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        try {
          converter.toConnectData('t', bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(ConnectError);
        }
      }),
    );
  });
});

describe('the number converters', () => {
  it('want exactly their own width', () => {
    expect(() => open(integerConverter).fromConnectData('t', null, 5)).toThrow(
      'Failed to serialize to integer (was class java.lang.Double)',
    );
    expect([...(open(integerConverter).fromConnectData('t', null, new Int32(-2)) as Buffer)]).toEqual([
      255, 255, 255, 254,
    ]);
    expect(() => open(longConverter).toConnectData('t', Buffer.alloc(4))).toThrow('Failed to deserialize long');
  });

  it('want their schema where Java does', () => {
    expect(() => open(booleanConverter).fromConnectData('t', INT32_SCHEMA, true)).toThrow(
      'Invalid schema type for BooleanConverter: INT32',
    );
    expect(() => open(byteArrayConverter).fromConnectData('t', STRING_SCHEMA, 'a')).toThrow(
      'Invalid schema type for ByteArrayConverter: STRING',
    );
  });
});

describe('StringConverter', () => {
  it('prints what is not text as Java’s toString does', () => {
    const schema = SchemaBuilder.struct()
      .field('a', FLOAT32_SCHEMA)
      .field('b', SchemaBuilder.array(INT32_SCHEMA).build())
      .build();
    const struct = new Struct(schema).put('a', Math.fround(0.1)).put('b', [1, 2]);
    expect(open(stringConverter).fromConnectData('t', schema, struct)).toBe('Struct{a=0.1,b=[1, 2]}');
    expect(open(stringConverter).fromConnectData('t', null, 5)).toBe('5.0');
  });

  it.each(['UTF-8', 'UTF-16', 'UTF-16BE', 'UTF-16LE', 'UTF-32', 'ISO-8859-1', 'windows-1252', 'ISO-8859-15', 'KOI8-R'])(
    'brings back what %s can hold',
    (encoding) => {
      const converter = open(stringConverter, { 'converter.encoding': encoding });
      const text = encoding.startsWith('KOI8') ? 'Привет' : 'größe';
      expect(converter.toConnectData('t', bytesOf(converter.fromConnectData('t', null, text)))).toMatchObject({
        value: text,
      });
    },
  );

  it('writes a question mark for what the character set lacks', () => {
    const converter = open(stringConverter, { 'converter.encoding': 'US-ASCII' });
    expect(bytesOf(converter.fromConnectData('t', null, 'é😀a')).toString()).toBe('??a');
    expect(open(stringConverter).fromConnectData('t', null, 'x\ud800y')).toBe('x?y');
  });

  it('names a character set that it does not know', () => {
    expect(() => open(stringConverter, { 'converter.encoding': 'x-none' })).toThrow('Unsupported encoding x-none');
  });
});

describe('SimpleHeaderConverter', () => {
  const converter = simpleHeaderConverter.create() as HeaderConverter;

  it('guesses types when it reads and prints them back', () => {
    for (const text of ['5', 'text', 'true', '[1,2,3]', '{"a":"b"}', '2019-08-23']) {
      const header = converter.toConnectHeader('t', 'h', Buffer.from(text));
      expect(converter.fromConnectHeader('t', 'h', header.schema, header.value)).toBe(text);
    }
  });

  it('never fails on bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(() => converter.toConnectHeader('t', 'h', bytes)).not.toThrow();
      }),
      { numRuns: 2000 },
    );
    expect(converter.toConnectHeader('t', 'h', null)).toEqual({ schema: null, value: null });
  });
});
