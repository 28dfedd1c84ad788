import { describe, expect, it } from 'vitest';
import { SnsSourceConnector } from '../../../connectors/sns/source.ts';
import type { FedOutcome, SourceRecord } from '../../../src/api/index.ts';

/** As SNS puts a message into a queue, from AWS's own documentation. */
const envelope = {
  Type: 'Notification',
  MessageId: '63a3f6b6-d533-4a47-aef9-fcf5cf758c76',
  TopicArn: 'arn:aws:sns:us-west-2:123456789012:MyTopic',
  Subject: 'Testing publish to subscribed queues',
  Message: '{"order":{"id":12345678901234567},"text":"Hello \\"world\\"!"}',
  Timestamp: '2012-03-29T05:12:16.901Z',
  SignatureVersion: '1',
  Signature: 'EXAMPLEnTrFPa3=',
  SigningCertURL: 'https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233fe7bb5f59f96de52f.pem',
  UnsubscribeURL: 'https://sns.us-west-2.amazonaws.com/?Action=Unsubscribe',
  MessageAttributes: {
    kind: { Type: 'String', Value: 'order' },
    price: { Type: 'Number', Value: '12.50' },
    raw: { Type: 'Binary', Value: Buffer.from([1, 255]).toString('base64') },
    tags: { Type: 'String.Array', Value: '["a"]' },
  },
};
const text = JSON.stringify(envelope);

const messageOf = (body: string, index = 0, more: object = {}) => ({
  messageId: `m${index}`,
  receiptHandle: 'r',
  body,
  attributes: { SentTimestamp: '1332997936901' },
  messageAttributes: {},
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:us-west-2:123456789012:queue',
  ...more,
});

const raw = messageOf('hello', 7, {
  messageAttributes: {
    kind: { dataType: 'String', stringValue: 'order' },
    price: { dataType: 'Number', stringValue: '12.50' },
    raw: { dataType: 'Binary', binaryValue: Buffer.from([1, 255]).toString('base64') },
  },
});

const config = { name: 'c', 'sns.feed': 'alerts', 'kafka.topic': 't' };

async function fed(
  change: Readonly<Record<string, string>>,
  messages: readonly object[],
  outcomes: readonly FedOutcome[] = [],
) {
  const feed = new SnsSourceConnector().createFeed();
  await feed.start({ ...config, ...change }, {} as never);
  const given = { Records: messages };
  const items = await feed.items(given);
  return { items, record: items[0]!.records[0]!, answer: feed.answer(given, outcomes) };
}

const headersOf = (record: SourceRecord) => Object.fromEntries(record.headers.map(({ key, value }) => [key, value]));

const attributes = { kind: 'order', price: '12.50', raw: Buffer.from([1, 255]) };

describe('a message', () => {
  it('in its envelope: its text, its id as the key, its time, its attributes and what SNS says of it as headers', async () => {
    const { record } = await fed({}, [messageOf(text)]);
    expect(record).toMatchObject({ topic: 't', key: envelope.MessageId, value: envelope.Message });
    expect(record.timestamp).toBe(Date.UTC(2012, 2, 29, 5, 12, 16, 901));
    expect(headersOf(record)).toEqual({
      'sns.message.id': envelope.MessageId,
      'sns.topic': envelope.TopicArn,
      'sns.subject': envelope.Subject,
      ...attributes,
      tags: '["a"]',
    });
    expect(record.headers.find(({ key }) => key === 'raw')?.schema?.type).toBe('bytes');
  });

  it('raw: what the queue says of it', async () => {
    const { record } = await fed({}, [raw]);
    expect(record).toMatchObject({ key: 'm7', value: 'hello', timestamp: 1332997936901 });
    expect(headersOf(record)).toEqual({ 'sns.message.id': 'm7', ...attributes });
  });

  it('raw, and itself JSON that is not quite an envelope, stays what was published', async () => {
    for (const body of [
      '{"Type":"Notification"}',
      '{"Type":"Notification","MessageId":"a","TopicArn":"b","Message":1}',
      '{"Type": "Notification"',
    ]) {
      expect((await fed({}, [messageOf(body)])).record.value).toBe(body);
    }
  });

  it('as JSON, and with all that SNS says', async () => {
    const json = (await fed({ 'sns.record.value': 'json' }, [messageOf(text)])).record.value as Map<string, unknown>;
    expect((json.get('order') as Map<string, unknown>).get('id')).toBe(12345678901234567n);
    const all = (await fed({ 'sns.record.value': 'notification' }, [messageOf(text)])).record.value as Map<
      string,
      unknown
    >;
    expect([...all.keys()]).toEqual(Object.keys(envelope));
  });

  it('headers by setting', async () => {
    const change = { 'sns.record.headers': 'false', 'sns.attributes.include.list': 'price, other' };
    expect(headersOf((await fed(change, [messageOf(text)])).record)).toEqual({ price: '12.50' });
    const none = { ...change, 'sns.attributes.enabled': 'false' };
    expect((await fed(none, [messageOf(text)])).record.headers).toEqual([]);
  });
});

