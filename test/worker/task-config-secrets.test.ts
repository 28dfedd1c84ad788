import { expect, test } from 'vitest';
import type { SourceConnector } from '../../src/api/connector.ts';
import { definePlugin } from '../../src/api/plugin.ts';
import { defineConfig, type Settings } from '../../src/config/config-def.ts';
import type { ConfigProvider } from '../../src/worker/config-providers.ts';
import { createHarness } from '../support/worker-harness.ts';

const secrets: Readonly<Record<string, string>> = { password: 'p$ss[word', reference: 'vault', short: 'abc' };
const vault: ConfigProvider = { get: async (_path, key) => secrets[key] };

let seen: Settings = {};

/** Makes an address of what it was given, as connectors for databases do. */
class AddressConnector implements SourceConnector {
  start(config: Settings): void {
    seen = config;
  }
  taskConfigs(): Settings[] {
    const { user, password, mode } = seen;
    return [{ ...seen, url: `db://${user}:${password}@host/${password}`, 'table.mode': mode!, plain: 'as it is' }];
  }
  stop(): void {}
  createTask(): never {
    throw new Error('no task is run');
  }
}

const addressConnector = definePlugin({
  kind: 'source',
  className: 'com.example.AddressConnector',
  version: '1',
  doc: '',
  config: defineConfig({}),
  create: () => new AddressConnector(),
});

test('a secret that a connector puts into another setting of its tasks is stored as the reference', async () => {
  const harness = createHarness({
    kafka: () => Promise.reject(new Error('no Kafka')),
    plugins: [addressConnector],
    configProviders: new Map([['vault', vault]]),
  });
  const config = {
    'connector.class': 'AddressConnector',
    user: 'me',
    password: `\${vault:password}`,
    mode: `\${vault:short}`,
    // Resolves to a text that other references hold.
    other: `\${vault:reference}`,
    unknown: `\${nobody:password}`,
  };
  await harness.create('a', config);
  expect(seen.password).toBe('p$ss[word');
  const [task] = await harness.stores.config.getTasks('a');
  expect(task?.config).toMatchObject({
    ...config,
    url: `db://me:\${vault:password}@host/\${vault:password}`,
    // Too short to be told from any other text.
    'table.mode': 'abc',
    plain: 'as it is',
  });
  expect(JSON.stringify(task)).not.toContain('p$ss');
});
