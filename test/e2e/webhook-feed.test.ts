import { createHmac, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, status } from '../../local/rest-client.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { type DeployedStack, deployStack } from '../support/deployed-stack.ts';
import { readTopic, type SeenRecord } from '../support/kafka-records.ts';
import { until } from '../support/until.ts';

let stack: DeployedStack;
let hooksUrl: string;

beforeAll(async () => {
  stack = await deployStack({ runSeconds: '10', runTimeoutSeconds: '20', idleCeilingMs: '5000' });
  hooksUrl = stack.playground.hooksUrl;
});

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

const plainJson = {
  'connector.class': 'WebhookSource',
  'http.auth.type': 'none',
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
};

/** Resolves when the hook takes requests. */
async function createHook(name: string, change: Readonly<Record<string, string>> = {}): Promise<void> {
  await call(stack.restUrl, 'POST', '/connectors', { name, config: { ...plainJson, 'kafka.topic': name, ...change } });
  await until(`${name} takes requests`, async () => ![404, 503].includes((await send(name, { method: 'PUT' })).status));
}

interface Sent {
  readonly method?: string;
  readonly body?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

async function send(hook: string, { method = 'POST', body, headers }: Sent = {}) {
  const answer = await fetch(`${hooksUrl}/${hook}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    signal: AbortSignal.timeout(60_000),
    ...(body === undefined ? {} : { body }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    json: () => JSON.parse(text) as Record<string, unknown>,
  };
}

async function onTopic(topic: string): Promise<readonly SeenRecord[]> {
  const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
  try {
    return await readTopic(kafka, topic);
  } finally {
    await kafka.close();
  }
}

test('one request: 200 when its record is on the topic', async () => {
  await createHook('first', { 'http.record.key.pointer': '/id', 'http.record.headers': 'X-Event' });
  const answer = await send('first', { body: '{"id":"a","n":12345678901234567}', headers: { 'x-event': 'made' } });
  expect([answer.status, answer.json()]).toEqual([200, { records: 1 }]);
  const records = await onTopic('first');
  expect(records.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual([
    { key: 'a', value: '{"id":"a","n":12345678901234567}', headers: [{ key: 'X-Event', value: 'made' }] },
  ]);
});
