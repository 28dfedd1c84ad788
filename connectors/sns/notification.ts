import { DataError, readWholeSchemaless } from '../../src/api/index.ts';
import type { QueueMessage } from '../queue-event.ts';

export interface NotificationAttribute {
  readonly name: string;
  readonly value: string | Uint8Array;
}

/** A message that was published to a topic, as it comes through a queue: in SNS's envelope, or raw. */
export interface Notification {
  /** SNS's; of a raw delivery the queue's. */
  readonly id: string;
  /** As it was published. */
  readonly text: string;
  readonly subject: string | null;
  /** Null of a raw delivery. */
  readonly topicArn: string | null;
  /** Epoch milliseconds: when it was published; of a raw delivery, when the queue got it. */
  readonly timestamp: number | null;
  readonly attributes: readonly NotificationAttribute[];
  /** Of a FIFO topic. */
  readonly group: string | null;
  readonly sequence: string | null;
  /** All that SNS says, parsed; null of a raw delivery. */
  readonly envelope: ReadonlyMap<string, unknown> | null;
}

export function notificationOf(message: QueueMessage): Notification {
  const { attributes } = message;
  const group = attributes.MessageGroupId ?? null;
  const envelope = envelopeOf(message.body);
  if (envelope === null) {
    const sent = Number(attributes.SentTimestamp);
    return {
      id: message.messageId,
      text: message.body,
      subject: null,
      topicArn: null,
      timestamp: Number.isNaN(sent) ? null : sent,
      attributes: Object.entries(message.messageAttributes).flatMap(([name, { stringValue, binaryValue }]) => {
        const value = binaryValue ?? stringValue;
        return value === null ? [] : [{ name, value }];
      }),
      group,
      sequence: group === null ? null : (attributes.SequenceNumber ?? null),
      envelope: null,
    };
  }
  const time = Date.parse(String(envelope.get('Timestamp')));
  return {
    id: envelope.get('MessageId') as string,
    text: envelope.get('Message') as string,
    subject: textOf(envelope.get('Subject')),
    topicArn: envelope.get('TopicArn') as string,
    timestamp: Number.isNaN(time) ? null : time,
    attributes: attributesOf(envelope.get('MessageAttributes')),
    group,
    sequence: textOf(envelope.get('SequenceNumber')) ?? (group === null ? null : (attributes.SequenceNumber ?? null)),
    envelope,
  };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Null for what is not in SNS's envelope. A message that was published raw and looks just like it is taken for it. */
function envelopeOf(body: string): ReadonlyMap<string, unknown> | null {
  if (!body.startsWith('{') || !body.includes('"Notification"')) return null;
  let parsed: unknown;
  try {
    parsed = parseMessage(body);
  } catch {
    return null;
  }
  if (!(parsed instanceof Map) || parsed.get('Type') !== 'Notification') return null;
  const has = (name: string) => typeof parsed.get(name) === 'string';
  return has('MessageId') && has('TopicArn') && has('Message') ? parsed : null;
}

function attributesOf(given: unknown): NotificationAttribute[] {
  if (!(given instanceof Map)) return [];
  return [...given].flatMap(([name, attribute]: [string, unknown]) => {
    if (!(attribute instanceof Map)) return [];
    const [type, value] = [attribute.get('Type'), attribute.get('Value')];
    if (typeof value !== 'string') return [];
    return [{ name, value: type === 'Binary' ? Buffer.from(value, 'base64') : value }];
  });
}

/** Throws DataError. */
export function parseMessage(text: string): unknown {
  const bytes = Buffer.from(text);
  try {
    return readWholeSchemaless(bytes, 0, bytes.length);
  } catch (cause) {
    throw new DataError(`The message is no JSON: ${(cause as Error).message}`, { cause });
  }
}
