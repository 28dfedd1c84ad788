import type { AnyPlugin } from '../api/plugin.ts';
import { avroConverter } from './converters/avro.ts';
import { booleanConverter, booleanHeaderConverter } from './converters/boolean.ts';
import { byteArrayConverter, byteArrayHeaderConverter } from './converters/byte-array.ts';
import { jsonConverter, jsonHeaderConverter } from './converters/json.ts';
import { jsonSchemaConverter } from './converters/json-schema.ts';
import {
  doubleConverter,
  doubleHeaderConverter,
  floatConverter,
  floatHeaderConverter,
  integerConverter,
  integerHeaderConverter,
  longConverter,
  longHeaderConverter,
  shortConverter,
  shortHeaderConverter,
} from './converters/numbers.ts';
import { protobufConverter } from './converters/protobuf.ts';
import { simpleHeaderConverter } from './converters/simple-header.ts';
import { stringConverter, stringHeaderConverter } from './converters/string.ts';
import { predicates } from './predicates/index.ts';
import { transforms } from './transforms/index.ts';

/** What comes with Drover and works on records: converters, transformations, predicates. Connectors lie in connectors/. */
export const recordPlugins: readonly AnyPlugin[] = [
  booleanConverter,
  byteArrayConverter,
  doubleConverter,
  floatConverter,
  integerConverter,
  longConverter,
  shortConverter,
  jsonConverter,
  stringConverter,
  avroConverter,
  protobufConverter,
  jsonSchemaConverter,
  booleanHeaderConverter,
  byteArrayHeaderConverter,
  doubleHeaderConverter,
  floatHeaderConverter,
  integerHeaderConverter,
  longHeaderConverter,
  shortHeaderConverter,
  jsonHeaderConverter,
  simpleHeaderConverter,
  stringHeaderConverter,
  ...transforms,
  ...predicates,
];
