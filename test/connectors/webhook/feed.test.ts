import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { buffersOf, writeBuffered } from '../../../connectors/webhook/buffer.ts';
import { ConnectError, DataError, type FedItem, type FedOutcome } from '../../../src/api/index.ts';
import { feed, httpEvent, now, open, send, unreadableIn } from './requests.ts';

const values = (told: { readonly records: readonly { readonly value: unknown }[] }) =>
  told.records.map(({ value }) => value);
const keys = (told: { readonly records: readonly { readonly key: unknown }[] }) => told.records.map(({ key }) => key);

describe('a request', () => {
  it('is a record, answered when it is acknowledged', async () => {
    const told = await send({}, { body: '{"id":12345678901234567,"name":"Zoë","tags":["a"],"price":1.5}' });
    expect([told.status, told.body]).toEqual([200, { records: 1 }]);
    expect(told.headers['content-type']).toBe('application/json');
    const [record] = told.records;
    expect(record).toMatchObject({
      topic: 'orders',
      key: null,
      keySchema: null,
      valueSchema: null,
      timestamp: now,
      headers: [],
    });
    expect(record!.value).toEqual(
      new Map<string, unknown>([
        ['id', 12345678901234567n],
        ['name', 'Zoë'],
        ['tags', ['a']],
        ['price', 1.5],
      ]),
    );
    expect(record!.sourcePartition).toEqual({ hook: 'orders' });
  });

  it('as text and as bytes it is what was sent', async () => {
    const body = ' {"a": 1.10,\r\n "a":2} ';
    const text = await send({ 'http.record.value': 'string' }, { body, headers: { 'content-type': 'text/x-any' } });
    expect([values(text), text.records[0]!.valueSchema?.type]).toEqual([[body], 'string']);
    const raw = Buffer.from([0, 255, 128]);
    const bytes = await send({ 'http.record.value': 'bytes' }, { body: raw, headers: { 'content-type': 'image/png' } });
    expect([values(bytes), bytes.records[0]!.valueSchema?.type]).toEqual([[raw], 'bytes']);
  });

  it('in another charset becomes the text that it stands for', async () => {
    const latin1 = { 'content-type': 'text/plain; charset="ISO-8859-1"' };
    expect(
      values(await send({ 'http.record.value': 'string' }, { body: Buffer.from([0x5a, 0x6f, 0xeb]), headers: latin1 })),
    ).toEqual(['Zoë']);
    const told = await send(
      { 'http.record.value': 'string' },
      { body: 'x', headers: { 'content-type': 'text/plain; charset=klingon' } },
    );
    expect([told.status, told.body.message]).toEqual([415, 'The charset klingon is not known: send UTF-8']);
  });

  it('gives the headers that are allowed, and no other', async () => {
    const headers = { 'X-Event': 'order', 'x-trace': '1,2', cookie: 'secret', 'x-other': 'x' };
    const told = await send({ 'http.record.headers': 'X-Event, X-Trace, X-Missing' }, { body: '1', headers });
    expect(told.records[0]!.headers.map(({ key, value }) => [key, value])).toEqual([
      ['X-Event', 'order'],
      ['X-Trace', '1,2'],
    ]);
  });
});

