import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FencedError } from '../../src/errors.ts';
import { deathsOf } from '../../src/storage/deaths.ts';
import type { Lease } from '../../src/storage/lease-store.ts';
import type { Stores } from '../../src/storage/stores.ts';

const leaseMs = 1000;
const newTask = { task: 0, config: {}, assignment: [], positions: [] };

/**
 * What two invocations of a task, a connector run, a user, and Lambda, which tells late and more than once of invocations
 * that have failed, can do, in any order.
 */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('acquire' as const), owner: fc.nat(1) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('commit' as const), owner: fc.nat(1) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('release' as const),
      owner: fc.nat(1),
      commits: fc.boolean(),
      leavesOpen: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('renew' as const), owner: fc.nat(1) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1, 400, 1000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('die' as const), owner: fc.nat(1), told: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('tell' as const), which: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('revoke' as const), closes: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'start' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'replace' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'recreate' as const }) },
);

/** Held by an owner as far as it knows; it forgets after releasing or being fenced. */
interface Held {
  readonly lease: Lease;
  readonly invocation: string;
  expiresAt: number;
  /** The task was replaced since: whatever this run still writes must be refused. */
  replaced: boolean;
}

export function leaseProperties(newStores: () => Promise<Stores>, numRuns: number): void {
  it('I1, I2: in any order of events one holder at a time, no write under a token that is not the newest, and every death counted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const stores = await newStores();
        let now = 1_000_000;
        await stores.config.createConnector('a', 'source', {}, 'STARTED', now);
        const connector = await stores.leases.acquireConnector('a', 'connector', now, Number.MAX_SAFE_INTEGER);
        if (!connector.granted) throw new Error('no connector lease');
        await stores.generations.putTasks(connector.lease, 1, [newTask], now);

        const held: (Held | null)[] = [null, null];
        let newestToken = 0;
        let invocations = 0;
        const dead: Held[] = [];
        const tellOf = async (mine: Held) => {
          const isEnded = await stores.leases.expire({ connector: 'a', task: 0 }, mine.invocation, now);
          const isOurs = (await stores.config.getTask('a', 0))?.leaseOwner === mine.lease.owner;
          expect(isEnded).toBe(isOurs && mine.lease.fencingToken === newestToken && mine.expiresAt > now);
          if (isEnded) mine.expiresAt = now;
        };
        /** For which version its closing run is over. */
        let closedFor: number | null = null;
        const item = async () => (await stores.config.getTask('a', 0))!;
        let committed: string | undefined;
        let commits = 0;
        /** Runs since one ended in order; those of them, at the end, without a commit. */
        let open = 0;
        let fruitless = 0;
        const countAnew = () => {
          open = 0;
          fruitless = 0;
        };
        const fencedOr = async (write: () => Promise<unknown>): Promise<boolean> => {
          try {
            await write();
            return true;
          } catch (error) {
            if (error instanceof FencedError) return false;
            throw error;
          }
        };
        for (const event of steps) {
          const mine = 'owner' in event ? held[event.owner] : null;
          const before = await item();
          const actualToken = async () => (await stores.config.getTask('a', 0))?.fencingToken;
          switch (event.kind) {
            case 'acquire': {
              const expiresAt = now + leaseMs;
              const owner = `owner-${event.owner}`;
              const invocation = `run-${++invocations}`;
              const result = await stores.leases.acquireTask('a', 0, owner, now, expiresAt, invocation);
              if (!result.granted) break;
              const closes = before.revoked && !before.restartRequested;
              expect(result.item).toMatchObject({ revoked: closes, closingFor: closes ? before.closingFor : null });
              if (closes) expect(before.closingFor, 'revoked, and owed nothing').not.toBeNull();
              else closedFor = null;
              for (const other of [...held, ...dead]) {
                if (other !== null && !other.replaced)
                  expect(other.expiresAt, 'another lease is still good').toBeLessThanOrEqual(now);
              }
              expect(result.lease.fencingToken).toBeGreaterThan(newestToken);
              const left = [...held, ...dead].find((one) => one?.lease.fencingToken === newestToken && !one.replaced);
              newestToken = result.lease.fencingToken;
              expect(result.died?.workerId).toBe(left === undefined ? undefined : left?.lease.owner);
              open++;
              fruitless++;
              held[event.owner] = { lease: result.lease, invocation, expiresAt, replaced: false };
              break;
            }
            case 'commit': {
              if (mine == null) break;
              const entry = { key: '{}', partition: '{}', offset: `{"n":${++commits}}` };
              const valid = (await actualToken()) === mine.lease.fencingToken;
              const accepted = await fencedOr(() => stores.offsets.commitSourceOffsets(mine.lease, [entry], {}));
              expect(accepted).toBe(valid);
              if (accepted) {
                expect(mine.replaced, 'a run of a task that was replaced has committed').toBe(false);
                expect(mine.lease.fencingToken).toBe(newestToken);
                committed = entry.offset;
                fruitless = 0;
              } else held[event.owner] = null;
              break;
            }
            case 'release': {
              if (mine == null) break;
              const closeAt = event.leavesOpen ? now : null;
              const outcome = { state: 'RUNNING' as const, trace: null, workerId: 'w', dueAt: now, closeAt };
              const entry = { key: '{}', partition: '{}', offset: `{"n":${++commits}}` };
              const end = () =>
                event.commits
                  ? stores.offsets.commitAndRelease(mine.lease, { offsets: [entry] }, outcome)
                  : stores.leases.release(mine.lease, outcome);
              if (await fencedOr(end)) {
                countAnew();
                if (event.commits) committed = entry.offset;
                const startsAnew = before.restartRequested;
                const isClosed = before.closingFor !== null && !event.leavesOpen && !startsAnew;
                if (isClosed) closedFor = before.closingFor;
                if (startsAnew) closedFor = null;
                const closingFor = isClosed || startsAnew ? null : before.closingFor;
                const dueAt = before.revoked && !startsAnew ? (closingFor === null ? null : now) : undefined;
                expect(await item()).toMatchObject({ closingFor, ...(dueAt === undefined ? {} : { dueAt }) });
              }
              held[event.owner] = null;
              break;
            }
            case 'renew': {
              if (mine == null || mine.expiresAt <= now) break;
              const expiresAt = now + leaseMs;
              if (await fencedOr(() => stores.leases.renew(mine.lease, expiresAt))) mine.expiresAt = expiresAt;
              else held[event.owner] = null;
              break;
            }
            case 'die': {
              // Dead already, as far as it knows, where another has followed it.
              if (mine == null || mine.lease.fencingToken !== newestToken || mine.replaced) break;
              dead.push(mine);
              held[event.owner] = null;
              if (event.told) await tellOf(dead.at(-1)!);
              break;
            }
            case 'tell':
              if (dead[event.which] !== undefined) await tellOf(dead[event.which]!);
              break;
            case 'pass':
              now += event.ms;
              break;
            case 'revoke': {
              // As a run of the connector that is repeated asks again: for each version once.
              const version = 1 + Math.floor(now / 3000);
              const closing = event.closes ? { version, tasks: [0], now } : undefined;
              await stores.generations.revokeTasks(connector.lease, [0], 'PAUSED', closing);
              // Nothing is open where nobody holds the lease of this one.
              const owed = before.leaseOwner !== null && closedFor !== version ? version : null;
              expect((await item()).closingFor).toBe(event.closes ? owed : before.closingFor);
              break;
            }
            case 'start':
              await stores.generations.startTasks(connector.lease, [0], now);
              countAnew();
              if (!(await item()).restartRequested) closedFor = null;
              break;
            case 'restart':
              if ((await stores.config.getTask('a', 0))?.revoked === false) countAnew();
              await stores.config.requestRestart('a', { connector: false, tasks: [0] }, now);
              break;
            case 'replace':
            case 'recreate': {
              const runs = [...held, ...dead];
              const someoneHolds = runs.some((one) => one !== null && !one.replaced && one.expiresAt > now);
              const change = async () => {
                if (event.kind === 'recreate') await stores.generations.deleteTasks(connector.lease, [0], now);
                await stores.generations.putTasks(connector.lease, 2, [newTask], now);
              };
              if (someoneHolds) await expect(change()).rejects.toMatchObject({ code: 'task.lease_held' });
              else {
                await change();
                countAnew();
                closedFor = null;
                for (const one of runs) if (one !== null) one.replaced = true;
              }
              break;
            }
          }
          const after = await item();
          expect(after).toMatchObject({ openRuns: open, fruitlessRuns: fruitless });
          if (!after.revoked) expect(after.closingFor).toBeNull();
          const alive = after.leaseOwner !== null && after.leaseExpiresAt > now ? 1 : 0;
          expect(deathsOf(after, now).inRow).toBe(Math.max(0, open - alive));
          const stored = (await stores.offsets.readSourceOffsets('a', ['{}'])).get('{}')?.offset;
          expect(stored).toBe(committed);
        }
      }),
      { numRuns, verbose: 1 },
    );
  }, 120_000);
}
