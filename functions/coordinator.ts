import { randomUUID } from 'node:crypto';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { createCoordinator } from '../src/herder/coordinator.ts';
import { LambdaInvoker } from '../src/invocation/lambda.ts';
import { readStreamRecords, type StreamRecord } from '../src/storage/dynamodb/stream.ts';
import { clock, deadlineOf, environment, loggerLevels, stores, telemetry } from './function-context.ts';

/** The schedule sends `tick`, the coordinator itself `sub-minute-tick`; everything else comes from AWS. */
type CoordinatorEvent =
  | { readonly kind: 'tick' | 'sub-minute-tick' }
  | { readonly Records: readonly (StreamRecord & { readonly eventSource?: string })[] }
  | Readonly<Record<string, unknown>>;

const tasks = new LambdaInvoker({ functionName: environment['drover.task.function'] ?? '', clock });
const self = new LambdaInvoker({ functionName: process.env.AWS_LAMBDA_FUNCTION_NAME ?? '', clock });

const coordinator = createCoordinator({
  configs: stores.config,
  dueIndex: stores.due,
  cluster: stores.cluster,
  invoker: tasks,
  startTicking: () => self.invoke({ kind: 'sub-minute-tick' }),
  owner: randomUUID(),
  clock,
  random: Math.random,
  telemetry,
  limits: { runsInFlight: environment['drover.runs.in.flight.max'], concurrency: 50 },
});

export const handler = middy<CoordinatorEvent, unknown>({ timeoutEarlyInMillis: 0 })
  .use(loggerLevels())
  .handler((event: CoordinatorEvent, context: Context) => {
    const deadlineAt = deadlineOf(context);
    if ('kind' in event && event.kind === 'tick') return coordinator.onTick(deadlineAt);
    if ('kind' in event && event.kind === 'sub-minute-tick') return coordinator.onSubMinuteTick(deadlineAt);
    if (isTableStream(event)) return coordinator.onStream(readStreamRecords(event.Records), deadlineAt);
    return coordinator.onWakeUp(event, deadlineAt);
  });

function isTableStream(event: CoordinatorEvent): event is { readonly Records: readonly StreamRecord[] } {
  return 'Records' in event && Array.isArray(event.Records) && event.Records[0]?.eventSource === 'aws:dynamodb';
}
