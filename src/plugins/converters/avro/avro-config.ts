import { defineConfig, mergeConfigs } from '../../../config/config-def.ts';
import { registryConfig } from '../../../schema-registry/registry-config.ts';

/** Java: AvroConverterConfig and AvroDataConfig. */
export const avroConfig = mergeConfigs(
  registryConfig,
  defineConfig({
    'connect.meta.data': {
      type: 'BOOLEAN',
      default: true,
      importance: 'LOW',
      doc: 'Whether what only Connect knows (connect.name, connect.version, …) is kept in the Avro schema.',
    },
    'enhanced.avro.schema.support': {
      type: 'BOOLEAN',
      default: false,
      importance: 'MEDIUM',
      doc: 'Whether enums stay enums and union fields carry the full name of their type.',
    },
    'scrub.invalid.names': {
      type: 'BOOLEAN',
      default: false,
      importance: 'MEDIUM',
      doc: 'Whether characters that Avro does not admit in names are replaced.',
    },
    'discard.type.doc.default': {
      type: 'BOOLEAN',
      default: false,
      importance: 'LOW',
      doc: 'Whether only the doc and default of fields are kept, not those of types.',
    },
    'allow.optional.map.keys': {
      type: 'BOOLEAN',
      default: false,
      importance: 'LOW',
      doc: 'Whether a map with optional string keys is an Avro map too.',
    },
    'flatten.singleton.unions': {
      type: 'BOOLEAN',
      default: true,
      importance: 'LOW',
      doc: 'Whether a union of one type is read as that type.',
    },
  }),
);
