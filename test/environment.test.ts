import { expect, test } from 'vitest';
import { environmentConfig } from '../src/config/environment-config.ts';
import { checkSettings, environmentVariable, readEnvironment, writeEnvironment } from '../src/environment.ts';
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

test.each([
  ['bootstrap.servers', 'b-1', /"b-1" is not host:port/],
  ['bootstrap.servers', 'one:9092,b-1:', /"b-1:" is not host:port/],
  ['bootstrap.servers', 'b-1:70000', /"b-1:70000" is not host:port/],
  ['bootstrap.servers', 'b 1:9092', /"b 1:9092" is not host:port/],
  ['bootstrap.servers', ' ', /at least one broker/],
  ['group.id', ' ', /non-empty/],
  ['config.storage.replication.factor', '0', /from 1 to 32767, or -1/],
  ['offset.storage.replication.factor', '-2', /from 1 to 32767, or -1/],
  ['status.storage.replication.factor', '32768', /SHORT/],
  ['offset.storage.partitions', '0', /or -1 for the broker's default/],
  ['offset.storage.topic', 'my offsets', /name of a topic/],
  ['config.storage.topic', '..', /name of a topic/],
  ['status.storage.topic', 'x'.repeat(250), /name of a topic/],
  ['status.storage.topic', 'connect-offsets', /offset\.storage\.topic already/],
  ['config.providers', 'ssm,vault', /"vault" is none of/],
  ['drover.log.level', 'LOUD', /TRACE, DEBUG/],
  ['drover.runs.in.flight.max', '0', /at least 1/],
  ['drover.run.max.ms', '999', /at least 1000/],
  ['drover.run.linger.ms', '-1', /at least 0/],
  ['drover.idle.floor.ms', '60001', /above drover\.idle\.ceiling\.ms, 60000/],
  [
    'drover.worker.settings',
    '{"producer.linger.ms":"5"}',
    /names producer\.linger\.ms: leave it out, and give producer\.override\.linger\.ms to each connector/,
  ],
  ['drover.worker.settings', '{"group.id":"x"}', /names group\.id: set it by itself/],
  ['drover.worker.settings', '{', /drover\.worker\.settings is not JSON/],
  ['drover.wake.sources', '{', /drover\.wake\.sources is not JSON/],
  ['drover.wake.sources', '{}', /must be a JSON array/],
  ['drover.wake.sources', '[null]', /must hold objects like/],
  ['drover.wake.sources', '[{"source":"arn:1","wakes":"a"}]', /must hold objects like/],
] as const)('%s = %j is refused by who writes it as by who reads it', (name, value, message) => {
  const settings = { ...needed, [name]: value };
  expect(() => checkSettings(settings)).toThrow(message);
  expect(() => readEnvironment(writeEnvironment(settings))).toThrow(message);
  const fails = () => checkSettings(settings);
  expect(fails).toThrow(expect.objectContaining({ facts: expect.objectContaining({ key: name }) }));
});

test.each([
  ['bootstrap.servers', 'SASL_SSL://b-1.example:9098, [2001:db8::1]:9092'],
  ['config.storage.replication.factor', '-1'],
  ['offset.storage.topic', 'a.b_c-1'],
] as const)('%s = %j is taken', (name, value) => {
  expect(() => checkSettings({ ...needed, [name]: value })).not.toThrow();
});

test('what is known only when the stack is deployed is not checked before', () => {
  const settings = { 'bootstrap.servers': '${Token[1]}', 'drover.table.name': 't', 'drover.run.max.ms': '5000' };
  expect(checkSettings(settings, new Set(['bootstrap.servers']))['drover.run.max.ms']).toBe(5000);
  expect(() => checkSettings(settings)).toThrow(/host:port/);
});

test('a setting that nobody declares is refused by its name', () => {
  expect(() => checkSettings({ ...needed, 'drover.run.maximum': '1' } as never)).toThrow(/drover\.run\.maximum is no/);
});

test('what connectors may reach is told by settings of its own', () => {
  const environment = readEnvironment(
    writeEnvironment({
      ...needed,
      'config.providers': 'env,file',
      'config.providers.env.param.allowlist.pattern': 'DB_.*',
      'config.providers.file.param.allowed.paths': '/data/settings',
      'connector.client.config.override.policy': 'Principal',
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
  ['drover.connector.hosts', 'a.example,http://b', 'DROVER_CONNECTOR_HOSTS'],
  ['drover.file.folders', 'data', 'DROVER_FILE_FOLDERS'],
  ['config.providers.file.param.allowed.paths', './x', 'DROVER_CONFIG_PROVIDERS_FILE_PARAM_ALLOWED_PATHS'],
  ['connector.client.config.override.policy', 'Some', 'DROVER_CONNECTOR_CLIENT_CONFIG_OVERRIDE_POLICY'],
] as const)('a %s that cannot be is named with its variable', (setting, value, variable) => {
  expect(() => readEnvironment(writeEnvironment({ ...needed, [setting]: value }))).toThrow(variable);
});
