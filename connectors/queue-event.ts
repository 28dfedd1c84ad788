import { DataError, type FedOutcome } from '../src/api/index.ts';

/** One message as Lambda hands it over, of a standard or a FIFO queue. */
export interface QueueMessage {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  /** SentTimestamp, ApproximateReceiveCount, MessageGroupId, SequenceNumber, … */
  readonly attributes: Readonly<Record<string, string>>;
  readonly messageAttributes: Readonly<Record<string, QueueAttribute>>;
  readonly queueArn: string;
}

export interface QueueAttribute {
  /** `String`, `Number`, `Binary`, each with an own label behind a dot where there is one. */
  readonly dataType: string;
  readonly stringValue: string | null;
  readonly binaryValue: Uint8Array | null;
}

type Fields = Readonly<Record<string, unknown>>;

/** The messages of an SQS event, in its order. Throws DataError for anything else. */
export function messagesOf(event: unknown): QueueMessage[] {
  const records = isFields(event) ? event.Records : undefined;
  if (!Array.isArray(records)) throw new DataError('Not an event of SQS: it has no Records');
  return records.map(messageOf);
}

function messageOf(record: unknown): QueueMessage {
  if (!isFields(record)) throw new DataError('Not an event of SQS: a record is no object');
  const { messageId, receiptHandle, body, attributes, messageAttributes, eventSourceARN } = record;
  if (typeof messageId !== 'string' || typeof body !== 'string') {
    throw new DataError('Not an event of SQS: a record without messageId and body');
  }
  return {
    messageId,
    receiptHandle: typeof receiptHandle === 'string' ? receiptHandle : '',
    body,
    attributes: textsOf(attributes),
    messageAttributes: attributesOf(messageAttributes),
    queueArn: typeof eventSourceARN === 'string' ? eventSourceARN : '',
  };
}

function textsOf(given: unknown): Record<string, string> {
  if (!isFields(given)) return {};
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => isText(entry[1])));
}

function attributesOf(given: unknown): Record<string, QueueAttribute> {
  const attributes: Record<string, QueueAttribute> = {};
  if (!isFields(given)) return attributes;
  for (const [name, value] of Object.entries(given)) {
    if (!isFields(value) || typeof value.dataType !== 'string') continue;
    attributes[name] = {
      dataType: value.dataType,
      stringValue: isText(value.stringValue) ? value.stringValue : null,
      binaryValue: isText(value.binaryValue) ? Buffer.from(value.binaryValue, 'base64') : null,
    };
  }
  return attributes;
}

const isText = (value: unknown): value is string => typeof value === 'string';

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Which messages the queue is to bring again; the others are deleted by it. */
export interface QueueAnswer {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

/** Needs `reportBatchItemFailures` at the mapping. One outcome a message, in their order. */
export function answerQueue(messages: readonly QueueMessage[], outcomes: readonly FedOutcome[]): QueueAnswer {
  const again = messages.filter((_, i) => outcomes[i]?.state !== 'done');
  return { batchItemFailures: again.map(({ messageId }) => ({ itemIdentifier: messageId })) };
}
