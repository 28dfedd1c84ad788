import { DataError } from '../../src/api/index.ts';

/** One record of a stream. */
export interface StreamRecord {
  readonly sequenceNumber: string;
  readonly partitionKey: string | null;
  readonly data: Uint8Array;
  /** Epoch milliseconds; null: the event does not say. */
  readonly arrivedAt: number | null;
  /** Null: the event does not say. */
  readonly shard: string | null;
}

/** One of an event of Lambda, or why it is none. */
export interface EventRecord {
  readonly given: unknown;
  readonly sequenceNumber: string | null;
  readonly record: StreamRecord | DataError;
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;
const isNumber = (value: unknown): value is string => typeof value === 'string' && /^\d+$/.test(value);
const base64Text = /^[A-Za-z0-9+/]*={0,2}$/;

/** Of an event of Lambda, whose ids are `<shard>:<sequence number>`. */
function eventRecordOf(given: unknown): EventRecord {
  const kinesis = isFields(given) && isFields(given.kinesis) ? given.kinesis : {};
  const { sequenceNumber, partitionKey, data, approximateArrivalTimestamp: arrived } = kinesis;
  const id = isFields(given) && typeof given.eventID === 'string' ? given.eventID : '';
  const number = isNumber(sequenceNumber) ? sequenceNumber : null;
  const wrong = (what: string): EventRecord => ({
    given,
    sequenceNumber: number,
    record: new DataError(`Not a record of a Kinesis stream: ${what}`),
  });
  if (number === null) return wrong(`its sequenceNumber is ${sequenceNumber}`);
  if (typeof data !== 'string' || !base64Text.test(data)) return wrong('its data is not base64');
  const record: StreamRecord = {
    sequenceNumber: number,
    partitionKey: typeof partitionKey === 'string' ? partitionKey : null,
    data: Buffer.from(data, 'base64'),
    arrivedAt: typeof arrived === 'number' ? Math.round(arrived * 1000) : null,
    shard: id.includes(':') ? id.slice(0, id.indexOf(':')) : null,
  };
  return { given, sequenceNumber: number, record };
}

/** The records of an event of Lambda, in its order. Throws DataError for anything else. */
export function eventRecordsOf(event: unknown): EventRecord[] {
  const records = isFields(event) ? event.Records : undefined;
  if (!Array.isArray(records)) throw new DataError('Not an event of a Kinesis stream: it has no Records');
  return records.map(eventRecordOf);
}
