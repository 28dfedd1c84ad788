import { describe, expect, it } from 'vitest';
import { answerQueue, messagesOf } from '../../../connectors/queue-event.ts';
import { messageRecords } from '../../../connectors/sqs/message-record.ts';
import { queueArn, sqsSourceConfig, sqsSourceProblems } from '../../../connectors/sqs/settings.ts';
import { parseConfig, RetriableError, type Settings } from '../../../src/api/index.ts';

const url = 'https://sqs.eu-west-1.amazonaws.com/111122223333/orders';
const settings = (more: Settings = {}) => parseConfig(sqsSourceConfig, { 'sqs.queue.url': url, topics: 't', ...more });

const event = (...records: object[]) => ({
  Records: records.map((record, index) => ({
    messageId: `m${index}`,
    receiptHandle: `h${index}`,
    body: '{"id":7,"big":9007199254740993,"a":{"b/c":["x"]},"none":null}',
    attributes: { SentTimestamp: '1523232000000', MessageGroupId: 'g', SequenceNumber: '1' },
    messageAttributes: {
      text: { stringValue: 'v', dataType: 'String' },
      number: { stringValue: '1.50', dataType: 'Number.price' },
      bytes: { binaryValue: 'AP8=', dataType: 'Binary' },
    },
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:eu-west-1:111122223333:orders',
    ...record,
  })),
});
const record = (more: Settings = {}, message: object = {}) =>
  messageRecords(settings(more))(messagesOf(event(message))[0]!);

describe('the record of a message', () => {
  it('is what Nordstrom makes of it', () => {
    expect(record()).toMatchObject({
      topic: 't',
      key: 'm0',
      value: expect.stringContaining('"id":7'),
      kafkaPartition: null,
      timestamp: null,
      headers: [],
      sourcePartition: { 'sqs.queue.url': url },
      sourceOffset: { 'sqs.message.id': 'm0', 'sqs.message.receipt-handle': 'h0' },
    });
  });

  it('has attributes of every type as headers, or those that are listed', () => {
    const all = record({ 'sqs.message.attributes.enabled': 'true' }).headers;
    expect(all.map(({ key, value }) => [key, value])).toEqual([
      ['text', 'v'],
      ['number', '1.50'],
      ['bytes', Buffer.from([0, 255])],
    ]);
    const listed = { 'sqs.message.attributes.enabled': 'true', 'sqs.message.attributes.include.list': 'number' };
    expect(record(listed).headers.map(({ key }) => key)).toEqual(['number']);
  });

  it.each<[Settings, string | null]>([
    [{ 'sqs.record.key': 'group-id' }, 'g'],
    [{ 'sqs.message.attributes.enabled': 'true', 'sqs.message.attributes.partition.key': 'text' }, 'v'],
    [{ 'sqs.record.key.pointer': '/id' }, '7'],
    [{ 'sqs.record.key.pointer': '/big' }, '9007199254740993'],
    [{ 'sqs.record.key.pointer': '/a/b~1c/0' }, 'x'],
    [{ 'sqs.record.key.pointer': '/none' }, 'm0'],
    [{ 'sqs.record.key.pointer': '/a', 'sqs.record.key.missing': 'null' }, null],
  ])('has the key that %j asks for', (more, key) => {
    expect(record(more).key).toBe(key);
  });

  it('cannot be read without its key, if that is to fail: by id, with the reason', () => {
    const strict = { 'sqs.record.key.pointer': '/id', 'sqs.record.key.missing': 'fail' };
    expect(record(strict).instead).toBeNull();
    expect(record(strict, { body: 'no JSON' }).instead).toMatchObject({
      error: { message: expect.stringMatching(/^Message m0 has no key: its body cannot be read: /) },
    });
    expect(record(strict, { body: '{}' }).instead).toMatchObject({
      error: { message: 'Message m0 has no key: there is nothing at /id' },
    });
  });

  it('has the time at which it was sent, if asked', () => {
    expect(record({ 'sqs.record.timestamp': 'sent' }).timestamp).toBe(1523232000000);
    expect(record({ 'sqs.record.timestamp': 'sent' }, { attributes: {} }).timestamp).toBeNull();
  });
});

describe('an event of a queue', () => {
  it.each([null, {}, { Records: [null] }, { Records: [{ body: 'x' }] }])('is refused when it is none: %j', (other) => {
    expect(() => messagesOf(other)).toThrow('Not an event of SQS');
  });

  it('is answered with what is to come again', () => {
    const messages = messagesOf(event({}, {}, {}));
    const outcomes = [
      { state: 'done' },
      { state: 'refused', error: new Error('x') },
      { state: 'returned', error: new RetriableError('y') },
    ] as const;
    expect(answerQueue(messages, outcomes)).toEqual({
      batchItemFailures: [{ itemIdentifier: 'm1' }, { itemIdentifier: 'm2' }],
    });
    // What nobody has decided comes again.
    expect(answerQueue(messages, []).batchItemFailures).toHaveLength(3);
  });
});

describe('the queue of a config', () => {
  it.each([
    [url, {}, 'arn:aws:sqs:eu-west-1:111122223333:orders'],
    [
      'https://sqs.cn-north-1.amazonaws.com.cn/111122223333/o.fifo',
      {},
      'arn:aws-cn:sqs:cn-north-1:111122223333:o.fifo',
    ],
    [
      'https://sqs-fips.us-gov-west-1.amazonaws.com/111122223333/o',
      {},
      'arn:aws-us-gov:sqs:us-gov-west-1:111122223333:o',
    ],
    ['https://eu-west-2.queue.amazonaws.com/111122223333/o', {}, 'arn:aws:sqs:eu-west-2:111122223333:o'],
    ['http://localhost:4566/000000000000/o', {}, 'arn:aws:sqs:us-east-1:000000000000:o'],
    ['http://localhost:4566/000000000000/o', { 'sqs.region': 'eu-west-3' }, 'arn:aws:sqs:eu-west-3:000000000000:o'],
  ])('%s is known by its ARN', (queue, more, arn) => {
    expect(queueArn(settings({ 'sqs.queue.url': queue, ...more }), 'us-east-1')).toBe(arn);
  });

  it.each<[Settings, string]>([
    [{ 'sqs.record.key': 'pointer' }, 'sqs.record.key.pointer'],
    [{ 'sqs.record.key': 'attribute' }, 'sqs.message.attributes.partition.key'],
    [
      { 'sqs.credentials.provider.class': 'com.nordstrom.kafka.connect.auth.AWSAssumeRoleCredentialsProvider' },
      'sqs.credentials.provider.role.arn',
    ],
  ])('%j lacks %s', (more, key) => {
    expect(sqsSourceProblems(settings(more)).map((problem) => problem.key)).toEqual([key]);
  });

  it.each<Settings>([
    { 'sqs.queue.url': 'orders' },
    { 'sqs.region': 'Frankfurt' },
    { topics: 'a,b' },
    { 'sqs.max.messages': '11' },
    { 'sqs.record.key.pointer': 'id' },
    { 'sqs.record.key': 'body' },
  ])('%j is refused by its name', (more) => {
    expect(() => settings(more)).toThrow(Object.keys(more)[0]);
  });
});
