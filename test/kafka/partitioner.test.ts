import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TopicLeaders } from '../../src/kafka/cluster.ts';
import { murmur2 } from '../../src/kafka/murmur2.ts';
import { Partitioner } from '../../src/kafka/partitioner.ts';

const { murmur2: vectors } = JSON.parse(
  readFileSync(new URL('fixtures/java-client.json', import.meta.url), 'utf8'),
) as { murmur2: Record<string, number> };

const leaders = (...nodes: number[]): TopicLeaders => ({
  topic: 't',
  topicId: null,
  partitions: nodes.length,
  leaders: Int32Array.from(nodes),
  epochs: new Int32Array(nodes.length),
  loadedAt: 0,
});

describe('partitioner', () => {
  it.each(Object.entries(vectors))("hashes %j as Java's client does", (key, hash) => {
    expect(murmur2(Buffer.from(key))).toBe(hash);
  });

  it('places a key by its bytes, whether given as text or bytes, over partitions with a leader or without', () => {
    const partitioner = new Partitioner(1000, false);
    for (const [key, hash] of Object.entries(vectors)) {
      const expected = (hash & 0x7fffffff) % 7;
      expect(partitioner.place(leaders(1, 1, -1, 1, 2, 2, 2), key, 10)).toBe(expected);
      expect(partitioner.place(leaders(1, 1, -1, 1, 2, 2, 2), Buffer.from(key), 10)).toBe(expected);
    }
  });

  it('keeps records without a key together until a batch is full, then turns, and never to a leaderless partition', () => {
    const partitioner = new Partitioner(100, false);
    const places = Array.from({ length: 40 }, () => partitioner.place(leaders(1, -1, 1, -1), null, 20));
    expect(new Set(places)).toEqual(new Set([0, 2]));
    for (let at = 0; at < 40; at += 5) expect(new Set(places.slice(at, at + 5)).size).toBe(1);
  });

  it('treats every key as none under partitioner.ignore.keys', () => {
    const partitioner = new Partitioner(1000, true);
    const places = Object.keys(vectors).map((key) => partitioner.place(leaders(1, 1, 1, 1, 1), key, 1));
    expect(new Set(places).size).toBe(1);
  });
});
