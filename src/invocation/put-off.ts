import type { MessageAttributeValue, SendMessageBatchRequestEntry, SQSClient } from '@aws-sdk/client-sqs';
import { type Fields, fieldsOf } from './fields.ts';

/**
 * What becomes of messages whose connector may not take them now.
 *
 * Of a queue of its own: they are given back, and are to be seen again soon. What Lambda gives back stays hidden for what
 * is left of the visibility timeout, minutes by default, which a connector that goes on meanwhile would have to wait for.
 *
 * Messages of a shared queue whose connector may not take them now: of such a queue nothing can be held for one connector
 * alone, and what is given back again and again ends in the dead letter queue. So they go to the end of the queue, with a
 * delay, and those that were brought are done with. A death in between leaves both: at least once.
 */

/** How often a message was put off. */
const countAttribute = 'drover.put-off';

const firstDelaySeconds = 5;
/** The most that SQS takes. */
const longestDelaySeconds = 900;

/**
 * So long what was given back stays hidden, by when its queue is held most often. Only the first time: what is brought again
 * and again would soon be put aside by a queue that counts few tries.
 */
const hiddenSeconds = 10;
/** A function may have no way to SQS: then it is not waited for, and not tried again for a while. */
const showWithinMs = 1000;
const showAgainMs = 600_000;

/** Of SendMessageBatch; in bytes, of all its messages with their attributes, with some room. */
const mostEntries = 10;
const mostBytes = 1_000_000;
const batchesAtOnce = 5;

export interface PutOff {
  /** How many are in the queue again. */
  readonly messages: number;
  /** Ids of those that are not, which have to be given back. */
  readonly failed: readonly unknown[];
  /** Why they are not; null: all are. */
  readonly error: Error | null;
}

export interface LaterQueue {
  /** `records`: of an event of the queue by this ARN. Never rejects. */
  putOff(queueArn: string, records: readonly unknown[]): Promise<PutOff>;
  /** The same, of messages that are given back. Best effort: else they are hidden for as long as their queue says. */
  showSoon(queueArn: string, records: readonly unknown[]): Promise<void>;
}

interface Message {
  readonly messageId: unknown;
  readonly entry: Omit<SendMessageBatchRequestEntry, 'Id'>;
  readonly bytes: number;
}

/** Longer each time, so that what waits for days costs little. */
export const delayOf = (count: number) => Math.min(firstDelaySeconds * 2 ** count, longestDelaySeconds);

/** The client is made by the first call. */
export class SqsLaterQueue implements LaterQueue {
  readonly #connect: () => Promise<Pick<SQSClient, 'send'>>;
  #client: Promise<Pick<SQSClient, 'send'>> | null = null;
  readonly #urls = new Map<string, Promise<string>>();
  readonly #now: () => number;
  #showFrom = Number.NEGATIVE_INFINITY;

  constructor(
    connect = async (): Promise<Pick<SQSClient, 'send'>> => new (await import('./sqs-sdk.ts')).SQSClient({}),
    now: () => number = Date.now,
  ) {
    this.#connect = connect;
    this.#now = now;
  }

