import { Duration } from 'aws-cdk-lib';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { SnsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { SnsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import { Topic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

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
  const topic = new Topic(scope, 'FailedInvocations', {
    enforceSSL: true,
    ...(encryptionKey === undefined ? {} : { masterKey: encryptionKey }),
  });
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