describe('its key', () => {
  it.each<[Readonly<Record<string, string>>, string | null]>([
    [{ 'sns.record.key.pointer': '/order/id' }, '12345678901234567'],
    [{ 'sns.record.key.pointer': '/missing' }, null],
    [{ 'sns.record.key.attribute': 'price' }, '12.50'],
    [{ 'sns.record.key.attribute': 'missing' }, null],
  ])('by %j is %j', async (change, key) => {
    expect((await fed(change, [messageOf(text)])).record.key).toBe(key);
  });

  it('of a FIFO topic is its group, whose messages are in order', async () => {
    const fifo = { attributes: { MessageGroupId: 'g1', SequenceNumber: '18849', SentTimestamp: '1332997936901' } };
    const { items, record } = await fed({}, [
      messageOf(JSON.stringify({ ...envelope, SequenceNumber: '10000000000000003000' }), 0, fifo),
      messageOf('x', 1, fifo),
    ]);
    expect(items.map(({ orderKey }) => orderKey)).toEqual(['g1', 'g1']);
    expect([record.key, headersOf(record)]).toMatchObject([
      'g1',
      { 'sns.group': 'g1', 'sns.sequence': '10000000000000003000' },
    ]);
    expect((await fed({}, [messageOf('x')])).items[0]!.orderKey).toBeNull();
  });
});

it.each<[Readonly<Record<string, string>>, object, string]>([
  [{ 'sns.record.value': 'json' }, raw, 'The message is no JSON'],
  [{ 'sns.record.value': 'notification' }, raw, 'set sns.record.value to string or json'],
  [{ 'sns.record.key.pointer': '/id' }, raw, 'The message is no JSON'],
  [{ 'sns.record.key.pointer': '/order' }, messageOf(text), 'sns.record.key.pointer must lead to'],
  [{ 'sns.record.key.attribute': 'raw' }, raw, 'The attribute raw is binary'],
])('%j: what cannot be read is kept as it was published, with its headers', async (change, message, problem) => {
  const { record } = await fed(change, [message]);
  expect(record.instead).toMatchObject({ error: { message: expect.stringContaining(problem) } });
  expect(record.value).toBe(message === raw ? 'hello' : envelope.Message);
  expect(headersOf(record)).toMatchObject({ kind: 'order' });
});

it('those that are not done are given back', async () => {
  const error = new Error('no');
  const { answer } = await fed(
    {},
    [messageOf(text, 0), messageOf(text, 1)],
    [{ state: 'returned', error }, { state: 'done' }],
  );
  expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }] });
});

it('its feed is known by the name in its config; fed it polls nothing, and where nothing feeds it, it says what to deploy', () => {
  const connector = new SnsSourceConnector();
  expect(connector.feedKey(config)).toEqual({
    key: 'sns:alerts',
    setting: 'sns.feed',
    undeclared: expect.stringContaining('No feed alerts is deployed'),
  });
  const both = { ...config, 'sns.record.key.pointer': '/a', 'sns.record.key.attribute': 'a' };
  expect([connector.validate(config).length, connector.validate(both).map(({ key }) => key)]).toEqual([
    0,
    ['sns.record.key.attribute'],
  ]);
  const context = { connector: 'c', requestTaskReconfiguration: () => {}, raiseError: () => {} };
  connector.start(config, { ...context, fed: true });
  expect(connector.taskConfigs()).toEqual([]);
  connector.start(config, context);
  expect(connector.taskConfigs()).toEqual([config]);
  expect(() => connector.createTask().start(config, {} as never)).toThrow("snsSource(drover, { feed: 'alerts', … })");
});