describe('the key of a record', () => {
  const body = '{"id":"a","n":7,"b":true,"deep":{"x/y":[{"~":"found"}]},"o":{},"null":null}';
  it.each([
    ['/id', 'a'],
    ['/n', '7'],
    ['/b', 'true'],
    ['/deep/x~1y/0/~0', 'found'],
    ['/null', null],
    ['/missing/x', null],
    ['/deep/x~1y/00', null],
    ['/deep/x~1y/length', null],
    ['/__proto__', null],
  ])('at %s is %j', async (pointer, key) => {
    const told = await send({ 'http.record.key.pointer': pointer }, { body });
    expect([told.status, keys(told)]).toEqual([200, [key]]);
    expect(told.records[0]!.keySchema?.type).toBe(key === null ? undefined : 'string');
  });

  it('is no object: 422, which says what it must be', async () => {
    const told = await send({ 'http.record.key.pointer': '/o' }, { body });
    expect(told.status).toBe(422);
    expect(told.body.message).toContain('http.record.key.pointer must lead to a text or a number');
  });

  it('that is required and missing: 422, which says where it belongs', async () => {
    const required = { 'http.record.key.required': 'true' };
    const pointed = await send({ ...required, 'http.record.key.pointer': '/missing' }, { body });
    expect([pointed.status, pointed.body.message]).toEqual([422, 'The body has no key: send it at /missing']);
    const header = await send({ ...required, 'http.record.key.header': 'Idempotency-Key' }, { body });
    expect([header.status, header.body.message]).toEqual([
      422,
      'The body has no key: send it in the header idempotency-key',
    ]);
  });

  it('may be a header, and lie in a text that is taken as it is', async () => {
    const headers = { 'Idempotency-Key': 'k-1' };
    expect(keys(await send({ 'http.record.key.header': 'idempotency-KEY' }, { body, headers }))).toEqual(['k-1']);
    const asText = { 'http.record.value': 'string', 'http.record.key.pointer': '/id' };
    expect(keys(await send(asText, { body }))).toEqual(['a']);
    expect((await send(asText, { body: 'no json' })).status).toBe(400);
  });

  it("the sender's id is a record header", async () => {
    const id = (told: Awaited<ReturnType<typeof send>>) =>
      told.records[0]!.headers.find(({ key }) => key === 'webhook.id')?.value;
    expect(id(await send({ 'http.record.id.pointer': '/n' }, { body }))).toBe('7');
    expect(id(await send({ 'http.record.id.header': 'X-Id' }, { body, headers: { 'x-id': 'i' } }))).toBe('i');
    expect(id(await send({ 'http.record.id.header': 'X-Id' }, { body }))).toBeUndefined();
  });
});

describe('several records in a request', () => {
  const lines = { 'http.record.split': 'lines', 'http.record.key.pointer': '/k' };
  const array = { 'http.record.split': 'array', 'http.record.key.pointer': '/k' };

  it('lines: blank ones are none, the last needs no end', async () => {
    const told = await send(lines, {
      body: '{"k":"a"}\r\n\n  \n{"k":"b"}\n{"k":"c"}',
      headers: { 'content-type': 'application/x-ndjson' },
    });
    expect([told.status, told.body, keys(told)]).toEqual([200, { records: 3 }, ['a', 'b', 'c']]);
    expect(told.items).toHaveLength(1);
    expect(told.records.map(({ headers }) => headers.map(({ key, value }) => [key, value]))).toEqual([
      [['webhook.index', 0]],
      [['webhook.index', 1]],
      [['webhook.index', 2]],
    ]);
  });

  it('lines as bytes and as texts are what was sent', async () => {
    const raw = Buffer.from([0x61, 0xff, 0x0a, 0x0a, 0x62, 0x0d, 0x0a]);
    expect(values(await send({ 'http.record.split': 'lines', 'http.record.value': 'bytes' }, { body: raw }))).toEqual([
      Buffer.from([0x61, 0xff]),
      Buffer.from('b'),
    ]);
    expect(
      values(await send({ 'http.record.split': 'lines', 'http.record.value': 'string' }, { body: 'a\r\n b \n' })),
    ).toEqual(['a', ' b ']);
  });

  it('an array, whole or inside the body', async () => {
    expect(keys(await send(array, { body: '[{"k":"a"},{"k":1}, {}]' }))).toEqual(['a', '1', null]);
    const inside = { ...array, 'http.record.split.pointer': '/data/events' };
    expect(keys(await send(inside, { body: '{"data":{"events":[{"k":"x"}]}}' }))).toEqual(['x']);
    const told = await send(inside, { body: '{"data":{}}' });
    expect([told.status, told.body.message]).toEqual([
      400,
      'What is at /data/events in the body is no JSON array: send one there',
    ]);
  });

  it('elements of an array as texts are as they were written', async () => {
    const told = await send(
      { 'http.record.split': 'array', 'http.record.value': 'string' },
      { body: ' [ {"a":1.10} ,"x,]\\"", [ 1,2 ], 3] ' },
    );
    expect(values(told)).toEqual(['{"a":1.10}', '"x,]\\""', '[ 1,2 ]', '3']);
  });

  it('none at all are none', async () => {
    for (const body of ['[]', ' [ ] ']) expect((await send(array, { body })).body).toEqual({ records: 0 });
    expect((await send(lines, { body: '\n' })).body).toEqual({ records: 0 });
    expect((await send({ ...array, 'http.record.value': 'string' }, { body: '[]' })).body).toEqual({ records: 0 });
  });

  it('one that cannot be read: the request is refused whole, and the place is named', async () => {
    const told = await send(lines, { body: '{"k":"a"}\n{"k":' });
    expect(told.status).toBe(400);
    expect(told.body.message).toMatch(/^Record 2 of the body is no JSON: /);
    // Of these the worker sends all or none.
    expect(told.items).toHaveLength(1);
    expect(told.records.map(unreadableIn).map((error) => error !== null)).toEqual([false, true]);
  });

  it('too many: 413', async () => {
    const told = await send({ ...lines, 'http.record.max': '2' }, { body: '1\n2\n3' });
    expect([told.status, told.items]).toEqual([413, []]);
    expect(told.body.message).toContain('http.record.max');
  });
});

