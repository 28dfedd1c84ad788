import type { LocalStack } from '../../../local/stack.ts';

/** Events as AWS hands them to the feed function, of a size that the local emulator does not bring by itself. */
export interface GivenEvents {
  /** As the cost model knows it. */
  readonly kind: 'sqs' | 'webhook' | 'eventbridge' | 'sns' | 'dynamodb' | 'kinesis';
  /** The feed whose events these are. */
  readonly feed: string;
  readonly config: Readonly<Record<string, string>>;
  /** Messages of one event. */
  readonly sizes: readonly number[];
  /** Events at a time: one of a shard, several of a queue. */
  readonly atOnce: number;
  /** Of so many messages, from this number on. */
  event(source: string, first: number, size: number): object;
  /** Whether this answer is that all of it is done. */
  done(answer: unknown): boolean;
}

const string = 'org.apache.kafka.connect.storage.StringConverter';
const text = (number: number) => `${number} ${'x'.repeat(110)}`;
const json = (number: number) => JSON.stringify({ n: number, text: 'x'.repeat(100) });
const numbers = (first: number, size: number) => Array.from({ length: size }, (_, index) => first + index);
const allTaken = (answer: unknown) => (answer as { batchItemFailures?: unknown[] }).batchItemFailures?.length === 0;

const messages = (source: string, first: number, size: number, bodyOf: (number: number) => string) => ({
  Records: numbers(first, size).map((number) => ({
    messageId: `19dd0b57-b21e-4ac1-bd88-${String(number).padStart(12, '0')}`,
    receiptHandle: 'MessageReceiptHandle'.repeat(10),
    body: bodyOf(number),
    attributes: {
      ApproximateReceiveCount: '1',
      SentTimestamp: String(Date.now()),
      SenderId: 'AIDAIENQZJOLO23YVJ4VO',
      ApproximateFirstReceiveTimestamp: String(Date.now()),
    },
    messageAttributes: {},
    md5OfBody: 'e4e68fb7bd0e697a0ae8f1bb342846b3',
    eventSource: 'aws:sqs',
    eventSourceARN: source,
    awsRegion: source.split(':')[3],
  })),
});

