import {
  type Header,
  type Headers,
  noHeaders,
  type RecordChange,
  type SinkRecord,
  type SourcePartition,
  SourceRecord,
} from '../api/record.ts';
import { exactOffset, offsetText, parseOffset } from '../storage/source-offset-text.ts';
import { DataReader } from './data-reader.ts';
import { DataWriter } from './data-writer.ts';
import { type FrameReader, FrameWriter, frameType } from './wire.ts';

const hasPartition = 1;
const hasTimestamp = 2;
const hasHeaders = 4;
const commitBehind = 8;
const abortBehind = 16;
const hasOriginal = 8;
const follows = 16;
const timestampTypes = ['NoTimestampType', 'CreateTime', 'LogAppendTime'] as const;

/** A record that the host may be told of again: which of its polls it came in, and at which place. */
export class JavaSourceRecord extends SourceRecord {
  batch = 0;
  place = 0;
}

export interface JavaBatch {
  readonly number: number;
  readonly records: JavaSourceRecord[];
  /** The poll brought more than this. */
  readonly more: boolean;
  /** What the task wants of its transaction behind this batch. */
  readonly commits: boolean;
  readonly aborts: boolean;
  /** Behind single records. */
  readonly commitsBehind: readonly JavaSourceRecord[];
  readonly abortsBehind: readonly JavaSourceRecord[];
}

const keptPartitions = 1000;

/** Reads what one source task sends. */
export class BatchReader {
  readonly #data = new DataReader();
  /** The same partition is the same object: what follows compares by identity first. */
  readonly #partitions = new Map<string, SourcePartition>();

