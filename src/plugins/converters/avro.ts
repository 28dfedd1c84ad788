import { definePlugin } from '../../api/plugin.ts';
import { avroConfig } from './avro/avro-config.ts';

export const avroConverter = definePlugin({
  kind: 'converter',
  className: 'io.confluent.connect.avro.AvroConverter',
  version: '8.0.0',
  doc: 'Avro with its schemas in a Confluent-compatible schema registry.',
  config: avroConfig,
  create: async () => new (await import('./avro/avro-converter.ts')).AvroConverter(),
});
