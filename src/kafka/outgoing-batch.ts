import type { SerializedValue } from '../api/converter.ts';
import { ByteSink } from '../data/byte-sink.ts';
import type { KafkaHeader, OutgoingBatch } from './types.ts';

/** More than this is not gathered in the memory of one batch: values stay with whoever made them. */
const mostWrittenBytes = 8 << 20;

/** Strings become bytes so many at a time: one call into native code for each would cost more than the bytes do. */
const stretchRecords = 256;
/** On average; longer ones are worth a call each. */
const longestInStretch = 1024;

function sizeOf(value: SerializedValue): number {
  return value === null ? 0 : value.length;
}

/** Batches that are done with; runs come and go, and their producers with them. */
const spare: RecordColumns[] = [];
const mostSpare = 8;

export function newRecordColumns(): RecordColumns {
  return spare.pop() ?? new RecordColumns();
}

/** The columns; see OutgoingBatch. Arrays are kept over `clear`, so that runs fill the same memory again and again. */
export class RecordColumns implements OutgoingBatch {
  size = 0;
  bytes = 0;
  /** The distinct topics, in order of appearance. */
  readonly topics: string[] = [];
  readonly topicIds: number[] = [];
  /** -1: the partitioner decides. */
  readonly partitions: number[] = [];
  readonly keys: SerializedValue[] = [];
  readonly values: SerializedValue[] = [];
  /** Values that lie in `written`: where, and how long; -1: the value is in `values`. */
  readonly valueStarts: number[] = [];
  readonly valueSizes: number[] = [];
  #written: ByteSink | null = null;
  #writtenEnd = 0;
  /** -1: the time of sending. */
  readonly timestamps: number[] = [];
  readonly headers: (readonly KafkaHeader[] | null)[] = [];
  /** Nothing but values of one topic: no keys, partitions or headers. */
  plain = true;
  /** Of the values: bytes, or characters of a string. */
  longest = 0;
  #lastTopic = '';
  #lastTopicId = -1;
  /** The records whose values are still strings: from here on, unless bytes come between. */
  #stretchStart = 0;
  #stretchCharacters = 0;
  /** No stretch of this batch had other characters yet. */
  #ascii = true;

  append(
    topic: string,
    partition: number | null,
    key: SerializedValue,
    value: SerializedValue,
    timestamp: number | null,
    headers: readonly KafkaHeader[] | null,
  ): void {
    const index = this.size;
    this.values[index] = value;
    this.valueStarts[index] = 0;
    this.valueSizes[index] = -1;
    this.bytes += sizeOf(value);
    this.#append(topic, partition, key, timestamp, headers);
    if (typeof value === 'string') {
      this.#stretchCharacters += value.length;
      if (this.size - this.#stretchStart >= stretchRecords) this.#writeStretch();
    } else if (value !== null) {
      this.#beginStretch();
    }
  }

  openValue(): ByteSink | null {
    this.#written ??= new ByteSink();
    if (this.#writtenEnd > mostWrittenBytes) return null;
    this.#written.position = this.#writtenEnd;
    return this.#written;
  }

  appendOpened(
    topic: string,
    partition: number | null,
    key: SerializedValue,
    timestamp: number | null,
    headers: readonly KafkaHeader[] | null,
  ): void {
    const index = this.size;
    const start = this.#writtenEnd;
    const end = this.#written === null ? start : this.#written.position;
    this.values[index] = null;
    this.valueStarts[index] = start;
    this.valueSizes[index] = end - start;
    this.#writtenEnd = end;
    this.bytes += end - start;
    this.#append(topic, partition, key, timestamp, headers);
  }

  /** Bytes, or characters of a string. */
  valueLength(index: number): number {
    const size = this.valueSizes[index]!;
    return size >= 0 ? size : sizeOf(this.values[index]!);
  }

  /** The memory that `valueStarts` points into. */
  get written(): ByteSink | null {
    return this.#written;
  }

  #append(
    topic: string,
    partition: number | null,
    key: SerializedValue,
    timestamp: number | null,
    headers: readonly KafkaHeader[] | null,
  ): void {
    const index = this.size;
    if (topic !== this.#lastTopic || this.#lastTopicId < 0) this.#turnTo(topic);
    this.topicIds[index] = this.#lastTopicId;
    this.partitions[index] = partition === null ? -1 : partition;
    const length = this.valueLength(index);
    if (length > this.longest) this.longest = length;
    if (key !== null || partition !== null || headers !== null || this.#lastTopicId !== 0) this.plain = false;
    this.keys[index] = key;
    this.timestamps[index] = timestamp === null ? -1 : timestamp;
    this.headers[index] = headers;
    this.size = index + 1;
    this.bytes += 12 + sizeOf(key);
    if (headers !== null) for (const header of headers) this.bytes += 4 + header.key.length + sizeOf(header.value);
  }

  /** The sum of the sizes tells whether all is ASCII, and each string's length its size. If not, they stay strings. */
  #writeStretch(): void {
    const { values, valueStarts, valueSizes, size } = this;
    const start = this.#stretchStart;
    const characters = this.#stretchCharacters;
    this.#beginStretch();
    if (!this.#ascii || characters > stretchRecords * longestInStretch) return;
    const memory = this.openValue();
    if (memory === null) return;
    let at = this.#writtenEnd;
    memory.write(values.slice(start, size).join(''));
    this.#ascii = memory.position - at === characters;
    if (!this.#ascii) return;
    for (let index = start; index < size; index++) {
      const value = values[index]!;
      if (value === null) continue;
      values[index] = null;
      valueStarts[index] = at;
      valueSizes[index] = value.length;
      at += value.length;
    }
    this.#writtenEnd = at;
  }

  #beginStretch(): void {
    this.#stretchStart = this.size;
    this.#stretchCharacters = 0;
  }

  #turnTo(topic: string): void {
    let id = this.topics.indexOf(topic);
    if (id < 0) id = this.topics.push(topic) - 1;
    this.#lastTopic = topic;
    this.#lastTopicId = id;
  }

  truncate(size: number): void {
    if (size >= this.size) return;
    this.bytes = Math.round((this.bytes * size) / this.size);
    this.values.fill(null, size, this.size);
    this.keys.fill(null, size, this.size);
    this.headers.fill(null, size, this.size);
    this.size = size;
    let topics = 0;
    for (let index = 0; index < size; index++) topics = Math.max(topics, this.topicIds[index]! + 1);
    this.topics.length = topics;
    this.#lastTopicId = -1;
    this.#beginStretch();
  }

  clear(): void {
    this.values.fill(null, 0, this.size);
    if (!this.plain) {
      this.keys.fill(null, 0, this.size);
      this.headers.fill(null, 0, this.size);
    }
    this.size = 0;
    this.bytes = 0;
    this.plain = true;
    this.longest = 0;
    this.topics.length = 0;
    this.#lastTopicId = -1;
    this.#writtenEnd = 0;
    this.#beginStretch();
    this.#ascii = true;
    if (this.#written !== null && this.#written.bytes.length > mostWrittenBytes) this.#written = null;
  }

  release(): void {
    this.clear();
    if (spare.length < mostSpare) spare.push(this);
  }
}