describe('what is not taken', () => {
  it.each(['GET', 'HEAD', 'OPTIONS', 'DELETE', 'PUT', 'PROPFIND'])('%s: 405 with what is allowed', async (method) => {
    const told = await send({}, { method });
    expect([told.status, told.headers.allow, told.items]).toEqual([405, 'POST', []]);
    expect(told.body).toEqual({ error_code: 405, message: `This hook takes no ${method}: send POST` });
  });

  it('other methods by setting', async () => {
    expect((await send({ 'http.methods': 'PUT, DELETE' }, { method: 'DELETE', body: '1' })).status).toBe(200);
  });

  it.each([
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['application/jsonx', 415],
    ['application/JSON; charset=utf-8', 200],
    ['application/cloudevents+json', 200],
    ['', 200],
  ])('content type %j: %i', async (type, status) => {
    const told = await send({}, { body: '1', headers: { 'content-type': type } });
    expect(told.status).toBe(status);
    if (status === 415) expect(told.body.message).toContain('send Content-Type: application/json or');
  });

  it('content types by setting', async () => {
    const config = { 'http.content.types': 'text/*, application/x-www-form-urlencoded', 'http.record.value': 'string' };
    expect(
      (await send(config, { body: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } })).status,
    ).toBe(200);
    expect((await send(config, { body: '1' })).status).toBe(415);
  });

  it.each(['{', '', '{"a":1} x', '[1,]', "{'a':1}", 'NaN', '{"a":\u0001}', `${'['.repeat(2000)}`, '\ud800'])(
    'no JSON: 400 (%j)',
    async (body) => {
      const told = await send({}, { body: Buffer.from(body, 'utf8') });
      expect(told.status).toBe(400);
      expect(told.body.message).toMatch(/^The body is n/);
    },
  );

  it('bytes that are no UTF-8: 400, never a changed text', async () => {
    for (const type of ['json', 'string']) {
      const told = await send({ 'http.record.value': type }, { body: Buffer.from([0x22, 0xc3, 0x28, 0x22]) });
      expect(told.status).toBe(400);
      expect(told.body.message).toContain('http.record.value=bytes');
    }
  });

  it('a body that the gateway has damaged: 400 with the way round, whoever sent it', async () => {
    const config = { 'http.auth.type': 'apikey', 'http.auth.apikey.keys': 'k' };
    // As it hands on "Zo" and a byte of Latin-1 in three bytes of JSON, and anything compressed.
    for (const headers of [{ 'content-length': '5' }, { 'content-encoding': 'gzip' }]) {
      const told = await send(config, { body: '"Zo\ufffd"', headers });
      expect([told.status, told.items]).toEqual([400, []]);
      expect(told.body.message).toContain('application/octet-stream');
    }
    const liar = await send({}, { body: '"Zoe"', headers: { 'content-encoding': 'gzip' } });
    expect([liar.status, liar.body.message]).toEqual([400, expect.stringContaining('gzip cannot be undone')]);
    const whole = { 'content-length': '7', 'content-encoding': 'identity' };
    expect((await send({}, { body: '"Zo\ufffd"', headers: { ...whole, 'content-length': '7' } })).status).toBe(200);
    expect((await send({}, { body: '"Zoë"', headers: { ...whole, 'content-length': '6' } })).status).toBe(200);
  });

  it('a body over the limit: 413 before anything else of it is looked at', async () => {
    const told = await send(
      { 'http.body.max.bytes': '10', 'http.auth.type': 'apikey', 'http.auth.apikey.keys': 'k' },
      { body: Buffer.alloc(11) },
    );
    expect([told.status, told.body.message]).toEqual([
      413,
      'The body has 11 bytes, this hook takes 10: send less at once (the setting is http.body.max.bytes)',
    ]);
    expect((await send({}, { body: `"${'x'.repeat(1_048_575)}"` })).status).toBe(413);
    expect((await send({}, { body: `"${'x'.repeat(1_048_574)}"` })).status).toBe(200);
  });

  it('an event that is no request is given back', async () => {
    for (const event of [null, 'x', {}, { requestContext: { http: {} } }, { Records: 5 }]) {
      await expect(feed({}, event)).rejects.toThrow('Not a request of an HTTP API');
    }
  });
});

