import { Duration } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SnsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { SnsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { FilterOrPolicy, SubscriptionFilter, Topic } from 'aws-cdk-lib/aws-sns';
import { SqsSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { tickKinds } from '../src/invocation/run-request.ts';

/**
 * The coordinator is told of every run whose invocation has failed, so that it is taken over at once. By a topic: it
 * costs nothing while nothing fails, and neither function needs to know the other.
 */
export function tellFailedInvocations(
  scope: Construct,
  functions: readonly IFunction[],
  coordinator: LambdaFunction,
  encryptionKey: IKey | undefined,
): void {
  const topic = createTopic(scope, 'FailedInvocations', encryptionKey);
  coordinator.addEventSource(new SnsEventSource(topic));
  for (const fn of functions) {
    // A run that fails, or that waits behind others for longer than a minute, is still due: it is dispatched again.
    fn.configureAsyncInvoke({
      retryAttempts: 0,
      maxEventAge: Duration.minutes(1),
      onFailure: new SnsDestination(topic),
    });
  }
}

/**
 * What the coordinator itself was invoked for and failed at is kept in the queue of failures. Of a tick it is told as well:
 * the next one by the schedule would come only a minute later.
 */
export function tellFailedTicks(
  scope: Construct,
  coordinator: LambdaFunction,
  failures: IQueue,
  encryptionKey: IKey | undefined,
): void {
  const topic = createTopic(scope, 'FailedTicks', encryptionKey);
  topic.addSubscription(new SqsSubscription(failures, { rawMessageDelivery: true }));
  const ofTicks = SubscriptionFilter.stringFilter({ allowlist: [...tickKinds] });
  const haveRun = SubscriptionFilter.stringFilter({ allowlist: ['RetriesExhausted'] });
  coordinator.addEventSource(
    new SnsEventSource(topic, {
      // Not told of its own failing at this: it would be told of that as well, and so on.
      filterPolicyWithMessageBody: {
        requestPayload: FilterOrPolicy.policy({ kind: FilterOrPolicy.filter(ofTicks) }),
        requestContext: FilterOrPolicy.policy({ condition: FilterOrPolicy.filter(haveRun) }),
      },
    }),
  );
  coordinator.configureAsyncInvoke({
    // A wake-up from outside comes once.
    retryAttempts: 0,
    maxEventAge: Duration.minutes(1),
    onFailure: new SnsDestination(topic),
  });
}

function createTopic(scope: Construct, id: string, encryptionKey: IKey | undefined): Topic {
  return new Topic(scope, id, {
    enforceSSL: true,
    ...(encryptionKey === undefined ? {} : { masterKey: encryptionKey }),
  });
}
