import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { parseFeedInvocation } from '../src/invocation/feed-event.ts';
import { isShared, joinAnswers, shareOut } from '../src/invocation/shared-queue.ts';
import { clock, deadlineOf, environment, loggerLevels, workerName } from './function-context.ts';
import { worker } from './worker.ts';

/** Events of the declared event sources, each for the connector that it feeds. */
export const handler = middy<unknown, unknown>({ timeoutEarlyInMillis: 0 })
  .use(loggerLevels())
  .handler(async (event: unknown, context: Context) => {
    const { source } = parseFeedInvocation(event);
    const key = environment.feeds.keyOf(source);
    if (!isShared(source, key)) return await feed(key, event, context);
    const answers: unknown[] = [];
    for (const part of shareOut(event, key)) answers.push(await feed(part.key, part.event, context));
    return joinAnswers(answers);
  });

async function feed(key: string, event: unknown, context: Context): Promise<unknown> {
  const { giveBack, waitsMs } = parseFeedInvocation(event);
  const report = await worker.feed(key, event, {
    deadlineAt: Math.min(deadlineOf(context), waitsMs === null ? Number.POSITIVE_INFINITY : clock.now() + waitsMs),
    workerId: `${workerName}:${context.awsRequestId}`,
  });
  // What was cut may still be at it: the event comes again, to another environment.
  if (report.tainted) process.exit(1);
  return report.taken ? report.answer : giveBack(report.why, report.error);
}
