import { definePlugin } from '../../api/plugin.ts';
import { protobufConfig } from './protobuf/protobuf-config.ts';

export const protobufConverter = definePlugin({
  kind: 'converter',
  className: 'io.confluent.connect.protobuf.ProtobufConverter',
  version: '8.0.0',
  doc: 'Protobuf with its schemas in a Confluent-compatible schema registry.',
  config: protobufConfig,
  create: async () => new (await import('./protobuf/protobuf-converter.ts')).ProtobufConverter(),
});
