import { expect, test } from 'vitest';
import { example as eventBridge } from '../../connectors/eventbridge/example.ts';
import { example as s3Source } from '../../connectors/s3/source-example.ts';
import { example as sns } from '../../connectors/sns/example.ts';
import { example as sqs } from '../../connectors/sqs/example.ts';
import { example as webhook } from '../../connectors/webhook/example.ts';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import type { Settings } from '../../src/config/config-def.ts';
import { apacheConverters } from '../../src/config/connector-config.ts';
import { validateForPlugin } from '../../src/herder/validate-connector-config.ts';

const plugins = createRegistry();
const configs: readonly Settings[] = [...webhook.configs, ...eventBridge.configs, ...sns.configs, sqs.source];

test.each(configs.map((config) => [config.name!, config]))(
  'the example %s is a valid config, and can be fed',
  async (_name, config) => {
    const deps = { plugins, converterDefaults: apacheConverters };
    const { configs: found } = await validateForPlugin(deps, config['connector.class']!, config);
    expect(found.flatMap(({ value }) => value.errors)).toEqual([]);
    const connector = await plugins.get('source', config['connector.class']!).create();
    expect(connector.feedKey?.(config, { region: 'eu-west-1' })).toMatchObject({
      key: expect.stringMatching(/^\w+:[\w:-]+$/),
    });
    expect(connector.createFeed?.()).toBeDefined();
  },
);

test('the example of the S3 source is a valid config, and is not fed', async () => {
  const deps = { plugins, converterDefaults: apacheConverters };
  const config = s3Source.source;
  const { configs: found } = await validateForPlugin(deps, config['connector.class'], config);
  expect(found.flatMap(({ value }) => value.errors)).toEqual([]);
  const connector = await plugins.get('source', config['connector.class']).create();
  expect(connector.createFeed).toBeUndefined();
});

const connectors = plugins.list().filter(({ kind }) => kind === 'source' || kind === 'sink');

test.each(connectors.map(({ className, config }) => [className, [...config.keys.keys()]] as const))(
  'whatever is wrong with a config of %s, it is told by its setting',
  async (className, keys) => {
    const deps = { plugins, converterDefaults: apacheConverters };
    const settings = { name: 'x', 'connector.class': className };
    const wrong = keys.map((key) => ({ ...settings, [key]: '{no such value' }));
    for (const config of [settings, ...wrong]) {
      const { configs: found } = await validateForPlugin(deps, className, config);
      expect(found.length).toBeGreaterThan(keys.length);
    }
  },
);
