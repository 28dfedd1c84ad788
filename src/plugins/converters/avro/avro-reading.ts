import type { AvroReading, AvroSequence } from '../../../api/avro.ts';
import { parseAvroSchema } from './avro-schema.ts';
import { defaultAvroOptions } from './conventions.ts';
import { compileSequenceDecoder } from './decoder.ts';
import { toConnectSchema } from './to-connect-schema.ts';

/** The converter's own reading, without a registry, by its default settings. */
export const avroReading: AvroReading = {
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
};