export function givenEvents(stack: LocalStack, run: string): readonly GivenEvents[] {
  const { playground } = stack;
  const arnOfQueue = `arn:aws:sqs:${stack.region}:000000000000:${playground.queueUrl.split('/').at(-1)}`;
  const strings = { 'key.converter': string, 'value.converter': string };
  const schemaless = {
    'key.converter': string,
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
  };
  // A stream's batch is known by its numbers, which have to grow from run to run.
  const begin = BigInt(Date.now()) * 1_000_000n;
  const sequenceNumber = (number: number) => String(begin + BigInt(number));
  return [
    {
      kind: 'sqs',
      feed: arnOfQueue,
      config: {
        'connector.class': 'SqsSource',
        'sqs.queue.url': playground.queueUrl,
        topics: `${run}-sqs`,
        ...strings,
      },
      sizes: [1, 10, 100, 1000],
      atOnce: 2,
      event: (source, first, size) => messages(source, first, size, text),
      done: allTaken,
    },
    {
      kind: 'webhook',
      feed: `hook:${run}-webhook`,
      config: {
        'connector.class': 'WebhookSource',
        'kafka.topic': `${run}-webhook`,
        'http.auth.type': 'none',
        'http.record.value': 'string',
        ...strings,
      },
      sizes: [1],
      atOnce: 2,
      event: (_source, first) => ({
        version: '2.0',
        routeKey: 'ANY /hooks/{connector}',
        rawPath: `/hooks/${run}-webhook`,
        rawQueryString: '',
        headers: { 'content-type': 'text/plain', host: 'hooks.example', 'user-agent': 'bench' },
        requestContext: {
          accountId: '000000000000',
          apiId: 'a1b2c3',
          domainName: 'hooks.example',
          http: { method: 'POST', path: `/hooks/${run}-webhook`, protocol: 'HTTP/1.1', sourceIp: '192.0.2.1' },
          requestId: `request-${first}`,
          stage: '$default',
          timeEpoch: Date.now(),
        },
        pathParameters: { connector: `${run}-webhook` },
        body: text(first),
        isBase64Encoded: false,
      }),
      done: (answer) => (answer as { statusCode?: number }).statusCode === 200,
    },
    {
      kind: 'eventbridge',
      feed: 'eventbridge:playground',
      config: {
        'connector.class': 'EventBridgeSource',
        'eventbridge.feed': 'playground',
        'kafka.topic': `${run}-eventbridge`,
        ...schemaless,
      },
      sizes: [10, 1000],
      atOnce: 2,
      event: (source, first, size) =>
        messages(source, first, size, (number) =>
          JSON.stringify({
            version: '0',
            id: `6a7e8feb-b491-4cf7-a9f1-${String(number).padStart(12, '0')}`,
            'detail-type': 'Order',
            source: 'shop',
            account: '000000000000',
            time: '2026-11-29T10:00:00Z',
            region: 'us-east-1',
            resources: [],
            detail: { n: number, text: 'x'.repeat(100) },
          }),
        ),
      done: allTaken,
    },
    {
      kind: 'sns',
      feed: 'sns:playground',
      config: {
        'connector.class': 'SnsSource',
        'sns.feed': 'playground',
        'kafka.topic': `${run}-sns`,
        ...strings,
      },
      sizes: [10, 1000],
      atOnce: 2,
      event: (source, first, size) => messages(source, first, size, json),
      done: allTaken,
    },
    {
      kind: 'dynamodb',
      feed: `dynamodb:${stack.region}:table/${playground.tableName}`,
      config: {
        'connector.class': 'DynamoDbStreamsSourceConnector',
        'dynamodb.table.whitelist': playground.tableName,
        'kafka.topic.map': JSON.stringify({ [playground.tableName]: `${run}-dynamodb` }),
        'kafka.topic.prefix': '',
        'record.shape': 'images',
        'tombstones.on.delete': 'false',
        ...schemaless,
      },
      sizes: [10, 100, 1000],
      atOnce: 1,
      event: (source, first, size) => ({
        Records: numbers(first, size).map((number) => ({
          eventID: `event-${number}`,
          eventName: 'INSERT',
          eventVersion: '1.1',
          eventSource: 'aws:dynamodb',
          awsRegion: stack.region,
          dynamodb: {
            ApproximateCreationDateTime: Math.floor(Date.now() / 1000),
            Keys: { id: { S: String(number) } },
            NewImage: { id: { S: String(number) }, n: { N: String(number) }, text: { S: 'x'.repeat(100) } },
            SequenceNumber: sequenceNumber(number),
            SizeBytes: 130,
            StreamViewType: 'NEW_AND_OLD_IMAGES',
          },
          eventSourceARN: source,
        })),
      }),
      done: () => true,
    },
    {
      kind: 'kinesis',
      feed: `arn:aws:kinesis:${stack.region}:000000000000:stream/${playground.kinesisStream}`,
      config: {
        'connector.class': 'KinesisSource',
        'kinesis.stream': playground.kinesisStream,
        'kafka.topic': `${run}-kinesis`,
        ...schemaless,
      },
      sizes: [10, 100, 1000],
      atOnce: 1,
      event: (source, first, size) => ({
        Records: numbers(first, size).map((number) => ({
          kinesis: {
            kinesisSchemaVersion: '1.0',
            partitionKey: String(number),
            sequenceNumber: sequenceNumber(number),
            data: Buffer.from(json(number)).toString('base64'),
            approximateArrivalTimestamp: Date.now() / 1000,
          },
          eventSource: 'aws:kinesis',
          eventVersion: '1.0',
          eventID: `shardId-000000000000:${sequenceNumber(number)}`,
          eventName: 'aws:kinesis:record',
          awsRegion: stack.region,
          eventSourceARN: source,
        })),
      }),
      done: () => true,
    },
  ];
}