describe('content encodings', () => {
  const text = JSON.stringify({ text: 'x'.repeat(1000) });
  it.each([
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['GZIP', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', Buffer.from(text)],
    ['deflate, gzip', gzipSync(deflateSync(text))],
  ])('%s', async (encoding, body) => {
    const told = await send({ 'http.record.value': 'string' }, { body, headers: { 'content-encoding': encoding } });
    expect([told.status, values(told)]).toEqual([200, [text]]);
  });

  it.each(['zstd', 'compress', 'gzip, gzip, gzip', '__proto__'])(
    '%s: 415, which says what is known',
    async (encoding) => {
      const told = await send({}, { body: gzipSync(text), headers: { 'content-encoding': encoding } });
      expect([told.status, told.headers['accept-encoding'], told.items]).toEqual([415, 'gzip, deflate, br', []]);
    },
  );

  it.each(['gzip', 'deflate', 'br'])('%s that is none, or cut: 400', async (encoding) => {
    const made = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }[encoding]!(text);
    for (const body of [Buffer.from('no'), made.subarray(0, made.length - 5), Buffer.alloc(0)]) {
      const told = await send({}, { body, headers: { 'content-encoding': encoding } });
      expect([told.status, told.body.message]).toEqual([
        400,
        `The body is not what its Content-Encoding says: ${encoding} cannot be undone`,
      ]);
    }
  });

  it.each(['gzip', 'deflate', 'br'])('a bomb in %s: 413', async (encoding) => {
    const bomb = { gzip: gzipSync, deflate: deflateSync, br: brotliCompressSync }[encoding]!(
      Buffer.alloc(9_000_000, 32),
    );
    const told = await send({}, { body: bomb, headers: { 'content-encoding': encoding } });
    expect([told.status, told.items]).toEqual([413, []]);
    expect(told.body.message).toContain('http.body.decoded.max.bytes');
    const twice = await send({}, { body: gzipSync(bomb), headers: { 'content-encoding': `${encoding}, gzip` } });
    expect(twice.status).toBe(413);
  });
});

