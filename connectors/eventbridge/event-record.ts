import {
  atJsonPointer,
  type ConfigValues,
  DataError,
  type Headers,
  noHeaders,
  parseJsonPointer,
  readWholeSchemaless,
  type SourcePartition,
  SourceRecord,
  STRING_SCHEMA,
} from '../../src/api/index.ts';
import type { eventBridgeConfig } from './settings.ts';

type Settings = ConfigValues<typeof eventBridgeConfig>;

/** One event, as its JSON text came through the queue; `messageId` for where it cannot be read. */
export function eventRecord(
  text: string,
  messageId: string,
  settings: Settings,
  partition: SourcePartition,
): SourceRecord {
  const topic = settings['kafka.topic'];
  try {
    const event = eventOf(text);
    const id = event.get('id') as string;
    const time = Date.parse(String(event.get('time')));
    const key = keyOf(event, settings['eventbridge.record.key.pointer']);
    const { schema, value } = valueOfEvent(event, text, settings['eventbridge.record.value']);
    return new SourceRecord(
      partition,
      { id },
      topic,
      null,
      key === null ? null : STRING_SCHEMA,
      key,
      schema,
      value,
      Number.isNaN(time) ? null : time,
      settings['eventbridge.record.headers'] ? headersOf(event) : noHeaders,
    );
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return SourceRecord.unreadable(error, partition, { message: messageId }, topic, null, text);
  }
}

function eventOf(text: string): ReadonlyMap<string, unknown> {
  let event: unknown;
  try {
    const bytes = Buffer.from(text);
    event = readWholeSchemaless(bytes, 0, bytes.length);
  } catch (cause) {
    throw new DataError(`The message is no event of EventBridge: ${(cause as Error).message}`, { cause });
  }
  if (event instanceof Map && typeof event.get('id') === 'string' && event.has('detail')) return event;
  throw new DataError(
    'The message is no event of EventBridge: it has no id and detail. The target of the rule must pass on the matched event, with no input of its own',
  );
}

function valueOfEvent(event: ReadonlyMap<string, unknown>, text: string, what: 'event' | 'detail' | 'text') {
  switch (what) {
    case 'event':
      return { schema: null, value: event };
    case 'detail':
      return { schema: null, value: event.get('detail') };
    case 'text':
      return { schema: STRING_SCHEMA, value: text };
  }
}

function keyOf(event: ReadonlyMap<string, unknown>, pointer: string): string | null {
  if (pointer === '') return null;
  const found = atJsonPointer(event, parseJsonPointer(pointer)) ?? null;
  if (found === null) return null;
  if (typeof found !== 'object') return String(found);
  throw new DataError(
    `At ${pointer} the event has an object or an array: eventbridge.record.key.pointer must lead to a text or a number`,
  );
}

const told = ['id', 'source', 'detail-type', 'account', 'region', 'time'];

function headersOf(event: ReadonlyMap<string, unknown>): Headers {
  const headers = told.flatMap((name) => {
    const value = event.get(name);
    return typeof value === 'string' ? [{ key: `eventbridge.${name}`, schema: STRING_SCHEMA, value }] : [];
  });
  const resources = event.get('resources');
  if (!Array.isArray(resources) || resources.length === 0) return headers;
  return [...headers, { key: 'eventbridge.resources', schema: STRING_SCHEMA, value: resources.join(',') }];
}
