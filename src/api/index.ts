/// <reference types="node" preserve="true" />
/** What a plugin author imports, as `drover`. */

export {
  type ConfigDef,
  type ConfigKeySpec,
  type ConfigValues,
  defineConfig,
  noConfig,
  Password,
  type Settings,
} from '../config/config-def.ts';
export { parseConfig, settingsWithPrefix } from '../config/parse-config.ts';
export * from '../config/validators.ts';
export { ByteSink } from '../data/byte-sink.ts';
export { javaText } from '../data/connect-text.ts';
export { splitJsonArray } from '../data/json-array.ts';
export { compileJsonEncoder, type JsonEncoder } from '../data/json-encoder.ts';
export { atJsonPointer, type JsonPointer, parseJsonPointer } from '../data/json-pointer.ts';
export {
  DATE_NAME,
  DECIMAL_NAME,
  Decimal,
  dateToInt,
  decimalScale,
  decimalToBytes,
  Instant,
  TIME_NAME,
  TIMESTAMP_NAME,
  timeToInt,
} from '../data/logical.ts';
export type * from '../data/schema.ts';
export * from '../data/schema-builder.ts';
export { project } from '../data/schema-projector.ts';
export { readWholeSchemaless } from '../data/schemaless-json.ts';
export { Struct } from '../data/struct.ts';
export * from '../errors.ts';
export { anyFile, type FileAccess } from '../files.ts';
export { JavaRegex } from '../java/regex.ts';
export type * from './avro.ts';
export type * from './connector.ts';
export type * from './converter.ts';
export type * from './feed.ts';
export type * from './item-outcome.ts';
export * from './plugin.ts';
export * from './record.ts';
export type * from './task.ts';
export type * from './transformation.ts';
