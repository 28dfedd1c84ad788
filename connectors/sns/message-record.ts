import {
  atJsonPointer,
  BYTES_SCHEMA,
  type ConfigValues,
  DataError,
  type Header,
  parseJsonPointer,
  type SourcePartition,
  SourceRecord,
  STRING_SCHEMA,
} from '../../src/api/index.ts';
import type { QueueMessage } from '../queue-event.ts';
import { type Notification, notificationOf, parseMessage } from './notification.ts';
import type { snsConfig } from './settings.ts';

type Settings = ConfigValues<typeof snsConfig>;

export function messageRecord(message: QueueMessage, settings: Settings, partition: SourcePartition): SourceRecord {
  const notification = notificationOf(message);
  const headers = headersOf(notification, settings);
  const offset = { id: notification.id };
  const topic = settings['kafka.topic'];
  try {
    const { schema, value } = valueOfMessage(notification, settings['sns.record.value']);
    const key = keyOf(notification, settings);
    return new SourceRecord(
      partition,
      offset,
      topic,
      null,
      key === null ? null : STRING_SCHEMA,
      key,
      schema,
      value,
      notification.timestamp,
      headers,
    );
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return SourceRecord.unreadable(error, partition, offset, topic, null, notification.text, headers);
  }
}

function valueOfMessage({ text, envelope }: Notification, what: 'string' | 'json' | 'notification') {
  switch (what) {
    case 'string':
      return { schema: STRING_SCHEMA, value: text };
    case 'json':
      return { schema: null, value: parseMessage(text) };
    case 'notification':
      if (envelope !== null) return { schema: null, value: envelope };
      throw new DataError(
        'The message was delivered raw: set sns.record.value to string or json, or deliver it with its envelope',
      );
  }
}

function keyOf({ id, text, group, attributes }: Notification, settings: Settings): string | null {
  const pointer = settings['sns.record.key.pointer'];
  const name = settings['sns.record.key.attribute'];
  if (pointer !== null) return keyAt(text, pointer);
  if (name === null) return group ?? id;
  const value = attributes.find((attribute) => attribute.name === name)?.value ?? null;
  if (value === null || typeof value === 'string') return value;
  throw new DataError(`The attribute ${name} is binary: sns.record.key.attribute must name a text or a number`);
}

function keyAt(text: string, pointer: string): string | null {
  const found = atJsonPointer(parseMessage(text), parseJsonPointer(pointer)) ?? null;
  if (found === null) return null;
  if (typeof found !== 'object') return String(found);
  throw new DataError(
    `At ${pointer} the message has an object or an array: sns.record.key.pointer must lead to a text or a number`,
  );
}

function headersOf(notification: Notification, settings: Settings): Header[] {
  const { id, topicArn, subject, group, sequence, attributes } = notification;
  const told = {
    'sns.message.id': id,
    'sns.topic': topicArn,
    'sns.subject': subject,
    'sns.group': group,
    'sns.sequence': sequence,
  };
  const headers: Header[] = [];
  if (settings['sns.record.headers']) {
    for (const [key, value] of Object.entries(told))
      if (value !== null) headers.push({ key, schema: STRING_SCHEMA, value });
  }
  if (!settings['sns.attributes.enabled']) return headers;
  const wanted = settings['sns.attributes.include.list'];
  for (const { name, value } of attributes) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    headers.push({ key: name, schema: typeof value === 'string' ? STRING_SCHEMA : BYTES_SCHEMA, value });
  }
  return headers;
}
