import { expect, test } from 'vitest';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import { type AnyPlugin, definePlugin } from '../../src/api/plugin.ts';
import { noConfig } from '../../src/config/config-def.ts';

const registry = createRegistry();

test.each([
  ['transformation', 'RegexRouter', 'org.apache.kafka.connect.transforms.RegexRouter'],
  ['converter', 'JsonConverter', 'org.apache.kafka.connect.json.JsonConverter'],
  ['converter', 'Json', 'org.apache.kafka.connect.json.JsonConverter'],
  ['header_converter', 'Json', 'org.apache.kafka.connect.json.JsonConverter'],
  ['header_converter', 'Simple', 'org.apache.kafka.connect.storage.SimpleHeaderConverter'],
  ['source', 'FileStreamSource', 'org.apache.kafka.connect.file.FileStreamSourceConnector'],
  ['sink', 'FileStreamSinkConnector', 'org.apache.kafka.connect.file.FileStreamSinkConnector'],
  ['predicate', 'TopicNameMatches', 'org.apache.kafka.connect.transforms.predicates.TopicNameMatches'],
  ['transformation', 'org.apache.kafka.connect.transforms.Cast$Key', 'org.apache.kafka.connect.transforms.Cast$Key'],
] as const)('a %s answers to %s', (kind, name, className) => {
  expect(registry.get(kind, name).className).toBe(className);
});

test.each([
  ['transformation', 'Cast$Value'],
  ['transformation', 'Value'],
  ['transformation', 'regexrouter'],
  ['transformation', 'JsonConverter'],
  ['source', 'FileStreamSink'],
  ['source', ''],
] as const)('no %s answers to %j', (kind, name) => {
  expect(registry.find(kind, name)).toBeUndefined();
  expect(() => registry.get(kind, name)).toThrow(expect.objectContaining({ code: 'plugin.not_found' }));
});

const own = (className: string): AnyPlugin =>
  definePlugin({
    kind: 'predicate',
    className,
    version: '1',
    doc: 'Mine.',
    config: noConfig,
    create: () => ({ configure() {}, test: () => true }),
  });

test('an app adds its own plugins, and a shared short name is nobody’s', () => {
  const mine = createRegistry([own('com.example.Odd'), own('com.example.a.Even'), own('com.example.b.Even')]);
  expect(mine.get('predicate', 'Odd').version).toBe('1');
  expect(mine.find('predicate', 'Even')).toBeUndefined();
  expect(mine.get('predicate', 'com.example.b.Even').className).toBe('com.example.b.Even');
  expect(mine.find('transformation', 'RegexRouter')).toBeDefined();
});

test('an app’s plugin takes the place of a built-in one of the same class', () => {
  const replaced = createRegistry([own('org.apache.kafka.connect.transforms.predicates.HasHeaderKey')]);
  expect(replaced.get('predicate', 'HasHeaderKey').doc).toBe('Mine.');
});
