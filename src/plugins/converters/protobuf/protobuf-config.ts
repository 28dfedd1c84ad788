import { defineConfig, mergeConfigs } from '../../../config/config-def.ts';
import { registryConfig } from '../../../schema-registry/registry-config.ts';

/** Java: ProtobufConverterConfig and ProtobufDataConfig. */
export const protobufConfig = mergeConfigs(
  registryConfig,
  defineConfig({
    'enhanced.protobuf.schema.support': {
      type: 'BOOLEAN',
      default: false,
      importance: 'MEDIUM',
      doc: 'Whether Connect schemas carry the full name of their message, with its package.',
    },
    'scrub.invalid.names': {
      type: 'BOOLEAN',
      default: false,
      importance: 'MEDIUM',
      doc: 'Whether characters that Protobuf does not admit in names are replaced.',
    },
    'int.for.enums': { type: 'BOOLEAN', default: false, importance: 'MEDIUM', doc: 'Whether enums are integers.' },
    'optional.for.nullables': {
      type: 'BOOLEAN',
      default: false,
      importance: 'MEDIUM',
      doc: 'Whether optional fields are declared with the label optional.',
    },
    'optional.for.proto2': {
      type: 'BOOLEAN',
      default: true,
      importance: 'MEDIUM',
      doc: 'Whether an optional field of proto2 that is not set is null.',
    },
    'wrapper.for.nullables': {
      type: 'BOOLEAN',
      default: false,
      importance: 'MEDIUM',
      doc: 'Whether optional scalars are wrapper messages.',
    },
    'wrapper.for.raw.primitives': {
      type: 'BOOLEAN',
      default: true,
      importance: 'MEDIUM',
      doc: 'Whether a wrapper message alone is read as its scalar.',
    },
    'generate.struct.for.nulls': {
      type: 'BOOLEAN',
      default: false,
      importance: 'MEDIUM',
      doc: 'Whether a message that is not set is read as an empty one.',
    },
    'generate.index.for.unions': {
      type: 'BOOLEAN',
      default: true,
      importance: 'LOW',
      doc: 'Whether the field of a oneof carries its index in its name.',
    },
    'flatten.unions': {
      type: 'BOOLEAN',
      default: false,
      importance: 'LOW',
      doc: 'Whether the members of a oneof are fields of the struct around them.',
    },
  }),
);
