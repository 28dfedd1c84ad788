import { CfnOutput, Duration, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { AttributeType, BillingMode, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Stream } from 'aws-cdk-lib/aws-kinesis';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { dynamodbSource } from '../connectors/dynamodb/cdk.ts';
import { kinesisSource } from '../connectors/kinesis/cdk.ts';
import { sqsSource } from '../connectors/sqs/cdk.ts';
import type { Drover } from './drover.ts';

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
  new CfnOutput(stack, 'FeedFunctionName', { value: drover.feeds.function.functionName });
  new CfnOutput(stack, 'PlaygroundQueueUrl', { value: queue.queueUrl });
  new CfnOutput(stack, 'PlaygroundFifoQueueUrl', { value: fifoQueue.queueUrl });
  new CfnOutput(stack, 'PlaygroundTableName', { value: table.tableName });
  new CfnOutput(stack, 'PlaygroundKinesisStream', { value: stream.streamName });
}
