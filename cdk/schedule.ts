import { PolicyDocument, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { Construct } from 'constructs';
import { servicePrincipal } from './service-principal.ts';

/** Wakes the coordinator each minute, with what `functions/coordinator.ts` knows as a tick. */
export function createSchedule(scope: Construct, coordinator: IFunction): CfnSchedule {
  // The level-two target would also allow every version and alias of the function.
  const role = new Role(scope, 'ScheduleRole', {
    assumedBy: servicePrincipal(scope, 'scheduler.amazonaws.com'),
    description: 'Lets the schedule invoke the coordinator of Drover',
    inlinePolicies: {
      invoke: new PolicyDocument({
        statements: [new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [coordinator.functionArn] })],
      }),
    },
  });
  return new CfnSchedule(scope, 'Tick', {
    description: 'Tick of Drover: finds what is due and was missed',
    scheduleExpression: 'rate(1 minute)',
    flexibleTimeWindow: { mode: 'OFF' },
    target: {
      arn: coordinator.functionArn,
      roleArn: role.roleArn,
      input: JSON.stringify({ kind: 'tick' }),
      // The next minute brings the next one.
      retryPolicy: { maximumRetryAttempts: 0, maximumEventAgeInSeconds: 60 },
    },
  });
}