  async showSoon(queueArn: string, records: readonly unknown[]): Promise<void> {
    if (this.#now() < this.#showFrom) return;
    const abortSignal = AbortSignal.timeout(showWithinMs);
    const handles = records.flatMap((record) => {
      const { receiptHandle, attributes } = fieldsOf(record);
      const isFirst = Number(fieldsOf(attributes).ApproximateReceiveCount) === 1;
      return isFirst && typeof receiptHandle === 'string' ? [receiptHandle] : [];
    });
    if (handles.length === 0) return;
    const batches = Array.from({ length: Math.ceil(handles.length / mostEntries) }, (_, batch) =>
      handles.slice(batch * mostEntries, (batch + 1) * mostEntries),
    );
    try {
      this.#client ??= this.#connect();
      const [client, QueueUrl, { ChangeMessageVisibilityBatchCommand }] = await Promise.all([
        this.#client,
        this.#urlOf(queueArn, abortSignal),
        import('./sqs-sdk.ts'),
      ]);
      for (const batch of batches) {
        const Entries = batch.map((ReceiptHandle, index) => ({
          Id: String(index),
          ReceiptHandle,
          VisibilityTimeout: hiddenSeconds,
        }));
        await client.send(new ChangeMessageVisibilityBatchCommand({ QueueUrl, Entries }), { abortSignal });
      }
    } catch {
      this.#showFrom = this.#now() + showAgainMs;
    }
  }

  async putOff(queueArn: string, records: readonly unknown[]): Promise<PutOff> {
    const failed: unknown[] = [];
    let error: Error | null = null;
    const batches = batchesOf(records.map(readMessage));
    const send = async () => {
      for (let batch = batches.shift(); batch !== undefined; batch = batches.shift()) {
        try {
          const refused = await this.#send(queueArn, batch);
          failed.push(...refused);
          if (refused.length > 0) error ??= new Error(`The queue did not take ${refused.length} messages`);
        } catch (cause) {
          failed.push(...batch.map(({ messageId }) => messageId));
          error ??= cause instanceof Error ? cause : new Error(String(cause));
        }
      }
    };
    await Promise.all(Array.from({ length: batchesAtOnce }, send));
    return { messages: records.length - failed.length, failed, error };
  }

  /** Those that the queue did not take. */
  async #send(queueArn: string, batch: readonly Message[]): Promise<unknown[]> {
    this.#client ??= this.#connect();
    const [client, QueueUrl, { SendMessageBatchCommand }] = await Promise.all([
      this.#client,
      this.#urlOf(queueArn),
      import('./sqs-sdk.ts'),
    ]);
    const Entries = batch.map(({ entry }, index) => ({ ...entry, Id: String(index) }));
    const { Failed: refused = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    return refused.map(({ Id }) => batch[Number(Id)]!.messageId);
  }

  #urlOf(queueArn: string, abortSignal?: AbortSignal): Promise<string> {
    let url = this.#urls.get(queueArn);
    if (url === undefined) {
      url = this.#askUrl(queueArn, abortSignal);
      this.#urls.set(queueArn, url);
      url.catch(() => this.#urls.delete(queueArn));
    }
    return url;
  }

  async #askUrl(queueArn: string, abortSignal: AbortSignal | undefined): Promise<string> {
    const [, , , , QueueOwnerAWSAccountId, QueueName] = queueArn.split(':');
    const { GetQueueUrlCommand } = await import('./sqs-sdk.ts');
    const asked = new GetQueueUrlCommand({ QueueName, QueueOwnerAWSAccountId });
    const client = await this.#client!;
    return (await (abortSignal === undefined ? client.send(asked) : client.send(asked, { abortSignal }))).QueueUrl!;
  }
}

function batchesOf(messages: readonly Message[]): Message[][] {
  const batches: Message[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const last = batches.at(-1);
    if (last === undefined || last.length === mostEntries || bytes + message.bytes > mostBytes) {
      batches.push([message]);
      bytes = message.bytes;
    } else {
      last.push(message);
      bytes += message.bytes;
    }
  }
  return batches;
}

/** As an event has it. */
function readMessage(record: unknown): Message {
  const { messageId, body, messageAttributes } = fieldsOf(record);
  const MessageBody = typeof body === 'string' ? body : '';
  const attributes: Record<string, MessageAttributeValue> = {};
  for (const [name, attribute] of Object.entries(fieldsOf(messageAttributes))) {
    const value = attributeOf(fieldsOf(attribute));
    if (value !== null) attributes[name] = value;
  }
  const count = Number(attributes[countAttribute]?.StringValue ?? 0) || 0;
  attributes[countAttribute] = { DataType: 'Number', StringValue: String(count + 1) };
  const bytes = Object.entries(attributes).reduce(
    (sum, [name, { DataType = '', StringValue = '', BinaryValue }]) =>
      sum + Buffer.byteLength(name + DataType + StringValue) + (BinaryValue?.length ?? 0),
    Buffer.byteLength(MessageBody),
  );
  const entry = { MessageBody, MessageAttributes: attributes, DelaySeconds: delayOf(count) };
  return { messageId, entry, bytes };
}

function attributeOf({ dataType, stringValue, binaryValue }: Fields): MessageAttributeValue | null {
  if (typeof dataType !== 'string') return null;
  if (typeof stringValue === 'string') return { DataType: dataType, StringValue: stringValue };
  if (typeof binaryValue !== 'string') return null;
  return { DataType: dataType, BinaryValue: Buffer.from(binaryValue, 'base64') };
}
