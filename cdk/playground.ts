import { CfnOutput, Duration, type Stack } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
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
  new CfnOutput(stack, 'FeedFunctionName', { value: drover.feeds.function.functionName });
  new CfnOutput(stack, 'PlaygroundQueueUrl', { value: queue.queueUrl });
  new CfnOutput(stack, 'PlaygroundFifoQueueUrl', { value: fifoQueue.queueUrl });
}
