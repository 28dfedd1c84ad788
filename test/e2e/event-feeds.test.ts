import { createHmac, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { GetFunctionConfigurationCommand, LambdaClient, ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetQueueAttributesCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bufferUrlVariable, writeBuffered } from '../../connectors/webhook/buffer.ts';
import { call, status } from '../../local/rest-client.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { claimTrustedMs } from '../../src/storage/feed-store.ts';
import { type DeployedStack, deployStack } from '../support/deployed-stack.ts';
import { readTopic, type SeenRecord } from '../support/kafka-records.ts';
import { until } from '../support/until.ts';

let stack: DeployedStack;
const longest = 240_000;

beforeAll(async () => {
  stack = await deployStack({ runSeconds: '10', runTimeoutSeconds: '20', idleCeilingMs: '5000' });
});

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

const converters = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
};

async function onTopic(topic: string): Promise<readonly SeenRecord[]> {
  const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
  try {
    return await readTopic(kafka, topic);
  } finally {
    await kafka.close();
  }
}

const create = (name: string, config: Readonly<Record<string, string>>) =>
  call(stack.restUrl, 'POST', '/connectors', { name, config: { ...converters, 'kafka.topic': name, ...config } });

const runs = (name: string) =>
  until(`${name} runs`, async () => {
    const { connector, tasks } = await status(stack.restUrl, name);
    return tasks.length > 0 && [connector, ...tasks].every(({ state }) => state === 'RUNNING');
  });

function killAll(functionName: string): number {
  const pids = stack.environmentsOf(functionName);
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  return pids.length;
}

const killFeeds = () => killAll(stack.functions.feed);

