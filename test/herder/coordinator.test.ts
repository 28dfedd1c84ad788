import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type Coordinator, type CoordinatorDeps, createCoordinator } from '../../src/herder/coordinator.ts';
import type { InvokedRun, RunRequest, TickRequest } from '../../src/invocation/run-request.ts';
import { everyTick } from '../../src/storage/due-index.ts';
import { createMemoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/stores.ts';
import type { TableChange } from '../../src/storage/table-change.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { ManualClock } from '../support/manual-clock.ts';

const minute = 60_000;

interface Invocation {
  readonly at: number;
  readonly request: RunRequest;
}

describe('coordinator', () => {
  let clock: ManualClock;
  let startedAt: number;
  let changes: TableChange[];
  let stores: Stores;
  let invocations: Invocation[];
  let refusing: boolean;
  let running: boolean;
  let ticksAskedFor: TickRequest[];
  let coordinator: Coordinator;

  const create = (runsInFlight = 100, owner = 'one', others: Partial<CoordinatorDeps> = {}) =>
    createCoordinator({
      configs: stores.config,
      leases: stores.leases,
      dueIndex: stores.due,
      cluster: stores.cluster,
      invoker: {
        invoke: async (request) => {
          if (refusing) throw new Error('TooManyRequestsException');
          invocations.push({ at: clock.now() - startedAt, request });
          if (running) await runAtOnce(request);
        },
      },
      startTicking: async (tick) => {
        ticksAskedFor.push(tick);
      },
      clock,
      random: () => 0.5,
      telemetry: createTelemetry({ clock, write: () => {} }),
      limits: { runsInFlight, concurrency: 4 },
      owner,
      ...others,
    });

  beforeEach(() => {
    clock = new ManualClock();
    startedAt = clock.now();
    changes = [];
    stores = createMemoryStores({ onChange: (change) => changes.push(change) });
    invocations = [];
    refusing = false;
    running = true;
    ticksAskedFor = [];
    coordinator = create();
  });

  const deadline = (ms = 90_000) => clock.now() + ms;
  const createConnector = (name: string, dueAt = clock.now()) =>
    stores.config.createConnector(name, 'source', { name }, 'STARTED', dueAt);
  const until = async (happened: () => boolean) => {
    while (!happened()) await clock.advance(10);
  };
  const names = () => invocations.map(({ request }) => ('connector' in request ? request.connector : 'probe'));
  const streamed = () => changes.splice(0);

  describe('stream', () => {
    it('dispatches what became due at once and without a write', async () => {
      await createConnector('a');
      const records = streamed();
      running = false;
      await coordinator.onStream(records, deadline());
      expect(invocations).toEqual([{ at: 0, request: { kind: 'connector', connector: 'a' } }]);
      expect(changes).toEqual([]);
    });

    it('dispatches a run once, however often its item changed in the batch', async () => {
      await createConnector('a');
      await stores.config.putTargetState('a', 'PAUSED', clock.now());
      await stores.config.putTargetState('a', 'STARTED', clock.now());
      await coordinator.onStream(streamed(), deadline());
      expect(names()).toEqual(['a']);
    });

    it('asks for a ticker, once, when something is due soon and nobody ticks', async () => {
      await createConnector('a', clock.now() + 5000);
      const records = streamed();
      await coordinator.onStream(records, deadline());
      await coordinator.onStream(records, deadline());
      expect(invocations).toEqual([]);
      expect(ticksAskedFor).toEqual([{ kind: 'sub-minute-tick' }]);
    });

    it('asks for none while somebody ticks', async () => {
      await stores.cluster.acquireTicker('other', clock.now(), clock.now() + minute);
      await createConnector('a', clock.now() + 5000);
      await coordinator.onStream(streamed(), deadline());
      expect(ticksAskedFor).toEqual([]);
    });

    it('leaves what could not be invoked due, and does not fail', async () => {
      await createConnector('a');
      refusing = true;
      await coordinator.onStream(streamed(), deadline());
      refusing = false;
      await clock.advance(minute);
      await clock.run(coordinator.onTick(deadline()));
      expect(names()).toEqual(['a']);
    });
  });

  describe('tick', () => {
    it('L1: dispatches what a lost stream record would have woken', async () => {
      await createConnector('a');
      await clock.advance(minute);
      await clock.run(coordinator.onTick(deadline()));
      expect(invocations).toEqual([{ at: minute, request: { kind: 'connector', connector: 'a' } }]);
    });

    it('L4: does not stay when nothing falls due within the minute', async () => {
      await createConnector('far', clock.now() + 10 * minute);
      const before = clock.now();
      await clock.run(coordinator.onTick(deadline()));
      expect(clock.now()).toBe(before);
      expect(invocations).toEqual([]);
      expect(await stores.cluster.tickerHeld(clock.now())).toBe(false);
    });

    it('L4: dispatches to the second what falls due within the minute, once', async () => {
      await createConnector('at-10', clock.now() + 10_000);
      await createConnector('at-30', clock.now() + 30_000);
      await clock.run(coordinator.onTick(deadline()));
      expect(invocations.map(({ at }) => at)).toEqual([10_000, 30_000]);
      expect(names()).toEqual(['at-10', 'at-30']);
      expect(await stores.cluster.tickerHeld(clock.now())).toBe(false);
    });

    it('sees what falls due while it ticks', async () => {
      await createConnector('at-20', clock.now() + 20_000);
      const tick = coordinator.onTick(deadline());
      await clock.advance(5000);
      await createConnector('at-9', clock.now() + 4000);
      await clock.run(tick);
      expect(names()).toEqual(['at-9', 'at-20']);
      expect(invocations[0]?.at).toBe(9000);
    });

    it.each([100, 400, 500, 900])(
      'L4: a pause of %d ms, too short for a look to see, is a second late at most',
      async (pause) => {
        await createConnector('at-20', clock.now() + 20_000);
        const tick = coordinator.onTick(deadline());
        // Just behind a look; the stream tells before it is due, and so dispatches nothing.
        await clock.advance(5050);
        streamed();
        const name = `after-${pause}`;
        await createConnector(name, clock.now() + pause);
        await coordinator.onStream(streamed(), deadline());
        await clock.run(tick);
        expect(names()).toEqual([name, 'at-20']);
        expect(invocations[0]!.at - (5050 + pause)).toBeLessThanOrEqual(1000);
      },
    );

    it('L4: where pauses are short one after the other, the ticker looks more often', async () => {
      await createConnector('at-40', clock.now() + 40_000);
      const tick = coordinator.onTick(deadline());
      await clock.advance(5050);
      for (let n = 0; n < 20; n++) {
        // A run that ends at once, and pauses for half a second: the stream is told of that before it is over.
        await createConnector(`run-${n}`, clock.now() + 500);
        await coordinator.onStream(streamed(), deadline());
        await until(() => invocations.length > n);
        await clock.advance(60);
      }
      await clock.run(tick);
      const late = invocations
        .slice(0, 20)
        .map(({ at }, n) => at - (n === 0 ? 5050 : invocations[n - 1]!.at + 60) - 500);
      expect(late[0]).toBeGreaterThan(500);
      // It looks less often again from time to time.
      expect(late.slice(1).filter((ms) => ms > 60).length).toBeLessThanOrEqual(1);
    });

    it('a ticker that is started for a short pause does not miss it', async () => {
      await createConnector('a', clock.now() + 500);
      await coordinator.onStream(streamed(), deadline());
      expect(ticksAskedFor).toEqual([{ kind: 'sub-minute-tick' }]);
      await clock.advance(800);
      await clock.run(coordinator.onSubMinuteTick(deadline()));
      expect(invocations).toEqual([{ at: 1500, request: { kind: 'connector', connector: 'a' } }]);
    });

    it('what the stream has had begun and still runs is not dispatched again, and what it has lost is', async () => {
      await createIdle('a');
      await createIdle('b');
      await createConnector('at-20', clock.now() + 20_000);
      const tick = coordinator.onTick(deadline());
      await clock.advance(5000);
      for (const name of ['a', 'b']) await stores.config.markTaskDue(name, 0, clock.now());
      streamed();
      const running = await stores.leases.acquireTask('a', 0, 'w', clock.now(), clock.now() + minute);
      expect(running.granted).toBe(true);
      await clock.run(tick);
      expect(names()).toEqual(['b', 'at-20']);
    });

    it('a task that its connector’s invocation goes on with is dispatched to nobody else, unless it does not', async () => {
      for (const name of ['a', 'b']) {
        await createConnector(name);
        const { lease } = await acquire(name);
        const tasks = [{ task: 0, config: {}, assignment: [], positions: [] }];
        await stores.generations.putTasks(lease, 1, tasks, clock.now(), () => clock.now() + 1000);
        await stores.leases.release(lease, { state: 'RUNNING', trace: null, workerId: 'w', dueAt: null });
      }
      const tick = coordinator.onSubMinuteTick(deadline());
      await clock.advance(100);
      await coordinator.onStream(streamed(), deadline());
      const taken = await stores.leases.acquireTask(
        'a',
        0,
        'w',
        clock.now(),
        clock.now() + minute,
        'i',
        clock.now() + 1000,
      );
      expect(taken.granted).toBe(true);
      await coordinator.onStream(streamed(), deadline());
      await clock.run(tick);
      expect(invocations.map(({ at, request }) => [at, request])).toEqual([
        [1000, { kind: 'task', connector: 'b', task: 0 }],
      ]);
    });

    it('leaves to the stream what was due at once when it was written', async () => {
      await createConnector('at-20', clock.now() + 20_000);
      const tick = coordinator.onTick(deadline());
      await clock.advance(5900);
      streamed();
      await createConnector('now');
      await clock.advance(900);
      await coordinator.onStream(streamed(), deadline());
      await clock.run(tick);
      expect(names()).toEqual(['now', 'at-20']);
      expect(invocations[0]!.at).toBe(6800);
    });

    it('lets one of two tickers dispatch, and the other take over without a gap', async () => {
      await createConnector('at-10', clock.now() + 10_000);
      const first = coordinator.onSubMinuteTick(deadline());
      await clock.advance(5000);
      await createConnector('at-62', clock.now() + 57_000);
      const second = create(100, 'two').onTick(deadline());
      await Promise.all([clock.run(first), clock.run(second)]);
      expect(names()).toEqual(['at-10', 'at-62']);
      expect(invocations[1]?.at).toBe(62_000);
    });

    it('a ticker that has died holds up nobody for longer than its lease', async () => {
      await createConnector('at-20', clock.now() + 20_000);
      const dying = vi.spyOn(stores.due, 'due');
      void create(100, 'dead').onTick(deadline());
      await clock.advance(4000);
      // Killed: it neither looks again nor gives back anything, and of what it began nothing comes back.
      dying.mockImplementation(() => new Promise(() => {}));
      const renewing = vi.spyOn(stores.cluster, 'acquireTicker').mockImplementation(() => new Promise(() => {}));
      await clock.advance(3000);
      dying.mockRestore();
      renewing.mockRestore();
      streamed();
      await createConnector('at-10', clock.now() + 3000);
      await coordinator.onStream(streamed(), deadline());
      expect(ticksAskedFor).toEqual([{ kind: 'sub-minute-tick' }]);
      await clock.run(coordinator.onSubMinuteTick(deadline()));
      expect(names()).toEqual(['at-10', 'at-20']);
      expect(invocations[0]?.at).toBe(10_000);
    });

    it('a ticker keeps its lease for as long as it works', async () => {
      await createConnector('at-50', clock.now() + 50_000);
      const tick = coordinator.onTick(deadline());
      for (let second = 1; second < 50; second++) {
        await clock.advance(1000);
        await createConnector(`soon-${second}`, clock.now() + 1500);
        await create(100, 'other').onStream(streamed(), deadline());
      }
      expect(ticksAskedFor).toEqual([]);
      await clock.run(tick);
    });

    it('gives up before its deadline and gives the lease back', async () => {
      await createConnector('at-50', clock.now() + 50_000);
      await clock.run(coordinator.onTick(deadline(20_000)));
      expect(clock.now() - startedAt).toBeLessThan(20_000);
      expect(await stores.cluster.tickerHeld(clock.now())).toBe(false);
      expect(invocations).toEqual([]);
    });

    it('L5: hands out a mass wake-up a second at a time, with jitter, and leaves what does not fit before the deadline', async () => {
      for (let i = 0; i < 25; i++) await createConnector(`c${i}`);
      await clock.advance(minute);
      const from = clock.now() - startedAt;
      await clock.run(create(5).onTick(deadline(6000)));
      const seconds = invocations.map(({ at }) => Math.ceil((at - from) / 1000));
      expect(seconds.filter((second) => second === 0)).toHaveLength(5);
      for (const second of new Set(seconds))
        expect(seconds.filter((at) => at === second).length).toBeLessThanOrEqual(5);
      expect(invocations.length).toBe(25);
      expect(Math.max(...invocations.map(({ at }) => at - from))).toBeLessThan(4000);
    });
  });

  describe('tick, with more due than one coordinator hands out', () => {
    const all = 60;
    /** As Lambda runs them: each a coordinator of its own, beside the one that asked. */
    let shardTicks: Promise<void>[];
    let noShard: readonly number[];

    /** `shardMs`: what the coordinator of a shard has. */
    const createSharing = (runsInFlight: number, owner = 'one', shardMs = 90_000): Coordinator =>
      create(runsInFlight, owner, {
        aloneLimit: 10,
        startTicking: async (tick) => {
          if (tick.kind !== 'shard-tick') throw new Error(`The tick of a shard, not ${tick.kind}`);
          const { shard } = tick;
          if (noShard.includes(shard)) throw new Error('TooManyRequestsException');
          else shardTicks.push(createSharing(runsInFlight, `of ${shard}`).onShardTick(shard, deadline(shardMs)));
        },
      });
    const tick = async (sharing: Coordinator) => {
      await clock.run(sharing.onTick(deadline()));
      await clock.run(Promise.all(shardTicks));
    };

    beforeEach(async () => {
      shardTicks = [];
      noShard = [];
      for (let i = 0; i < all; i++) await createConnector(`c${i}`);
      streamed();
      await clock.advance(minute);
    });

    it('L5: each shard has its own, in its share of the pace, and nothing is handed out twice', async () => {
      const from = clock.now() - startedAt;
      await tick(createSharing(8));
      expect(shardTicks).toHaveLength(stores.due.shards);
      expect(names().sort()).toEqual(Array.from({ length: all }, (_, i) => `c${i}`).sort());
      const perSecond = new Map<number, number>();
      for (const { at } of invocations) {
        const second = Math.floor((at - from) / 1000);
        perSecond.set(second, (perSecond.get(second) ?? 0) + 1);
      }
      for (const count of perSecond.values()) expect(count).toBeLessThanOrEqual(16);
      expect(perSecond.size).toBeGreaterThan(3);
    });

    it('a shard whose coordinator is asked for twice is handed out once', async () => {
      const sharing = createSharing(1000);
      for (const owner of ['first', 'second']) shardTicks.push(createSharing(1000, owner).onShardTick(2, deadline()));
      await tick(sharing);
      expect(names().sort()).toEqual([...new Set(names())].sort());
      expect(names()).toHaveLength(all);
    });

    it('there is no shard beyond the last', async () => {
      await expect(createSharing(8).onShardTick(4, deadline())).rejects.toThrow('There is no shard 4: they are 0 to 3');
    });

    it('L1: a shard for which none can be had is done by the one that asked', async () => {
      noShard = [1, 3];
      await tick(createSharing(1000));
      expect(shardTicks).toHaveLength(2);
      expect(names()).toHaveLength(all);
    });

    it('L4: nobody asks for a ticker beside those of the shards, and they see what falls due in their minute', async () => {
      const sharing = createSharing(1000);
      const ticking = sharing.onTick(deadline());
      await clock.run(ticking);
      for (let i = 0; i < 8; i++) await createConnector(`soon${i}`, clock.now() + 1500);
      await sharing.onStream(streamed(), deadline());
      expect(ticksAskedFor).toEqual([]);
      await clock.run(Promise.all(shardTicks));
      for (let i = 0; i < 8; i++) expect(names()).toContain(`soon${i}`);
      expect(names()).toHaveLength(all + 8);
    });

    it('leaves its shard in time, and the next minute goes on with what is left', async () => {
      const from = clock.now();
      await tick(createSharing(4, 'one', 10_000));
      expect(clock.now() - from).toBeLessThan(10_000);
      const inTime = names().length;
      expect(inTime).toBeGreaterThan(10);
      expect(inTime).toBeLessThan(all);
      await clock.advance(from + minute - clock.now());
      shardTicks = [];
      await tick(createSharing(1000));
      expect(names().sort()).toEqual(Array.from({ length: all }, (_, i) => `c${i}`).sort());
    });
  });

  it('L1: where more polls by the minute than can be handed out, it is not the same that are left each time', async () => {
    for (let i = 0; i < 12; i++) {
      await createConnector(`c${i}`);
      const { lease } = await acquire(`c${i}`);
      await stores.leases.release(lease, { state: 'RUNNING', trace: null, workerId: 'w', dueAt: everyTick });
    }
    running = false;
    for (let minutes = 0; minutes < 6; minutes++) {
      const short = create(4, 'one', { random: () => (minutes + 0.5) / 6 });
      // One second's worth.
      await clock.run(short.onTick(deadline(2900)));
      await clock.advance(minute);
    }
    expect(new Set(names()).size).toBe(12);
  });

  describe('wake-up', () => {
    const wake = () => coordinator.onWakeUp(['a', 'gone'], deadline());
    const requests = () => invocations.map(({ request }) => request);

    it('dispatches the tasks of a named connector at once and only once', async () => {
      await createIdle();
      expect(await wake()).toEqual({ connectors: ['a', 'gone'], woken: 1 });
      expect(requests()).toEqual([{ kind: 'task', connector: 'a', task: 0 }]);
      await coordinator.onStream(streamed(), deadline());
      expect(requests()).toHaveLength(1);
      expect(ticksAskedFor).toEqual([]);
    });

    describe('of many', () => {
      const all = 25;
      const ends: string[] = [];
      const namesOfAll = Array.from({ length: all }, (_, i) => `many${i}`);
      const end = async (connector: string) => {
        const taken = await stores.leases.acquireTask(connector, 0, 'w', clock.now(), clock.now() + minute);
        if (!taken.granted) throw new Error(taken.reason);
        await stores.leases.release(taken.lease, {
          state: 'RUNNING',
          trace: null,
          workerId: 'w',
          // Polls by the minute: it stays due as it was.
          dueAt: everyTick,
          counters: { lastRunAt: clock.now() },
        });
        ends.push(connector);
      };
      beforeEach(async () => {
        ends.length = 0;
        for (const name of namesOfAll) await createIdle(name);
        running = false;
      });

      it('L5: the next are handed out as soon as others are over, never more at a time', async () => {
        const from = clock.now() - startedAt;
        const looks = vi.spyOn(stores.config, 'getTasksOf');
        let most = 0;
        const ending = async () => {
          while (ends.length < all) {
            const underWay = names().slice(ends.length);
            most = Math.max(most, underWay.length);
            for (const name of underWay) await end(name);
            await clock.sleep(50);
          }
        };
        await clock.run(Promise.all([create(5).onWakeUp(namesOfAll, deadline()), ending()]));
        expect(names().sort()).toEqual([...namesOfAll].sort());
        expect(most).toBe(5);
        const lastAt = Math.max(...invocations.map(({ at }) => at - from));
        expect(lastAt).toBeLessThan(1000);
        // However many wait.
        expect(looks.mock.calls.length).toBeLessThanOrEqual(lastAt / 50);
        for (const [tasks] of looks.mock.calls) expect(tasks.length).toBeLessThanOrEqual(5);
      });

      it('L5: by the second too where the table does not tell', async () => {
        vi.spyOn(stores.config, 'getTasksOf').mockRejectedValue(new Error('the table is away'));
        const from = clock.now() - startedAt;
        await clock.run(create(5).onWakeUp(namesOfAll, deadline()));
        expect(names()).toHaveLength(all);
        expect(Math.max(...invocations.map(({ at }) => at - from))).toBeLessThan(4000);
      });

      it('L5: where they go on, others follow by the second', async () => {
        const from = clock.now() - startedAt;
        await clock.run(create(5).onWakeUp(namesOfAll, deadline()));
        const seconds = invocations.map(({ at }) => Math.ceil((at - from) / 1000));
        for (const second of new Set(seconds)) expect(seconds.filter((at) => at === second)).toHaveLength(5);
        expect(names()).toHaveLength(all);
      });

      it('L1: what does not fit in before the deadline is due at every tick', async () => {
        const { woken } = await clock.run(create(5).onWakeUp(namesOfAll, deadline(1500)));
        expect(woken).toBe(all);
        expect(names().length).toBeLessThan(all);
        await clock.advance(minute);
        await clock.run(create(100).onTick(deadline()));
        expect(new Set(names()).size).toBe(all);
      });

      it('is told to whoever has sent it when the table fails, once those that could be marked are under way', async () => {
        const wakeTask = stores.config.wakeTask.bind(stores.config);
        vi.spyOn(stores.config, 'wakeTask').mockImplementation(async (connector, task, now) => {
          if (connector === 'many3') throw new Error('the table is away');
          return wakeTask(connector, task, now);
        });
        const waking = clock.run(create().onWakeUp(namesOfAll.slice(0, 6), deadline()));
        await expect(waking).rejects.toThrow('the table is away');
        expect(names()).toEqual(['many0', 'many1', 'many2', 'many4', 'many5']);
      });
    });

    it('L1: leaves what could not be invoked to the next tick', async () => {
      await createIdle();
      refusing = true;
      expect(await wake()).toMatchObject({ woken: 1 });
      refusing = false;
      await clock.advance(minute);
      await clock.run(coordinator.onTick(deadline()));
      expect(requests()).toEqual([{ kind: 'task', connector: 'a', task: 0 }]);
    });

    it('L1: has a task that runs already run again when it is released', async () => {
      await createIdle();
      await stores.config.markTaskDue('a', 0, clock.now());
      const task = await stores.leases.acquireTask('a', 0, 'w', clock.now(), clock.now() + minute);
      if (!task.granted) throw new Error(task.reason);
      expect(await wake()).toMatchObject({ woken: 1 });
      expect(requests()).toEqual([]);
      streamed();
      await stores.leases.release(task.lease, { state: 'RUNNING', trace: null, workerId: 'w', dueAt: null });
      await coordinator.onStream(streamed(), deadline());
      expect(requests()).toEqual([{ kind: 'task', connector: 'a', task: 0 }]);
    });
  });

  describe('failed invocations', () => {
    const task = (invocation: string) => ({ request: { kind: 'task', connector: 'a', task: 0 } as const, invocation });
    const ofRuns = (...runs: InvokedRun[]) => ({ runs, ticks: [] });
    const requests = () => invocations.map(({ request }) => request);
    const leaseMs = 2 * minute;
    const start = async (invocation: string) => {
      const found = await stores.leases.acquireTask('a', 0, 'w', clock.now(), clock.now() + leaseMs, invocation);
      if (!found.granted) throw new Error(found.reason);
      return found;
    };
    beforeEach(async () => {
      await createIdle();
      await stores.config.markTaskDue('a', 0, clock.now());
      streamed();
    });

    it('L1: what they ran is dispatched again at once', async () => {
      await start('one');
      await coordinator.onFailedInvocations(ofRuns(task('one')), deadline());
      expect(requests()).toEqual([{ kind: 'task', connector: 'a', task: 0 }]);
      expect(await start('two')).toMatchObject({ takeover: true, died: { workerId: 'w' } });
    });

    it('I1: nothing is taken from whoever has followed, nor from one that has ended in order', async () => {
      await start('one');
      await clock.advance(leaseMs);
      const { lease } = await start('two');
      await coordinator.onFailedInvocations(ofRuns(task('one'), task('other')), deadline());
      expect(requests()).toEqual([]);
      await expect(start('three')).rejects.toThrow('held');
      await stores.leases.release(lease, { state: 'RUNNING', trace: null, workerId: 'w', dueAt: clock.now() });
      await coordinator.onFailedInvocations(ofRuns(task('two')), deadline());
      expect(requests()).toEqual([]);
    });

    it('a connector, and the task that its invocation has gone on with, are both taken over', async () => {
      const leaseOf = () => stores.config.getConnector('a').then((item) => item?.leaseExpiresAt);
      await stores.config.markConnectorDue('a', clock.now());
      await stores.leases.acquireConnector('a', 'w', clock.now(), clock.now() + leaseMs, 'one');
      await start('one');
      running = false;
      const connector = { request: { kind: 'connector', connector: 'a' } as const, invocation: 'one' };
      await coordinator.onFailedInvocations(ofRuns(connector), deadline());
      expect(requests()).toEqual([
        { kind: 'connector', connector: 'a' },
        { kind: 'task', connector: 'a', task: 0 },
      ]);
      expect(await leaseOf()).toBeLessThan(clock.now());
    });

    it('a task that its connector’s invocation was to go on with is dispatched when that is told to have died', async () => {
      await createConnector('b');
      const { lease } = await acquire('b');
      const tasks = [0, 1].map((task) => ({ task, config: {}, assignment: [], positions: [] }));
      const dueAt = (task: number) => clock.now() + (task === 0 ? 1000 : minute);
      await stores.generations.putTasks(lease, 1, tasks, clock.now(), dueAt);
      await stores.leases.release(lease, { state: 'RUNNING', trace: null, workerId: 'w', dueAt: null });
      const died = { request: { kind: 'connector', connector: 'b' } as const, invocation: 'one' };
      await clock.advance(300);
      await coordinator.onFailedInvocations(ofRuns(died), deadline());
      expect(requests()).toEqual([{ kind: 'task', connector: 'b', task: 0 }]);
      const taken = await stores.leases.acquireTask('b', 0, 'w', clock.now(), clock.now() + minute);
      expect(taken.granted).toBe(true);
      // Told once more, of what runs by now.
      await coordinator.onFailedInvocations(ofRuns(died), deadline());
      expect(requests()).toHaveLength(1);
    });

    it('one that dies again and again without a commit waits longer each time, and never beyond its lease', async () => {
      const pauses: number[] = [];
      for (let death = 1; death <= 6; death++) {
        await start(`run ${death}`);
        await coordinator.onFailedInvocations(ofRuns(task(`run ${death}`)), deadline());
        const { leaseExpiresAt } = (await stores.config.getTask('a', 0))!;
        pauses.push(Math.max(0, leaseExpiresAt - clock.now()));
        await clock.advance(pauses.at(-1)!);
      }
      expect(pauses).toEqual([0, 5000, 15_000, 45_000, leaseMs, leaseMs]);
      expect(requests()).toHaveLength(1);
    });

    it.each<TickRequest>([{ kind: 'tick' }, { kind: 'sub-minute-tick' }, { kind: 'shard-tick', shard: 3 }])(
      'L4: a $kind that died is asked for again, and not without end',
      async (first) => {
        await coordinator.onFailedInvocations({ runs: [], ticks: [first] }, deadline());
        for (let asked = 1; ticksAskedFor.length === asked; asked++)
          await coordinator.onFailedInvocations({ runs: [], ticks: [ticksAskedFor.at(-1)!] }, deadline());
        expect(ticksAskedFor).toEqual([1, 2, 3].map((deaths) => ({ ...first, deaths })));
      },
    );

    it('L4: what fell due under the dead ticker is dispatched by the one in its place, within its lease and the grace', async () => {
      await createConnector('soon', clock.now() + 1000);
      await stores.cluster.acquireTicker('dead', clock.now(), clock.now() + 5000);
      const from = clock.now() - startedAt;
      running = true;
      await clock.run(coordinator.onSubMinuteTick(deadline()));
      const { at } = invocations.find(({ request }) => 'connector' in request && request.connector === 'soon')!;
      expect(at - from).toBeGreaterThanOrEqual(1000);
      expect(at - from).toBeLessThan(8000);
    });

    it('what is gone, and what nobody could invoke, is no error', async () => {
      await start('one');
      refusing = true;
      const gone = { request: { kind: 'task', connector: 'gone', task: 3 } as const, invocation: 'one' };
      await coordinator.onFailedInvocations(ofRuns(gone, task('one')), deadline());
      refusing = false;
      await clock.advance(minute);
      await clock.run(coordinator.onTick(deadline()));
      expect(requests()).toContainEqual({ kind: 'task', connector: 'a', task: 0 });
    });
  });

  /** A connector with an idle task that nothing but a wake-up makes due. */
  async function createIdle(name = 'a') {
    await createConnector(name);
    const { lease } = await acquire(name);
    await stores.generations.putTasks(lease, 1, [{ task: 0, config: {}, assignment: [], positions: [] }], clock.now());
    const task = await stores.leases.acquireTask(name, 0, 'w', clock.now(), clock.now() + minute);
    if (!task.granted) throw new Error(task.reason);
    await stores.leases.release(task.lease, { state: 'RUNNING', trace: null, workerId: 'w', dueAt: null });
    await stores.leases.release(lease, { state: 'RUNNING', trace: null, workerId: 'w', dueAt: null });
    streamed();
  }

  /** What is invoked runs, and is not due any more. */
  async function runAtOnce(request: RunRequest) {
    if (request.kind !== 'connector') return;
    const { lease } = await acquire(request.connector);
    await stores.leases.release(lease, { state: 'RUNNING', trace: null, workerId: 'w', dueAt: null });
  }

  async function acquire(name: string) {
    const result = await stores.leases.acquireConnector(name, 'w', clock.now(), clock.now() + minute);
    if (!result.granted) throw new Error(result.reason);
    return result;
  }
});
