import type { SerializedValue } from '../api/converter.ts';
import type { KafkaHeader, OutgoingBatch } from './types.ts';

function sizeOf(value: SerializedValue): number {
  return value === null ? 0 : value.length;
}

/** The columns; see OutgoingBatch. Arrays are kept over `clear`, so that a run fills the same memory again and again. */
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
  /** -1: the time of sending. */
  readonly timestamps: number[] = [];
  readonly headers: (readonly KafkaHeader[] | null)[] = [];
  #lastTopic = '';
  #lastTopicId = -1;

  append(
    topic: string,
    partition: number | null,
    key: SerializedValue,
    value: SerializedValue,
    timestamp: number | null,
    headers: readonly KafkaHeader[] | null,
  ): void {
    const index = this.size;
    if (topic !== this.#lastTopic || this.#lastTopicId < 0) this.#turnTo(topic);
    this.topicIds[index] = this.#lastTopicId;
    this.partitions[index] = partition === null ? -1 : partition;
    this.keys[index] = key;
    this.values[index] = value;
    this.timestamps[index] = timestamp === null ? -1 : timestamp;
    this.headers[index] = headers;
    this.size = index + 1;
    this.bytes += 12 + sizeOf(key) + sizeOf(value);
    if (headers !== null) for (const header of headers) this.bytes += 4 + header.key.length + sizeOf(header.value);
  }

  #turnTo(topic: string): void {
    let id = this.topics.indexOf(topic);
    if (id < 0) id = this.topics.push(topic) - 1;
    this.#lastTopic = topic;
    this.#lastTopicId = id;
  }

  clear(): void {
    this.keys.fill(null, 0, this.size);
    this.values.fill(null, 0, this.size);
    this.headers.fill(null, 0, this.size);
    this.size = 0;
    this.bytes = 0;
    this.topics.length = 0;
    this.#lastTopicId = -1;
  }
}