describe('webhooks', () => {
  /** Resolves when the hook takes requests. */
  async function createHook(name: string, change: Readonly<Record<string, string>> = {}): Promise<void> {
    await create(name, { 'connector.class': 'WebhookSource', 'http.auth.type': 'none', ...change });
    await until(`${name} takes requests`, async () => (await send(name, { method: 'PUT' })).status === 405);
  }

  interface Sent {
    readonly method?: string;
    readonly body?: string | Uint8Array<ArrayBuffer>;
    readonly headers?: Readonly<Record<string, string>>;
  }

  async function send(hook: string, { method = 'POST', body, headers }: Sent = {}) {
    const answer = await fetch(`${stack.playground.hooksUrl}/${hook}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      signal: AbortSignal.timeout(60_000),
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.text();
    return { status: answer.status, headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
  }

  test('one request: 200 when its record is on the topic', async () => {
    await createHook('first', { 'http.record.key.pointer': '/id', 'http.record.headers': 'X-Event' });
    const answer = await send('first', { body: '{"id":"a","n":12345678901234567}', headers: { 'x-event': 'made' } });
    expect([answer.status, answer.body]).toEqual([200, { records: 1 }]);
    const records = await onTopic('first');
    expect(records.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual([
      { key: 'a', value: '{"id":"a","n":12345678901234567}', headers: [{ key: 'X-Event', value: 'made' }] },
    ]);
  });

  test(
    'a buffered hook that is held waits by itself, in a queue of its own or in the one of all: the others go on',
    async () => {
      const lambda = new LambdaClient(stack.aws);
      const sqs = new SQSClient({ ...stack.aws, useQueueUrlAsEndpoint: false });
      const mapping = async () => {
        const { EventSourceMappings: all = [] } = await lambda.send(
          new ListEventSourceMappingsCommand({ FunctionName: stack.functions.feed }),
        );
        return all.find(({ EventSourceArn: arn }) => arn?.includes('orderslater'))?.State;
      };
      const { Environment } = await lambda.send(
        new GetFunctionConfigurationCommand({ FunctionName: stack.functions.feed }),
      );
      const QueueUrl = Environment!.Variables![bufferUrlVariable]!;
      /** Without the door, which is closed. */
      const putIntoBuffer = async (hook: string, bodies: readonly string[]) => {
        const requests = bodies.map((text) => ({
          ...{ headers: { 'content-type': 'application/json' }, body: Buffer.from(text) },
          ...{ requestId: text, receivedAt: null },
        }));
        const MessageAttributes = { 'drover.feed': { DataType: 'String', StringValue: `hook:${hook}` } };
        for (const request of requests) {
          await sqs.send(new SendMessageCommand({ QueueUrl, MessageBody: writeBuffered(request), MessageAttributes }));
        }
      };
      const delayed = async () => {
        const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }));
        return Number(Attributes?.ApproximateNumberOfMessagesDelayed);
      };
      const landed = async (hook: string, bodies: readonly string[]) => {
        const seen = new Set((await onTopic(hook)).map(({ value }) => value));
        return bodies.every((body) => seen.has(body));
      };
      const arrives = async (hook: string, body: string) => {
        // Another environment than the one that was asked before may know no better yet.
        await until(`${hook} takes ${body}`, async () => (await send(hook, { body })).status === 202);
        await until(`${body} of ${hook} is there`, () => landed(hook, [body]), { withinMs: longest });
      };
      const change = (hook: string, verb: string) => call(stack.restUrl, 'PUT', `/connectors/${hook}/${verb}`);
      const refused = async (hook: string) => {
        const answer = await send(hook, { body: '"held"' });
        return answer.status === 503 && Number(answer.headers.get('retry-after')) > 0;
      };
      try {
        const hooks = ['orders-later', 'waits', 'shares'];
        await Promise.all(hooks.map((name) => createHook(name, { 'http.response.mode': 'buffered' })));
        const holdable = ['orders-later', 'waits'];
        for (const hook of holdable) await arrives(hook, '"before"');
        for (const hook of holdable) await change(hook, 'pause');
        for (const hook of holdable) await until(`${hook} refuses`, () => refused(hook));
        // Till then another environment may know no better, and put into Kafka what comes to it. Nobody tells when it does.
        await sleep(claimTrustedMs);
        const waiting = Array.from({ length: 12 }, (_, index) => `"w${index}"`);
        await putIntoBuffer('waits', waiting);
        // Beside them what was taken while the pause was on its way.
        const putOff = async () => (await delayed()) >= waiting.length;
        await until('what waits is put off', putOff, { withinMs: longest, everyMs: 20 });
        await arrives('shares', '"meanwhile"');
        await until('its queue is held', async () => (await mapping()) === 'Disabled', { withinMs: longest });
        expect(await landed('waits', waiting.slice(0, 1))).toBe(false);
        await change('waits', 'stop');
        const stopped = async () => (await status(stack.restUrl, 'waits')).connector.state === 'STOPPED';
        await until('it is stopped', stopped, { withinMs: longest });
        expect(await refused('waits')).toBe(true);
        for (const hook of holdable) await change(hook, 'resume');
        await until('its queue brings again', async () => (await mapping()) === 'Enabled', { withinMs: longest });
        await arrives('orders-later', '"after"');
        await until('what has waited is there', () => landed('waits', waiting), { withinMs: longest });
      } finally {
        lambda.destroy();
        sqs.destroy();
      }
    },
    longest,
  );

  test('a hook that is not there: 404, as for a connector of another kind; one that is paused: 503, and taken again when it is resumed', async () => {
    expect((await send('nobody', { body: '1' })).status).toBe(404);
    await create('of-events', { 'connector.class': 'EventBridgeSource', 'eventbridge.feed': 'playground' });
    expect((await send('of-events', { body: '1' })).status).toBe(404);
    await call(stack.restUrl, 'DELETE', '/connectors/of-events');
    await createHook('paused');
    await call(stack.restUrl, 'PUT', '/connectors/paused/pause');
    const held = await until('it is held', async () => {
      const answer = await send('paused', { body: '"while paused"' });
      return answer.status === 503 && answer;
    });
    expect(Number(held.headers.get('retry-after'))).toBeGreaterThan(0);
    await call(stack.restUrl, 'PUT', '/connectors/paused/resume');
    await until('it takes requests', async () => (await send('paused', { body: '"resumed"' })).status === 200);
    expect((await onTopic('paused')).map(({ value }) => value)).toContain('"resumed"');
  });

  test('a signature counts over the exact bytes, through the gateway; nobody else leaves anything', async () => {
    const secret = 'a secret';
    await createHook('signed', {
      'http.auth.type': 'hmac',
      'http.auth.hmac.preset': 'github',
      'http.auth.hmac.secrets': `older, ${secret}`,
      'http.record.value': 'bytes',
      'value.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
    });
    const sign = (body: Uint8Array) => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
    const bodies = [Buffer.from('{"a":  1}'), gzipSync('zipped'), randomBytes(1000)].map(
      (body) => new Uint8Array(body),
    );
    const types = ['application/json', 'application/octet-stream', 'image/png'];
    for (const [index, body] of bodies.entries()) {
      const encoding: Record<string, string> = index === 1 ? { 'content-encoding': 'gzip' } : {};
      const headers = { 'content-type': types[index]!, ...encoding, 'x-hub-signature-256': sign(body) };
      expect((await send('signed', { body, headers })).status).toBe(200);
    }
    const forged = await send('signed', { body: bodies[0]!, headers: { 'x-hub-signature-256': sign(bodies[2]!) } });
    expect([forged.status, forged.body.error_code]).toEqual([401, 401]);
    // As JSON the gateway takes it for text, and damages it.
    const damaged = await send('signed', {
      body: bodies[1]!,
      headers: { 'content-encoding': 'gzip', 'x-hub-signature-256': sign(bodies[1]!) },
    });
    expect([damaged.status, damaged.body.message]).toEqual([400, expect.stringContaining('application/octet-stream')]);
    const values = (await onTopic('signed')).map(({ value }) => value);
    expect(values).toHaveLength(3);
    expect(values.slice(0, 2)).toEqual(['{"a":  1}', 'zipped']);
  });

  test('a token of the issuer is let in, another is not', async () => {
    const [ours, others] = await Promise.all([generateKeyPair('ES256'), generateKeyPair('ES256')]);
    await createHook('tokens', {
      'http.auth.type': 'jwt',
      'http.auth.jwt.jwks': JSON.stringify({ keys: [await exportJWK(ours.publicKey)] }),
      'http.auth.jwt.issuer': 'https://issuer.example/',
      'http.auth.jwt.audience': 'hooks',
    });
    const claims = new SignJWT({ iss: 'https://issuer.example/', aud: 'hooks' }).setExpirationTime('1h');
    claims.setProtectedHeader({ alg: 'ES256' });
    const sendAs = async (key: typeof ours.privateKey) =>
      (await send('tokens', { body: '1', headers: { authorization: `Bearer ${await claims.sign(key)}` } })).status;
    expect([await sendAs(others.privateKey), await sendAs(ours.privateKey)]).toEqual([401, 200]);
    expect((await onTopic('tokens')).map(({ value }) => value)).toEqual(['1']);
  });

  test('what its transformation cannot take: 422 and no record; where that is tolerated: 200 and a dead letter', async () => {
    const cast = {
      transforms: 'cast',
      'transforms.cast.type': 'org.apache.kafka.connect.transforms.Cast$Value',
      'transforms.cast.spec': 'n:int32',
    };
    await createHook('strict', cast);
    const refused = await send('strict', { body: '{"n":"many"}' });
    expect(refused.status).toBe(422);
    await createHook('lenient', {
      ...cast,
      'http.record.split': 'lines',
      'errors.tolerance': 'all',
      'drover.errors.deadletterqueue.topic.name': 'lenient-letters',
      'drover.errors.deadletterqueue.topic.replication.factor': '1',
    });
    expect((await send('lenient', { body: '{"n":"many"}\n{"n":"7"}\nno json' })).status).toBe(200);
    expect((await onTopic('lenient')).map(({ value }) => value)).toEqual(['{"n":7}']);
    expect(await onTopic('lenient-letters')).toHaveLength(2);
    expect((await send('strict', { body: '{"n":"7"}' })).status).toBe(200);
    expect((await status(stack.restUrl, 'strict')).tasks.map(({ state }) => state)).toEqual(['RUNNING']);
    expect((await onTopic('strict')).map(({ value }) => value)).toEqual(['{"n":7}']);
  });

  test('a burst with every process killed in it: what was answered 200 is on the topic, what was not is sent again', {
    timeout: longest,
  }, async () => {
    await createHook('burst', { 'http.record.key.pointer': '/id' });
    const ids = Array.from({ length: 300 }, (_, index) => `r${index}`);
    const left = [...ids];
    const taken: string[] = [];
    let killed = 0;
    const sender = async () => {
      for (let id = left.pop(); id !== undefined; id = left.pop()) {
        const answer = await send('burst', { body: JSON.stringify({ id }) }).catch(() => null);
        if (answer?.status === 200) taken.push(id);
        else left.push(id);
        if (taken.length === 100 || taken.length === 200) killed += killFeeds();
      }
    };
    await Promise.all(Array.from({ length: 4 }, sender));
    expect(killed).toBeGreaterThan(0);
    const keys = new Set((await onTopic('burst')).map(({ key }) => key));
    expect(ids.filter((id) => !keys.has(id))).toEqual([]);
  });

  test('while Kafka is away: 503 and when to try again, or 202 where there is a buffer; then all of it is there', {
    timeout: longest,
  }, async () => {
    await createHook('direct');
    await createHook('buffered', { 'http.response.mode': 'buffered', 'http.record.key.pointer': '/id' });
    expect((await send('buffered', { body: '{"id":"before"}' })).status).toBe(202);
    await stack.stopBroker();
    try {
      const refused = await send('direct', { body: '"away"' });
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
      for (const id of ['a', 'b', 'c']) {
        expect((await send('buffered', { body: JSON.stringify({ id }) })).status).toBe(202);
      }
    } finally {
      await stack.startBroker();
    }
    await until(
      'everything is there',
      async () => {
        const keys = new Set((await onTopic('buffered')).map(({ key }) => key));
        return ['before', 'a', 'b', 'c'].every((id) => keys.has(id));
      },
      { withinMs: longest, everyMs: 1000 },
    );
    await until('it takes requests again', async () => (await send('direct', { body: '"back"' })).status === 200);
  });
});

/** The emulator asks for no signature, but finds the service by it. */
async function aws(service: string, headers: Readonly<Record<string, string>>, body: string): Promise<void> {
  const scope = `test/20260101/${stack.region}/${service}/aws4_request`;
  const authorization = `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`;
  const answer = await fetch(stack.awsEndpoint, { method: 'POST', headers: { ...headers, authorization }, body });
  const text = await answer.text();
  if (!answer.ok || text.includes('"FailedEntryCount": 1'))
    throw new Error(`${service} answered ${answer.status}: ${text}`);
}

interface Feed {
  readonly connector: string;
  readonly config: Readonly<Record<string, string>>;
  /** One event or message with this number in it. */
  put(number: number): Promise<void>;
}

const feeds: readonly Feed[] = [
  {
    connector: 'events',
    config: {
      'connector.class': 'EventBridgeSource',
      'eventbridge.feed': 'playground',
      'eventbridge.record.key.pointer': '/detail/n',
    },
    put: (n) =>
      aws(
        'events',
        { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AWSEvents.PutEvents' },
        JSON.stringify({
          Entries: [
            {
              EventBusName: stack.playground.eventBus,
              Source: 'shop',
              DetailType: 'Order',
              Detail: JSON.stringify({ n }),
            },
          ],
        }),
      ),
  },
  {
    connector: 'messages',
    config: {
      'connector.class': 'SnsSource',
      'sns.feed': 'playground',
      'sns.record.value': 'json',
      'sns.record.key.pointer': '/n',
    },
    put: (n) =>
      aws(
        'sns',
        { 'content-type': 'application/x-www-form-urlencoded' },
        new URLSearchParams({
          Action: 'Publish',
          Version: '2010-03-31',
          TopicArn: stack.playground.topicArn,
          Message: JSON.stringify({ n }),
          'MessageAttributes.entry.1.Name': 'kind',
          'MessageAttributes.entry.1.Value.DataType': 'String',
          'MessageAttributes.entry.1.Value.StringValue': 'order',
        }).toString(),
      ),
  },
];

describe.each(feeds)('$connector', ({ connector, config, put }) => {
  const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
  const keys = async () => new Set((await onTopic(connector)).map(({ key }) => Number(key)));
  const allThere = (wanted: readonly number[]) =>
    until(
      `${wanted.length} records on ${connector}`,
      async () => {
        const seen = await keys();
        return wanted.every((number) => seen.has(number));
      },
      { withinMs: longest, everyMs: 500 },
    );

  test('a burst with every process killed in it, a pause in it, and the rest: everything is there', {
    timeout: longest,
  }, async () => {
    await create(connector, config);
    await runs(connector);
    await put(0);
    await allThere([0]);
    for (const number of numbers(1, 101)) {
      await put(number);
      if (number === 50) expect(killFeeds()).toBeGreaterThan(0);
    }
    await allThere(numbers(0, 101));
    await call(stack.restUrl, 'PUT', `/connectors/${connector}/pause`);
    await until('it is paused', async () =>
      (await status(stack.restUrl, connector)).tasks.every(({ state }) => state === 'PAUSED'),
    );
    for (const number of numbers(101, 121)) await put(number);
    await call(stack.restUrl, 'PUT', `/connectors/${connector}/resume`);
    await allThere(numbers(0, 121));
  });

  test('its headers say where it comes from', async () => {
    const [record] = await onTopic(connector);
    const headers = Object.fromEntries(record!.headers.map(({ key, value }) => [key, value]));
    expect(headers).toMatchObject(
      connector === 'events'
        ? { 'eventbridge.id': expect.any(String), 'eventbridge.source': 'shop', 'eventbridge.detail-type': 'Order' }
        : { 'sns.message.id': expect.any(String), 'sns.topic': stack.playground.topicArn, kind: 'order' },
    );
    expect(record!.timestamp).toBeGreaterThan(Date.now() - 3_600_000);
  });
});

describe('a bucket', () => {
  /** Objects of the burst; DROVER_TEST_OBJECTS=2000, say, for more. */
  const objects = Number(process.env.DROVER_TEST_OBJECTS ?? 60);
  const patience = { withinMs: longest + 100 * objects, everyMs: 500 };

  test(`${objects} objects in one burst, with every process killed in it: the doorbell rings, each record is there once`, {
    timeout: patience.withinMs + 60_000,
  }, async () => {
    const s3 = new S3Client({ ...stack.aws, forcePathStyle: true });
    const put = async (id: number) => {
      const body = [0, 1, 2].map((row) => `${JSON.stringify({ id: `${id}-${row}` })}\n`).join('');
      const [ending, bytes] = id % 2 === 0 ? ['', body] : ['.gz', gzipSync(body)];
      const Key = `in/${id % 7}/${id}.jsonl${ending}`;
      await s3.send(new PutObjectCommand({ Bucket: stack.playground.bucket, Key, Body: bytes }));
    };
    const there = async () =>
      (await onTopic('orders-in')).map(({ value }) => (JSON.parse(value!) as { id: string }).id);
    const allThere = (wanted: number) =>
      until(`the records of ${wanted} objects`, async () => new Set(await there()).size >= 3 * wanted, patience);
    try {
      await create('orders-in', {
        'connector.class': 'S3Source',
        'tasks.max': '2',
        'aws.s3.bucket.name': stack.playground.bucket,
        'aws.s3.prefix': 'in/',
        'input.format': 'jsonl',
        'file.compression.type': 'auto',
        topic: 'orders-in',
        'record.key': '{{/id}}',
        'exactly.once.support': 'required',
        // Nothing but the doorbell wakes it.
        'drover.idle.floor.ms': '3600000',
        'drover.idle.ceiling.ms': '3600000',
      });
      await runs('orders-in');
      await put(0);
      await allThere(1);
      const left = Array.from({ length: objects - 1 }, (_, index) => index + 1);
      let killed = 0;
      const putter = async () => {
        for (let id = left.pop(); id !== undefined; id = left.pop()) {
          await put(id);
          if (left.length === objects >> 1) killed += killAll(stack.functions.task);
        }
      };
      await Promise.all(Array.from({ length: 8 }, putter));
      expect(killed).toBeGreaterThan(0);
      await allThere(objects);
      const wanted = Array.from({ length: objects }, (_, id) => [0, 1, 2].map((row) => `${id}-${row}`)).flat();
      expect((await there()).sort()).toEqual(wanted.sort());
    } finally {
      s3.destroy();
    }
  });
});
