import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createRegistry } from '../../../functions/builtin-plugins.ts';
import type { Converter } from '../../../src/api/converter.ts';
import { ConnectSchema } from '../../../src/data/connect-schema.ts';
import { Struct } from '../../../src/data/struct.ts';
import { ConnectError } from '../../../src/errors.ts';
import { structSample } from '../../support/connect-data.ts';
import { FakeSchemaRegistry } from '../../support/schema-registry.ts';

const classNames = [
  'io.confluent.connect.avro.AvroConverter',
  'io.confluent.connect.protobuf.ProtobufConverter',
  'io.confluent.connect.json.JsonSchemaConverter',
];
const schema = new ConnectSchema('struct', {
  name: 'Person',
  fields: [
    { name: 'name', index: 0, schema: new ConnectSchema('string') },
    { name: 'age', index: 1, schema: new ConnectSchema('int64') },
  ],
});
const person = new Struct(schema, ['Ada', 36n]);

let registry: FakeSchemaRegistry;
beforeEach(async () => {
  registry = await FakeSchemaRegistry.start({ userInfo: 'user:right', compatibility: 'NONE' });
});
afterEach(() => registry.stop());

async function open(className: string, settings: Record<string, string> = {}): Promise<Converter> {
  const converter = await createRegistry().get('converter', className).create();
  converter.configure(
    {
      'schema.registry.url': registry.url.replace('://', '://user:right@'),
      'retries.wait.ms': '0',
      'max.retries': '1',
      ...settings,
    },
    { isKey: false },
  );
  return converter;
}

async function failure(work: () => unknown): Promise<ConnectError> {
  try {
    await work();
  } catch (error) {
    expect(error).toBeInstanceOf(ConnectError);
    return error as ConnectError;
  }
  throw new Error('it did not fail');
}

