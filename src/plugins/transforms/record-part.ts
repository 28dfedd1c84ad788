import type { ConnectRecord } from '../../api/record.ts';
import type { Schema } from '../../data/schema.ts';

/** The half of a record that a `$Key` or `$Value` transformation works on. */
export interface RecordPart {
  readonly name: 'Key' | 'Value';
  schema<R extends ConnectRecord<R>>(record: R): Schema | null;
  value<R extends ConnectRecord<R>>(record: R): unknown;
  replace<R extends ConnectRecord<R>>(record: R, schema: Schema | null, value: unknown): R;
}

/** The same, but that `replace` changes the record itself. */
export function inPlace(part: RecordPart): RecordPart {
  return part === keyPart ? keyInPlace : valueInPlace;
}

export const keyPart: RecordPart = {
  name: 'Key',
  schema: (record) => record.keySchema,
  value: (record) => record.key,
  replace: (record, keySchema, key) => record.with({ keySchema, key }),
};

export const valuePart: RecordPart = {
  name: 'Value',
  schema: (record) => record.valueSchema,
  value: (record) => record.value,
  replace: (record, schema, value) => record.withValue(schema, value),
};

const keyInPlace: RecordPart = {
  ...keyPart,
  replace: (record, schema, key) => {
    record.keySchema = schema;
    record.key = key;
    return record;
  },
};

const valueInPlace: RecordPart = {
  ...valuePart,
  replace: (record, schema, value) => {
    record.valueSchema = schema;
    record.value = value;
    return record;
  },
};
