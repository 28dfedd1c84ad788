import { expect, test } from 'vitest';
import type { GivenSettings, Settings } from '../../src/config/config-def.ts';
import { apacheConverters } from '../../src/config/connector-config.ts';
import { describeConfig } from '../../src/config/describe-config.ts';
import { pluginConfigDef, validateConnectorConfig } from '../../src/herder/connector-config-def.ts';
import { createRegistry } from '../../src/plugins/registry.ts';

const registry = createRegistry();
const validate = (given: GivenSettings, defaults: Settings = apacheConverters) =>
  validateConnectorConfig(registry, given, defaults);
const source = { 'connector.class': 'FileStreamSource', name: 'c', topic: 't', file: 'f' };
const sink = { 'connector.class': 'FileStreamSink', name: 'c', topics: 't', file: 'f' };

async function errorsOf(settings: Record<string, string>): Promise<Record<string, readonly string[]>> {
  const infos = await validate(settings);
  const wrong = infos.configs.filter(({ value }) => value.errors.length > 0);
  expect(infos.error_count).toBe(wrong.reduce((count, { value }) => count + value.errors.length, 0));
  return Object.fromEntries(wrong.map(({ value }) => [value.name, value.errors]));
}

test('a valid source or sink has no errors', async () => {
  expect(await errorsOf(source)).toEqual({});
  expect(await errorsOf(sink)).toEqual({});
});

test('transformations, predicates and converters add their settings and groups', async () => {
  const infos = await validate({
    ...source,
    transforms: 'r',
    'transforms.r.type': 'RegexRouter',
    'transforms.r.regex': 'a',
    'transforms.r.replacement': 'b',
    'transforms.r.predicate': 'p',
    predicates: 'p',
    'predicates.p.type': 'RecordIsTombstone',
    'value.converter': 'JsonConverter',
    'value.converter.schemas.enable': 'false',
  });
  expect(infos.error_count).toBe(0);
  expect(infos.groups).toEqual([
    'Common',
    'Transforms',
    'Predicates',
    'Error Handling',
    'Topic Creation',
    'Exactly Once Support',
    'offsets.topic',
    'Transforms: r',
    'Predicates: p',
    'Serialization',
    'Schemas',
  ]);
  const value = (name: string) => infos.configs.find((info) => info.value.name === name)?.value.value;
  expect(value('transforms.r.type')).toBe('org.apache.kafka.connect.transforms.RegexRouter');
  expect(value('transforms.r.negate')).toBe('false');
  expect(value('value.converter.schemas.enable')).toBe('false');
  expect(value('value.converter.converter.type')).toBe('value');
});

test.each([
  [
    { ...source, 'tasks.max': 'abc' },
    { 'tasks.max': [expect.stringContaining('Not a number'), expect.stringContaining('non-null')] },
  ],
  [{ ...source, name: 'a\u0007b' }, { name: [expect.stringContaining('may not contain control sequences')] }],
  [
    { ...source, transforms: 'a', 'transforms.a.type': 'Nope' },
    { 'transforms.a.type': [expect.stringContaining('Class Nope could not be found.')] },
  ],
  [
    { ...source, transforms: 'a,a' },
    { transforms: [expect.stringContaining('Duplicate alias')], 'transforms.a.type': [expect.anything()] },
  ],
  [
    { ...source, 'transaction.boundary': 'connector' },
    { 'transaction.boundary': [expect.stringContaining('transaction boundaries')] },
  ],
  [{ ...source, 'key.converter': 'Nope' }, { 'key.converter': [expect.stringContaining('could not be found')] }],
  [
    { ...source, 'key.converter': 'RegexRouter' },
    { 'key.converter': [expect.stringContaining('does not implement the Converter interface')] },
  ],
  [
    { ...source, 'value.converter': 'JsonConverter', 'value.converter.schemas.enable': 'yes' },
    { 'value.converter.schemas.enable': [expect.anything()] },
  ],
  [
    { ...sink, topics: '' },
    { topics: [expect.stringContaining('Must configure one')], 'topics.regex': [expect.anything()] },
  ],
  [
    { ...sink, 'topics.regex': 't' },
    { topics: [expect.stringContaining('mutually exclusive')], 'topics.regex': [expect.anything()] },
  ],
  [{ ...sink, 'errors.deadletterqueue.topic.name': 't' }, { topics: [expect.stringContaining("DLQ topic 't'")] }],
  [{ ...sink, topics: '', 'topics.regex': '(' }, { 'topics.regex': [expect.stringContaining('Unclosed group')] }],
])('what is wrong is told at its setting: %j', async (settings, errors) => {
  expect(await errorsOf(settings as Record<string, string>)).toEqual(errors);
});

test('an unknown connector is refused as a whole', async () => {
  await expect(validate({ 'connector.class': 'Nope' })).rejects.toThrow(
    'Failed to find any class that implements Connector and which name matches Nope',
  );
});

test('overrides for the Kafka clients are described and checked, secrets hidden', async () => {
  const infos = await validate({
    ...source,
    'producer.override.linger.ms': '5',
    'producer.override.batch.size': 'many',
    'producer.override.ssl.key.password': 'hush',
    'producer.override.own.secret': 'hush',
    'consumer.override.max.poll.records': '1',
  });
  const shown = infos.configs.filter(({ value }) => value.name.includes('.override.'));
  expect(shown.map(({ definition, value }) => [value.name, definition?.type, value.value])).toEqual([
    // In the order of Java's own map.
    ['producer.override.ssl.key.password', 'PASSWORD', '[hidden]'],
    ['producer.override.batch.size', 'INT', null],
    ['producer.override.own.secret', undefined, '[hidden]'],
    ['producer.override.linger.ms', 'LONG', '5'],
    ['consumer.override.max.poll.records', 'INT', '1'],
  ]);
  expect(infos.error_count).toBe(1);
  expect(JSON.stringify(infos)).not.toContain('hush');
  const withoutEffect = shown.filter(({ definition }) => definition?.documentation.includes('no effect in Drover'));
  expect(withoutEffect.map(({ value }) => value.name)).toEqual(['producer.override.linger.ms']);
});

test('the settings of a connector plugin are its own, then those of all connectors', () => {
  const keys = describeConfig(pluginConfigDef(registry, registry.get('source', 'FileStreamSource'))).map(
    ({ name }) => name,
  );
  expect(keys.slice(0, 5)).toEqual(['file', 'topic', 'batch.size', 'name', 'connector.class']);
  expect(describeConfig(pluginConfigDef(registry, registry.get('predicate', 'RecordIsTombstone')))).toEqual([]);
});
