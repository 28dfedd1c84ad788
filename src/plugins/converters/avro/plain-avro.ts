import type { Avro, AvroEncoder, AvroSequence } from '../../../api/avro.ts';
import type { Schema } from '../../../data/schema.ts';
import { Sink } from '../../../schema-registry/sink.ts';
import { parseAvroSchema, printAvroSchema } from './avro-schema.ts';
import { defaultAvroOptions } from './conventions.ts';
import { compileSequenceDecoder } from './decoder.ts';
import { compileEncoder } from './encoder.ts';
import { fromConnectSchema } from './from-connect-schema.ts';
import { toConnectSchema } from './to-connect-schema.ts';

/** A file's names are nobody's subject: those that Avro does not admit are replaced, and no record fails by them. */
const writing = { ...defaultAvroOptions, scrubInvalidNames: true };

/** The converter's own reading and writing, without a registry, by its default settings. */
export const plainAvro: Avro = {
  open(schemaText: string): AvroSequence {
    const type = parseAvroSchema(schemaText);
    const schema = toConnectSchema(type, null, defaultAvroOptions);
    const { decode, end } = compileSequenceDecoder(type, schema, defaultAvroOptions);
    return {
      schema,
      read: decode,
      get end() {
        return end();
      },
    };
  },

  encoder(schema: Schema): AvroEncoder {
    const type = fromConnectSchema(schema, writing);
    const schemaText = printAvroSchema(type);
    const sink = new Sink();
    const write = compileEncoder(schema, type, sink, writing);
    return { schemaText, encode: (value) => sink.record((start) => write(value, start)) };
  },
};
