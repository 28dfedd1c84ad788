import { expect, test } from 'vitest';
import { environmentConfig, environmentVariable, readEnvironment, writeEnvironment } from '../src/environment.ts';
import { ConfigError } from '../src/errors.ts';

const needed = { 'drover.table.name': 'drover', 'bootstrap.servers': 'one:9092,two:9092' };

test('what the stack writes is what the functions read', () => {
  const variables = writeEnvironment({ ...needed, 'drover.idle.floor.ms': '250', 'group.id': 'orders' });
  expect(variables).toMatchObject({ DROVER_TABLE_NAME: 'drover', DROVER_IDLE_FLOOR_MS: '250' });
  const environment = readEnvironment(variables);
  expect(environment['bootstrap.servers']).toEqual(['one:9092', 'two:9092']);
  expect(environment['drover.idle.floor.ms']).toBe(250);
  expect(environment['group.id']).toBe('orders');
});

test('no two settings share a variable', () => {
  const variables = [...environmentConfig.keys.keys()].map(environmentVariable);
  expect(new Set(variables).size).toBe(variables.length);
});

test('a missing setting is named with its variable', () => {
  expect(() => readEnvironment({ DROVER_TABLE_NAME: 'drover' })).toThrow(/DROVER_BOOTSTRAP_SERVERS/);
});

test('further worker settings join the declared ones and win over their defaults', () => {
  const environment = readEnvironment(
    writeEnvironment({ ...needed, 'drover.worker.settings': '{"value.converter.schemas.enable":"false"}' }),
  );
  expect(environment.workerSettings).toMatchObject({
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
    'bootstrap.servers': 'one:9092,two:9092',
  });
});

test.each(['[1]', '{"a":1}', 'null', '{'])('worker settings that are no object of strings are refused: %s', (text) => {
  expect(() => readEnvironment(writeEnvironment({ ...needed, 'drover.worker.settings': text }))).toThrow(ConfigError);
});

test("a worker's further settings reach declared ones too, as a Java worker's properties would", () => {
  const environment = readEnvironment(
    writeEnvironment({
      ...needed,
      'drover.worker.settings': JSON.stringify({
        'config.providers': 'env,file',
        'config.providers.env.param.allowlist.pattern': 'DB_.*',
        'config.providers.file.param.allowed.paths': '/data/settings',
        'connector.client.config.override.policy': 'Principal',
      }),
    }),
  );
  expect(environment['config.providers']).toEqual(['env', 'file']);
  expect(environment['config.providers.env.param.allowlist.pattern']).toBe('DB_.*');
  expect(environment.providerFiles.refusal('/data/settings/a.properties')).toBeNull();
  expect(environment.providerFiles.refusal('/data/a.properties')).toMatch(/allowed\.paths/);
  expect(environment.overridePolicy.allows('sasl.jaas.config')).toBe(true);
  expect(environment.overridePolicy.allows('bootstrap.servers')).toBe(false);
});

test('connectors reach no file and no secret unless it is said', () => {
  const environment = readEnvironment(writeEnvironment(needed));
  expect(environment.files.refusal('/tmp/a')).toMatch(/reach no files.*fileFolders \(drover\.file\.folders\)/);
  expect(environment.providerFiles.refusal('/tmp/a')).toMatch(/reach no files/);
  expect(environment['drover.connector.secrets']).toEqual([]);
  expect(environment['drover.connector.parameters']).toEqual([]);
  const open = readEnvironment(writeEnvironment({ ...needed, 'drover.file.folders': '/data,/tmp/drover' }));
  expect(open.files.refusal('/tmp/drover/a')).toBeNull();
  expect(open.providerFiles.refusal('/data/a.properties')).toBeNull();
});

test.each([
  ['drover.file.folders', 'data', 'DROVER_FILE_FOLDERS'],
  ['config.providers.file.param.allowed.paths', './x', 'DROVER_CONFIG_PROVIDERS_FILE_PARAM_ALLOWED_PATHS'],
  ['connector.client.config.override.policy', 'Some', 'DROVER_CONNECTOR_CLIENT_CONFIG_OVERRIDE_POLICY'],
] as const)('a %s that cannot be is named with its variable', (setting, value, variable) => {
  expect(() => readEnvironment(writeEnvironment({ ...needed, [setting]: value }))).toThrow(variable);
});
