import { type ConnectRecord, defineConfig, definePlugin, parseConfig, type Settings } from '../../../src/api/index.ts';

const config = defineConfig({
  field: { type: 'STRING', importance: 'HIGH', doc: 'The field to write in capitals.' },
});

export const upperCase = definePlugin({
  kind: 'transformation',
  className: 'com.example.UpperCase',
  version: '1.0.0',
  doc: 'Writes one field of schemaless data in capitals.',
  config,
  create() {
    let field = '';
    return {
      configure(settings: Settings) {
        field = parseConfig(config, settings).field; // typed: string
      },
      apply<R extends ConnectRecord<R>>(record: R): R {
        if (!(record.value instanceof Map)) return record;
        const text = record.value.get(field);
        if (typeof text !== 'string') return record;
        return record.with({ value: new Map(record.value).set(field, text.toUpperCase()) });
      },
    };
  },
});
