import { describe, expect, it } from 'vitest';
import { EventBridgeSourceConnector } from '../../../connectors/eventbridge/source.ts';
import type { FedOutcome, SourceRecord } from '../../../src/api/index.ts';

/** As EventBridge puts it into a queue: the event of S3 about an object, from AWS's own documentation. */
const event = `{"version":"0","id":"17793124-05d4-b198-2fde-7ededc63b103","detail-type":"Object Created","source":"aws.s3","account":"111122223333","time":"2021-11-12T00:00:00Z","region":"ca-central-1","resources":["arn:aws:s3:::amzn-s3-demo-bucket1"],"detail":{"version":"0","bucket":{"name":"amzn-s3-demo-bucket1"},"object":{"key":"example-key","size":9007199254740993,"etag":"b1946ac92492d2347c6235b4d2611184","sequencer":"617f08299329d189"},"reason":"PutObject"}}`;

const messageOf = (body: string, index: number) => ({
  messageId: `m${index}`,
  receiptHandle: 'r',
  body,
  attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1636675200000' },
  messageAttributes: {},
  md5OfBody: '',
  eventSource: 'aws:sqs',
  eventSourceARN: 'arn:aws:sqs:ca-central-1:111122223333:queue',
  awsRegion: 'ca-central-1',
});

const config = { name: 'c', 'eventbridge.feed': 'orders', 'kafka.topic': 't' };

async function fed(
  change: Readonly<Record<string, string>>,
  bodies: readonly string[],
  outcomes: readonly FedOutcome[] = [],
) {
  const feed = new EventBridgeSourceConnector().createFeed();
  await feed.start({ ...config, ...change }, {} as never);
  const given = { Records: bodies.map(messageOf) };
  const items = await feed.items(given);
  return { records: items.flatMap(({ records }) => records), answer: feed.answer(given, outcomes) };
}

const headersOf = (record: SourceRecord) => Object.fromEntries(record.headers.map(({ key, value }) => [key, value]));

describe('an event', () => {
  it('is a record with its time, its id as the key, and what it says of itself as headers', async () => {
    const { records } = await fed({}, [event]);
    const [record] = records;
    expect(record).toMatchObject({ topic: 't', key: '17793124-05d4-b198-2fde-7ededc63b103', valueSchema: null });
    expect(record!.timestamp).toBe(Date.UTC(2021, 10, 12));
    expect(headersOf(record!)).toEqual({
      'eventbridge.id': '17793124-05d4-b198-2fde-7ededc63b103',
      'eventbridge.source': 'aws.s3',
      'eventbridge.detail-type': 'Object Created',
      'eventbridge.account': '111122223333',
      'eventbridge.region': 'ca-central-1',
      'eventbridge.time': '2021-11-12T00:00:00Z',
      'eventbridge.resources': 'arn:aws:s3:::amzn-s3-demo-bucket1',
    });
    const value = record!.value as Map<string, unknown>;
    expect([...value.keys()]).toContain('detail-type');
    const object = (value.get('detail') as Map<string, unknown>).get('object') as Map<string, unknown>;
    expect(object.get('size')).toBe(9007199254740993n);
  });

  it('as its detail, and as its text', async () => {
    const detail = (await fed({ 'eventbridge.record.value': 'detail' }, [event])).records[0]!.value as Map<
      string,
      unknown
    >;
    expect(detail.get('reason')).toBe('PutObject');
    const { records } = await fed({ 'eventbridge.record.value': 'text', 'eventbridge.record.headers': 'false' }, [
      event,
    ]);
    expect([records[0]!.value, records[0]!.valueSchema?.type, records[0]!.headers]).toEqual([event, 'string', []]);
  });

  it.each([
    ['/detail/object/key', 'example-key'],
    ['/detail/object/size', '9007199254740993'],
    ['/resources/0', 'arn:aws:s3:::amzn-s3-demo-bucket1'],
    ['/detail/missing', null],
    ['', null],
  ])('its key at %j is %j', async (pointer, key) => {
    expect((await fed({ 'eventbridge.record.key.pointer': pointer }, [event])).records[0]!.key).toBe(key);
  });
});

it('what is no event, or has no key that is a text, cannot be read: it is kept as it came, and the others count', async () => {
  const bodies = ['{"id":1}', 'hello', '', '[]', '{"id":"a","detail":{}} {}', event, '{"id":"a"}'];
  const { records } = await fed({}, bodies);
  const errors = records.map(({ instead }) => (instead !== null && instead !== 'mark' ? instead.error.message : null));
  expect(errors.map((error) => error === null)).toEqual([false, false, false, false, false, true, false]);
  expect(errors[0]).toContain('The target of the rule must pass on the matched event');
  expect(records.map(({ value }, index) => (errors[index] === null ? event : value))).toEqual(bodies);
  const { records: deep } = await fed({ 'eventbridge.record.key.pointer': '/detail' }, [event]);
  expect(deep[0]!.instead).toMatchObject({
    error: { message: expect.stringContaining('eventbridge.record.key.pointer') },
  });
});

it('those that are not done are given back', async () => {
  const error = new Error('no');
  const { answer } = await fed(
    {},
    [event, event, event],
    [{ state: 'done' }, { state: 'returned', error }, { state: 'refused', error }],
  );
  expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: 'm1' }, { itemIdentifier: 'm2' }] });
});

it('its feed is known by the name in its config; fed it polls nothing, and where nothing feeds it, it says what to deploy', () => {
  const connector = new EventBridgeSourceConnector();
  expect(connector.feedKey({ ...config, 'eventbridge.feed': ' orders ' })).toEqual({
    key: 'eventbridge:orders',
    setting: 'eventbridge.feed',
    undeclared: expect.stringContaining('No feed orders is deployed'),
  });
  const context = { connector: 'c', requestTaskReconfiguration: () => {}, raiseError: () => {} };
  connector.start(config, { ...context, fed: true });
  expect(connector.taskConfigs()).toEqual([]);
  connector.start(config, context);
  expect(connector.taskConfigs()).toEqual([config]);
  expect(() => connector.createTask().start(config, {} as never)).toThrow(
    "eventBridgeSource(drover, { feed: 'orders', … })",
  );
});
