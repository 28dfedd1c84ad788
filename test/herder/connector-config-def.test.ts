import { expect, test } from 'vitest';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import type { GivenSettings, Settings } from '../../src/config/config-def.ts';
import { apacheConverters } from '../../src/config/connector-config.ts';
import { describeConfig } from '../../src/config/describe-config.ts';
import { pluginConfigDef, validateConnectorConfig } from '../../src/herder/connector-config-def.ts';

const registry = createRegistry();
const validate = (given: GivenSettings, defaults: Settings = apacheConverters) =>
  validateConnectorConfig(registry, given, defaults);
const source = { 'connector.class': 'FileStreamSource', name: 'c', topic: 't', file: 'f' };
const sink = { 'connector.class': 'FileStreamSink', name: 'c', topics: 't', file: 'f' };

async function errorsOf(settings: GivenSettings): Promise<Record<string, readonly string[]>> {
  const infos = await validate(settings);
  const wrong = infos.configs.filter(({ value }) => value.errors.length > 0);
  expect(infos.error_count).toBe(wrong.reduce((count, { value }) => count + value.errors.length, 0));
  return Object.fromEntries(wrong.map(({ value }) => [value.name, value.errors]));
}

test('a valid source or sink has no errors', async () => {
  expect(await errorsOf(source)).toEqual({});
  expect(await errorsOf(sink)).toEqual({});
});

test('what a plugin says of a setting names it: among other errors it stands alone', async () => {
  const hook = { 'connector.class': 'WebhookSource', name: 'c', 'kafka.topic': 't', 'http.auth.type': 'hmac' };
  expect(await errorsOf(hook)).toEqual({
    'http.auth.hmac.preset': ['http.auth.hmac.preset: It is needed with http.auth.type=hmac'],
    'http.auth.hmac.secrets': ['http.auth.hmac.secrets: It is needed with http.auth.type=hmac'],
  });
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

test("where a connector names no converters, validation shows the installation's", async () => {
  const defaults = {
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'ByteArray',
    'header.converter': 'org.apache.kafka.connect.storage.StringConverter',
  };
  const { configs } = await validate(source, defaults);
  const shown = configs.filter(({ value }) => /^(key|value|header)\.converter$/.test(value.name));
  expect(shown.map(({ definition, value }) => [value.name, definition?.default_value, value.value])).toEqual([
    ['key.converter', defaults['key.converter'], defaults['key.converter']],
    ['value.converter', ...Array(2).fill('org.apache.kafka.connect.converters.ByteArrayConverter')],
    ['header.converter', defaults['header.converter'], defaults['header.converter']],
  ]);
});

test('a null takes the place of a default, and of what nobody declared comes first (recorded with Java Connect)', async () => {
  const nulls = ['zzz', 'aaa', 'mmm', 'b1', 'file', 'batch.size', 'producer.override.acks'];
  const infos = await validate({ ...source, ...Object.fromEntries(nulls.map((name) => [name, null])) });
  expect(infos.configs.slice(0, 6).map(({ value }) => value.name)).toEqual([
    'aaa',
    'mmm',
    'b1',
    'producer.override.acks',
    'zzz',
    'name',
  ]);
  expect(infos.configs.find(({ value }) => value.name === 'batch.size')?.value).toMatchObject({
    value: null,
    errors: [],
  });
  expect(await errorsOf({ ...source, 'tasks.max': null })).toEqual({
    'tasks.max': [
      'Invalid value null for configuration tasks.max: Value must be non-null',
      'Null value can not be supplied as the configuration value.',
    ],
  });
});

test('a version of the connector that is not there is told at the class too, and nothing of its settings', async () => {
  const wrong = { ...source, 'connector.plugin.version': '9.9', 'tasks.max': 'x', 'key.converter': 'JsonConverter' };
  const message =
    'Plugin org.apache.kafka.connect.file.FileStreamSourceConnector not found that matches the version range [9.9,9.9], available versions: [4.3.0]';
  expect(await errorsOf(wrong)).toMatchObject({
    'connector.class': [message],
    'connector.plugin.version': [message],
    'tasks.max': expect.arrayContaining([expect.stringContaining('Not a number')]),
  });
  const { configs, groups } = await validate(wrong);
  expect(configs).toHaveLength(19);
  expect(groups).toEqual(['Common', 'Transforms', 'Predicates', 'Error Handling']);
});

test('one pattern that runs away is an error of its setting', async () => {
  const runaway = {
    ...sink,
    topics: '',
    'topics.regex': '(a+)+$',
    'errors.deadletterqueue.topic.name': `${'a'.repeat(60)}b`,
  };
  expect(await errorsOf(runaway)).toEqual({ 'topics.regex': [expect.stringContaining('was stopped after 500 ms')] });
});