  read(from: FrameReader): JavaBatch {
    const flags = from.byte();
    const number = from.int32();
    const count = from.int32();
    const topics: string[] = [];
    const partitions: SourcePartition[] = [];
    const records: JavaSourceRecord[] = [];
    const commitsBehind: JavaSourceRecord[] = [];
    const abortsBehind: JavaSourceRecord[] = [];
    for (let place = 0; place < count; place++) {
      const has = from.byte();
      const topic = refer(from, topics, (text) => text);
      const partition = refer(from, partitions, (text) => this.#partition(text));
      const offset = exactOffset(from.text());
      const kafkaPartition = (has & hasPartition) === 0 ? null : from.int32();
      const timestamp = (has & hasTimestamp) === 0 ? null : from.time();
      const keySchema = this.#data.schema(from);
      const key = this.#data.value(from, keySchema);
      const valueSchema = this.#data.schema(from);
      const value = this.#data.value(from, valueSchema);
      const headers = (has & hasHeaders) === 0 ? noHeaders : readHeaders(from, this.#data);
      const record = new JavaSourceRecord(
        partition,
        offset,
        topic,
        kafkaPartition,
        keySchema,
        key,
        valueSchema,
        value,
        timestamp,
        headers,
      );
      record.batch = number;
      record.place = place;
      records.push(record);
      if ((has & commitBehind) !== 0) commitsBehind.push(record);
      if ((has & abortBehind) !== 0) abortsBehind.push(record);
    }
    return {
      number,
      records,
      more: (flags & 4) !== 0,
      commits: (flags & 1) !== 0,
      aborts: (flags & 2) !== 0,
      commitsBehind,
      abortsBehind,
    };
  }

  #partition(text: string): SourcePartition {
    let partition = this.#partitions.get(text);
    if (partition === undefined) {
      partition = parseOffset(text);
      if (this.#partitions.size >= keptPartitions) this.#partitions.clear();
      this.#partitions.set(text, partition);
    }
    return partition;
  }
}

function readHeaders(from: FrameReader, data: DataReader): Header[] {
  const headers: Header[] = [];
  for (let left = from.uint(); left > 0; left--) {
    const key = from.text();
    const schema = data.schema(from);
    headers.push({ key, schema, value: data.value(from, schema) });
  }
  return headers;
}

/** What a transformation has left of a record, as a change of the one that it was given. */
export function readChange(from: FrameReader, data: DataReader): RecordChange {
  const has = from.byte();
  const topic = from.text();
  const kafkaPartition = (has & hasPartition) === 0 ? null : from.int32();
  const timestamp = (has & hasTimestamp) === 0 ? null : from.time();
  const keySchema = data.schema(from);
  const key = data.value(from, keySchema);
  const valueSchema = data.schema(from);
  const value = data.value(from, valueSchema);
  const headers = (has & hasHeaders) === 0 ? noHeaders : readHeaders(from, data);
  return { topic, kafkaPartition, keySchema, key, valueSchema, value, timestamp, headers };
}

/** A text is written once in a frame, and named by its number after that. */
function refer<T>(from: FrameReader, known: T[], make: (text: string) => T): T {
  const reference = from.uint();
  if (reference > 0) return known[reference - 1] as T;
  const made = make(from.text());
  known.push(made);
  return made;
}

/** Writes what one sink task is given. */
export class PutWriter {
  readonly #data = new DataWriter();
  readonly #out = new FrameWriter();

  /** A frame of the type `put` or `ahead`. */
  write(type: number, id: number, session: number, records: readonly SinkRecord[]): Buffer {
    const out = this.#out.begin().int32(session).int32(records.length);
    const frame = new RecordWriter(out, this.#data);
    try {
      for (const record of records) frame.sink(record);
    } catch (error) {
      this.#data.forget();
      throw error;
    }
    return out.end(type, id);
  }

  /** Tells the host to put what it was sent ahead under that number. */
  go(id: number, session: number): Buffer {
    return this.#out.begin().int32(session).end(frameType.go, id);
  }

  /** After a frame that was not sent. */
  forget(): void {
    this.#data.forget();
  }
}

/** Records on their way to the host, in one frame. */
export class RecordWriter {
  readonly #out: FrameWriter;
  readonly #data: DataWriter;
  readonly #topics = new Map<string, number>();
  readonly #partitions = new Map<string, number>();
  #lastPartition: SourcePartition | null = null;
  #lastText = '';
  #last: SinkRecord | null = null;

  constructor(out: FrameWriter, data: DataWriter) {
    this.#out = out;
    this.#data = data;
  }

  source(record: SourceRecord): void {
    const out = this.#out;
    const { sourcePartition, sourceOffset, kafkaPartition, timestamp } = record;
    out.byte(flagsOf(record));
    mention(out, this.#topics, record.topic);
    if (sourcePartition !== this.#lastPartition) {
      this.#lastPartition = sourcePartition;
      this.#lastText = offsetText(sourcePartition);
    }
    mention(out, this.#partitions, this.#lastText);
    out.text(offsetText(sourceOffset));
    if (kafkaPartition !== null) out.int32(kafkaPartition);
    if (timestamp !== null) out.int64(timestamp);
    this.#parts(record);
  }

  sink(record: SinkRecord): void {
    const out = this.#out;
    const { topic, kafkaPartition, kafkaOffset, timestamp } = record;
    const moved =
      record.originalTopic !== topic ||
      record.originalKafkaPartition !== kafkaPartition ||
      record.originalKafkaOffset !== kafkaOffset;
    const last = this.#last;
    const isNext =
      last !== null &&
      last.topic === topic &&
      last.kafkaPartition === kafkaPartition &&
      last.kafkaOffset + 1 === kafkaOffset &&
      last.timestampType === record.timestampType;
    this.#last = record;
    out.byte(flagsOf(record) | (moved ? hasOriginal : 0) | (isNext ? follows : 0));
    if (!isNext) {
      mention(out, this.#topics, topic);
      if (kafkaPartition !== null) out.int32(kafkaPartition);
      out.int64(kafkaOffset).byte(timestampTypes.indexOf(record.timestampType));
    }
    if (timestamp !== null) out.int64(timestamp);
    this.#parts(record);
    if (!moved) return;
    mention(out, this.#topics, record.originalTopic);
    out.int32(record.originalKafkaPartition).int64(record.originalKafkaOffset);
  }

  #parts({ keySchema, key, valueSchema, value, headers }: Parts): void {
    const out = this.#out;
    this.#data.schema(out, keySchema);
    this.#data.value(out, keySchema, key);
    this.#data.schema(out, valueSchema);
    this.#data.value(out, valueSchema, value);
    if (headers.length > 0) writeHeaders(out, this.#data, headers);
  }
}

type Parts = Required<RecordChange>;

function writeHeaders(out: FrameWriter, data: DataWriter, headers: Headers): void {
  out.uint(headers.length);
  for (const { key, schema, value } of headers) {
    out.text(key);
    data.schema(out, schema);
    data.value(out, schema, value);
  }
}

function flagsOf({ kafkaPartition, timestamp, headers }: Parts): number {
  return (
    (kafkaPartition === null ? 0 : hasPartition) |
    (timestamp === null ? 0 : hasTimestamp) |
    (headers.length === 0 ? 0 : hasHeaders)
  );
}

/** A text that repeats in a frame is written once. */
export function mention(out: FrameWriter, known: Map<string, number>, text: string): void {
  const number = known.get(text);
  if (number !== undefined) {
    out.uint(number + 1);
    return;
  }
  known.set(text, known.size);
  out.uint(0).text(text);
}
