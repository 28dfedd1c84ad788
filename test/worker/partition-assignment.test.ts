import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assignPartitions, topicsPattern } from '../../src/worker/partition-assignment.ts';

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

describe('topicsPattern', () => {
  it('matches whole names', () => {
    const pattern = topicsPattern({ 'topics.regex': 'a.|b' })!;
    expect(['ab', 'b', 'abc', 'bb'].map((topic) => pattern.test(topic))).toEqual([true, true, false, false]);
  });

  it('names the setting of a pattern that cannot be read', () => {
    expect(() => topicsPattern({ 'topics.regex': '(' })).toThrow('topics.regex');
  });
});
