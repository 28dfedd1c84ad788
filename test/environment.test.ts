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
