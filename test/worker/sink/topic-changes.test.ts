import { describe, expect, it } from 'vitest';
import { isTopicCheckDue } from '../../../src/worker/sink/topic-changes.ts';

const minute = 60_000;
const minutes = Array.from({ length: 20 }, (_, index) => 1_700_000_040_000 + index * minute);

describe('isTopicCheckDue', () => {
  it.each(['a', 'orders', 'x'.repeat(200)])('is so in one minute of five (%s)', (connector) => {
    const due = minutes.map((at) => isTopicCheckDue(connector, at, at));
    for (let first = 0; first + 5 <= due.length; first++) {
      expect(due.slice(first, first + 5).filter((is) => is)).toHaveLength(1);
    }
  });

  it('misses no minute that begins while a run runs: runs one after the other, each a little longer than a minute', () => {
    let from = minutes[0]! + 59_500;
    const due: boolean[] = [];
    while (from < minutes.at(-1)!) {
      due.push(isTopicCheckDue('orders', from, from + minute + 900));
      from += minute + 900;
    }
    for (let first = 0; first + 5 <= due.length; first++) expect(due.slice(first, first + 5)).toContain(true);
  });

  it('is so for whatever lasts five minutes', () => {
    for (const from of minutes) expect(isTopicCheckDue('orders', from, from + 4 * minute)).toBe(true);
  });
});
