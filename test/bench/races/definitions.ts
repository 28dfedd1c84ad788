import type { Settings } from '../../../src/config/config-def.ts';
import type { ConnectorType } from '../../../src/storage/items.ts';
import type { RaceRegistry } from './registry.ts';

export interface Race {
  readonly title: string;
  readonly type: ConnectorType;
  readonly records: number;
  /** More than one: as many connectors, each with its share of the records, all there before the records arrive. */
  readonly connectors: number;
  /** Settings beside name, class, file and topics. */
  readonly settings: Settings;
  /** For races with a schema registry: what the arms' own converters need, and the schema of what a sink reads. */
  readonly registry?: {
    readonly java: (registry: RaceRegistry) => Settings;
    readonly drover: (registry: RaceRegistry) => Settings;
    readonly schema: string;
  };
  readonly exactlyOnce: boolean;
  /** What moves bytes as they are can run it too. */
  readonly peers?: true;
  /**
   * A record's value on the topic that stands for one line; sources: what must land, sinks: what is read. With a
   * registry, what follows the schema's id.
   */
  readonly valueOf: (line: string, topic: string) => string | Uint8Array;
  /** The goals: how many times Java's rate, and what part of its CPU. */
  readonly goal: { readonly rate: number; readonly cpu: number | null };
}

const string = { 'value.converter': 'org.apache.kafka.connect.storage.StringConverter' };
const keys = { 'key.converter': 'org.apache.kafka.connect.storage.StringConverter' };
const json = {
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'true',
};

const transforms = {
  transforms: 'hoist,insert,topic,rename',
  'transforms.hoist.type': 'org.apache.kafka.connect.transforms.HoistField$Value',
  'transforms.hoist.field': 'line',
  'transforms.insert.type': 'org.apache.kafka.connect.transforms.InsertField$Value',
  'transforms.insert.static.field': 'origin',
  'transforms.insert.static.value': 'race',
  'transforms.topic.type': 'org.apache.kafka.connect.transforms.InsertField$Value',
  'transforms.topic.topic.field': 'topic',
  'transforms.rename.type': 'org.apache.kafka.connect.transforms.ReplaceField$Value',
  'transforms.rename.renames': 'line:text',
};

const field = (name: string, optional: boolean) => ({ type: 'string', optional, field: name });

const hoisted = (line: string, topic: string) =>
  JSON.stringify({
    schema: {
      type: 'struct',
      fields: [field('text', false), field('origin', true), field('topic', true)],
      optional: false,
    },
    payload: { text: line, origin: 'race', topic },
  });

const enveloped = (line: string) =>
  JSON.stringify({
    schema: { type: 'struct', fields: [field('line', false)], optional: false },
    payload: { line },
  });

const plain = (line: string) => line;

const avroSchema = JSON.stringify({
  type: 'record',
  name: 'ConnectDefault',
  namespace: 'io.confluent.connect.avro',
  fields: [
    { name: 'line', type: 'string' },
    { name: 'origin', type: ['null', 'string'], default: null },
  ],
});

/** In Avro's binary form: the line, then the second branch of a union, a string. */
const avroValue = (line: string) =>
  Buffer.concat([zigZag(Buffer.byteLength(line)), Buffer.from(line), Buffer.of(2, 8), Buffer.from('race')]);

function zigZag(length: number): Buffer {
  const bytes: number[] = [];
  let rest = length * 2;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Buffer.of(...bytes, rest);
}

/** Confluent's converter is not in Maven's central repository; Apicurio's grew out of it, here in Confluent's format. */
const registry: NonNullable<Race['registry']> = {
  java: ({ apicurioUrl }) => ({
    'value.converter': 'io.apicurio.registry.utils.converter.AvroConverter',
    'value.converter.apicurio.registry.url': apicurioUrl,
    'value.converter.apicurio.registry.auto-register': 'true',
    'value.converter.apicurio.registry.as-confluent': 'true',
    'value.converter.apicurio.registry.headers.enabled': 'false',
  }),
  drover: ({ confluentUrl }) => ({
    'value.converter': 'io.confluent.connect.avro.AvroConverter',
    'value.converter.schema.registry.url': confluentUrl,
  }),
  schema: avroSchema,
};
const million = 1_000_000;

