import { type AvroField, AvroType, arrayOf, type Json, unionOf } from './avro-schema.ts';
import { mapEntry, namespace } from './conventions.ts';

/** The schema of schemaless data: a record of which at most one field is set. */
export const anythingSchema: AvroType = makeAnything();

function makeAnything(): AvroType {
  const anything = new AvroType('record', 'Anything', namespace);
  const entry = new AvroType('record', mapEntry, namespace);
  entry.fields = [
    { name: 'key', type: anything, doc: null, default: undefined, props: new Map<string, Json>() },
    { name: 'value', type: anything, doc: null, default: undefined, props: new Map<string, Json>() },
  ];
  const optional = (name: string, type: AvroType): AvroField => ({
    name,
    type: unionOf([new AvroType('null'), type]),
    doc: null,
    default: null,
    props: new Map<string, Json>(),
  });
  anything.fields = [
    optional('boolean', new AvroType('boolean')),
    optional('bytes', new AvroType('bytes')),
    optional('double', new AvroType('double')),
    optional('float', new AvroType('float')),
    optional('int', new AvroType('int')),
    optional('long', new AvroType('long')),
    optional('string', new AvroType('string')),
    optional('array', arrayOf(anything)),
    optional('map', arrayOf(entry)),
  ];
  return anything;
}
