import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/errors.ts';
import type { KafkaAdmin } from '../../../src/kafka/types.ts';
import { assignPartitions, sinkTopics } from '../../../src/worker/sink/partition-assignment.ts';

describe('assignPartitions', () => {
  it('deals partitions in turn over all topics', () => {
    const topics = [
      { topic: 'b', partitions: 1 },
      { topic: 'a', partitions: 3 },
    ];
    expect(assignPartitions(topics, 2)).toEqual([
      [{ topic: 'a', partitions: [0, 2] }],
      [
        { topic: 'a', partitions: [1] },
        { topic: 'b', partitions: [0] },
      ],
    ]);
  });

  it('leaves tasks without work when there are more of them than partitions', () => {
    expect(assignPartitions([{ topic: 'a', partitions: 1 }], 3)).toEqual([[{ topic: 'a', partitions: [0] }], [], []]);
    expect(assignPartitions([], 2)).toEqual([[], []]);
    expect(assignPartitions([{ topic: 'a', partitions: 1 }], 0)).toEqual([]);
  });

  it('gives each partition to exactly one task, and no task two more than another', () => {
    const topics = fc.uniqueArray(fc.record({ topic: fc.string(), partitions: fc.nat(20) }), {
      selector: ({ topic }) => topic,
    });
    fc.assert(
      fc.property(topics, fc.integer({ min: 1, max: 7 }), (some, tasks) => {
        const dealt = assignPartitions(some, tasks).map((mine) =>
          mine.flatMap(({ topic, partitions }) => partitions.map((partition) => `${topic} ${partition}`)),
        );
        const expected = some.flatMap(({ topic, partitions }) =>
          Array.from({ length: partitions }, (_, partition) => `${topic} ${partition}`),
        );
        expect(dealt.flat().sort()).toEqual(expected.sort());
        const sizes = dealt.map(({ length }) => length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('sinkTopics', () => {
  const topicsOf = (config: Record<string, string>, topics: readonly string[]) =>
    sinkTopics(config, { listTopics: async () => [...topics] } as unknown as KafkaAdmin);

  it('are those that are listed, each once', async () => {
    expect(await topicsOf({ topics: ' b, a ,b' }, [])).toEqual(['a', 'b']);
  });

  it('are those whose whole name matches, where none are listed', async () => {
    expect(await topicsOf({ topics: ' ', 'topics.regex': ' a.|b ' }, ['bb', 'ab', 'b', 'abc'])).toEqual(['ab', 'b']);
  });

  it.each([
    ['(?i)orders\\..*', ['Orders.eu']],
    ['[^-]*+', ['Orders.eu', 'UP', 'a.bc', 'plain']],
    ['\\Qa.b\\E.*', ['a.bc']],
    ['\\p{Lower}+', ['plain']],
    ['\\p{Lu}+', ['UP']],
    ['[a-z&&[^i]]+', []],
    ['[a-z&&[^x]]+', ['plain']],
  ])("match as Java's regular expressions do: %s", async (pattern, expected) => {
    const there = ['Orders.eu', 'plain', 'a.bc', 'a-bc', 'UP', 'orders-eu'];
    expect(await topicsOf({ 'topics.regex': pattern }, there)).toEqual(expected);
  });

  it('name the setting of a pattern that cannot be read', async () => {
    await expect(topicsOf({ 'topics.regex': '(' }, ['a'])).rejects.toThrow('topics.regex');
  });

  it('end a pattern that runs away, whatever else there is, and say whose it is', async () => {
    const topics = ['fine!', 'a'.repeat(60)];
    const error = await topicsOf({ 'topics.regex': '(.+)+[!]$' }, topics).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(ConfigError);
    expect(error.facts.key).toBe('topics.regex');
    expect(error.message).toContain('a'.repeat(60));
    expect(await topicsOf({ 'topics.regex': '(.+)+[!]$' }, ['fine!'])).toEqual(['fine!']);
  });
});
