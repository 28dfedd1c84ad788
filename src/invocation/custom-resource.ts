import type { Clock } from '../clock.ts';
import { ConnectError } from '../errors.ts';
import { isFields } from './fields.ts';

/* How CloudFormation calls a function for a resource that it does not know itself, and how it is answered. */

type Properties = Readonly<Record<string, unknown>>;

export interface ResourceRequest {
  readonly kind: 'create' | 'update' | 'delete';
  /** What the resource was called by the answer before; null: it is new. */
  readonly physicalId: string | null;
  /** ARN. */
  readonly stack: string;
  readonly resource: string;
  readonly properties: Properties;
  /** Where the answer goes. */
  readonly answerUrl: URL;
  readonly requestId: string;
}

export interface ResourceAnswer {
  readonly physicalId: string;
  /** Null: it was done. */
  readonly failure: string | null;
  /** What the template may refer to. */
  readonly data: Readonly<Record<string, string>>;
}

const invalid = (why: string) => new ConnectError('invocation.invalid', `Not a request of CloudFormation: ${why}`);

const kinds: Readonly<Record<string, ResourceRequest['kind']>> = {
  Create: 'create',
  Update: 'update',
  Delete: 'delete',
};

/**
 * Throws ConnectError `invocation.invalid`, naming the field. `endpoint`: of an emulator, which takes answers itself;
 * any other answer goes to S3, so that nobody can have it sent elsewhere.
 */
export function parseResourceRequest(event: unknown, endpoint: string | undefined): ResourceRequest {
  if (!isFields(event)) throw invalid('it is no object');
  const text = (field: string): string => {
    const value = event[field];
    if (typeof value !== 'string' || value === '') throw invalid(`${field} is missing`);
    return value;
  };
  const kind = text('RequestType');
  if (!Object.hasOwn(kinds, kind)) throw invalid(`RequestType is ${JSON.stringify(kind)}`);
  const { ResourceProperties: properties } = event;
  if (!isFields(properties)) throw invalid('ResourceProperties is no object');
  return {
    kind: kinds[kind]!,
    physicalId: kind === 'Create' ? null : text('PhysicalResourceId'),
    stack: text('StackId'),
    resource: text('LogicalResourceId'),
    properties,
    answerUrl: answerUrl(text('ResponseURL'), endpoint),
    requestId: text('RequestId'),
  };
}

function answerUrl(value: string, endpoint: string | undefined): URL {
  const url = URL.parse(value);
  if (url === null) throw invalid('ResponseURL is no URL');
  const ofAws = url.protocol === 'https:' && url.port === '' && /\.amazonaws\.com(?:\.cn)?$/.test(url.hostname);
  const emulator = endpoint === undefined ? null : URL.parse(endpoint);
  if (ofAws || (emulator !== null && placeOf(url) === placeOf(emulator))) return url;
  throw invalid(`ResponseURL leads to ${url.host}, which is not S3`);
}

/** Which host of this machine it names makes no difference. */
const placeOf = ({ host, hostname, port }: URL) =>
  /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(hostname) ? `this machine:${port}` : host;

/** The whole answer may take 4096 bytes. */
const longestReason = 2500;
const attempts = 5;

/** Throws when it cannot be delivered: Lambda then repeats the request. */
export async function answerResourceRequest(
  { answerUrl: url, stack, resource, requestId }: ResourceRequest,
  { physicalId, failure, data }: ResourceAnswer,
  clock: Clock,
  send: typeof fetch = fetch,
): Promise<void> {
  const body = JSON.stringify({
    Status: failure === null ? 'SUCCESS' : 'FAILED',
    ...(failure === null ? {} : { Reason: shortened(failure, longestReason) }),
    PhysicalResourceId: physicalId,
    StackId: stack,
    RequestId: requestId,
    LogicalResourceId: resource,
    Data: data,
  });
  for (let attempt = 1; ; attempt++) {
    try {
      // The URL is signed for a request without a content type.
      const { ok, status } = await send(url, { method: 'PUT', body, headers: { 'content-type': '' } });
      if (ok) return;
      throw new Error(`it answered ${status}`);
    } catch (cause) {
      if (attempt === attempts) {
        throw new ConnectError(
          'resource.unanswered',
          `CloudFormation could not be answered: ${(cause as Error).message}`,
          {
            cause,
          },
        );
      }
      await clock.sleep(250 * 2 ** attempt);
    }
  }
}

/** Whole lines, each cut where it is long, and how many are left out; `most` bytes of JSON. */
function shortened(text: string, most: number): string {
  const lines = text.split('\n').map((line) => cut(line, 400));
  const size = (some: readonly string[]) => Buffer.byteLength(JSON.stringify(some.join('\n')));
  if (size(lines) <= most) return lines.join('\n');
  const kept: string[] = [];
  for (const line of lines) {
    if (size([...kept, line]) > most - 40) break;
    kept.push(line);
  }
  return [...kept, `… and ${lines.length - kept.length} lines more`].join('\n');
}

function cut(line: string, most: number): string {
  return line.length <= most ? line : `${line.slice(0, most)}…`.toWellFormed();
}
