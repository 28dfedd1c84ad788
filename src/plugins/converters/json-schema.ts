import { definePlugin } from '../../api/plugin.ts';
import { jsonSchemaConfig } from './json-schema/json-schema-config.ts';

export const jsonSchemaConverter = definePlugin({
  kind: 'converter',
  className: 'io.confluent.connect.json.JsonSchemaConverter',
  version: '8.0.0',
  doc: 'JSON with its schemas in a Confluent-compatible schema registry.',
  config: jsonSchemaConfig,
  create: async () => new (await import('./json-schema/json-schema-converter.ts')).JsonSchemaConverter(),
});
