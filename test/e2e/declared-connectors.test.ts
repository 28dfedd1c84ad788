import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { DroverConnector, sqsSource } from '../../cdk/index.ts';
import { bootstrap, cdk, type DeployOptions } from '../../local/deploy.ts';
import { emulatorEnvironment } from '../../local/emulator.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { Cloudformation, type StackEnd } from '../support/cloudformation.ts';
import { type Declare, synthesiseDeclaring, synthesiseElsewhere } from '../support/declaring-app.ts';
import { readTopic, uniqueName } from '../support/kafka-records.ts';
import { dynamoDbEndpoint, kafkaAddress } from '../support/services.ts';
import { until } from '../support/until.ts';

// The functions are bundled, and the CDK's program started, which takes long on a machine that is busy.
vi.setConfig({ testTimeout: 600_000, hookTimeout: 600_000 });

const region = 'eu-central-1';
const folder = mkdtempSync(join(tmpdir(), 'drover-declared-'));
const file = join(folder, 'lines.txt');
const longest = { withinMs: 120_000, everyMs: 300 };
const topic = uniqueName('declared');

let cloudformation: Cloudformation;
let kafka: KafkaClient;
let lambda: LambdaClient;
let sqs: SQSClient;
let options: DeployOptions;
let restFunction = '';
let queueUrl = '';

/** The connectors' stack alone is synthesised anew: the other one and its functions stay as they were deployed. */
async function deployConnectors(deployment: string, declare: Declare): Promise<StackEnd> {
  const outdir = join(folder, `cdk.out-${deployment}`);
  synthesiseDeclaring({ ...options, groupId: topic, outdir, deployment, bundled: false }, declare);
  return cloudformation.deploy('Connectors', readFileSync(join(outdir, 'Connectors.template.json'), 'utf8'));
}

async function rest(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
  const event = {
    version: '2.0',
    rawPath: path,
    rawQueryString: '',
    headers: { 'content-type': 'application/json' },
    requestContext: { http: { method }, stage: '$default' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  const { Payload: payload } = await lambda.send(
    new InvokeCommand({ FunctionName: restFunction, Payload: JSON.stringify(event) }),
  );
  const answer: { statusCode: number; body: string } = JSON.parse(Buffer.from(payload ?? []).toString());
  return { status: answer.statusCode, body: answer.body === '' ? null : JSON.parse(answer.body) };
}

beforeAll(async () => {
  const { port } = new URL(dynamoDbEndpoint());
  options = { folder, awsPort: Number(port), region, bootstrapServers: kafkaAddress() };
  const endpoint = `http://127.0.0.1:${port}`;
  cloudformation = new Cloudformation({ endpoint, region });
  const environment = emulatorEnvironment({ port: Number(port), region });
  const client = {
    region,
    endpoint,
    credentials: {
      accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
    },
  };
  lambda = new LambdaClient(client);
  sqs = new SQSClient({ ...client, useQueueUrlAsEndpoint: false });
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
  const out = join(folder, 'cdk.out');
  synthesiseDeclaring({ ...options, groupId: topic, outdir: out, deployment: '1', bundled: true }, lines('lines'));
  await bootstrap(options);
  const outputs = join(folder, 'outputs.json');
  const flags = ['--require-approval', 'never', '--method', 'direct', '--outputs-file', outputs];
  await cdk(options, ['deploy', '--all', '--app', out, ...flags], folder);
  const { Installation: installation } = JSON.parse(readFileSync(outputs, 'utf8'));
  restFunction = installation.RestFunctionName;
  queueUrl = installation.QueueUrl;
});

afterAll(async () => {
  await kafka?.close();
  lambda?.destroy();
  sqs?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

const strings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};

/** A connector of the connectors' stack, which reads a file. */
const lines = (name: string, more: Readonly<Record<string, string>> = {}, id = 'Lines'): Declare => {
  return (stack, { drover, queue }) => {
    sqsSource(drover, { queue, connector: { name: 'messages', config: { topics: topic, ...strings } } });
    new DroverConnector<string>(stack, id, {
      drover,
      name,
      config: { 'connector.class': 'FileStreamSource', file, topic: `${topic}-lines`, ...strings, ...more },
    });
  };
};

const fileOf = async (name: string) => (await rest('GET', `/connectors/${name}/config`)).body;
const names = async () => (await rest('GET', '/connectors')).body;
const has = (where: string, value: string) =>
  until(
    `${value} is in ${where}`,
    async () => (await readTopic(kafka, where)).some((record) => record.value === value),
    longest,
  );

test('one statement gives mapping, rights and connector, and both move records when the deployment is done', async () => {
  expect(await names()).toEqual(['lines', 'messages']);
  writeFileSync(file, 'line 1\n');
  await sqs.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: 'message 1' }));
  await Promise.all([has(topic, 'message 1'), has(`${topic}-lines`, 'line 1')]);
});

