import { appendFileSync, cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kafkaVersion } from '../../local/kafka.ts';
import { jars } from '../../local/maven.ts';
import { call, status } from '../../local/rest-client.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { type DeployedStack, deployStack } from '../support/deployed-stack.ts';
import { readTopic } from '../support/kafka-records.ts';
import { until } from '../support/until.ts';

// Apache's own file source as it comes in its jar: created, read, paused, altered, killed, on the stack as it is deployed.
let stack: DeployedStack;
let kafka: KafkaClient;
const longest = { withinMs: 240_000, everyMs: 250 };
const fileSource = 'org.apache.kafka.connect.file.FileStreamSourceConnector';

beforeAll(async () => {
  const connectFile = await jars('connect-file', [`org.apache.kafka:connect-file:${kafkaVersion}`]);
  const plugins = join(connectFile, '..', 'java-plugins-e2e');
  mkdirSync(join(plugins, 'file'), { recursive: true });
  for (const jar of readdirSync(connectFile).filter((name) => name.startsWith('connect-file'))) {
    cpSync(join(connectFile, jar), join(plugins, 'file', jar));
  }
  stack = await deployStack(
    { runSeconds: '5', runTimeoutSeconds: '15', idleCeilingMs: '2000' },
    { javaPlugins: [plugins] },
  );
  kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
});

afterAll(async () => {
  await kafka?.close();
  await stack?.[Symbol.asyncDispose]();
});

const api = (method: 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE', path: string, body?: object) =>
  call(stack.restUrl, method, path, body);
const file = () => join(stack.folder, 'lines.txt');
const lines = async () => (await readTopic(kafka, 'java-lines')).map(({ value }) => String(value));
const config = () => ({
  'connector.class': fileSource,
  'drover.plugin.runtime': 'java',
  file: file(),
  topic: 'java-lines',
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
});

const running = async () => (await status(stack.restUrl, 'java-file')).tasks[0]?.state === 'RUNNING';
const reached = (what: string, expected: readonly string[]) =>
  until(what, async () => (await lines()).join() === expected.join(), longest);

test('REST lists, describes and validates it: the class itself is asked', async () => {
  const listed = await call<{ class: string }[]>(stack.restUrl, 'GET', '/connector-plugins');
  expect(listed.filter((plugin) => plugin.class === fileSource)).toHaveLength(1);
  const described = await call<{ name: string }[]>(stack.restUrl, 'GET', `/connector-plugins/${fileSource}/config`);
  expect(described.map(({ name }) => name)).toContain('batch.size');
  const wrong = { ...config(), name: 'x', 'exactly.once.support': 'required', 'batch.size': 'many' };
  const { configs } = await call<{ configs: { value: { name: string; errors: string[] } }[] }>(
    stack.restUrl,
    'PUT',
    '/connector-plugins/FileStreamSource/config/validate',
    wrong,
  );
  const problem = 'Invalid value many for configuration batch.size: Not a number of type INT';
  expect(configs.flatMap(({ value: { name, errors } }) => errors.map((error) => [name, error])).sort()).toEqual([
    ['batch.size', problem],
    ['exactly.once.support', `An unexpected error occurred during validation: ${problem}`],
  ]);
});

test('its records are in Kafka, by the function that has a JVM', async () => {
  writeFileSync(file(), 'one\ntwo\n');
  await api('PUT', '/connectors/java-file/config', config());
  await reached('the lines that were there', ['one', 'two']);
  appendFileSync(file(), 'three\n');
  await reached('the line that came', ['one', 'two', 'three']);
  const workers = stack.functions['java-task'];
  expect(await status(stack.restUrl, 'java-file')).toMatchObject({
    connector: { state: 'RUNNING', version: '4.3.0', worker_id: expect.stringContaining(`${workers}:`) },
    tasks: [{ state: 'RUNNING', version: '4.3.0', worker_id: expect.stringContaining(`${workers}:`) }],
  });
});

test('paused it reads nothing, and resumed what came meanwhile', async () => {
  await api('PUT', '/connectors/java-file/pause');
  await until(
    'it is paused',
    async () => (await status(stack.restUrl, 'java-file')).tasks[0]?.state === 'PAUSED',
    longest,
  );
  appendFileSync(file(), 'four\n');
  await api('PUT', '/connectors/java-file/resume');
  await reached('the line of the pause', ['one', 'two', 'three', 'four']);
});

test('its offsets are shown and altered, and its own check of them has the last word', async () => {
  await api('PUT', '/connectors/java-file/stop');
  await until('it is stopped', async () => (await status(stack.restUrl, 'java-file')).tasks.length === 0, longest);
  const partition = { filename: file() };
  expect(await api('GET', '/connectors/java-file/offsets')).toEqual({
    offsets: [{ partition, offset: { position: 19 } }],
  });
  const alter = (offset: object) => api('PATCH', '/connectors/java-file/offsets', { offsets: [{ partition, offset }] });
  await expect(alter({ position: 'first' })).rejects.toThrow(/position/);
  await alter({ position: 4 });
  await api('PUT', '/connectors/java-file/resume');
  await reached('it reads on from there', ['one', 'two', 'three', 'four', 'two', 'three', 'four']);
});

test('L1: a JVM that is killed in mid-run costs no line', async () => {
  await until('it runs again', running, longest);
  const before = (await lines()).length;
  const sent: string[] = [];
  const killed = new Set<number>();
  await until(
    'a JVM is killed while lines come',
    async () => {
      const line = `line ${sent.length}`;
      sent.push(line);
      appendFileSync(file(), `${line}\n`);
      for (const pid of (await lines()).length > before ? stack.jvms() : []) {
        process.kill(pid, 'SIGKILL');
        killed.add(pid);
      }
      return killed.size > 0;
    },
    longest,
  );
  appendFileSync(file(), 'last\n');
  await until('every line is there', async () => (await lines()).includes('last'), longest);
  const arrived = (await lines()).slice(before);
  expect([...new Set(arrived)]).toEqual([...sent, 'last']);
});
