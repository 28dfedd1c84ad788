import { Duration, type Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { AttributeType, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Stream, StreamConsumer } from 'aws-cdk-lib/aws-kinesis';
import { Key } from 'aws-cdk-lib/aws-kms';
import { StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { expect, test, vi } from 'vitest';
import { type Drover, dynamodbSource, kinesisSource } from '../../cdk/index.ts';
import { DynamoDbSourceConnector } from '../../connectors/dynamodb/connector.ts';
import { KinesisSourceConnector } from '../../connectors/kinesis/connector.ts';
import { env, permissions, plain, synthesise } from '../cdk/synthesise.ts';

vi.setConfig({ testTimeout: 60_000 });

const id = { name: 'id', type: AttributeType.STRING };
const newTable = (stack: Stack, stream?: StreamViewType) =>
  new Table(stack, 'Orders', { tableName: 'orders', partitionKey: id, ...(stream === undefined ? {} : { stream }) });
const withTable = (stack: Stack, drover: Drover, more = {}) =>
  dynamodbSource(drover, { table: newTable(stack, StreamViewType.NEW_AND_OLD_IMAGES), ...more });
const newStream = (stack: Stack) => new Stream(stack, 'Clicks', { streamName: 'clicks' });

test('the stream of a table: whole batches, tried for as long as they last, under the key that its connector answers', () => {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => void withTable(stack, drover),
  );
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Orders'), 'StreamArn'] },
    BatchSize: 1000,
    StartingPosition: 'TRIM_HORIZON',
    BisectBatchOnFunctionError: false,
    ParallelizationFactor: 1,
    MaximumRetryAttempts: Match.absent(),
    MaximumRecordAgeInSeconds: Match.absent(),
    FunctionResponseTypes: Match.absent(),
  });
  const key = new DynamoDbSourceConnector().feedKey({ 'dynamodb.table.whitelist': 'orders' }, env)!.key;
  expect(key).toBe('dynamodb:eu-west-1:table/orders');
  const variables = JSON.stringify(template.findResources('AWS::Lambda::Function'));
  expect(variables).toContain('dynamodb:eu-west-1:table/');
});

test('rights on that stream and that table: the feed reads the stream, a task takes the snapshot', () => {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => void withTable(stack, drover),
  );
  const feed = permissions(template, 'FeedFunction');
  const task = permissions(template, 'TaskFunction');
  for (const action of ['dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:DescribeStream']) {
    expect([action, feed.get(action)]).toEqual([action, [expect.stringMatching(/Orders.*StreamArn/)]]);
  }
  expect(feed.get('dynamodb:DescribeTable')).toEqual(expect.arrayContaining([expect.stringMatching(/Orders.*Arn/)]));
  const scannable = task.get('dynamodb:Scan') ?? [];
  expect(scannable).toEqual(expect.arrayContaining([expect.stringMatching(/Orders.*Arn/)]));
});

test('the key of a table that is encrypted with one of its own opens it for both', () => {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => {
      const encryptionKey = new Key(stack, 'Secret');
      const stream = StreamViewType.NEW_IMAGE;
      dynamodbSource(drover, { table: new Table(stack, 'Orders', { partitionKey: id, stream, encryptionKey }) });
    },
  );
  for (const role of ['FeedFunction', 'TaskFunction']) {
    expect(permissions(template, role).get('kms:Decrypt')).toEqual([expect.stringMatching(/Secret.*Arn/)]);
  }
});

test('what AWS would refuse is refused by name', () => {
  const attempt = (make: (stack: Stack, drover: Drover) => unknown) => () =>
    synthesise(
      () => plain,
      (stack, drover) => void make(stack, drover),
    );
  expect(attempt((stack, drover) => dynamodbSource(drover, { table: newTable(stack) }))).toThrow(
    /Orders has no stream: give it stream/,
  );
  expect(attempt((stack, drover) => withTable(stack, drover, { batchSize: 10_001 }))).toThrow(/batchSize is 10001/);
  expect(attempt((stack, drover) => withTable(stack, drover, { parallelizationFactor: 0 }))).toThrow(
    /parallelizationFactor is 0/,
  );
  const table = (stack: Stack) => newTable(stack, StreamViewType.NEW_IMAGE);
  expect(
    attempt((stack, drover) => {
      const one = table(stack);
      dynamodbSource(drover, { table: one });
      dynamodbSource(drover, { table: one });
    }),
  ).toThrow();
  expect(
    attempt((stack, drover) =>
      kinesisSource(drover, { stream: newStream(stack), startingPosition: StartingPosition.AT_TIMESTAMP }),
    ),
  ).toThrow(/startingPositionTimestamp/);
  expect(attempt((stack, drover) => kinesisSource(drover, { stream: newStream(stack), batchSize: 0 }))).toThrow(
    /batchSize is 0/,
  );
});

test('a Kinesis stream, and a consumer of its own', () => {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => {
      const stream = newStream(stack);
      const consumer = new StreamConsumer(stack, 'Consumer', { stream, streamConsumerName: 'drover' });
      kinesisSource(drover, { stream, consumer, maxBatchingWindow: Duration.seconds(1), parallelizationFactor: 10 });
    },
  );
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Consumer'), 'ConsumerARN'] },
    BatchSize: 1000,
    BisectBatchOnFunctionError: false,
    ParallelizationFactor: 10,
    MaximumBatchingWindowInSeconds: 1,
  });
  const feed = permissions(template, 'FeedFunction');
  expect(feed.get('kinesis:GetRecords')).toEqual([expect.stringMatching(/Clicks.*Arn/)]);
  expect(feed.get('kinesis:SubscribeToShard')).toEqual(
    expect.arrayContaining([expect.stringMatching(/Consumer.*ConsumerARN/)]),
  );
  const key = new KinesisSourceConnector().feedKey({ 'kinesis.stream': 'clicks', 'kafka.topic': 't' }, env)!.key;
  expect(key).toBe('kinesis:eu-west-1:stream/clicks');
  expect(JSON.stringify(template.findResources('AWS::Lambda::Function'))).toContain('kinesis:eu-west-1:stream/');
});
