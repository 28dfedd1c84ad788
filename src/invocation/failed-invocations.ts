import { type Fields, isFields, jsonIn } from './fields.ts';
import { type InvokedRun, parseRunRequest, parseTickRequest, type TickRequest } from './run-request.ts';

/** The name that whoever asked for this run knows it by; undefined: it was asked for by hand. */
export function invocationOf(event: unknown): string | undefined {
  const invocation = isFields(event) ? event.invocation : undefined;
  return typeof invocation === 'string' && invocation !== '' ? invocation : undefined;
}

/** Invocations that have failed: their process was ended, or their handler was done; nothing of them goes on. */
export interface FailedInvocations {
  readonly runs: readonly InvokedRun[];
  /** The coordinator's own. */
  readonly ticks: readonly TickRequest[];
}

/**
 * What an SNS event tells of them, as Lambda writes it to the destination of failed asynchronous invocations. Null: it is
 * another event. What was given up before it ran (throttled for too long) is not among them: it holds nothing.
 */
export function failedInvocationsOf(event: unknown): FailedInvocations | null {
  if (!isFields(event) || !Array.isArray(event.Records)) return null;
  const notices = event.Records.map(noticeOf);
  if (!notices.every((notice) => notice !== null) || notices.length === 0) return null;
  const failed = notices.filter(({ condition }) => condition === 'RetriesExhausted').map(({ request }) => request);
  const ticks = failed.map(parseTickRequest);
  return {
    runs: failed.filter((_, i) => ticks[i] === null).flatMap(failedRun),
    ticks: ticks.filter((tick) => tick !== null),
  };
}

interface Notice {
  readonly condition: unknown;
  readonly request: Fields;
}

function noticeOf(record: unknown): Notice | null {
  if (!isFields(record) || !isFields(record.Sns)) return null;
  const message = jsonIn(record.Sns.Message);
  if (!isFields(message) || !isFields(message.requestContext)) return null;
  if (!isFields(message.requestPayload)) return null;
  return { condition: message.requestContext.condition, request: message.requestPayload };
}

function failedRun(request: Fields): InvokedRun[] {
  const invocation = invocationOf(request);
  return invocation === undefined ? [] : [{ request: parseRunRequest(request), invocation }];
}
