import { describe, expect, it } from 'vitest';
import { PartitionPosition, SinkPositions } from '../../../src/worker/sink/sink-positions.ts';

const at = (partition: number, position: number, committed = position) =>
  new PartitionPosition('t', partition, position, committed);
const answer = (...offsets: [partition: number, offset: number][]) => new Map([['t', new Map(offsets)]]);

describe('SinkPositions', () => {
  it('I5: commits no further than was delivered, nothing unassigned, and only what changed', () => {
    const [moved, still] = [at(0, 5), at(1, 7)];
    const positions = new SinkPositions([moved, still]);
    moved.delivered = 9;
    expect(positions.hasUncommitted).toBe(true);
    expect(positions.committable(answer([0, 10], [1, 7], [2, 3])).positions).toEqual([]);
    const { positions: safe, apply } = positions.committable(answer([0, 8], [1, 7]));
    expect(safe).toEqual([{ topic: 't', kafkaPartition: 0, offset: 8n }]);
    apply();
    expect(moved.committed).toBe(8);
    expect(positions.hasUncommitted).toBe(true);
  });

  it('I5: commits what the task keeps beside a position, also where that has not moved', () => {
    const [one, other] = [at(0, 5), at(1, 7)];
    const positions = new SinkPositions([one, other]);
    one.delivered = 9;
    positions.takeStates(
      new Map([
        [
          't',
          new Map([
            [0, 'open'],
            [1, 'open too'],
            [2, 'of nobody'],
          ]),
        ],
      ]),
    );
    const { positions: safe, apply } = positions.committable(answer([0, 9]));
    expect(safe).toEqual([
      { topic: 't', kafkaPartition: 0, offset: 9n, state: 'open' },
      { topic: 't', kafkaPartition: 1, offset: 7n, state: 'open too' },
    ]);
    expect(positions.hasUnsavedStates).toBe(true);
    apply();
    expect(positions.hasUnsavedStates).toBe(false);
    expect(positions.kept().get('t')?.get(0)).toEqual({ state: 'open', position: 9 });
    positions.takeStates(new Map([['t', new Map([[0, null]])]]));
    expect(positions.committable(new Map()).positions).toEqual([{ topic: 't', kafkaPartition: 0, offset: 9n }]);
    expect(() => positions.takeStates(new Map([['t', new Map([[1, 'x'.repeat(300_000)]])]]))).toThrow(
      '300004 characters',
    );
  });

  it('fetches all but paused partitions from where they go on', () => {
    const [one, two] = [at(0, 5), at(1, 7)];
    two.paused = true;
    one.fetchFrom = 6;
    expect(new SinkPositions([one, two]).fetchable()).toEqual([{ topic: 't', partition: 0, offset: 6 }]);
  });

  it('a rewind voids what was fetched before it', () => {
    const one = at(0, 5);
    one.fetchFrom = 9;
    one.seek(2);
    expect(one).toMatchObject({ fetchFrom: 2, delivered: 2, rewinds: 1, committed: 5 });
  });

  it('knows its lag once the broker has told the ends', () => {
    const [one, two] = [at(0, 5), at(1, 7)];
    const positions = new SinkPositions([one, two]);
    expect(positions.lag()).toBeNull();
    one.highWatermark = 8;
    two.highWatermark = 7;
    expect(positions.lag()).toBe(3);
  });
});