describe.each(classNames)('%s', (className) => {
  test('is found by its short name', () => {
    expect(createRegistry().find('converter', className.split('.').at(-1)!)?.className).toBe(className);
  });

  test('writes and reads; only the first record of a schema waits', async () => {
    const converter = await open(className);
    const first = converter.fromConnectData('t', schema, person);
    expect(first).toBeInstanceOf(Promise);
    const bytes = (await first) as Uint8Array;
    expect(converter.fromConnectData('t', schema, person)).toEqual(bytes);
    expect(await converter.toConnectData('t', bytes)).toMatchObject({ value: { values: ['Ada', 36n] } });
    const buffer = Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('yy')]);
    expect(converter.readConnectData!('t', buffer, 2, 2 + bytes.length)).toMatchObject({
      value: { values: ['Ada', 36n] },
    });
    expect(registry.requests.filter((request) => request.startsWith('POST /subjects/t-value/versions'))).toHaveLength(
      1,
    );
  });

  test('a record that cannot be written registers nothing, and fails no other that waits beside it', async () => {
    const converter = await open(className);
    const bad = new Struct(schema, [5, 36n]);
    expect(await failure(() => converter.fromConnectData('none', schema, bad))).toMatchObject({
      javaClass: 'DataException',
    });
    expect(registry.requests).toEqual([]);
    const [failed, written] = await Promise.allSettled([
      converter.fromConnectData('none', schema, bad),
      converter.fromConnectData('none', schema, person),
    ]);
    expect([failed.status, written.status]).toEqual(['rejected', 'fulfilled']);
    expect(registry.subjects()).toEqual(['none-value']);
    expect(registry.requests).toHaveLength(1);
  });

  test('a new converter of a warm environment asks for nothing', async () => {
    const bytes = (await (await open(className)).fromConnectData('t', schema, person)) as Uint8Array;
    await (await open(className)).toConnectData('t', bytes);
    const asked = registry.requests.length;
    const again = await open(className);
    expect(await again.fromConnectData('t', schema, person)).toEqual(bytes);
    await again.toConnectData('t', bytes);
    expect(registry.requests).toHaveLength(asked);
  });

  test('a registry that is down is retriable, and a record later succeeds', async () => {
    const converter = await open(className);
    registry.fail('reset', 'reset');
    const error = await failure(() => converter.fromConnectData('t', schema, person));
    expect(error).toMatchObject({ code: 'registry.unreachable', retriable: true });
    registry.fail(503, 503);
    expect(await failure(() => converter.fromConnectData('t', schema, person))).toMatchObject({
      code: 'registry.unavailable',
      retriable: true,
    });
    expect(await converter.fromConnectData('t', schema, person)).toBeInstanceOf(Uint8Array);
  });

  test('wrong credentials are refused, not retried', async () => {
    const converter = await open(className, { 'schema.registry.url': registry.url });
    expect(await failure(() => converter.fromConnectData('t', schema, person))).toMatchObject({
      code: 'registry.unauthenticated',
      javaClass: 'AuthenticationException',
      retriable: false,
    });
    expect(registry.requests).toHaveLength(1);
  });

  test('an unknown id names the id', async () => {
    const converter = await open(className);
    const error = await failure(() => converter.toConnectData('t', Uint8Array.of(0, 0, 0, 1, 0, 7)));
    expect(error).toMatchObject({ code: 'registry.not_found', javaClass: 'DataException' });
    expect(error.message).toContain('256');
  });

  test('bytes that are not in the registry’s framing', async () => {
    const converter = await open(className);
    const magic = await failure(() => converter.toConnectData('t', Uint8Array.of(7, 0, 0, 0, 1, 2)));
    expect(magic.javaClass).toBe('DataException');
    expect(magic.message).toContain('magic byte 0x07');
    for (const short of [[], [0], [0, 0, 0, 0]]) {
      const error = await failure(() => converter.toConnectData('t', Uint8Array.from(short)));
      expect(error.message).toContain('too few');
    }
  });

  test('a schema of another format', async () => {
    const other = className === classNames[0] ? 'JSON' : 'AVRO';
    const id = registry.add('t-value', '{"type":"string"}', other);
    const converter = await open(className);
    expect((await failure(() => converter.toConnectData('t', Uint8Array.of(0, 0, 0, 0, id, 0)))).message).toContain(
      other,
    );
  });

  test('every truncation is a data error', async () => {
    const converter = await open(className);
    const bytes = (await converter.fromConnectData('t', schema, person)) as Uint8Array;
    await converter.toConnectData('t', bytes);
    let failed = 0;
    for (let length = 5; length < bytes.length; length++) {
      try {
        await converter.toConnectData('t', bytes.slice(0, length));
      } catch (error) {
        expect(error).toMatchObject({ javaClass: 'DataException' });
        failed++;
      }
    }
    expect(failed).toBeGreaterThan(0);
  });

  test('whatever the bytes, the answer is data or a coded error', { timeout: 120_000 }, async () => {
    const limits = { nested: false, optionalContainers: false, oddFloats: false };
    let topics = 0;
    await fc.assert(
      fc.asyncProperty(
        structSample(limits),
        fc.array(fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { minLength: 1, maxLength: 5 }), { maxLength: 30 }),
        fc.uint8Array({ maxLength: 40 }),
        async (sample, mutations, noise) => {
          const topic = `fuzz-${topics++}`;
          const converter = await open(className);
          const bytes = (await converter.fromConnectData(topic, sample.schema, sample.value)) as Uint8Array;
          const attempts = mutations.map((places) => {
            const mutated = Uint8Array.from(bytes);
            for (const [at, byte] of places) if (mutated.length > 5) mutated[5 + (at % (mutated.length - 5))] = byte;
            return mutated;
          });
          for (const attempt of [...attempts, Uint8Array.from([...bytes.slice(0, 5), ...noise])]) {
            try {
              await converter.toConnectData(topic, attempt);
            } catch (error) {
              expect(error).toBeInstanceOf(ConnectError);
            }
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});

test.each(['AVRO', 'PROTOBUF', 'JSON'] as const)(
  'a registered %s schema that is no schema is a coded error',
  async (type) => {
    const className = classNames[['AVRO', 'PROTOBUF', 'JSON'].indexOf(type)]!;
    const texts = [
      '{"type":"record"}',
      '["int","int"]',
      'message {',
      '{}',
      'true',
      '{"type":"record","name":"A","fields":[{"name":"x","type":"B"}]}',
    ];
    for (const text of texts) {
      const id = registry.plant('t-value', text, type);
      const converter = await open(className);
      const error = await failure(() => converter.toConnectData('t', Uint8Array.of(0, 0, 0, 0, id, 0, 0)));
      expect(error).toMatchObject({ javaClass: 'DataException' });
    }
  },
);
