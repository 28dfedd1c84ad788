import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import { type FeedInvocation, parseFeedInvocation } from '../src/invocation/feed-event.ts';
import { SqsLaterQueue } from '../src/invocation/put-off.ts';
import { isShared, joinAnswers, type SharedPart, shareOut } from '../src/invocation/shared-queue.ts';
import type { FeedReport } from '../src/worker/feed/feed-host.ts';
import { clock, deadlineOf, environment, loggerLevels, telemetry, workerName } from './function-context.ts';
import { worker } from './worker.ts';

const later = new SqsLaterQueue();

/** Events of the declared event sources, each for the connector that it feeds. */
export const handler = middy<unknown, unknown>({ timeoutEarlyInMillis: 0 })
  .use(loggerLevels())
  .handler(async (event: unknown, context: Context) => {
    const invocation = parseFeedInvocation(event);
    const { source } = invocation;
    const key = environment.feeds.keyOf(source);
    if (!isShared(source, key)) {
      const report = await feed(key, event, invocation, context);
      if (isHeld(report) && invocation.messages.length > 0) await later.showSoon(source, invocation.messages);
      return answerOf(invocation, report);
    }
    const answers: unknown[] = [];
    for (const part of shareOut(event, key)) {
      const own = parseFeedInvocation(part.event);
      const report = await feed(part.key, part.event, own, context);
      answers.push(isHeld(report) ? await putOff(source, part) : answerOf(own, report));
    }
    return joinAnswers(answers);
  });

const isHeld = (report: FeedReport) => !report.taken && report.why === 'held';

async function feed(key: string, event: unknown, { waitsMs }: FeedInvocation, context: Context): Promise<FeedReport> {
  const report = await worker.feed(key, event, {
    deadlineAt: Math.min(deadlineOf(context), waitsMs === null ? Number.POSITIVE_INFINITY : clock.now() + waitsMs),
    workerId: `${workerName}:${context.awsRequestId}`,
  });
  // What was cut may still be at it: the event comes again, to another environment.
  if (report.tainted) process.exit(1);
  return report;
}

function answerOf({ giveBack }: FeedInvocation, report: FeedReport): unknown {
  return report.taken ? report.answer : giveBack(report.why, report.error);
}

async function putOff(queueArn: string, { key, event }: SharedPart): Promise<unknown> {
  const { messages, failed, error } = await later.putOff(queueArn, event.Records);
  telemetry.emit('feed.put-off', { feed: key, messages, failed: failed.length, error: error?.message ?? null });
  return { batchItemFailures: failed.map((itemIdentifier) => ({ itemIdentifier })) };
}
