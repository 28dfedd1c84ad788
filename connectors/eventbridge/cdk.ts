import { Token } from 'aws-cdk-lib';
import { type EventPattern, Rule, type RuleProps } from 'aws-cdk-lib/aws-events';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import { type AttachedConnector, attachConnector } from '../../cdk/connector.ts';
import type { Drover } from '../../cdk/drover.ts';
import { createFeedQueue, type FeedQueue, type FeedQueueTuning } from '../../cdk/feed-queue.ts';

/** What EventBridgeSource needs of AWS: a rule, and a queue behind it. */

export interface EventBridgeSourceProps extends FeedQueueTuning {
  /** How the config of a connector names it: `eventbridge.feed`. */
  readonly feed: string;
  /** Which events; instead of `rule`. */
  readonly pattern?: EventPattern;
  /** Of `pattern`. @default - the default bus of the account */
  readonly bus?: NonNullable<RuleProps['eventBus']>;
  /** A rule that is there, with a schedule for one, instead of `pattern`: it gets a target more. */
  readonly rule?: Rule;
  /**
   * The connector that it feeds, declared with it; its `eventbridge.feed` is known.
   * @default - none: one whose config names it, created by other means
   */
  readonly connector?: AttachedConnector<'EventBridgeSource', 'eventbridge.feed'>;
}

/** The events that match go to the connector of class EventBridgeSource that names the feed, at least once. */
export function eventBridgeSource(drover: Drover, props: EventBridgeSourceProps): FeedQueue & { readonly rule: Rule } {
  const { feed, pattern, bus } = props;
  if (!Token.isUnresolved(feed) && !/^[\w-]{1,64}$/.test(feed)) {
    throw new Error(`feed is "${feed}": it must be 1 to 64 letters, digits, "_" and "-"`);
  }
  if ((pattern === undefined) === (props.rule === undefined)) throw new Error('Give either pattern or rule');
  if (bus !== undefined && pattern === undefined) throw new Error('bus goes with pattern: a rule is of a bus already');
  const scope = new Construct(drover, `EventBridge-${feed}`);
  const made = createFeedQueue(drover, scope, 'Queue', { ...props, key: `eventbridge:${feed}` });
  const rule =
    props.rule ??
    new Rule(scope, 'Rule', {
      description: `Events for Kafka, by the feed ${feed} of Drover`,
      eventPattern: pattern!,
      ...(bus === undefined ? {} : { eventBus: bus }),
    });
  // What the queue does not take within a day is kept where the undeliverable is.
  rule.addTarget(new SqsQueue(made.queue, { deadLetterQueue: made.failures }));
  if (props.connector !== undefined)
    attachConnector(drover, 'EventBridgeSource', { 'eventbridge.feed': feed }, props.connector);
  return { ...made, rule };
}
