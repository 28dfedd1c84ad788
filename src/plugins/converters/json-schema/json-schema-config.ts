import { defineConfig, mergeConfigs } from '../../../config/config-def.ts';
import { caseInsensitiveString } from '../../../config/validators.ts';
import { registryConfig } from '../../../schema-registry/registry-config.ts';

/** Java: JsonSchemaConverterConfig and JsonSchemaDataConfig. */
export const jsonSchemaConfig = mergeConfigs(
  registryConfig,
  defineConfig({
    'object.additional.properties': {
      type: 'BOOLEAN',
      default: true,
      importance: 'MEDIUM',
      doc: 'Whether the schemas of structs admit properties that they do not name.',
    },
    'use.optional.for.nonrequired': {
      type: 'BOOLEAN',
      default: false,
      importance: 'MEDIUM',
      doc: 'Whether properties that are not required are optional fields.',
    },
    'decimal.format': {
      type: 'STRING',
      default: 'BASE64',
      importance: 'LOW',
      doc: 'How decimals are written: BASE64 or NUMERIC.',
      validator: caseInsensitiveString('BASE64', 'NUMERIC'),
    },
    'flatten.singleton.unions': {
      type: 'BOOLEAN',
      default: true,
      importance: 'LOW',
      doc: 'Whether a combination of one schema is read as that schema.',
    },
    'json.fail.invalid.schema': {
      type: 'BOOLEAN',
      default: false,
      importance: 'LOW',
      doc: 'Whether every payload is checked against its schema.',
    },
  }),
);
