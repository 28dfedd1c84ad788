import { Duration, Names, Token } from 'aws-cdk-lib';
import { Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { LambdaSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { CfnQueue, type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledged.ts';
import type { Drover } from './drover.ts';

/**
 * What wakes connectors from outside, so that an idle one does not wait for its pause to end. A wake-up carries names and no
 * data: a connector that is woken looks for itself what there is, and one name too many costs a run that finds nothing.
 */

export interface WakeOnRuleProps {
  /** With an event pattern or a schedule. */
  readonly rule: Rule;
  /** Names of connectors, as in their configs. */
  readonly wakes: readonly string[];
}

/** Each event that the rule matches wakes these connectors. Throws for a list that names none. */
export function wakeOnRule(drover: Drover, { rule, wakes }: WakeOnRuleProps): void {
  rule.addTarget(
    new LambdaFunction(drover.coordinatorFunction, {
      event: wakeUp(namesOf(wakes)),
    }),
  );
}

/** What is asked of a bucket: any that the CDK knows. */
export type WakingBucket = Pick<IBucket, 'bucketName' | 'enableEventBridgeNotification' | 'node'>;

export interface WakeOnObjectsProps {
  readonly bucket: WakingBucket;
  /** Names of connectors, as in their configs. */
  readonly wakes: readonly string[];
  /**
   * Only objects whose keys begin so.
   * @default - all objects
   */
  readonly prefix?: string;
}

/**
 * Each object that is created in the bucket wakes these connectors, by way of EventBridge, which the bucket is told to
 * notify, and a queue, so that a burst of objects rings the coordinator by tens. Throws for a list that names none. Returns
 * the rule, one for each bucket and prefix.
 */
export function wakeOnObjects(drover: Drover, { bucket, wakes, prefix }: WakeOnObjectsProps): Rule {
  const names = namesOf(wakes);
  bucket.enableEventBridgeNotification();
  const scope = scopeOf(drover);
  const id = `Objects${Names.nodeUniqueId(bucket.node)}${prefix ?? ''}`;
  const known = scope.node.tryFindChild(id) as Rule | undefined;
  const rule =
    known ??
    new Rule(scope, id, {
      description: 'Objects that wake connectors of Drover',
      eventPattern: {
        source: ['aws.s3'],
        detailType: ['Object Created'],
        detail: {
          bucket: { name: [bucket.bucketName] },
          ...(prefix === undefined ? {} : { object: { key: [{ prefix }] } }),
        },
      },
    });
  rule.addTarget(new SqsQueue(bellOf(drover), { message: wakeUp(names) }));
  return rule;
}

export interface WakeOnQueueProps {
  /** For wake-ups alone: what it brings is taken off it. */
  readonly queue: IQueue;
  /**
   * Names of connectors, as in their configs, that every message wakes.
   * @default - those that the message names, and for others nobody
   */
  readonly wakes?: readonly string[];
}

/**
 * Messages on the queue wake these connectors, and those that they name: `{"drover":{"wake":["name"]}}` in the body, or
 * names with commas between in the attribute `drover.wake`. Throws for a list that names none, and for a queue that hides
 * messages for less than the coordinator may take, which Lambda would refuse.
 */
export function wakeOnQueue(drover: Drover, { queue, wakes }: WakeOnQueueProps): void {
  const declared = queue.node.defaultChild;
  const least = drover.coordinatorFunction.timeout ?? Duration.seconds(75);
  if (declared instanceof CfnQueue) {
    const seconds = declared.visibilityTimeout ?? 30;
    if (!Token.isUnresolved(seconds) && seconds < least.toSeconds()) {
      throw new Error(
        `The queue ${queue.node.path} hides messages for ${seconds} s: give it a visibilityTimeout of ${least.toSeconds()} s or more, as long as the coordinator may take`,
      );
    }
  }
  if (wakes !== undefined) drover.addWakeSource(queue.queueArn, namesOf(wakes));
  drover.coordinatorFunction.addEventSource(new SqsEventSource(queue, { batchSize: 10 }));
}

export interface WakeOnTopicProps {
  readonly topic: ITopic;
  /**
   * Names of connectors, as in their configs, that every message wakes.
   * @default - those that the message names, and for others nobody
   */
  readonly wakes?: readonly string[];
}

/**
 * Messages of the topic wake these connectors, and those that they name: `{"drover":{"wake":["name"]}}`. Throws for a list
 * that names none.
 */
export function wakeOnTopic(drover: Drover, { topic, wakes }: WakeOnTopicProps): void {
  if (wakes !== undefined) drover.addWakeSource(topic.topicArn, namesOf(wakes));
  topic.addSubscription(new LambdaSubscription(drover.coordinatorFunction));
}

/** In the form that the coordinator reads; see src/invocation/wake-up-events.ts. */
const wakeUp = (names: readonly string[]) => RuleTargetInput.fromObject({ drover: { wake: [...names] } });

/** A burst must not take the place of what the coordinator has to dispatch meanwhile. */
const bellConcurrency = 2;

/** Where objects ring, one for the installation. What rings when nobody hears is found by the tick. */
function bellOf(drover: Drover): Queue {
  const scope = scopeOf(drover);
  const known = scope.node.tryFindChild('Bell') as Queue | undefined;
  if (known !== undefined) return known;
  const least = drover.coordinatorFunction.timeout ?? Duration.seconds(75);
  const bell = new Queue(scope, 'Bell', {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    visibilityTimeout: least,
    retentionPeriod: Duration.minutes(10),
  });
  acknowledge(bell, 'AwsSolutions-SQS3', 'A wake-up that is lost is found by the tick: there is nothing to keep');
  drover.coordinatorFunction.addEventSource(
    new SqsEventSource(bell, { batchSize: 10, maxConcurrency: bellConcurrency }),
  );
  return bell;
}

function namesOf(wakes: readonly string[]): string[] {
  const blank = wakes.find((name) => name.trim() === '');
  if (wakes.length > 0 && blank === undefined) return [...wakes];
  throw new Error('wakes must name the connectors to wake, as in their configs: it is empty or holds an empty name');
}

/** Rules lie under the installation: a bucket may be of another stack, which need not know of it. */
function scopeOf(drover: Drover): Construct {
  return (drover.node.tryFindChild('Wakes') as Construct | undefined) ?? new Construct(drover, 'Wakes');
}
