import type { MessageAttributeValue, SendMessageBatchRequestEntry, SQSClient } from '@aws-sdk/client-sqs';
import { type Fields, fieldsOf } from './fields.ts';

/**
 * Messages of a shared queue whose connector may not take them now: of such a queue nothing can be held for one connector
 * alone, and what is given back again and again ends in the dead letter queue. So they go to the end of the queue, with a
 * delay, and those that were brought are done with. A death in between leaves both: at least once.
 */

/** How often a message was put off. */
const countAttribute = 'drover.put-off';

const firstDelaySeconds = 5;
/** The most that SQS takes. */
const longestDelaySeconds = 900;

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

  constructor(
    connect = async (): Promise<Pick<SQSClient, 'send'>> => new (await import('./sqs-sdk.ts')).SQSClient({}),
  ) {
    this.#connect = connect;
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

  #urlOf(queueArn: string): Promise<string> {
    let url = this.#urls.get(queueArn);
    if (url === undefined) {
      url = this.#askUrl(queueArn);
      this.#urls.set(queueArn, url);
      url.catch(() => this.#urls.delete(queueArn));
    }
    return url;
  }

  async #askUrl(queueArn: string): Promise<string> {
    const [, , , , QueueOwnerAWSAccountId, QueueName] = queueArn.split(':');
    const { GetQueueUrlCommand } = await import('./sqs-sdk.ts');
    const asked = new GetQueueUrlCommand({ QueueName, QueueOwnerAWSAccountId });
    return (await (await this.#client!).send(asked)).QueueUrl!;
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