test('a changed config is the connector’s; one that validate refuses fails the deployment and is rolled back', async () => {
  expect(await deployConnectors('2', lines('lines', { 'batch.size': '7' }))).toEqual({
    status: 'UPDATE_COMPLETE',
    reasons: [],
  });
  expect(await fileOf('lines')).toMatchObject({ 'batch.size': '7' });
  const broken = await deployConnectors('3', lines('lines', { 'tasks.max': 'many', 'errors.tolerance': 'some' }));
  expect(broken.status).toBe('UPDATE_ROLLBACK_COMPLETE');
  const [reason] = broken.reasons;
  expect(reason).toContain('tasks.max: Invalid value many for configuration tasks.max: Not a number of type INT');
  expect(reason).toContain('errors.tolerance: Invalid value some for configuration errors.tolerance');
  expect(await fileOf('lines')).toMatchObject({ 'batch.size': '7' });
});

test('what somebody has changed is mended by the next deployment, of the same declaration', async () => {
  const edited = { 'connector.class': 'FileStreamSource', file: '/tmp/elsewhere', topic: 'x' };
  expect((await rest('PUT', '/connectors/lines/config', edited)).status).toBe(200);
  await deployConnectors('4', lines('lines', { 'batch.size': '7' }));
  expect(await fileOf('lines')).toMatchObject({ file, 'batch.size': '7', topic: `${topic}-lines` });
  expect((await rest('DELETE', '/connectors/lines')).status).toBe(204);
  await deployConnectors('5', lines('lines', { 'batch.size': '7' }));
  expect(await names()).toEqual(['lines', 'messages']);
});

test('another name is another connector, made before the old one goes; a refused one leaves the old one', async () => {
  const refused = await deployConnectors('6', lines('messages-2', { 'tasks.max': 'many' }));
  expect(refused.status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(await names()).toEqual(['lines', 'messages']);
  expect((await deployConnectors('7', lines('renamed'))).status).toBe('UPDATE_COMPLETE');
  expect(await names()).toEqual(['messages', 'renamed']);
  // A construct that is moved in the app is another resource of the same name.
  expect((await deployConnectors('8', lines('renamed', {}, 'Moved'))).status).toBe('UPDATE_COMPLETE');
  expect(await names()).toEqual(['messages', 'renamed']);
});

test('another app declares a connector on the installation, and takes it away again', async () => {
  const outdir = join(folder, 'cdk.out-elsewhere');
  synthesiseElsewhere({ outdir, region, deployment: '9' }, (stack, drover) => {
    new DroverConnector(stack, 'Theirs', {
      drover,
      name: 'elsewhere',
      config: { 'connector.class': 'FileStreamSource', file, topic: `${topic}-elsewhere`, ...strings },
    });
  });
  const template = readFileSync(join(outdir, 'Elsewhere.template.json'), 'utf8');
  expect(await cloudformation.deploy('Elsewhere', template)).toEqual({ status: 'CREATE_COMPLETE', reasons: [] });
  await has(`${topic}-elsewhere`, 'line 1');
  expect(await cloudformation.remove('Elsewhere')).toMatchObject({ status: null });
  expect(await names()).toEqual(['messages', 'renamed']);
});

test('a connector that is not the stack’s is left alone, and the stack’s own goes with it', async () => {
  const theirs = { 'connector.class': 'FileStreamSource', file, topic: `${topic}-lines` };
  expect((await rest('PUT', '/connectors/theirs/config', theirs)).status).toBe(201);
  const refused = await deployConnectors('10', lines('theirs', {}, 'Moved'));
  expect(refused.status).toBe('UPDATE_ROLLBACK_COMPLETE');
  expect(refused.reasons.join()).toContain('Connector theirs is there already, and no stack has declared it');
  expect(await cloudformation.remove('Connectors')).toMatchObject({ status: null });
  expect(await names()).toEqual(['messages', 'theirs']);
  expect(await cloudformation.remove('Installation')).toMatchObject({ status: null });
});
