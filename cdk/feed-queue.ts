import { Duration } from 'aws-cdk-lib';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledged.ts';
import type { Drover } from './drover.ts';

export interface FeedQueueProps {
  /** Of the feed that it is declared as. */
  readonly key: string;
  readonly fifo?: boolean;
  /** Its messages are for several connectors, of which each says for which: it is not held for one that is paused. */
  readonly shared?: boolean;
}

export interface FeedQueue {
  /** What is on its way. */
  readonly queue: Queue;
  /** What could not be delivered for two days: look, mend, and move it back. */
  readonly failures: Queue;
}

/** How often a message is tried before it is put aside; with the time between two tries, two days. */
const mostTries = 1000;

/** A queue in front of the feed function, for what Lambda would else be told but twice. */
export function createFeedQueue(drover: Drover, scope: Construct, id: string, props: FeedQueueProps): FeedQueue {
  const { key, fifo = false, shared = false } = props;
  const fn = drover.feeds.function;
  const common = {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
    ...(fifo ? { fifo } : {}),
  };
  const failures = new Queue(scope, `${id}Failures`, common);
  acknowledge(failures, 'AwsSolutions-SQS3', 'It is itself where failures go: nothing consumes it');
  const queue = new Queue(scope, id, {
    ...common,
    // As Lambda asks for, so that a message is not brought a second time while it is at hand.
    visibilityTimeout: Duration.seconds(6 * (fn.timeout ?? Duration.seconds(30)).toSeconds()),
    deadLetterQueue: { queue: failures, maxReceiveCount: mostTries },
  });
  const source = new SqsEventSource(queue, {
    ...(fifo ? { batchSize: 10 } : { batchSize: 1000, maxBatchingWindow: Duration.seconds(1) }),
    maxConcurrency: 10,
    reportBatchItemFailures: true,
  });
  fn.addEventSource(source);
  const { eventSourceMappingId, eventSourceMappingArn } = source;
  drover.feeds.declare({
    key,
    source: queue.queueArn,
    ...(shared ? {} : { mapping: { eventSourceMappingId, eventSourceMappingArn } }),
  });
  return { queue, failures };
}
