import { Duration, Names, Token } from 'aws-cdk-lib';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import { CfnQueue, type IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type AttachedConnector, attachConnector } from '../../cdk/connector.ts';
import type { Drover } from '../../cdk/drover.ts';
import { checkQueueTuning } from '../../cdk/feed-queue.ts';

/** What SqsSource needs of AWS: a queue that brings its messages. */

export interface SqsSourceProps {
  /**
   * Standard or FIFO. It must hide messages for longer than `limits.feedTimeout`; AWS advises six times as long. A dead
   * letter queue of its own should take a message only after five tries or more: those that came while the connector was
   * being paused count.
   */
  readonly queue: IQueue;
  /**
   * Messages of one invocation; more than 10 need a `maxBatchingWindow`, and a FIFO queue gives 10 at most.
   * @default 10; with a maxBatchingWindow 1000
   */
  readonly batchSize?: number;
  /**
   * How long Lambda may gather messages for one invocation. Not for FIFO queues.
   * @default - none: each is brought at once
   */
  readonly maxBatchingWindow?: Duration;
  /**
   * Invocations for this queue at a time, each with its own connections to Kafka.
   * @default 10
   */
  readonly maxConcurrency?: number;
  /**
   * The connector that it feeds, declared with it; its `sqs.queue.url` is known.
   * @default - none: one whose config names it, created by other means
   */
  readonly connector?: AttachedConnector<'SqsSource', 'sqs.queue.url'>;
}

const mostAtOnce = 10;
const mostInWindow = 10_000;

/**
 * Lets a queue bring its messages to the connector whose `sqs.queue.url` names it. Held while none does, and while that is
 * paused, stopped or FAILED. Throws for what AWS would refuse.
 */
export function sqsSource(drover: Drover, props: SqsSourceProps): EventSourceMapping {
  const { queue, maxBatchingWindow, maxConcurrency = 10 } = props;
  const batchSize = props.batchSize ?? (maxBatchingWindow === undefined || queue.fifo ? mostAtOnce : 1000);
  check(drover, { ...props, maxConcurrency, batchSize });
  const fn = drover.feeds.function;
  queue.grantConsumeMessages(fn);
  const mapping = new EventSourceMapping(scopeOf(drover), `Queue${Names.nodeUniqueId(queue.node)}`, {
    target: fn,
    eventSourceArn: queue.queueArn,
    batchSize,
    reportBatchItemFailures: true,
    maxConcurrency,
    ...(maxBatchingWindow === undefined ? {} : { maxBatchingWindow }),
  });
  drover.feeds.declare({ key: queue.queueArn, mapping });
  if (props.connector !== undefined) {
    attachConnector(drover, 'SqsSource', { 'sqs.queue.url': queue.queueUrl }, props.connector);
  }
  return mapping;
}

function check(
  drover: Drover,
  {
    queue,
    batchSize,
    maxBatchingWindow,
    maxConcurrency,
  }: SqsSourceProps & { batchSize: number; maxConcurrency: number },
): void {
  checkQueueTuning({ fifo: queue.fifo, maxBatchingWindow, maxConcurrency });
  const most = maxBatchingWindow === undefined || queue.fifo ? mostAtOnce : mostInWindow;
  if (batchSize < 1 || batchSize > most) {
    throw new Error(
      `batchSize is ${batchSize}: it must be 1 to ${most}${queue.fifo ? ' for a FIFO queue' : most === mostAtOnce ? ' without a maxBatchingWindow' : ''}`,
    );
  }
  const declared = queue.node.defaultChild;
  if (!(declared instanceof CfnQueue)) return;
  const timeout = drover.feeds.function.timeout ?? Duration.seconds(30);
  const seconds = declared.visibilityTimeout ?? 30;
  if (!Token.isUnresolved(seconds) && seconds < timeout.toSeconds()) {
    throw new Error(
      `The queue ${queue.node.path} hides messages for ${seconds} s: give it a visibilityTimeout of ${timeout.toSeconds()} s or more (${6 * timeout.toSeconds()} s are advised), ` +
        'or lower limits.feedTimeout',
    );
  }
}

/** Mappings lie under the installation: a queue may be of another stack, which need not know of it. */
function scopeOf(drover: Drover): Construct {
  return (drover.node.tryFindChild('FeedSources') as Construct | undefined) ?? new Construct(drover, 'FeedSources');
}
