import { describe, expect, test } from 'vitest';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import type { AnyPlugin, PluginKind } from '../../src/api/plugin.ts';
import { versionProblem } from '../../src/config/plugin-version.ts';
import { describedPlugins } from '../../src/java-host/described-plugins.ts';
import { parseJavaManifest } from '../../src/java-host/manifest.ts';
import { needsJava } from '../../src/java-host/needs-java.ts';
import { findConnector } from '../../src/plugins/registry.ts';

const fileSource = 'org.apache.kafka.connect.file.FileStreamSourceConnector';

const entry = (className: string, type: PluginKind, version: string) => ({
  class: className,
  type,
  version,
  location: `${className}-${version}`,
  configDef: [],
});

const java = (...plugins: object[]): readonly AnyPlugin[] =>
  describedPlugins(parseJavaManifest(JSON.stringify({ version: 1, plugins })), null);

const registry = createRegistry(
  java(
    entry(fileSource, 'source', '4.3.0'),
    entry('io.debezium.PostgresConnector', 'source', '2.7.0'),
    entry('io.debezium.PostgresConnector', 'source', '3.6.1'),
    entry('com.example.JsonConverter', 'converter', '1'),
    entry('com.example.Mask$Value', 'transformation', '1'),
    entry('com.example.CloudConverter', 'converter', '1'),
    entry('com.example.HeaderConverter', 'header_converter', '1'),
    entry('com.example.IsLate', 'predicate', '1'),
  ),
);

const found = (config: Record<string, string>) => {
  const plugin = findConnector(registry, 'source', config);
  return plugin && [plugin.runtime ?? 'typescript', plugin.version];
};

test.each([
  ['the TypeScript one, where both have the name', { 'connector.class': fileSource }, ['typescript', '4.3.0']],
  ['the one that is asked for', { 'connector.class': fileSource, 'drover.plugin.runtime': 'java' }, ['java', '4.3.0']],
  ['by alias', { 'connector.class': 'FileStreamSource', 'drover.plugin.runtime': 'java' }, ['java', '4.3.0']],
  ['the newest', { 'connector.class': 'Postgres' }, ['java', '3.6.1']],
  ['a version', { 'connector.class': 'Postgres', 'connector.plugin.version': '2.7.0' }, ['java', '2.7.0']],
  ['a range', { 'connector.class': 'Postgres', 'connector.plugin.version': '[2,3)' }, ['java', '2.7.0']],
  ['the latest', { 'connector.class': 'Postgres', 'connector.plugin.version': 'latest' }, ['java', '3.6.1']],
  ['none of TypeScript', { 'connector.class': 'Postgres', 'drover.plugin.runtime': 'typescript' }, undefined],
  ['none of Java', { 'connector.class': 'S3Source', 'drover.plugin.runtime': 'java' }, undefined],
])('a config finds %s', (_what, config: Record<string, string>, expected) => {
  expect(found(config)).toEqual(expected);
});

test('a version that is not there is told with those that are', () => {
  const { className } = registry.get('source', 'Postgres');
  expect(versionProblem(className, '9', registry.versionsOf(className))).toMatch(
    /available versions: \[2.7.0, 3.6.1\]/,
  );
});

test('a Java plugin takes no name from another: the alias Json stays with what had it', () => {
  expect(registry.get('converter', 'Json').className).toBe('org.apache.kafka.connect.json.JsonConverter');
  expect(registry.get('converter', 'com.example.JsonConverter').runtime).toBe('java');
});

describe('a run needs the Java function for', () => {
  const config = { 'connector.class': 'FileStreamSource', 'key.converter': 'Json' };
  test.each([
    [false, 'nothing of Java', {}],
    [true, 'the connector', { 'connector.class': 'PostgresConnector' }],
    [true, 'a converter', { 'value.converter': 'com.example.CloudConverter' }],
    [false, 'a converter of TypeScript', { 'value.converter': 'StringConverter' }],
    [true, 'a header converter', { 'header.converter': 'com.example.HeaderConverter' }],
    [true, 'a transformation', { transforms: 'a, b', 'transforms.b.type': 'com.example.Mask$Value' }],
    [true, 'a predicate', { predicates: 'late', 'predicates.late.type': 'com.example.IsLate' }],
    [false, 'a transformation that is not in the list', { 'transforms.b.type': 'com.example.Mask$Value' }],
    [false, 'a list that is none', { transforms: 'a,,b', 'transforms.b.type': 'com.example.IsLate' }],
    [false, 'a class that nobody knows', { 'connector.class': 'com.example.Nothing' }],
  ])('%s: %s', (needed, _what, more: Record<string, string>) => {
    expect(needsJava(registry, { ...config, ...more })).toBe(needed);
  });
});
