import {
  atJsonPointer,
  BYTES_SCHEMA,
  DataError,
  type Header,
  type JsonPointer,
  noHeaders,
  parseJsonPointer,
  readWholeSchemaless,
  SourceRecord,
  STRING_SCHEMA,
} from '../../src/api/index.ts';
import type { QueueAttribute, QueueMessage } from '../queue-event.ts';
import { recordKeyOf, type SqsSourceSettings } from './settings.ts';

/** Makes records of a queue's messages: key and value strings, attributes as headers. */
export function messageRecords(settings: SqsSourceSettings): (message: QueueMessage) => SourceRecord {
  const topic = settings.topics;
  const sourcePartition = { 'sqs.queue.url': settings['sqs.queue.url'] };
  const withHeaders = settings['sqs.message.attributes.enabled'];
  const included = new Set(settings['sqs.message.attributes.include.list']);
  const byTimeSent = settings['sqs.record.timestamp'] === 'sent';
  const keyOf = keys(settings);

  return (message) => {
    const { messageId, receiptHandle, body } = message;
    const offset = { 'sqs.message.id': messageId, 'sqs.message.receipt-handle': receiptHandle };
    const headers = withHeaders ? headersOf(message.messageAttributes, included) : noHeaders;
    const key = keyOf(message);
    if (key instanceof Error) {
      return SourceRecord.unreadable(key, sourcePartition, offset, topic, messageId, body, headers);
    }
    const sentAt = Number(message.attributes.SentTimestamp ?? Number.NaN);
    const timestamp = byTimeSent && Number.isSafeInteger(sentAt) ? sentAt : null;
    const keySchema = key === null ? null : STRING_SCHEMA;
    return new SourceRecord(
      sourcePartition,
      offset,
      topic,
      null,
      keySchema,
      key,
      STRING_SCHEMA,
      body,
      timestamp,
      headers,
    );
  };
}

/** An error: the message has no such key, and is not to go on without one. */
function keys(settings: SqsSourceSettings): (message: QueueMessage) => string | null | Error {
  const find = finder(settings);
  const missing = settings['sqs.record.key.missing'];
  return (message) => {
    const found = find(message);
    if (typeof found === 'string') return found;
    if (missing === 'message-id') return message.messageId;
    return missing === 'null' ? null : new DataError(`Message ${message.messageId} has no key: ${found.why}`);
  };
}

function finder(settings: SqsSourceSettings): (message: QueueMessage) => string | { readonly why: string } {
  switch (recordKeyOf(settings)) {
    case 'message-id':
      return ({ messageId }) => messageId;
    case 'group-id':
      return ({ attributes }) => attributes.MessageGroupId ?? { why: 'it has no group' };
    case 'attribute': {
      const name = settings['sqs.message.attributes.partition.key'];
      return ({ messageAttributes }) =>
        messageAttributes[name]?.stringValue ?? { why: `there is no attribute ${name} with text` };
    }
    case 'pointer': {
      const pointer = settings['sqs.record.key.pointer'];
      const path = parseJsonPointer(pointer);
      return ({ body }) => pointedAt(body, path, pointer);
    }
  }
}

function pointedAt(body: string, path: JsonPointer, pointer: string): string | { readonly why: string } {
  let whole: unknown;
  try {
    const bytes = Buffer.from(body);
    whole = readWholeSchemaless(bytes, 0, bytes.length);
  } catch (cause) {
    return { why: `its body cannot be read: ${(cause as Error).message}` };
  }
  const found = atJsonPointer(whole, path);
  if (found === undefined || found === null) {
    return { why: `there is ${found === null ? 'null' : 'nothing'} at ${pointer}` };
  }
  return typeof found === 'object' ? { why: `what is at ${pointer} is no text, number or boolean` } : String(found);
}

function headersOf(attributes: QueueMessage['messageAttributes'], included: ReadonlySet<string>): readonly Header[] {
  const headers: Header[] = [];
  for (const [key, attribute] of Object.entries(attributes)) {
    if (included.size > 0 && !included.has(key)) continue;
    headers.push({ key, ...attributeValue(attribute) });
  }
  return headers.length === 0 ? noHeaders : headers;
}

function attributeValue({ stringValue, binaryValue }: QueueAttribute): Pick<Header, 'schema' | 'value'> {
  if (binaryValue !== null) return { schema: BYTES_SCHEMA, value: binaryValue };
  return { schema: STRING_SCHEMA, value: stringValue ?? '' };
}
