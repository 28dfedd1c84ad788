import { randomUUID } from 'node:crypto';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { runsOnJava } from '#java';
import { createCoordinator } from '../src/herder/coordinator.ts';
import { RoutedInvoker } from '../src/herder/routed-invoker.ts';
import { invokesByEnvironment } from '../src/invocation/async-invokes.ts';
import { LambdaEventSources } from '../src/invocation/event-sources.ts';
import { parseCoordinatorInvocation } from '../src/invocation/invocation.ts';
import { LambdaInvoker } from '../src/invocation/lambda.ts';
import type { Invoker } from '../src/invocation/run-request.ts';
import { RunnerQueue } from '../src/invocation/runner-queue.ts';
import { readStreamRecords } from '../src/storage/dynamodb/stream.ts';
import { clock, deadlineOf, environment, loggerLevels, stores, telemetry } from './function-context.ts';

const invokes = invokesByEnvironment(process.env);
const lambda = (functionName: string | null | undefined) =>
  new LambdaInvoker({ invokes, functionName: functionName ?? '', clock });
const tasks = lambda(environment['drover.task.function']);
const self = lambda(process.env.AWS_LAMBDA_FUNCTION_NAME);

function invoker(): Invoker {
  const queueUrl = environment['drover.runner.queue'];
  if (runsOnJava === null && queueUrl === null) return tasks;
  const java = () => lambda(environment['drover.java.function']);
  return new RoutedInvoker({
    tasks,
    java: runsOnJava === null ? null : { invoker: java(), runs: runsOnJava },
    runner: queueUrl === null ? null : new RunnerQueue({ queueUrl }),
    configs: stores.config,
    clock,
  });
}

const coordinator = createCoordinator({
  configs: stores.config,
  leases: stores.leases,
  dueIndex: stores.due,
  cluster: stores.cluster,
  invoker: invoker(),
  startTicking: (tick) => self.invoke(tick),
  owner: randomUUID(),
  clock,
  random: Math.random,
  telemetry,
  feeds: { declared: environment.feeds, claims: stores.feeds, eventSources: new LambdaEventSources() },
  limits: { runsInFlight: environment['drover.runs.in.flight.max'], concurrency: 50 },
});

export const handler = middy<unknown, unknown>({ timeoutEarlyInMillis: 0 })
  .use(loggerLevels())
  .handler((event: unknown, context: Context) => {
    const deadlineAt = deadlineOf(context);
    const invocation = parseCoordinatorInvocation(event, environment.wakeSources);
    switch (invocation.kind) {
      case 'tick':
        return coordinator.onTick(deadlineAt);
      case 'sub-minute-tick':
        return coordinator.onSubMinuteTick(deadlineAt);
      case 'shard-tick':
        return coordinator.onShardTick(invocation.shard, deadlineAt);
      case 'table-stream':
        return coordinator.onStream(readStreamRecords(invocation.records), deadlineAt);
      case 'failed-invocations':
        return coordinator.onFailedInvocations(invocation, deadlineAt);
      case 'wake-up':
        return coordinator.onWakeUp(invocation.connectors, deadlineAt);
    }
  });
