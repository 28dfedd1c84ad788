import type { SerializedValue } from '../api/converter.ts';
import type { TopicLeaders } from './cluster.ts';
import { murmur2 } from './murmur2.ts';

/**
 * Places records as Java's default partitioner: murmur2 of the key's bytes over all partitions; without a key one
 * partition that has a leader, kept until a batch's worth of bytes has gone there.
 */
export class Partitioner {
  readonly #stickyBytes: number;
  readonly #ignoreKeys: boolean;
  readonly #sticky = new Map<string, { partition: number; bytes: number }>();
  #scratch: Buffer = Buffer.allocUnsafe(256);

  constructor(stickyBytes: number, ignoreKeys: boolean) {
    this.#stickyBytes = stickyBytes;
    this.#ignoreKeys = ignoreKeys;
  }

  /** `size`: the record's bytes, for the stickiness. */
  place(leaders: TopicLeaders, key: SerializedValue, size: number): number {
    if (leaders.partitions === 1) return 0;
    if (key === null || this.#ignoreKeys) return this.#stick(leaders, size);
    return (this.#hash(key) & 0x7fffffff) % leaders.partitions;
  }

  /** A batch is sent: the next records without keys go elsewhere. */
  turn(topic: string): void {
    this.#sticky.delete(topic);
  }

  #hash(key: Uint8Array | string): number {
    if (typeof key !== 'string') return murmur2(key);
    if (key.length * 3 > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(key.length * 3);
    return murmur2(this.#scratch, 0, this.#scratch.write(key, 0, 'utf8'));
  }

  #stick(leaders: TopicLeaders, size: number): number {
    const current = this.#sticky.get(leaders.topic);
    if (current && current.bytes < this.#stickyBytes && current.partition < leaders.partitions) {
      current.bytes += size;
      return current.partition;
    }
    const available: number[] = [];
    for (let partition = 0; partition < leaders.partitions; partition++) {
      if (leaders.leaders[partition]! >= 0 && partition !== current?.partition) available.push(partition);
    }
    const partition =
      available.length === 0 ? (current?.partition ?? 0) : available[Math.floor(Math.random() * available.length)]!;
    this.#sticky.set(leaders.topic, { partition, bytes: size });
    return partition;
  }
}
