import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { invocationOf } from '../src/invocation/failed-invocations.ts';
import { type ImportRequest, parseTaskInvocation } from '../src/invocation/invocation.ts';
import type { RunRequest } from '../src/invocation/run-request.ts';
import { type ImportAnswer, runImport } from '../src/mirror/run-import.ts';
import { runOn } from '../src/worker/run/run-on.ts';
import type { RunReport } from '../src/worker/run/run-report.ts';
import { clock, deadlineOf, environment, loggerLevels, stores, workerName } from './function-context.ts';
import { connectKafka } from './kafka.ts';
import { plugins, worker } from './worker.ts';

export const handler = middy<unknown, RunReport | ImportAnswer>({ timeoutEarlyInMillis: 0 })
  .use(loggerLevels())
  .handler(async (event: unknown, context: Context) => {
    const invocation = parseTaskInvocation(event);
    switch (invocation.kind) {
      case 'task':
      case 'connector':
      case 'probe':
        return run(invocation, invocationOf(event), context);
      case 'import':
        return importCluster(invocation);
    }
  });

async function run(request: RunRequest, invocation: string | undefined, context: Context): Promise<RunReport> {
  const report = await runOn(worker, clock, request, {
    deadlineAt: deadlineOf(context),
    workerId: `${workerName}:${context.awsRequestId}`,
    ...(invocation === undefined ? {} : { invocation }),
  }).catch(endProcess);
  // Plugin code that was cut may still be at it, and nothing may run beside it. The lease is released and the status says
  // why; nobody waits for the answer. After it there is no safe moment: the process would be frozen until the next
  // invocation, and end that one.
  if (report.tainted) process.exit(1);
  return report;
}

/**
 * The table has failed a run, so that nobody knows what it has left. Lambda tells the coordinator that the invocation has
 * failed, which ends its lease: nothing of it may go on then.
 */
function endProcess(error: unknown): never {
  console.error(error);
  process.exit(1);
}

async function importCluster(request: ImportRequest): Promise<ImportAnswer> {
  return runImport(request, {
    kafka: await connectKafka(),
    stores,
    topics: { configs: environment['config.storage.topic'], offsets: environment['offset.storage.topic'] },
    typeOf: (name) => (plugins.find('source', name) ? 'source' : plugins.find('sink', name) ? 'sink' : undefined),
    now: clock.now,
  });
}
