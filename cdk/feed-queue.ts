import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledged.ts';
import type { Drover } from './drover.ts';

/** Of a queue that is made in front of the feed function. */
export interface FeedQueueTuning {
  /**
   * How long a message is hidden while it is at hand; what was not delivered comes again after it. Longer than
   * `limits.feedTimeout`.
   * @default - six times limits.feedTimeout, as AWS advises
   */
  readonly visibilityTimeout?: Duration;
  /**
   * How long Lambda may gather messages, up to 1000, for one invocation. Not for FIFO.
   * @default - none: each is brought at once, up to 10 together
   */
  readonly maxBatchingWindow?: Duration;
  /** Invocations at a time, each with its own connections to Kafka. @default 10 */
  readonly maxConcurrency?: number;
}

export interface FeedQueueProps extends FeedQueueTuning {
  /** Of the feed that it is declared as. */
  readonly key: string;
  readonly fifo?: boolean;
  /**
   * Its messages are for several connectors, of which each says for which: it is not held for one that is paused, whose
   * messages the feed function puts into it again. The function must be allowed to.
   */
  readonly shared?: boolean;
}

export interface FeedQueue {
  /** What is on its way. */
  readonly queue: Queue;
  /** What could not be delivered for a long time (two days, by default): look, mend, and move it back. */
  readonly failures: Queue;
}

/** How often a message is tried before it is put aside; the most that SQS counts. By the default time between, two days. */
const mostTries = 1000;

interface QueueTuning {
  readonly fifo: boolean;
  readonly maxBatchingWindow: Duration | undefined;
  readonly maxConcurrency: number;
}

/** Throws for what Lambda would refuse of a queue's mapping. */
export function checkQueueTuning({ fifo, maxBatchingWindow, maxConcurrency }: QueueTuning): void {
  if (fifo && maxBatchingWindow !== undefined) {
    throw new Error('maxBatchingWindow is set for a FIFO queue: leave it out, Lambda has none for it');
  }
  if (!Number.isInteger(maxConcurrency) || maxConcurrency < 2 || maxConcurrency > 1000) {
    throw new Error(`maxConcurrency is ${maxConcurrency}: it must be a whole number from 2 to 1000`);
  }
}

/** A queue in front of the feed function, for what Lambda would else be told but twice. */
export function createFeedQueue(drover: Drover, scope: Construct, id: string, props: FeedQueueProps): FeedQueue {
  const { key, fifo = false, shared = false, maxBatchingWindow, maxConcurrency = 10 } = props;
  const fn = drover.feeds.function;
  const timeout = fn.timeout ?? Duration.seconds(30);
  const visibilityTimeout = props.visibilityTimeout ?? Duration.seconds(6 * timeout.toSeconds());
  if (visibilityTimeout.toMilliseconds() < timeout.toMilliseconds()) {
    throw new Error(
      `visibilityTimeout is ${visibilityTimeout.toSeconds()} s: it must be ${timeout.toSeconds()} s or more, as long as the feed function may take`,
    );
  }
  checkQueueTuning({ fifo, maxBatchingWindow, maxConcurrency });
  const common = {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
    ...(fifo ? { fifo } : {}),
  };
  const failures = new Queue(scope, `${id}Failures`, common);
  acknowledge(failures, 'AwsSolutions-SQS3', 'It is itself where failures go: nothing consumes it');
  const alarm = failures
    .metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(5), statistic: 'Maximum' })
    .createAlarm(scope, `${id}FailuresAlarm`, {
      alarmDescription: `Events of ${key} could not be delivered to Kafka: they wait in a queue to be looked at and moved back`,
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  if (drover.alarmTopic !== undefined) {
    alarm.addAlarmAction(new SnsAction(drover.alarmTopic));
    alarm.addOkAction(new SnsAction(drover.alarmTopic));
  }
  const queue = new Queue(scope, id, {
    ...common,
    visibilityTimeout,
    deadLetterQueue: { queue: failures, maxReceiveCount: mostTries },
  });
  const source = new SqsEventSource(queue, {
    ...(maxBatchingWindow === undefined ? { batchSize: 10 } : { batchSize: 1000, maxBatchingWindow }),
    maxConcurrency,
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