export const races: readonly Race[] = [
  {
    title: 'FileStreamSource → topic, StringConverter',
    type: 'source',
    records: million,
    connectors: 1,
    settings: { ...keys, ...string },
    exactlyOnce: false,
    peers: true,
    valueOf: plain,
    goal: { rate: 5, cpu: 1 / 8 },
  },
  {
    title: 'topic → FileStreamSink, StringConverter',
    type: 'sink',
    records: million,
    connectors: 1,
    settings: { ...keys, ...string },
    exactlyOnce: false,
    peers: true,
    valueOf: plain,
    goal: { rate: 4, cpu: 1 / 4 },
  },
  {
    title: 'source + HoistField, InsertField (static, topic), ReplaceField renames, JsonConverter with schemas',
    type: 'source',
    records: million,
    connectors: 1,
    settings: { ...keys, ...json, ...transforms },
    exactlyOnce: false,
    valueOf: hoisted,
    goal: { rate: 5, cpu: 1 / 5 },
  },
  {
    title: 'sink, JsonConverter with schemas + ExtractField',
    type: 'sink',
    records: million,
    connectors: 1,
    settings: {
      ...keys,
      ...json,
      transforms: 'extract',
      'transforms.extract.type': 'org.apache.kafka.connect.transforms.ExtractField$Value',
      'transforms.extract.field': 'line',
    },
    exactlyOnce: false,
    valueOf: enveloped,
    goal: { rate: 3, cpu: 1 / 3 },
  },
  {
    title: 'FileStreamSource → topic, StringConverter, exactly once',
    type: 'source',
    records: million,
    connectors: 1,
    settings: { ...keys, ...string, 'exactly.once.support': 'required', 'transaction.boundary': 'poll' },
    exactlyOnce: true,
    valueOf: plain,
    goal: { rate: 3, cpu: 1 / 3 },
  },
  {
    title: 'topic of transactions → FileStreamSink, StringConverter, read_committed',
    type: 'sink',
    records: million,
    connectors: 1,
    settings: { ...keys, ...string, 'consumer.override.isolation.level': 'read_committed' },
    exactlyOnce: true,
    valueOf: plain,
    goal: { rate: 3, cpu: 1 / 3 },
  },
  {
    title: 'source + HoistField, InsertField (static), Avro through a registry',
    type: 'source',
    records: million,
    connectors: 1,
    settings: {
      ...keys,
      transforms: 'hoist,insert',
      'transforms.hoist.type': 'org.apache.kafka.connect.transforms.HoistField$Value',
      'transforms.hoist.field': 'line',
      'transforms.insert.type': 'org.apache.kafka.connect.transforms.InsertField$Value',
      'transforms.insert.static.field': 'origin',
      'transforms.insert.static.value': 'race',
    },
    registry,
    exactlyOnce: false,
    valueOf: avroValue,
    goal: { rate: 2, cpu: 1 / 2 },
  },
  {
    title: 'sink, Avro through a registry + ExtractField',
    type: 'sink',
    records: million,
    connectors: 1,
    settings: {
      ...keys,
      transforms: 'extract',
      'transforms.extract.type': 'org.apache.kafka.connect.transforms.ExtractField$Value',
      'transforms.extract.field': 'line',
    },
    registry,
    exactlyOnce: false,
    valueOf: avroValue,
    goal: { rate: 2, cpu: 1 / 2 },
  },
  {
    title: '100 file sources of 10,000 records each, arriving at once',
    type: 'source',
    records: million,
    connectors: 100,
    settings: { ...keys, ...string },
    exactlyOnce: false,
    valueOf: plain,
    goal: { rate: 2, cpu: null },
  },
];
