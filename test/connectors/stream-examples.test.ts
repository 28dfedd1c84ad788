import { expect, test } from 'vitest';
import { example as dynamodb } from '../../connectors/dynamodb/example.ts';
import { example as kinesis } from '../../connectors/kinesis/example.ts';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import { apacheConverters } from '../../src/config/connector-config.ts';
import { validateForPlugin } from '../../src/herder/validate-connector-config.ts';

const plugins = createRegistry();

test.each([dynamodb.source, kinesis.source])('the example $name is a valid config, and can be fed', async (config) => {
  const installation = { plugins, converterDefaults: apacheConverters };
  const { configs } = await validateForPlugin(installation, config['connector.class'], config);
  expect(configs.flatMap(({ value }) => value.errors)).toEqual([]);
  const known = new Set(configs.map(({ value }) => value.name));
  expect(Object.keys(config).filter((key) => !known.has(key))).toEqual([]);
  const connector = await plugins.get('source', config['connector.class']).create();
  expect(connector.feedKey?.(config, { region: 'eu-west-1' })?.key).toMatch(/^(dynamodb|kinesis):eu-west-1:/);
});

test.each([
  ['com.trustpilot.connector.dynamodb.DynamoDBSourceConnector', dynamodb],
  ['DynamoDBSourceConnector', dynamodb],
  ['DynamoDBSource', dynamodb],
  ['DynamoDbStreamsSourceConnector', dynamodb],
  ['DynamoDbStreamsSource', dynamodb],
  ['com.github.jcustenborder.kafka.connect.kinesis.KinesisSourceConnector', kinesis],
  ['io.confluent.connect.kinesis.KinesisSourceConnector', kinesis],
  ['KinesisSourceConnector', kinesis],
  ['KinesisSource', kinesis],
])('%s is one of its names', (name, { source }) => {
  const plugin = plugins.get('source', name);
  expect(plugin).toBe(plugins.get('source', source['connector.class']));
  expect(plugins.classNameOf(name)).toBe(plugin.className);
});
