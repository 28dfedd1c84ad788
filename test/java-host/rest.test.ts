import { expect, test } from 'vitest';
import type { PluginKind } from '../../src/api/plugin.ts';
import { ConnectError } from '../../src/errors.ts';
import { type AskJava, describedPlugins } from '../../src/java-host/described-plugins.ts';
import { parseJavaManifest } from '../../src/java-host/manifest.ts';
import type { PluginQuestion } from '../../src/java-host/plugin-question.ts';
import { createMemoryRest } from '../support/memory-rest.ts';

const fileSource = 'org.apache.kafka.connect.file.FileStreamSourceConnector';
const postgres = 'io.debezium.PostgresConnector';

const setting = (name: string, type: string, fallback: string | null) => ({
  name,
  type,
  required: fallback === null,
  default: fallback,
  importance: 'HIGH',
});

const entry = (className: string, type: PluginKind, version: string, configDef: object[] = []) => ({
  class: className,
  type,
  version,
  location: `${className}-${version}`,
  configDef,
});

const manifest = parseJavaManifest(
  JSON.stringify({
    version: 1,
    plugins: [
      entry(fileSource, 'source', '4.3.0'),
      entry(postgres, 'source', '2.7.0', [setting('slot', 'STRING', 'old'), setting('size', 'INT', '1')]),
      entry(postgres, 'source', '3.6.1', [
        setting('slot', 'STRING', 'new'),
        setting('driver', 'CLASS', 'x.Driver'),
        setting('emit.interval.seconds', 'LONG', '60'),
        setting('heartbeat.interval.ms', 'INT', '0'),
      ]),
    ],
  }),
);

/** REST without a JVM: `answer` is what there is one for. */
function rest(answer: AskJava) {
  const asked: PluginQuestion[] = [];
  const plugins = describedPlugins(manifest, async (question) => {
    asked.push(question);
    return answer(question);
  });
  return { ...createMemoryRest({ plugins }), asked };
}

const config = (more: Record<string, string> = {}) => ({
  name: 'pg',
  'connector.class': postgres,
  'tasks.max': '1',
  ...more,
});

test('plugins are listed and described without a question; what TypeScript has too is listed once', async () => {
  const { call, asked } = rest(async () => []);
  const { body } = await call('GET', '/connector-plugins');
  const listed = (body as { class: string; version: string }[]).filter(({ class: name }) =>
    /file.*Source|debezium/.test(name),
  );
  expect(listed.map((plugin) => [plugin.class, plugin.version])).toEqual([
    [postgres, '2.7.0'],
    [postgres, '3.6.1'],
    [fileSource, '4.3.0'],
  ]);
  const slot = async (query: string) => {
    const answer = await call('GET', `/connector-plugins/${postgres}/config${query}`);
    return (answer.body as { name: string; default_value: string }[]).find(({ name }) => name === 'slot')
      ?.default_value;
  };
  expect([await slot(''), await slot('?version=2.7.0'), await slot('?version=[2,3)')]).toEqual(['new', 'old', 'old']);
  expect(asked).toEqual([]);
});

test('a config is validated by the class in the version that it asks for, and what both say is said once', async () => {
  const wrong = 'Invalid value many for configuration size: Not a number of type INT';
  const { call, asked } = rest(async ({ version }) => [
    { key: 'slot', message: `no slot for ${version}` },
    { key: 'size', message: wrong },
  ]);
  const given = config({ 'connector.plugin.version': '2.7.0', size: 'many' });
  const { body } = await call('PUT', `/connector-plugins/${postgres}/config/validate`, given);
  const { configs } = body as { configs: { value: { name: string; errors: string[] } }[] };
  expect(configs.flatMap(({ value }) => value.errors)).toEqual(['no slot for 2.7.0', wrong]);
  expect(asked).toMatchObject([{ ask: 'validate', class: postgres, version: '2.7.0', config: given }]);
});

test('a setting that names a class of the jar is none that REST could look for', async () => {
  const { call } = rest(async () => []);
  const { status } = await call('POST', '/connectors', { name: 'pg', config: config({ driver: 'only.the.Jar' }) });
  expect(status).toBe(201);
});

test('a timer that is longer than a run is sure to last is warned of, whether it is given or a default', async () => {
  const { call } = rest(async () => []);
  const warned = async (more: Record<string, string>) => {
    const { body } = await call('PUT', `/connector-plugins/${postgres}/config/validate`, config(more));
    const { configs, error_count } = body as {
      error_count: number;
      configs: { value: { name: string; warnings?: string[] } }[];
    };
    expect(error_count).toBe(0);
    return configs.flatMap(({ value: { name, warnings = [] } }) => warnings.map((warning) => [name, warning]));
  };
  expect(await warned({})).toEqual([
    [
      'emit.interval.seconds',
      'A task is sure to run for only 2000 ms at a time (drover.java.settle.ms): what it does every 60000 ms may never happen. ' +
        'Set this to less, or that to more. What the connector itself does on this timer happens every 600000 ms (drover.java.refresh.ms)',
    ],
  ]);
  expect(
    (await warned({ 'emit.interval.seconds': '1', 'heartbeat.interval.ms': '5000' })).map(([name]) => name),
  ).toEqual(['heartbeat.interval.ms']);
  expect(await warned({ 'drover.java.settle.ms': '60000' })).toEqual([]);
});

test('I6: while the Java function cannot be asked, a connector is not created, and the caller is told to try again', async () => {
  const { call } = rest(async () => {
    throw new ConnectError('invocation.unavailable', 'The function has no room', { retriable: true });
  });
  expect(await call('POST', '/connectors', { name: 'pg', config: config() })).toMatchObject({
    status: 503,
    body: { message: 'The function has no room' },
  });
  expect((await call('GET', '/connectors')).body).toEqual([]);
});

test('exactly once: the class is asked, and what it cannot read of the config is told by the setting', async () => {
  const { call } = rest(async ({ ask }) => {
    if (ask === 'exactlyOnceSupport') throw new ConnectError('java.failed', 'slot is no slot');
    return [];
  });
  const given = config({ 'exactly.once.support': 'required' });
  const { body } = await call('PUT', `/connector-plugins/${postgres}/config/validate`, given);
  const { configs } = body as { configs: { value: { name: string; errors: string[] } }[] };
  expect(configs.flatMap(({ value }) => value.errors.map((error) => [value.name, error]))).toEqual([
    ['exactly.once.support', 'An unexpected error occurred during validation: slot is no slot'],
  ]);
});
