import { ConnectError } from '../errors.ts';
import { type Fields, isFields } from './fields.ts';

/** One event for a feed: whose it is, and how its source is told what became of it. */
export interface FeedInvocation {
  /** ARN of the event source, or `hook:` and the name of the connector. */
  readonly source: string;
  /** So long its source waits for an answer, in milliseconds; null: as long as the function may take. */
  readonly waitsMs: number | null;
  /** Its messages, where its source is a queue; else none. */
  readonly messages: readonly unknown[];
  /** Nobody takes it now: what the source is told so that it brings the event again. Throws, where that is how. */
  giveBack(why: 'unclaimed' | 'held' | 'failed', error: Error): unknown;
}

/** The feed key of webhooks is this and the connector's name. */
const hookPrefix = 'hook:';

/**
 * The events of SQS, DynamoDB Streams, Kinesis and an HTTP API (payload format 2.0, route `/hooks/{connector}`). Throws
 * ConnectError `invocation.invalid`.
 */
export function parseFeedInvocation(event: unknown): FeedInvocation {
  if (isFields(event)) {
    const { Records: records, requestContext } = event;
    if (Array.isArray(records) && isFields(records[0])) return fromRecords(records);
    if (isFields(requestContext) && isFields(requestContext.http)) return fromRequest(event);
  }
  throw invalid('it is no event of SQS, DynamoDB Streams, Kinesis or an HTTP API');
}

const invalid = (why: string) => new ConnectError('invocation.invalid', `Not an event for a feed: ${why}`);

function fromRecords(records: readonly unknown[]): FeedInvocation {
  const { eventSource, eventSourceARN: source } = records[0] as Fields;
  if (typeof source !== 'string' || source === '') throw invalid('its records do not say where they come from');
  if (eventSource === 'aws:sqs')
    return { source, waitsMs: null, messages: records, giveBack: () => allFailed(records) };
  return {
    source,
    waitsMs: null,
    messages: [],
    giveBack: (_why, error) => {
      throw error;
    },
  };
}

/** The whole batch is given back as failed messages: an error would make Lambda poll the queue less for others too. */
function allFailed(records: readonly unknown[]) {
  const ids = records.map((record) => (isFields(record) ? record.messageId : undefined));
  return { batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) };
}

/**
 * Most who send give up after ten seconds, and learn nothing of why: what Kafka has not taken till then, less the margin of a
 * run, is answered 503 in time for them to hear when to try again. Kafka takes milliseconds, where it takes any.
 */
const senderWaitsMs = 10_000;

function fromRequest({ pathParameters, rawPath }: Fields): FeedInvocation {
  const named = isFields(pathParameters) ? pathParameters.connector : undefined;
  const name = typeof named === 'string' ? named : nameIn(rawPath);
  if (name === '') throw invalid('its path names no connector');
  return { source: hookPrefix + name, waitsMs: senderWaitsMs, messages: [], giveBack: (why) => refusal(why, name) };
}

/** Of a request that the API does not take apart. */
function nameIn(path: unknown): string {
  const match = /\/hooks\/([^/]+)\/?$/.exec(typeof path === 'string' ? path : '');
  try {
    return decodeURIComponent(match?.[1] ?? '');
  } catch {
    return '';
  }
}

/** So long a sender should wait before it tries again. */
const retryAfterSeconds = 5;

function refusal(why: 'unclaimed' | 'held' | 'failed', name: string) {
  // What is wrong inside is for the log.
  if (why === 'unclaimed') return httpError(404, `There is no webhook ${name}`);
  const message = why === 'held' ? `Webhook ${name} takes nothing now` : `Webhook ${name} cannot deliver now`;
  return httpError(503, `${message}: try again`, { 'retry-after': String(retryAfterSeconds) });
}

function httpError(statusCode: number, message: string, headers: Readonly<Record<string, string>> = {}) {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ error_code: statusCode, message }),
  };
}
