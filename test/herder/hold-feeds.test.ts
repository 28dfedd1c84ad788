import { describe, expect, it } from 'vitest';
import { DeclaredFeeds } from '../../src/config/declared-feeds.ts';
import { bringFeedsInLine } from '../../src/herder/hold-feeds.ts';
import type { EventSources } from '../../src/invocation/event-sources.ts';
import type { FeedClaim, FeedStore } from '../../src/storage/feed-store.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { ManualClock } from '../support/manual-clock.ts';

const claim = (key: string, open: boolean): FeedClaim => ({
  key,
  connector: 'c',
  open,
  unclaimedAt: null,
  restsUntil: null,
  reservedUntil: null,
  rests: 0,
});

function setUp(states: Record<string, boolean | null>, claims: readonly FeedClaim[]) {
  const told: [string, boolean][] = [];
  const lines: string[] = [];
  const asked: (readonly string[])[] = [];
  const eventSources: EventSources = {
    isOpen: async (mapping) => {
      if (!(mapping in states)) throw new Error(`no mapping ${mapping}`);
      return states[mapping]!;
    },
    setOpen: async (mapping, open) => {
      told.push([mapping, open]);
      states[mapping] = open;
    },
  };
  const store = {
    getClaims: async (keys: readonly string[]) => {
      asked.push(keys);
      return claims.filter(({ key }) => keys.includes(key));
    },
  } as unknown as FeedStore;
  const clock = new ManualClock();
  const declared = new DeclaredFeeds(
    [...Object.keys(states), 'missing']
      .map((key) => ({ key, source: key, mapping: key }))
      .concat([{ key: 'hook:*', source: 'hook:*', mapping: null as never }]),
  );
  const telemetry = createTelemetry({ clock, write: (line) => lines.push(line) });
  const run = (keys?: readonly string[]) =>
    bringFeedsInLine(
      { feeds: { declared, claims: store, eventSources }, clock, telemetry },
      clock.now() + 60_000,
      keys,
    );
  /** Until what is to be opened is open. */
  const runOpening = async (keys?: readonly string[]) => {
    const running = run(keys);
    await clock.advance(2000);
    await running;
  };
  return { told, lines, run, runOpening, states, clock, asked };
}

describe('holding event sources', () => {
  it('opens what a connector takes and holds the rest, and says nothing to those that are so already', async () => {
    const { told, run, runOpening } = setUp({ a: false, b: true, c: true, d: false }, [
      claim('a', true),
      claim('b', true),
    ]);
    await runOpening();
    expect(told.sort()).toEqual([
      ['a', true],
      ['c', false],
    ]);
    told.length = 0;
    await run();
    expect(told).toEqual([]);
  });

  it('holds one that rests until the first look after its rest', async () => {
    const claims: FeedClaim[] = [];
    const { told, run, runOpening, clock } = setUp({ a: true }, claims);
    claims.push({ ...claim('a', true), restsUntil: clock.now() + 1, rests: 1 });
    await run();
    await clock.advance(1);
    await runOpening();
    expect(told).toEqual([
      ['a', false],
      ['a', true],
    ]);
  });

  it('looks at those only that are named', async () => {
    const { told, run, asked } = setUp({ a: true, b: true }, []);
    await run(['b', 'hook:x']);
    expect(told).toEqual([['b', false]]);
    expect(asked).toEqual([['b']]);
  });

  it('a mapping that cannot be asked is told in the log, and the others are brought in line', async () => {
    const { told, run, lines } = setUp({ a: true }, []);
    await run();
    expect(told).toEqual([['a', false]]);
    expect(lines.join()).toContain('no mapping missing');
  });

  it('waits for one that is on its way to something', async () => {
    const { told, run, states, clock } = setUp({ a: null }, [claim('a', true)]);
    const running = run(['a']);
    await clock.advance(600);
    expect(told).toEqual([]);
    states.a = false;
    await clock.advance(600);
    await clock.advance(2000);
    await running;
    expect(told).toEqual([['a', true]]);
  });

  it('opens one when no environment can know any more whom it fed before, and only if it is still wanted then', async () => {
    const claims = [claim('a', true), claim('b', true)];
    const { told, run, clock } = setUp({ a: false, b: false }, claims);
    const running = run();
    await clock.advance(1999);
    expect(told).toEqual([]);
    claims.splice(1, 1, claim('b', false));
    await clock.advance(1);
    await running;
    expect(told).toEqual([['a', true]]);
  });
});