describe('what became of the records', () => {
  const becomes = (outcome: FedOutcome) => () => outcome;

  it('not in Kafka now: 503, when to try again, and nothing of the reason', async () => {
    const error = new Error('broker b-1.internal:9098 does not answer');
    const told = await send({}, { body: '1' }, { become: becomes({ state: 'returned', error }) });
    expect([told.status, told.headers['retry-after']]).toEqual([503, '5']);
    expect(JSON.stringify(told.body)).not.toContain('b-1.internal');
  });

  it('refused on their way for what is in them: 422 with the reason, as deep as it may be', async () => {
    const cause = new DataError('the field amount is no number');
    const error = new ConnectError('errors.tolerance_exceeded', 'Tolerance exceeded in error handler', { cause });
    const told = await send({}, { body: '1' }, { become: becomes({ state: 'refused', error }) });
    expect([told.status, told.body.message, told.warnings]).toEqual([
      422,
      'The request cannot be written to Kafka as it is: the field amount is no number',
      [],
    ]);
  });

  it('refused for something else: 422 without the inside, which is in the log', async () => {
    const cause = new Error('http://registry.internal answered 500');
    const error = new ConnectError('errors.tolerance_exceeded', 'Tolerance exceeded in error handler', { cause });
    const told = await send({}, { body: '1' }, { become: becomes({ state: 'refused', error }) });
    expect(told.status).toBe(422);
    expect(JSON.stringify(told.body)).not.toContain('registry.internal');
    expect(told.warnings.join()).toContain('registry.internal');
  });

  it('not readable and tolerated: the sender is done with it, and is told', async () => {
    const told = await send(
      { 'http.record.headers': 'X-Id' },
      { body: 'no json', headers: { 'x-id': '7' } },
      { become: becomes({ state: 'done' }) },
    );
    expect(told.status).toBe(200);
    expect(told.body).toMatchObject({
      records: 0,
      unreadable: 1,
      message: expect.stringMatching(/^The body is no JSON/),
    });
    const [raw] = told.records;
    expect([Buffer.from(raw!.value as Uint8Array).toString(), raw!.headers[0]!.value]).toEqual(['no json', '7']);
  });

  it('one of several not readable and tolerated: the others are records, and what it was is kept as it was written', async () => {
    const config = {
      'http.record.split': 'array',
      'http.record.key.pointer': '/k',
      'http.record.key.required': 'true',
    };
    const body = '[{"k":"a"}, {"n": 12345678901234567890.10}, {"k":"c"}]';
    const told = await send(config, { body }, { become: becomes({ state: 'done' }) });
    expect(told.body).toMatchObject({ records: 2, unreadable: 1 });
    expect(told.records.map(unreadableIn).map((error) => error?.message ?? null)).toEqual([
      null,
      'Record 2 of the body has no key: send it at /k',
      null,
    ]);
    expect(Buffer.from(told.records[1]!.value as Uint8Array).toString()).toBe('{"n": 12345678901234567890.10}');
  });

  it('who may not send leaves no dead letter', async () => {
    const config = { 'http.auth.type': 'apikey', 'http.auth.apikey.keys': 'k' };
    const told = await send(config, { body: 'no json' }, { become: becomes({ state: 'done' }) });
    expect([told.status, told.items]).toEqual([401, []]);
  });
});

