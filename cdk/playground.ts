import { CfnOutput, Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus, Match } from 'aws-cdk-lib/aws-events';
import { Stream } from 'aws-cdk-lib/aws-kinesis';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import type { Drover } from './drover.ts';
import { dynamodbSource, eventBridgeSource, kinesisSource, snsSource, sqsSource, webhooks } from './index.ts';

/** One event source of each kind, wired as a feed and waiting for a connector whose config names it; see `npm start`. */
export function addPlayground(stack: Stack, drover: Drover): void {
  const visibilityTimeout = Duration.seconds(30);
  const queue = new Queue(stack, 'PlaygroundQueue', { visibilityTimeout });
  const fifoQueue = new Queue(stack, 'PlaygroundFifoQueue', {
    fifo: true,
    contentBasedDeduplication: true,
    visibilityTimeout,
  });
  for (const one of [queue, fifoQueue]) sqsSource(drover, { queue: one });
  const table = new Table(stack, 'PlaygroundTable', {
    partitionKey: { name: 'id', type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    stream: StreamViewType.NEW_AND_OLD_IMAGES,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  dynamodbSource(drover, { table });
  const stream = new Stream(stack, 'PlaygroundStream', { shardCount: 2, removalPolicy: RemovalPolicy.DESTROY });
  kinesisSource(drover, { stream });
  const bus = new EventBus(stack, 'PlaygroundBus', { eventBusName: 'drover-playground' });
  const topic = new Topic(stack, 'PlaygroundTopic');
  const feed = 'playground';
  eventBridgeSource(drover, { feed, bus, pattern: { source: Match.prefix('') }, visibilityTimeout });
  snsSource(drover, { feed, topic, visibilityTimeout });
  const { api } = webhooks(drover, { buffer: { visibilityTimeout }, ownBuffers: ['orders-later'] });
  const outputs = {
    FeedFunctionName: drover.feeds.function.functionName,
    PlaygroundQueueUrl: queue.queueUrl,
    PlaygroundFifoQueueUrl: fifoQueue.queueUrl,
    PlaygroundTableName: table.tableName,
    PlaygroundKinesisStream: stream.streamName,
    PlaygroundEventBus: bus.eventBusName,
    PlaygroundTopicArn: topic.topicArn,
    HooksApiId: api.apiId,
  };
  for (const [name, value] of Object.entries(outputs)) new CfnOutput(stack, name, { value });
}
