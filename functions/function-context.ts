import './source-maps.ts';
import type { MiddlewareObj } from '@middy/core';
import { systemClock } from '../src/clock.ts';
import { readEnvironment } from '../src/environment.ts';
import { requestsByEnvironment } from '../src/storage/dynamodb/requests-by-environment.ts';
import { createDynamoDbStores } from '../src/storage/dynamodb/stores.ts';
import { metricNamespace } from '../src/telemetry/events.ts';
import { createTelemetry } from '../src/telemetry/telemetry.ts';

/** What every function has, made once per execution environment. */
export const clock = systemClock;
export const environment = readEnvironment();

/** Where the installation stands. */
export const home = { region: process.env.AWS_REGION ?? 'us-east-1' };

/** Outside Lambda only the runner knows its queue. */
const elsewhere = environment['drover.runner.queue'] === null ? 'local' : 'runner';
const functionName = process.env.AWS_LAMBDA_FUNCTION_NAME ?? elsewhere;
const logStream = process.env.AWS_LAMBDA_LOG_STREAM_NAME ?? String(process.pid);

/** Names this execution environment in status answers: which log to read is in the name. */
export const workerName = `${functionName}:${logStream}`;

const level = environment['drover.log.level'];
export const telemetry = createTelemetry({
  clock,
  namespace: metricNamespace(environment['group.id']),
  metrics: environment['drover.metrics'],
  level: level === 'OFF' ? 'FATAL' : level,
  write: (line) => process.stdout.write(`${line}\n`),
  context: { function: functionName },
});

export const stores = createDynamoDbStores({
  tableName: environment['drover.table.name'],
  requests: requestsByEnvironment(process.env),
});

/** Epoch milliseconds at which Lambda kills this invocation. */
export function deadlineOf(context: { getRemainingTimeInMillis(): number }): number {
  return clock.now() + context.getRemainingTimeInMillis();
}

const refreshMs = 60_000;

/**
 * Takes up within a minute what was set through /admin/loggers. The handler does not wait for the answer, the end of
 * the invocation does: an environment may be frozen after that.
 */
export function loggerLevels(): MiddlewareObj {
  let refreshAt = 0;
  let refreshing: Promise<void> = Promise.resolve();
  const refresh = async () => {
    const levels = await stores.cluster.loggerLevels();
    telemetry.setLevels(new Map(levels.map(({ logger, level }) => [logger, level])));
  };
  return {
    before: function takeUpLoggerLevels() {
      if (clock.now() < refreshAt) return;
      refreshAt = clock.now() + refreshMs;
      // A table that does not answer is the handler's to report.
      refreshing = refresh().catch(() => {});
    },
    after: () => refreshing,
    onError: () => refreshing,
  };
}
