import type { SQSClient } from '@aws-sdk/client-sqs';
import { DataError } from '../../src/api/index.ts';
import { fieldsOf, type HookRequest, headersOf } from './request.ts';

/** The variable of the function that `webhooks` with a buffer sets: the URL of the queue that connectors share. */
export const bufferUrlVariable = 'DROVER_WEBHOOK_BUFFER_URL';

/** The same of the queues that connectors have of their own, as JSON: from feed keys to URLs. */
export const ownBuffersVariable = 'DROVER_WEBHOOK_OWN_BUFFERS';

/** By which a connector's hook is declared, and its buffer. */
export const feedKeyOf = (connector: string): string => `hook:${connector}`;

/** Attribute of a message in the buffer: the feed key of the connector that it is for. */
const feedAttribute = 'drover.feed';

/** A request that was let in, in the buffer: its exact bytes and the headers that are needed to make records of it. */
export type BufferedRequest = Pick<HookRequest, 'headers' | 'body' | 'requestId' | 'receivedAt'>;

/** Its bytes as base64: a message may not hold each character that a text can. */
export function writeBuffered({ headers, body, requestId, receivedAt }: BufferedRequest): string {
  return JSON.stringify({ requestId, receivedAt, headers, body: body.toString('base64') });
}

/** Throws DataError for a message that is none. */
export function readBuffered(message: string): BufferedRequest {
  let fields: Readonly<Record<string, unknown>> | null;
  try {
    fields = fieldsOf(JSON.parse(message));
  } catch (cause) {
    throw new DataError('The message is no request out of the buffer: it is no JSON', { cause });
  }
  if (fields === null || typeof fields.body !== 'string' || typeof fields.requestId !== 'string') {
    throw new DataError('The message is no request out of the buffer: it has no requestId and body');
  }
  return {
    headers: headersOf(fields.headers),
    body: Buffer.from(fields.body, 'base64'),
    requestId: fields.requestId,
    receivedAt: typeof fields.receivedAt === 'number' ? fields.receivedAt : null,
  };
}

export interface HookBuffer {
  /** Whether this feed has one, of its own or shared. */
  has(feedKey: string): boolean;
  /** Resolves when the queue has the message. */
  put(feedKey: string, message: string, signal: AbortSignal): Promise<void>;
}

/** The queues that `webhooks` has made. */
export function buffersOf(variables: Readonly<Record<string, string | undefined>>): HookBuffer {
  const own = fieldsOf(JSON.parse(variables[ownBuffersVariable] || '{}')) ?? {};
  const urlOf = (feedKey: string): string | null => {
    const url = Object.hasOwn(own, feedKey) ? own[feedKey] : variables[bufferUrlVariable];
    return typeof url === 'string' && url !== '' ? url : null;
  };
  return {
    has: (feedKey) => urlOf(feedKey) !== null,
    async put(feedKey, message, abortSignal) {
      const url = urlOf(feedKey)!;
      const { SQSClient, SendMessageCommand } = await import('./sqs-sdk.ts');
      client ??= new SQSClient({});
      const attributes = { [feedAttribute]: { DataType: 'String', StringValue: feedKey } };
      const command = new SendMessageCommand({ QueueUrl: url, MessageBody: message, MessageAttributes: attributes });
      await client.send(command, { abortSignal });
    },
  };
}

/** Its connections outlive an event. */
let client: SQSClient | null = null;
