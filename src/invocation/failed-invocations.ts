import { type Fields, isFields, jsonIn } from './fields.ts';
import { type InvokedRun, parseRunRequest } from './run-request.ts';

/** The name that whoever asked for this run knows it by; undefined: it was asked for by hand. */
export function invocationOf(event: unknown): string | undefined {
  const invocation = isFields(event) ? event.invocation : undefined;
  return typeof invocation === 'string' && invocation !== '' ? invocation : undefined;
}

/**
 * The runs whose invocation has failed (its process was ended, or its handler was done; nothing of it goes on), as an SNS event
 * tells of them, as Lambda writes it to the destination of failed asynchronous
 * invocations. Null: it is another event. What was given up before it ran (throttled for too long) is not among them:
 * it holds nothing.
 */
export function failedInvocationsOf(event: unknown): InvokedRun[] | null {
  if (!isFields(event) || !Array.isArray(event.Records)) return null;
  const notices = event.Records.map(noticeOf);
  return notices.every((notice) => notice !== null) && notices.length > 0 ? notices.flatMap(failedInvocation) : null;
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

function failedInvocation({ condition, request }: Notice): InvokedRun[] {
  const invocation = invocationOf(request);
  if (condition !== 'RetriesExhausted' || invocation === undefined) return [];
  return [{ request: parseRunRequest(request), invocation }];
}
