import { Token } from 'aws-cdk-lib';
import type { ITopic, SubscriptionFilter } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { type AttachedConnector, attachConnector } from '../../cdk/connector.ts';
import type { Drover } from '../../cdk/drover.ts';
import { createFeedQueue, type FeedQueue, type FeedQueueTuning } from '../../cdk/feed-queue.ts';

/** What SnsSource needs of AWS: a subscription, and a queue behind it. */

export interface SnsSourceProps extends FeedQueueTuning {
  /** How the config of a connector names it: `sns.feed`. */
  readonly feed: string;
  /** Standard or FIFO; the queue is of the same kind. */
  readonly topic: ITopic;
  /** Which messages, by their attributes. @default - all */
  readonly filterPolicy?: Readonly<Record<string, SubscriptionFilter>>;
  /**
   * Messages without what SNS says of them: their id, subject and time are then not known, and at most ten attributes come.
   * @default false
   */
  readonly raw?: boolean;
  /**
   * The connector that it feeds, declared with it; its `sns.feed` is known.
   * @default - none: one whose config names it, created by other means
   */
  readonly connector?: AttachedConnector<'SnsSource', 'sns.feed'>;
}

/**
 * The messages of the topic go to the connector of class SnsSource that names the feed, at least once; those of one group
 * of a FIFO topic in their order.
 */
export function snsSource(drover: Drover, props: SnsSourceProps): FeedQueue {
  const { feed, topic, filterPolicy, raw = false } = props;
  if (!Token.isUnresolved(feed) && !/^[\w-]{1,64}$/.test(feed)) {
    throw new Error(`feed is "${feed}": it must be 1 to 64 letters, digits, "_" and "-"`);
  }
  const scope = new Construct(drover, `Sns-${feed}`);
  const made = createFeedQueue(drover, scope, 'Queue', { ...props, key: `sns:${feed}`, fifo: topic.fifo });
  topic.addSubscription(
    new SqsSubscription(made.queue, {
      rawMessageDelivery: raw,
      ...(filterPolicy === undefined ? {} : { filterPolicy: { ...filterPolicy } }),
    }),
  );
  if (props.connector !== undefined) attachConnector(drover, 'SnsSource', { 'sns.feed': feed }, props.connector);
  return made;
}