describe('buffered', () => {
  const config = {
    ...open,
    'http.response.mode': 'buffered',
    'http.record.headers': 'X-Event',
    'http.record.key.pointer': '/id',
  };
  const bufferOf = (broken = false) => {
    const messages: { feedKey: string; message: string }[] = [];
    return {
      messages,
      has: () => true,
      put: async (feedKey: string, message: string) => {
        if (broken) throw new Error('the queue is not there');
        messages.push({ feedKey, message });
      },
    };
  };
  const queueEvent = (bodies: readonly string[]) => ({
    Records: bodies.map((body, index) => ({
      messageId: `m${index}`,
      receiptHandle: 'r',
      body,
      attributes: { ApproximateReceiveCount: '1' },
      messageAttributes: { 'drover.feed': { dataType: 'String', stringValue: 'hook:orders' } },
      eventSource: 'aws:sqs',
      eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:hooks',
    })),
  });

  it('202 when the queue has it; the same records come out of it as would have gone to Kafka', async () => {
    const buffer = bufferOf();
    const headers = {
      'X-Event': 'order',
      authorization: 'Bearer x',
      'content-encoding': 'gzip',
      'content-type': 'application/json',
    };
    const sent = { body: gzipSync('{"id":"a"}'), headers };
    const told = await send(config, sent, { buffer });
    expect([told.status, told.body, told.items]).toEqual([202, { records: 1 }, []]);
    expect(buffer.messages.map(({ feedKey }) => feedKey)).toEqual(['hook:orders']);
    expect(buffer.messages[0]!.message).not.toContain('Bearer');
    const later = await feed(config, queueEvent(buffer.messages.map(({ message }) => message)), { buffer });
    expect(later.answer).toEqual({ batchItemFailures: [] });
    const direct = await send({ ...config, 'http.response.mode': 'sync' }, sent);
    expect(later.items).toEqual(direct.items);
  });

  it('who may not send, and what cannot be read, is told at once', async () => {
    const buffer = bufferOf();
    const auth = { ...config, 'http.auth.type': 'apikey', 'http.auth.apikey.keys': 'k' };
    expect((await send(auth, { body: '1' }, { buffer })).status).toBe(401);
    expect((await send(config, { body: '{' }, { buffer })).status).toBe(400);
    expect((await send(config, { body: Buffer.alloc(262_145) }, { buffer })).status).toBe(413);
    expect(buffer.messages).toEqual([]);
  });

  it('503 when the queue does not have it', async () => {
    const told = await send(config, { body: '1' }, { buffer: bufferOf(true) });
    expect([told.status, told.headers['retry-after'], told.warnings.length]).toEqual([503, '5', 1]);
    expect(JSON.stringify(told.body)).not.toContain('the queue is not there');
  });

  it('the largest request fits into a message', async () => {
    const buffer = bufferOf();
    const told = await send(
      { ...open, 'http.response.mode': 'buffered', 'http.record.value': 'bytes' },
      { body: Buffer.alloc(262_144, 255) },
      { buffer },
    );
    expect(told.status).toBe(202);
    expect(Buffer.byteLength(buffer.messages[0]!.message)).toBeLessThan(1_048_576 - 20_480);
  });

  it('a message that is none of it is given back alone, with what it holds for its dead letter', async () => {
    const good = writeBuffered({ requestId: 'r', receivedAt: now, headers: {}, body: Buffer.from('{"id":"b"}') });
    const bad = writeBuffered({ requestId: 'r', receivedAt: now, headers: {}, body: Buffer.from('{') });
    const { items, answer } = await feed(config, queueEvent(['{}', good, 'x', bad]), { buffer: bufferOf() });
    expect(answer).toEqual({
      batchItemFailures: [{ itemIdentifier: 'm0' }, { itemIdentifier: 'm2' }, { itemIdentifier: 'm3' }],
    });
    const texts = (item: FedItem) =>
      item.records.map(({ value }) => (value instanceof Uint8Array ? Buffer.from(value).toString() : value));
    expect(items.map(texts)).toEqual([['{}'], [new Map([['id', 'b']])], ['x'], ['{']]);
  });

  it('without a buffer it says what to deploy', async () => {
    await expect(send(config, { body: '1' })).rejects.toThrow('webhooks(drover, { buffer: true })');
  });

  it('a connector has its own buffer where it is named, else the shared one, else none', () => {
    const own = { DROVER_WEBHOOK_OWN_BUFFERS: '{"hook:orders":"https://sqs/orders"}' };
    const has = (variables: Record<string, string>, ...keys: readonly string[]) => keys.map(buffersOf(variables).has);
    expect(has({}, 'hook:orders')).toEqual([false]);
    expect(has(own, 'hook:orders', 'hook:others', 'hook:toString')).toEqual([true, false, false]);
    expect(has({ ...own, DROVER_WEBHOOK_BUFFER_URL: 'https://sqs/all' }, 'hook:orders', 'hook:others')).toEqual([
      true,
      true,
    ]);
  });
});

it('a header named as a member of objects is a header', async () => {
  const event = httpEvent({ body: '1', headers: { constructor: 'c' } });
  const { items } = await feed({ 'http.record.headers': 'constructor, toString' }, event);
  expect(items[0]!.records[0]!.headers.map(({ key, value }) => [key, value])).toEqual([['constructor', 'c']]);
});
