import { registerHooks } from 'node:module';
import type { Context } from 'aws-lambda';
import type { RunRequest } from '../../src/invocation/run-request.ts';
import type { RunReport } from '../../src/worker/run/run-report.ts';

/** What the test's environment of the task function is asked to run, and how long it is given. */
export interface EnvironmentOrder {
  readonly request: RunRequest;
  readonly budgetMs: number;
}

/**
 * An execution environment of the real task function, with the plugins of `stubborn-plugins.ts`: one invocation after
 * the other, each answered by its report.
 */
const standIns: Readonly<Record<string, string>> = {
  '#plugins': '../test/support/stubborn-plugins.ts',
  '#java': '../src/plugins/no-java.ts',
};
registerHooks({ resolve: (specifier, context, next) => next(standIns[specifier] ?? specifier, context) });
const { handler } = await import('../../functions/task.ts');

let invocations = 0;
process.on('message', async ({ request, budgetMs }: EnvironmentOrder) => {
  const deadlineAt = Date.now() + budgetMs;
  const context = {
    awsRequestId: `invocation-${++invocations}`,
    getRemainingTimeInMillis: () => deadlineAt - Date.now(),
  } as Context;
  const report = (await handler(request, context)) as RunReport;
  process.send?.({ report });
});
process.send?.('ready');
