import { describe, expect, it } from 'vitest';
import { ConflictError, FencedError, NotFoundError } from '../../src/errors.ts';
import { deathsOf, lastDeathOf } from '../../src/storage/deaths.ts';
import { everyTick } from '../../src/storage/due-index.ts';
import type { TaskItem } from '../../src/storage/items.ts';
import type { AcquireResult, Lease, RunOutcome } from '../../src/storage/lease-store.ts';
import type { SinkPosition } from '../../src/storage/offset-backing-store.ts';
import type { Stores } from '../../src/storage/stores.ts';

const t0 = 1_700_000_000_000;
const minute = 60_000;
const source = { 'connector.class': 'FileStreamSource', zulu: '1', alpha: '2' };

const ended = (dueAt: number | null, more: Partial<RunOutcome> = {}): RunOutcome => ({
  state: 'RUNNING',
  trace: null,
  workerId: 'task/stream-1',
  dueAt,
  ...more,
});

function granted<Item>(result: AcquireResult<Item>): Extract<AcquireResult<Item>, { granted: true }> {
  if (!result.granted) throw new Error(`not granted: ${result.reason}`);
  return result;
}

/** Creates a connector with tasks as a connector run does; returns the names' lease-free state. */
async function connectorWithTasks(
  stores: Stores,
  name: string,
  tasks: readonly { assignment?: TaskItem['assignment']; positions?: readonly SinkPosition[] }[],
  type: 'source' | 'sink' = 'source',
): Promise<void> {
  await stores.config.createConnector(name, type, { ...source, name }, 'STARTED', t0);
  const { lease, item } = granted(await stores.leases.acquireConnector(name, 'connector-run', t0, t0 + minute));
  await stores.generations.putTasks(
    lease,
    1,
    tasks.map((task, index) => ({
      task: index,
      config: { task: String(index) },
      assignment: task.assignment ?? [],
      positions: task.positions ?? [],
    })),
    t0,
  );
  await stores.generations.applyGeneration(
    lease,
    {
      generation: 1,
      taskCount: tasks.length,
      appliedVersion: item.configVersion,
      state: 'RUNNING',
      trace: null,
      workerId: 'task/connector-run',
    },
    null,
  );
}

/**
 * Every store kind must pass this. `newStores` gives empty ones; `many` is the number of items in tests of many, at
 * least 200: more than one transaction and one batch take.
 */
export function storesContract(newStores: () => Promise<Stores>, many = 1000): void {
  describe('connectors', () => {
    it('I6: creates one that is due, listed and read back whole, its settings in their order', async () => {
      const { config, due } = await newStores();
      await config.createConnector('a', 'source', source, 'STARTED', t0);
      const connector = await config.getConnector('a');
      expect(connector).toMatchObject({
        name: 'a',
        type: 'source',
        configVersion: 1,
        appliedVersion: 0,
        targetState: 'STARTED',
        deleting: false,
        generation: 0,
        taskCount: 0,
        state: 'UNASSIGNED',
        trace: null,
        leaseOwner: null,
        fencingToken: 0,
        dueAt: t0,
      });
      expect(Object.keys(connector?.config ?? {})).toEqual(['connector.class', 'zulu', 'alpha']);
      expect((await config.listConnectorNames(null)).items).toEqual(['a']);
      expect(await due.due(t0, 10)).toEqual([{ run: { connector: 'a', task: null }, dueAt: t0 }]);
      expect(await due.due(t0 - 1, 10)).toEqual([]);
    });

    it('refuses a second one of the same name', async () => {
      const { config } = await newStores();
      await config.createConnector('a', 'source', source, 'STARTED', t0);
      await expect(config.createConnector('a', 'sink', {}, 'STARTED', t0)).rejects.toBeInstanceOf(ConflictError);
      expect((await config.getConnector('a'))?.type).toBe('source');
    });

    it('puts configs: creates where there is none, replaces where there is one, and is due again', async () => {
      const { config } = await newStores();
      expect(await config.putConnectorConfig('a', 'source', source, t0)).toEqual({ created: true });
      expect(await config.putConnectorConfig('a', 'source', { x: 'y' }, t0 + 5)).toEqual({ created: false });
      expect(await config.getConnector('a')).toMatchObject({ config: { x: 'y' }, configVersion: 2, dueAt: t0 + 5 });
    });

    it('replaces a config only as read', async () => {
      const { config } = await newStores();
      await config.createConnector('a', 'source', source, 'STARTED', t0);
      expect(await config.replaceConnectorConfig('a', 7, 'source', { x: 'no' }, t0)).toBe(false);
      expect(await config.replaceConnectorConfig('a', 1, 'source', { x: 'yes' }, t0)).toBe(true);
      expect((await config.getConnector('a'))?.config).toEqual({ x: 'yes' });
    });

    it('I6: a replay that is asked for makes the connector due, and its progress is fenced', async () => {
      const { config, leases, generations } = await newStores();
      await expect(config.requestReplay('a', null, t0)).rejects.toBeInstanceOf(NotFoundError);
      await config.createConnector('a', 'sink', source, 'STARTED', t0);
      expect(await config.getConnector('a')).toMatchObject({ replayRequest: null, replay: null });
      const first = granted(await leases.acquireConnector('a', 'x', t0, t0 + minute));
      await config.requestReplay('a', 'elsewhere', t0 + 1);
      const request = { number: 1, requestedAt: t0 + 1, target: 'elsewhere' };
      expect(await config.getConnector('a')).toMatchObject({ replayRequest: request, replay: null });
      // Asked for while it runs: its release leaves it due.
      await leases.release(first.lease, ended(null));
      expect((await config.getConnector('a'))?.dueAt).toBe(t0 + 1);

      const { lease, item } = granted(await leases.acquireConnector('a', 'y', t0 + 1, t0 + minute));
      expect(item.replayRequest).toEqual(request);
      const replay = {
        request: 1,
        topic: 'dlq',
        ends: { 0: 7 },
        next: { 0: 3 },
        nextUnnamed: { 0: 1 },
        doneAt: null,
        replayed: 2,
        left: 1,
        others: 0,
        error: null,
      };
      await expect(generations.putReplay(first.lease, replay)).rejects.toBeInstanceOf(FencedError);
      expect((await config.getConnector('a'))?.replay).toBeNull();
      expect(await generations.putReplay(lease, replay)).toEqual({ changed: false });
      await config.requestReplay('a', null, t0 + 2);
      expect(await generations.putReplay(lease, { ...replay, replayed: 3 })).toEqual({ changed: true });
      expect(await config.getConnector('a')).toMatchObject({
        replayRequest: { number: 2, requestedAt: t0 + 2, target: null },
        replay: { ...replay, replayed: 3 },
        dueAt: t0 + 2,
      });
      // A namesake begins without them.
      await config.deleteConnector('a', t0 + 3);
      await config.createConnector('a', 'sink', source, 'STARTED', t0 + 4);
      expect(await config.getConnector('a')).toMatchObject({ replayRequest: null, replay: null });
    });

    it('reads many connectors as it reads each, however many tasks they have and whatever is about to change', async () => {
      const stores = await newStores();
      const { config } = stores;
      const names = ['none', 'one', 'three', 'many', 'new', 'changing', 'gone'];
      await connectorWithTasks(stores, 'none', []);
      await connectorWithTasks(stores, 'one', [{}]);
      await connectorWithTasks(stores, 'three', [{}, {}, {}]);
      await connectorWithTasks(
        stores,
        'many',
        Array.from({ length: 120 }, () => ({})),
      );
      await connectorWithTasks(stores, 'changing', [{}, {}]);
      await connectorWithTasks(stores, 'gone', [{}]);
      await config.createConnector('new', 'sink', source, 'STARTED', t0);
      await config.putTargetState('changing', 'STOPPED', t0 + 1);
      await config.deleteConnector('gone', t0 + 1);
      const found = await config.getConnectorsAndTasks([...names, 'nobody']);
      expect([...found.keys()].sort()).toEqual(names.filter((name) => name !== 'gone').sort());
      for (const [name, read] of found) {
        const byItself = (await config.getConnectorAndTasks(name))!;
        const inOrder = byItself.tasks.toSorted((a, b) => a.task - b.task);
        expect({ ...read, tasks: read.tasks.toSorted((a, b) => a.task - b.task) }).toEqual({
          ...byItself,
          tasks: inOrder,
        });
      }
      expect(await config.getConnectorsAndTasks([])).toEqual(new Map());
    });

    it('does not know what is not there', async () => {
      const { config, leases } = await newStores();
      expect(await config.getConnector('a')).toBeUndefined();
      expect(await config.getConnectorAndTasks('a')).toBeUndefined();
      expect(await config.getTask('a', 0)).toBeUndefined();
      expect(await config.markConnectorDue('a', t0)).toBe(false);
      expect(await config.markTaskDue('a', 0, t0)).toBe(false);
      await expect(config.putTargetState('a', 'PAUSED', t0)).rejects.toBeInstanceOf(NotFoundError);
      await expect(config.deleteConnector('a', t0)).rejects.toBeInstanceOf(NotFoundError);
      await expect(config.requestRestart('a', { connector: true, tasks: [] }, t0)).rejects.toBeInstanceOf(
        NotFoundError,
      );
      await expect(config.requestRestart('a', { connector: false, tasks: [0] }, t0)).rejects.toBeInstanceOf(
        NotFoundError,
      );
      expect(await leases.acquireConnector('a', 'x', t0, t0 + minute)).toMatchObject({
        granted: false,
        reason: 'gone',
      });
      expect(await leases.acquireTask('a', 0, 'x', t0, t0 + minute)).toMatchObject({ granted: false, reason: 'gone' });
    });

    it('lists names of every kind, page by page', async () => {
      const { config } = await newStores();
      const names = ['a', 'a#b', 'ab', 'a%2', 'ü', '漢字', '\ud800', '🎉', ' ', 'TASK#000000', '\u0001'];
      for (const name of names) await config.createConnector(name, 'source', source, 'STARTED', t0);
      const listed: string[] = [];
      let after: string | null = null;
      do {
        const page: { items: readonly string[]; next: string | null } = await config.listConnectorNames(after);
        listed.push(...page.items);
        after = page.next;
      } while (after !== null);
      expect([...listed].sort()).toEqual([...names].sort());
      const three = await config.listConnectorNames(listed[2]!, 3);
      expect(three).toEqual({ items: listed.slice(3, 6), next: listed[5] });
      // Behind one that has gone it goes on just the same.
      await config.deleteConnector(listed[5]!, t0);
      expect((await config.listConnectorNames(three.next, 2)).items).toEqual(listed.slice(6, 8));
      expect(await config.listConnectorNames(listed.at(-1)!, 3)).toEqual({ items: [], next: null });
      for (const name of names) if (name !== listed[5]) expect((await config.getConnector(name))?.name).toBe(name);
    });

    it('says which field is too long or too large', async () => {
      const { config } = await newStores();
      await expect(config.createConnector('n'.repeat(2000), 'source', {}, 'STARTED', t0)).rejects.toMatchObject({
        code: 'storage.key_too_long',
        facts: { key: 'name' },
      });
      const large = { big: 'x'.repeat(500_000) };
      await expect(config.createConnector('a', 'source', large, 'STARTED', t0)).rejects.toMatchObject({
        code: 'storage.item_too_large',
        message: expect.stringContaining('the config of connector a'),
      });
      expect(await config.getConnector('a')).toBeUndefined();
    });

    it('deletes: gone for readers at once, due for its own run, and its source offsets stay', async () => {
      const { config, generations, leases, offsets, due } = await newStores();
      await config.createConnector('a', 'source', source, 'STOPPED', t0);
      await offsets.alterSourceOffsets('a', [{ key: '{"f":1}', partition: '{"f":1}', offset: '{"p":1}' }], t0);
      await config.deleteConnector('a', t0 + 1);
      expect(await config.getConnector('a')).toBeUndefined();
      expect((await config.getConnector('a', { evenDeleting: true }))?.deleting).toBe(true);
      expect((await config.listConnectorNames(null)).items).toEqual([]);
      expect(await due.due(t0 + 1, 10)).toHaveLength(1);
      await expect(config.putTargetState('a', 'PAUSED', t0)).rejects.toBeInstanceOf(NotFoundError);

      const { lease } = granted(await leases.acquireConnector('a', 'x', t0 + 1, t0 + minute));
      expect(await generations.removeConnector(lease, t0 + 2)).toBe(true);
      expect(await config.getConnector('a', { evenDeleting: true })).toBeUndefined();
      expect(await leases.acquireConnector('a', 'x', t0 + 3, t0 + minute)).toMatchObject({ reason: 'gone' });
      expect(await due.due(t0 + minute, 10)).toEqual([]);
      expect((await offsets.readSourceOffsets('a', ['{"f":1}'])).get('{"f":1}')?.offset).toBe('{"p":1}');
      expect(await offsets.history('a')).toEqual([]);
    });

    it('I2: a namesake created anew goes on with the fencing token', async () => {
      const { config, generations, leases } = await newStores();
      await config.createConnector('a', 'source', source, 'STARTED', t0);
      await config.deleteConnector('a', t0);
      const first = granted(await leases.acquireConnector('a', 'x', t0, t0 + minute)).lease;
      await generations.removeConnector(first, t0);
      await config.createConnector('a', 'sink', source, 'STARTED', t0 + 1);
      const second = granted(await leases.acquireConnector('a', 'y', t0 + 1, t0 + minute)).lease;
      expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
      await expect(leases.release(first, ended(null))).rejects.toBeInstanceOf(FencedError);
    });

    it('creates anew what is on its way out, and the run that clears up leaves it alone', async () => {
      const { config, generations, leases } = await newStores();
      await config.createConnector('a', 'source', source, 'STARTED', t0);
      await config.deleteConnector('a', t0);
      const { lease } = granted(await leases.acquireConnector('a', 'x', t0, t0 + minute));
      await config.createConnector('a', 'sink', { new: 'one' }, 'PAUSED', t0 + 1);
      expect(await generations.removeConnector(lease, t0 + 2)).toBe(false);
      expect(await config.getConnector('a')).toMatchObject({
        type: 'sink',
        config: { new: 'one' },
        targetState: 'PAUSED',
        leaseOwner: null,
        dueAt: t0 + 1,
      });
    });

    it('I6: a change made while the connector runs leaves it due when it is released', async () => {
      const { config, leases, generations } = await newStores();
      await config.createConnector('a', 'source', source, 'STARTED', t0);
      const { lease, item } = granted(await leases.acquireConnector('a', 'x', t0, t0 + minute));
      await config.putTargetState('a', 'STOPPED', t0 + 7);
      const applied = { generation: 1, taskCount: 0, state: 'RUNNING' as const, trace: null, workerId: 'w' };
      await generations.applyGeneration(lease, { ...applied, appliedVersion: item.configVersion }, null);
      expect(await config.getConnector('a')).toMatchObject({
        appliedVersion: 1,
        configVersion: 2,
        dueAt: t0 + 7,
        leaseOwner: null,
      });

      const second = granted(await leases.acquireConnector('a', 'x', t0 + 8, t0 + minute));
      await config.putConnectorConfig('a', 'source', {}, t0 + 9);
      await leases.release(second.lease, ended(null, { state: 'FAILED', trace: 'no' }));
      expect(await config.getConnector('a')).toMatchObject({
        state: 'FAILED',
        trace: 'no',
        dueAt: t0 + 9,
        leaseOwner: null,
      });
    });

    it('restarts: counts, is due, and says what was asked for', async () => {
      const { config } = await newStores();
      await config.createConnector('a', 'source', source, 'STARTED', t0);
      await config.requestRestart('a', { connector: true, tasks: [], includeTasks: true, onlyFailed: false }, t0 + 3);
      expect(await config.getConnector('a')).toMatchObject({
        restarts: 1,
        configVersion: 2,
        state: 'RESTARTING',
        dueAt: t0 + 3,
        restartRequest: { includeTasks: true, onlyFailed: false },
      });
    });
  });

  describe('leases', () => {
    it('I1: grants one holder, refuses a second until the lease has run out, and says so to the next', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      const { leases } = stores;
      const first = granted(await leases.acquireTask('a', 0, 'one', t0, t0 + minute));
      expect(first).toMatchObject({
        takeover: false,
        item: { leaseOwner: 'one', generation: 1, config: { task: '0' } },
      });
      expect(await leases.acquireTask('a', 0, 'two', t0 + 1, t0 + minute)).toMatchObject({
        granted: false,
        reason: 'held',
      });
      expect(await leases.acquireTask('a', 0, 'one', t0 + 1, t0 + minute)).toMatchObject({
        granted: false,
        reason: 'held',
      });
      const second = granted(await leases.acquireTask('a', 0, 'two', t0 + minute, t0 + 2 * minute));
      expect(second.takeover).toBe(true);
      expect(second.lease.fencingToken).toBe(first.lease.fencingToken + 1);
    });

    it('L1: an item stays due while its lease is held, so that a dead run is taken over', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      granted(await stores.leases.acquireTask('a', 0, 'one', t0, t0 + minute));
      expect(await stores.due.due(t0, 10)).toEqual([{ run: { connector: 'a', task: 0 }, dueAt: t0 }]);
    });

    it('L1: the lease of an invocation that is known to be dead ends at once, and no other', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}, {}]);
      const { leases } = stores;
      const one = { connector: 'a', task: 0 };
      const dies = granted(await leases.acquireTask('a', 0, 'w', t0, t0 + minute, 'dies'));
      granted(await leases.acquireTask('a', 1, 'w', t0, t0 + minute, 'lives'));
      expect(await leases.expire({ connector: 'a', task: 1 }, 'dies', t0 + 1)).toBe(false);
      expect(await leases.expire({ connector: 'a', task: 7 }, 'dies', t0 + 1)).toBe(false);
      expect(await leases.expire({ connector: 'a', task: null }, 'dies', t0 + 1)).toBe(false);
      expect(await leases.expire(one, 'dies', t0 + 2 * minute)).toBe(false);
      expect(await leases.expire(one, 'dies', t0 + 1)).toBe(true);
      expect(await leases.expire(one, 'dies', t0 + 1)).toBe(false);
      expect(await leases.acquireTask('a', 1, 'two', t0 + 1, t0 + minute)).toMatchObject({ reason: 'held' });
      const next = granted(await leases.acquireTask('a', 0, 'two', t0 + 1, t0 + minute));
      expect(next).toMatchObject({ takeover: true, died: { at: t0 + 1, workerId: 'w' }, item: { openRuns: 2 } });
      // Told again, when another has it, and when nobody has.
      expect(await leases.expire(one, 'dies', t0 + 2)).toBe(false);
      await expect(leases.renew(dies.lease, t0 + 3 * minute)).rejects.toThrow(FencedError);
      await leases.release(next.lease, { state: 'RUNNING', trace: null, workerId: 'two', dueAt: t0 + 2 });
      const third = granted(await leases.acquireTask('a', 0, 'three', t0 + 3, t0 + minute, 'third'));
      await leases.release(third.lease, { state: 'RUNNING', trace: null, workerId: 'three', dueAt: t0 + 4 });
      expect(await leases.expire(one, 'third', t0)).toBe(false);
    });

    it('L1: of a connector likewise', async () => {
      const stores = await newStores();
      await stores.config.createConnector('a', 'source', {}, 'STARTED', t0);
      granted(await stores.leases.acquireConnector('a', 'w', t0, t0 + minute, 'dies'));
      expect(await stores.leases.expire({ connector: 'a', task: null }, 'dies', t0 + 1)).toBe(true);
      expect(granted(await stores.leases.acquireConnector('a', 'w', t0 + 1, t0 + minute)).takeover).toBe(true);
    });

    describe('counts runs that end without a word', () => {
      /** A task whose runs are `a`, `b`, …, a minute each; time is that of the run under way. */
      async function mortal() {
        const stores = await newStores();
        await connectorWithTasks(stores, 'a', [{}]);
        let run = 0;
        return {
          stores,
          now: () => t0 + run * minute,
          acquire: async () => {
            const at = t0 + ++run * minute;
            return granted(await stores.leases.acquireTask('a', 0, `run-${run}`, at, at + minute));
          },
          read: async () => (await stores.config.getTask('a', 0))!,
        };
      }
      const offset = { key: '{}', partition: '{}', offset: '{"n":1}' };

      it('in a row, those without a commit apart, and who the last one was', async () => {
        const { stores, acquire, read, now } = await mortal();
        expect(await acquire()).toMatchObject({ died: null, item: { openRuns: 1, fruitlessRuns: 1, lastDeath: null } });
        expect(deathsOf(await read(), now())).toEqual({ inRow: 0, fruitless: 0 });
        // Its lease has run out: seen before anybody takes over.
        expect(deathsOf(await read(), now() + minute)).toEqual({ inRow: 1, fruitless: 1 });
        const first = { at: t0 + 2 * minute, workerId: 'run-1' };
        expect(lastDeathOf(await read(), now() + minute)).toEqual(first);

        const second = await acquire();
        expect(second).toMatchObject({ takeover: true, died: first });
        expect(deathsOf(second.item, now())).toEqual({ inRow: 1, fruitless: 1 });
        expect(second.item).toMatchObject({ lastDeath: first });
        expect(await read()).toMatchObject({ openRuns: 2, fruitlessRuns: 2, lastDeath: first });
        await stores.offsets.commitSourceOffsets(second.lease, [offset], { records: 1 });
        expect(deathsOf(await read(), now() + minute)).toEqual({ inRow: 2, fruitless: 0 });

        await acquire();
        expect(deathsOf(await read(), now())).toEqual({ inRow: 2, fruitless: 0 });
        expect(deathsOf(await read(), now() + minute)).toEqual({ inRow: 3, fruitless: 1 });
        expect(lastDeathOf(await read(), now())).toEqual({ at: t0 + 3 * minute, workerId: 'run-2' });
      });

      it('anew once a run has ended in order; the last death is remembered', async () => {
        const { stores, acquire, read, now } = await mortal();
        await acquire();
        const { lease } = await acquire();
        await stores.leases.release(lease, ended(now() + minute));
        const none = { openRuns: 0, fruitlessRuns: 0, lastDeath: { at: t0 + 2 * minute, workerId: 'run-1' } };
        expect(await read()).toMatchObject({ leaseOwner: null, ...none });
        expect(await acquire()).toMatchObject({
          takeover: false,
          died: null,
          item: { ...none, openRuns: 1, fruitlessRuns: 1 },
        });
        expect(deathsOf(await read(), now() + minute)).toEqual({ inRow: 1, fruitless: 1 });
      });

      it('on from where it was, when a run only tells of them', async () => {
        const { stores, acquire, read, now } = await mortal();
        await acquire();
        await acquire();
        const { lease } = await acquire();
        const deaths = { inRow: 2, fruitless: 2 };
        await stores.leases.release(lease, ended(now() + minute, { state: 'FAILED', trace: 'x', deaths }));
        expect(deathsOf(await read(), now())).toEqual(deaths);
        expect(await acquire()).toMatchObject({ died: null, takeover: false });
        expect(deathsOf(await read(), now())).toEqual(deaths);
        expect(deathsOf(await read(), now() + minute)).toEqual({ inRow: 3, fruitless: 3 });
      });

      it('anew when it is restarted: dead, under way, or FAILED', async () => {
        const { stores, acquire, read, now } = await mortal();
        const restart = () => stores.config.requestRestart('a', { connector: false, tasks: [0] }, now());
        await acquire();
        await acquire();
        await restart();
        expect(deathsOf(await read(), now())).toEqual({ inRow: 0, fruitless: 0 });
        // It dies before it could let go.
        const { died, lease } = await acquire();
        expect(died).toMatchObject({ workerId: 'run-2' });
        expect(deathsOf(await read(), now())).toEqual({ inRow: 0, fruitless: 0 });
        const deaths = { inRow: 9, fruitless: 9 };
        await stores.leases.release(lease, ended(null, { state: 'FAILED', trace: 'x', deaths }));
        await restart();
        expect(await read()).toMatchObject({ openRuns: 0, fruitlessRuns: 0 });
      });

      it('anew in a new generation, and when a paused task is resumed', async () => {
        const { stores, acquire, read, now } = await mortal();
        const { generations } = stores;
        await acquire();
        await acquire();
        await stores.config.markConnectorDue('a', now());
        const far = now() + 60 * minute;
        const { lease } = granted(await stores.leases.acquireConnector('a', 'c', now(), far));
        await generations.revokeTasks(lease, [0], 'PAUSED');
        await generations.startTasks(lease, [0], now());
        expect(await read()).toMatchObject({ openRuns: 0, fruitlessRuns: 0, leaseOwner: 'run-2' });
        await acquire();
        const next = [{ task: 0, config: {}, assignment: [], positions: [] }];
        await generations.putTasks(lease, 2, next, now() + minute);
        expect(await read()).toMatchObject({ openRuns: 0, fruitlessRuns: 0, leaseOwner: null });
      });

      it('of a sink: a commit while it runs is progress, the positions that it starts from are none', async () => {
        const stores = await newStores();
        await connectorWithTasks(stores, 'a', [{}], 'sink');
        const { lease } = granted(await stores.leases.acquireTask('a', 0, 'one', t0, t0 + minute));
        const position = { topic: 't', kafkaPartition: 0, offset: 5n };
        const fruitless = async () => (await stores.config.getTask('a', 0))?.fruitlessRuns;
        await stores.offsets.commitSinkPositions(lease, [position], {});
        expect(await fruitless()).toBe(1);
        await stores.offsets.commitSinkPositions(lease, [{ ...position, offset: 6n }], { records: 1 });
        expect(await fruitless()).toBe(0);
      });

      it('of a source: offsets are progress, the tail that a run begins with is none', async () => {
        const { stores, acquire, read } = await mortal();
        const { lease } = await acquire();
        await stores.offsets.commitSourceOffsets(lease, [], {}, [{ topic: 't', kafkaPartition: 0, offset: 5n }]);
        expect((await read()).fruitlessRuns).toBe(1);
        await stores.offsets.commitSourceOffsets(lease, [offset], { records: 1 });
        expect((await read()).fruitlessRuns).toBe(0);
      });

      it.each<[string, (stores: Stores) => Promise<unknown>]>([
        ['another config', ({ config }) => config.putConnectorConfig('a', 'source', { x: 'y' }, t0)],
        [
          'a patched config',
          async ({ config }) => {
            const { configVersion } = (await config.getConnector('a'))!;
            return config.replaceConnectorConfig('a', configVersion, 'source', { x: 'y' }, t0);
          },
        ],
        ['another target state', ({ config }) => config.putTargetState('a', 'STARTED', t0)],
        ['a restart', ({ config }) => config.requestRestart('a', { connector: true, tasks: [] }, t0)],
        ['a replay', ({ config }) => config.requestReplay('a', null, t0)],
      ])('of a connector’s own runs likewise, anew with %s', async (_what, ask) => {
        const stores = await newStores();
        const { config, leases, generations } = stores;
        await config.createConnector('a', 'source', source, 'STARTED', t0);
        const acquire = async (now: number) => granted(await leases.acquireConnector('a', 'c', now, now + minute));
        await acquire(t0);
        const second = await acquire(t0 + minute);
        expect(second).toMatchObject({ takeover: true, died: { at: t0 + minute, workerId: 'c' } });
        const deaths = deathsOf(second.item, t0 + minute);
        expect(deaths).toEqual({ inRow: 1, fruitless: 1 });
        const applied = { generation: 0, taskCount: 0, appliedVersion: 1, trace: 'x', workerId: 'c' };
        await generations.applyGeneration(second.lease, { ...applied, state: 'FAILED', deaths }, null);
        expect(deathsOf((await config.getConnector('a'))!, t0)).toEqual(deaths);
        await ask(stores);
        expect(deathsOf((await config.getConnector('a'))!, t0)).toEqual({ inRow: 0, fruitless: 0 });
        const third = await acquire(t0 + 2 * minute);
        const running = { ...applied, state: 'RUNNING' as const, appliedVersion: third.item.configVersion };
        await generations.applyGeneration(third.lease, running, null);
        expect(await config.getConnector('a')).toMatchObject({ openRuns: 0, fruitlessRuns: 0 });
      });
    });

    it('releases to what comes next: later, at every tick, watched, or not at all', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}], 'sink');
      const { leases, due, config } = stores;
      const run = async (now: number) => granted(await leases.acquireTask('a', 0, 'one', now, now + minute)).lease;

      await leases.release(await run(t0), ended(t0 + 500, { counters: { runs: 1, records: 7, lagRecords: null } }));
      expect(await leases.acquireTask('a', 0, 'two', t0 + 499, t0 + minute)).toMatchObject({ reason: 'not-due' });
      expect(await config.getTask('a', 0)).toMatchObject({
        state: 'RUNNING',
        workerId: 'task/stream-1',
        leaseOwner: null,
        counters: { runs: 1, records: 7, bytes: 0, lagRecords: null },
      });
      await leases.release(await run(t0 + 500), ended(everyTick));
      expect(await due.due(t0, 10)).toEqual([{ run: { connector: 'a', task: 0 }, dueAt: everyTick }]);
      expect(await due.due(t0, 10, everyTick + 1)).toEqual([]);
      await leases.release(await run(t0 + 501), ended(null, { watched: true }));
      expect(await due.due(t0 + minute, 10)).toEqual([]);
      expect((await due.watched(null)).items).toEqual([{ connector: 'a', task: 0, positions: {}, topicIds: {} }]);
      expect(await leases.acquireTask('a', 0, 'two', t0 + minute, t0 + minute)).toMatchObject({ reason: 'not-due' });

      expect(await config.wakeTask('a', 0, t0 + 550)).toBe('free');
      expect(await due.due(t0, 10)).toEqual([{ run: { connector: 'a', task: 0 }, dueAt: everyTick }]);
      expect((await due.watched(null)).items).toEqual([]);
      expect(await config.markTaskDue('a', 0, t0 + 600)).toBe(true);
      expect((await due.watched(null)).items).toEqual([]);
      await leases.release(await run(t0 + 600), ended(null, { state: 'FAILED', trace: 'boom' }));
      expect(await config.getTask('a', 0)).toMatchObject({
        state: 'FAILED',
        trace: 'boom',
        dueAt: null,
        watched: false,
      });
      expect(await config.markTaskDue('a', 0, t0 + 700)).toBe(false);
      expect(await config.wakeTask('a', 0, t0 + 700)).toBeNull();
    });

    it('L1: a wake-up that comes while the task runs is not lost', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      const { lease } = granted(await stores.leases.acquireTask('a', 0, 'one', t0, t0 + minute));
      expect(await stores.config.markTaskDue('a', 0, t0 + 5)).toBe(true);
      expect(await stores.config.wakeTask('a', 0, t0 + 6)).toBe('running');
      await stores.leases.release(lease, ended(t0 + minute));
      // The stream must show this one: nobody else dispatches it.
      expect(await stores.config.getTask('a', 0)).toMatchObject({ dueAt: t0 + 6, leaseOwner: null });
    });

    it('renews, and a released or lost lease cannot', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      const { leases, config } = stores;
      const { lease } = granted(await leases.acquireTask('a', 0, 'one', t0, t0 + minute));
      expect(await leases.renew(lease, t0 + 2 * minute)).toEqual({ revoked: false });
      expect((await config.getTask('a', 0))?.leaseExpiresAt).toBe(t0 + 2 * minute);
      granted(await leases.acquireTask('a', 0, 'two', t0 + 2 * minute, t0 + 3 * minute));
      await expect(leases.renew(lease, t0 + 9 * minute)).rejects.toBeInstanceOf(FencedError);
    });

    it('I2: whatever a zombie writes is refused and changes nothing', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      const { leases, offsets, status, config } = stores;
      const zombie = granted(await leases.acquireTask('a', 0, 'one', t0, t0 + minute)).lease;
      granted(await leases.acquireTask('a', 0, 'two', t0 + minute, t0 + 2 * minute));
      const before = await config.getTask('a', 0);
      const entry = { key: '{"f":1}', partition: '{"f":1}', offset: '{"p":1}' };
      await expect(offsets.commitSourceOffsets(zombie, [entry], { records: 1 })).rejects.toBeInstanceOf(FencedError);
      await expect(offsets.commitSourceOffsets(zombie, [], { records: 1 })).rejects.toBeInstanceOf(FencedError);
      await expect(
        offsets.commitSinkPositions(zombie, [{ topic: 't', kafkaPartition: 0, offset: 1n }], {}),
      ).rejects.toBeInstanceOf(FencedError);
      await expect(leases.release(zombie, ended(null))).rejects.toBeInstanceOf(FencedError);
      await expect(status.putTaskState('a', 0, 'FAILED', 'x', 'w', zombie)).rejects.toBeInstanceOf(FencedError);
      expect(await config.getTask('a', 0)).toEqual(before);
      expect((await offsets.readSourceOffsets('a', [entry.key])).size).toBe(0);
    });

    it('I2: of a last commit and its release both are done, once, or neither', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      const { leases, offsets, config } = stores;
      const entries = (count: number, n: number) =>
        Array.from({ length: count }, (_, f) => ({
          key: `{"f":${f}}`,
          partition: `{"f":${f}}`,
          offset: JSON.stringify({ n }),
        }));
      const keys = entries(250, 0).map(({ key }) => key);
      const stored = async () => [...(await offsets.readSourceOffsets('a', keys)).values()].map(({ offset }) => offset);
      const { lease } = granted(await leases.acquireTask('a', 0, 'one', t0, t0 + minute));
      const outcome = ended(t0 + 5, { counters: { records: 3 }, rhythm: 'fast' });
      await offsets.commitAndRelease(lease, { offsets: entries(1, 1) }, outcome);
      // The answer was lost, and it is sent again.
      await offsets.commitAndRelease(lease, { offsets: entries(1, 1) }, outcome);
      expect(await stored()).toEqual(['{"n":1}']);
      expect(await config.getTask('a', 0)).toMatchObject({
        leaseOwner: null,
        dueAt: t0 + 5,
        counters: { records: 3 },
        rhythm: 'fast',
        openRuns: 0,
        fruitlessRuns: 0,
      });

      const zombie = granted(await leases.acquireTask('a', 0, 'one', t0 + 5, t0 + minute)).lease;
      const newer = granted(await leases.acquireTask('a', 0, 'two', t0 + minute, t0 + 2 * minute)).lease;
      const before = await config.getTask('a', 0);
      for (const count of [1, 250]) {
        const late = offsets.commitAndRelease(zombie, { offsets: entries(count, 2) }, outcome);
        await expect(late).rejects.toBeInstanceOf(FencedError);
      }
      expect(await stored()).toEqual(['{"n":1}']);
      expect(await config.getTask('a', 0)).toEqual(before);

      // More than fits into one transaction, and a tombstone.
      const gone = { key: '{"f":0}', partition: '{"f":0}', offset: null };
      await offsets.commitAndRelease(newer, { offsets: [...entries(250, 3), gone] }, ended(null));
      expect(await stored()).toEqual(Array.from({ length: 249 }, () => '{"n":3}'));
      expect(await config.getTask('a', 0)).toMatchObject({ leaseOwner: null, dueAt: null });
    });

    it('L1: a last commit goes with whatever release there is: revoked, started anew, woken', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}, {}, {}]);
      const { leases, offsets, config, generations } = stores;
      const run = async (task: number) => granted(await leases.acquireTask('a', task, 'one', t0, t0 + minute)).lease;
      const commit = (n: number) => ({ offsets: [{ key: `${n}`, partition: `${n}`, offset: '{"n":1}' }] });
      const [paused, restarted, woken] = [await run(0), await run(1), await run(2)];
      await config.putTargetState('a', 'PAUSED', t0);
      const { lease } = granted(await leases.acquireConnector('a', 'c', t0, t0 + minute));
      await generations.revokeTasks(lease, [0], 'PAUSED');
      await config.requestRestart('a', { connector: false, tasks: [1] }, t0 + 1);
      await config.wakeTask('a', 2, t0 + 2);
      for (const [n, held] of [paused, restarted, woken].entries()) {
        await offsets.commitAndRelease(held, commit(n), ended(t0 + minute));
      }
      expect((await offsets.readSourceOffsets('a', ['0', '1', '2'])).size).toBe(3);
      expect(await config.getTasks('a')).toMatchObject([
        { state: 'PAUSED', dueAt: null, leaseOwner: null },
        { state: 'RESTARTING', leaseOwner: null },
        { state: 'RUNNING', dueAt: t0 + 2, leaseOwner: null },
      ]);
    });

    it('I5: the last positions of a sink go with its release, however many, and what was noted of them', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}], 'sink');
      const { leases, offsets, config } = stores;
      const positions = (count: number, offset: bigint) =>
        Array.from({ length: count }, (_, kafkaPartition) => ({ topic: 't', kafkaPartition, offset, topicId: 'id' }));
      const change = {
        at: t0,
        reason: 'group-restored' as const,
        topic: 't',
        kafkaPartition: 0,
        from: null,
        to: 1,
      };
      for (const [run, count] of [1, 100, 101, 250].entries()) {
        const { lease } = granted(await leases.acquireTask('a', 0, 'one', t0 + run, t0 + minute));
        const commit = { positions: positions(count, BigInt(run + 1)), changes: [change] };
        await offsets.commitAndRelease(lease, commit, ended(t0 + run + 1, { counters: { records: run } }));
        const item = await config.getTask('a', 0);
        expect(item).toMatchObject({ leaseOwner: null, positionChanges: [change], counters: { records: run } });
        const expected = Array.from({ length: count }, (_, partition) => [String(partition), BigInt(run + 1)]);
        expect(item?.positions.t).toEqual(Object.fromEntries(expected));
      }
    });

    it('releasing twice is as good as once', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      const { lease } = granted(await stores.leases.acquireTask('a', 0, 'one', t0, t0 + minute));
      await stores.leases.release(lease, ended(t0 + 5));
      await stores.leases.release(lease, ended(t0 + 5));
      expect((await stores.config.getTask('a', 0))?.dueAt).toBe(t0 + 5);
    });
  });

  describe('generations', () => {
    it('I7: a revoked task commits its batch, is told, lets go and does not start again', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}, {}]);
      const { leases, generations, config, offsets, due } = stores;
      const running = granted(await leases.acquireTask('a', 0, 'one', t0, t0 + minute)).lease;
      await config.putTargetState('a', 'PAUSED', t0);
      const { lease } = granted(await leases.acquireConnector('a', 'c', t0, t0 + minute));
      await generations.revokeTasks(lease, [0, 1], 'PAUSED');
      expect(await due.due(t0 + minute, 10)).toEqual([{ run: { connector: 'a', task: null }, dueAt: t0 }]);
      expect((await config.getTask('a', 1))?.state).toBe('PAUSED');

      const entry = { key: '{"f":1}', partition: '{"f":1}', offset: '{"p":1}' };
      expect(await offsets.commitSourceOffsets(running, [entry], { records: 4 })).toEqual({ revoked: true });
      expect((await offsets.readSourceOffsets('a', [entry.key])).get(entry.key)?.offset).toBe('{"p":1}');
      expect(await leases.renew(running, t0 + minute)).toEqual({ revoked: true });
      await leases.release(running, ended(t0 + 1));
      expect(await config.getTask('a', 0)).toMatchObject({
        state: 'PAUSED',
        dueAt: null,
        revoked: true,
        counters: { records: 4 },
      });
      expect(await leases.acquireTask('a', 0, 'two', t0 + 2, t0 + minute)).toMatchObject({ reason: 'revoked' });
      expect(await config.markTaskDue('a', 0, t0 + 2)).toBe(false);

      await generations.startTasks(lease, [0, 1], t0 + 3, (task) => t0 + 3 + task);
      expect((await config.getTasks('a')).map(({ dueAt }) => dueAt)).toEqual([t0 + 3, t0 + 4]);
      const again = granted(await leases.acquireTask('a', 0, 'two', t0 + 3, t0 + minute));
      expect(again.item).toMatchObject({ revoked: false, state: 'UNASSIGNED' });
      expect(await leases.acquireTask('a', 1, 'three', t0 + 3, t0 + minute)).toMatchObject({ reason: 'not-due' });
      const early = granted(await leases.acquireTask('a', 1, 'three', t0 + 3, t0 + minute, undefined, t0 + 4));
      expect(early.item.dueAt).toBe(t0 + 3);
      expect((await config.getTask('a', 1))?.dueAt).toBe(t0 + 3);
    });

    it('resumes a task that has not let go yet: it starts anew when it has', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      const { leases, generations, config } = stores;
      const running = granted(await leases.acquireTask('a', 0, 'one', t0, t0 + minute)).lease;
      await config.putTargetState('a', 'PAUSED', t0);
      const { lease } = granted(await leases.acquireConnector('a', 'c', t0, t0 + minute));
      await generations.revokeTasks(lease, [0], 'PAUSED');
      await generations.startTasks(lease, [0], t0 + 1, () => t0 + 1000);
      await leases.release(running, ended(null));
      expect(await config.getTask('a', 0)).toMatchObject({ dueAt: t0 + 1, revoked: false });
      granted(await leases.acquireTask('a', 0, 'two', t0 + 1, t0 + minute));
    });

    it('restarts a running task when it has let go, a failed one at once, and leaves a paused one alone', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}, {}, {}]);
      const { leases, generations, config } = stores;
      const running = granted(await leases.acquireTask('a', 0, 'one', t0, t0 + minute)).lease;
      const failing = granted(await leases.acquireTask('a', 1, 'one', t0, t0 + minute)).lease;
      await leases.release(failing, ended(null, { state: 'FAILED', trace: 'x' }));
      await config.markConnectorDue('a', t0);
      const { lease } = granted(await leases.acquireConnector('a', 'c', t0, t0 + minute));
      await generations.revokeTasks(lease, [2], 'PAUSED');

      await config.requestRestart('a', { connector: false, tasks: [0, 1, 2] }, t0 + 4);
      expect(await config.getTask('a', 1)).toMatchObject({ state: 'RESTARTING', trace: null, dueAt: t0 + 4 });
      expect(await config.getTask('a', 2)).toMatchObject({ state: 'PAUSED', dueAt: null, revoked: true });
      expect(await leases.renew(running, t0 + minute)).toEqual({ revoked: true });
      await leases.release(running, ended(null));
      expect(await config.getTask('a', 0)).toMatchObject({ state: 'RESTARTING', dueAt: t0 + 4, revoked: false });
    });

    it('I1: a run that died with a restart asked for is taken over when its lease has run out', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      granted(await stores.leases.acquireTask('a', 0, 'one', t0, t0 + minute));
      await stores.config.requestRestart('a', { connector: false, tasks: [0] }, t0 + 4);
      expect(await stores.leases.acquireTask('a', 0, 'two', t0 + 5, t0 + minute)).toMatchObject({ reason: 'held' });
      expect(granted(await stores.leases.acquireTask('a', 0, 'two', t0 + minute, t0 + 2 * minute)).takeover).toBe(true);
    });

    it('I7: neither replaces nor deletes a task whose lease is held', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}, {}]);
      const { leases, generations, config } = stores;
      const running = granted(await leases.acquireTask('a', 0, 'one', t0, t0 + minute)).lease;
      await config.markConnectorDue('a', t0);
      const { lease } = granted(await leases.acquireConnector('a', 'c', t0, t0 + 2 * minute));
      await generations.revokeTasks(lease, [0, 1]);
      const next = [0, 1].map((task) => ({ task, config: { v: '2' }, assignment: [], positions: [] }));
      await expect(generations.putTasks(lease, 2, next, t0 + 1)).rejects.toMatchObject({ code: 'task.lease_held' });
      await expect(generations.deleteTasks(lease, [0, 1], t0 + 1)).rejects.toMatchObject({ code: 'task.lease_held' });
      expect((await config.getTasks('a')).map((task) => task.generation)).toEqual([1, 1]);

      // Its lease runs out: from then on its commits are refused.
      await generations.putTasks(lease, 2, next, t0 + minute);
      const entry = { key: '{}', partition: '{}', offset: '{"p":1}' };
      await expect(stores.offsets.commitSourceOffsets(running, [entry], {})).rejects.toBeInstanceOf(FencedError);
      expect(granted(await leases.acquireTask('a', 0, 'two', t0 + minute, t0 + 2 * minute)).item.config).toEqual({
        v: '2',
      });
    });

    it('I2: a task created anew after its deletion goes on with its token', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      const { leases, generations, config } = stores;
      let zombie: Lease | undefined;
      for (let i = 0; i < 3; i++) {
        zombie = granted(await leases.acquireTask('a', 0, 'one', t0, t0 + minute)).lease;
        await leases.release(zombie, ended(t0));
      }
      await config.markConnectorDue('a', t0);
      const { lease } = granted(await leases.acquireConnector('a', 'c', t0, t0 + minute));
      await generations.deleteTasks(lease, [0], t0);
      expect(await config.getTasks('a')).toEqual([]);
      await generations.putTasks(lease, 2, [{ task: 0, config: {}, assignment: [], positions: [] }], t0);
      const anew = granted(await leases.acquireTask('a', 0, 'two', t0, t0 + minute)).lease;
      expect(anew.fencingToken).toBeGreaterThan(zombie?.fencingToken ?? 0);
    });

    it('I2: a connector run that lost its lease changes no task', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      const { leases, generations, config } = stores;
      await config.markConnectorDue('a', t0);
      const zombie = granted(await leases.acquireConnector('a', 'c', t0, t0 + minute)).lease;
      granted(await leases.acquireConnector('a', 'd', t0 + minute, t0 + 2 * minute));
      const before = await config.getConnectorAndTasks('a');
      const task = { task: 0, config: {}, assignment: [], positions: [] };
      const applied = {
        generation: 9,
        taskCount: 0,
        appliedVersion: 9,
        state: 'RUNNING' as const,
        trace: null,
        workerId: '',
      };
      for (const write of [
        () => generations.revokeTasks(zombie, [0]),
        () => generations.startTasks(zombie, [0], t0),
        () => generations.putTasks(zombie, 9, [task], t0),
        () => generations.deleteTasks(zombie, [0], t0),
        () => generations.putSourceOffsets(zombie, [{ key: 'k', partition: 'k', offset: 'o' }]),
        () => generations.applyGeneration(zombie, applied, null),
      ]) {
        await expect(write()).rejects.toBeInstanceOf(FencedError);
      }
      expect(await config.getConnectorAndTasks('a')).toEqual(before);
    });

    it(`holds ${many} tasks, sink positions from generation to generation`, async () => {
      const stores = await newStores();
      const tasks = Array.from({ length: many }, (_, task) => ({
        assignment: [{ topic: 't', partitions: [task] }],
        positions: [{ topic: 't', kafkaPartition: task, offset: BigInt(task) + 2n ** 60n, state: `left by ${task}` }],
      }));
      await connectorWithTasks(stores, 'a', tasks, 'sink');
      const { config, generations, leases, offsets, due } = stores;
      expect(await due.due(t0, 2000)).toHaveLength(many);
      const found = await config.getConnectorAndTasks('a');
      expect(found?.tasks.map((task) => task.task)).toEqual(tasks.map((_, task) => task));
      expect(found?.tasks.at(-1)?.positions).toEqual({ t: { [many - 1]: BigInt(many - 1) + 2n ** 60n } });
      expect(found?.tasks.at(-1)?.states).toEqual({ t: { [many - 1]: `left by ${many - 1}` } });

      await config.markConnectorDue('a', t0);
      const { lease } = granted(await leases.acquireConnector('a', 'c', t0, t0 + minute));
      const all = tasks.map((_, task) => task);
      await generations.revokeTasks(lease, all, 'STOPPED');
      await generations.foldPositions(lease, (await config.getTask('a', 7)) as TaskItem);
      await generations.foldPositions(lease, (await config.getTask('a', 8)) as TaskItem);
      await generations.deleteTasks(lease, all, t0);
      expect(await config.getTasks('a')).toEqual([]);
      expect(await offsets.readSinkPositions('a')).toEqual([
        { topic: 't', kafkaPartition: 7, offset: 7n + 2n ** 60n, state: 'left by 7' },
        { topic: 't', kafkaPartition: 8, offset: 8n + 2n ** 60n, state: 'left by 8' },
      ]);
    }, 120_000);
  });

  describe('offsets', () => {
    const entry = (n: number, offset: string | null = `{"p":${n}}`) => ({
      key: `{"file":"${n}"}`,
      partition: `{"file":"${n}"}`,
      offset,
    });

    it('commits source offsets with counters, a tail, and tombstones', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      const { offsets, leases, config } = stores;
      const { lease } = granted(await leases.acquireTask('a', 0, 'one', t0, t0 + minute));
      const other = {
        key: '{"a":1,"b":2}',
        partition: '{"b":2,"a":1}',
        offset: '{"n":9007199254740993}',
        inTopic: true,
      };
      const tail = [{ topic: 'connect-offsets', kafkaPartition: 3, offset: 17n }];
      expect(
        await offsets.commitSourceOffsets(lease, [entry(1), entry(1, '{"p":5}'), other], { records: 3 }, tail),
      ).toEqual({
        revoked: false,
      });
      expect(await config.getTask('a', 0)).toMatchObject({
        counters: { records: 3 },
        positions: { 'connect-offsets': { '3': 17n } },
      });
      await offsets.commitSourceOffsets(lease, [entry(2), { ...entry(3), inTopic: true }], {});
      const tombstones = [entry(1, null), entry(2, null), { ...entry(3, null), inTopic: true }];
      await offsets.commitSourceOffsets(lease, tombstones, {}, []);
      expect((await config.getTask('a', 0))?.positions).toEqual({});
      expect(await offsets.readSourceOffsets('a', [entry(1).key, other.key, 'none'])).toEqual(
        new Map([[other.key, other]]),
      );
      expect((await offsets.listSourceOffsets('a', null)).items).toEqual([other]);
    });

    it('keeps source partitions of any length apart', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      const { lease } = granted(await stores.leases.acquireTask('a', 0, 'one', t0, t0 + minute));
      const long = [1, 2].map((n) => ({ key: `{"f":"${'x'.repeat(5000)}${n}"}`, partition: 'p', offset: `${n}` }));
      await stores.offsets.commitSourceOffsets(lease, long, {});
      const found = await stores.offsets.readSourceOffsets(
        'a',
        long.map(({ key }) => key),
      );
      expect(long.map(({ key }) => found.get(key))).toEqual(long);
    });

    it('commits and reads more source partitions than one request takes', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      const { offsets, leases } = stores;
      const { lease } = granted(await leases.acquireTask('a', 0, 'one', t0, t0 + minute));
      const entries = Array.from({ length: many }, (_, n) => entry(n));
      await offsets.commitSourceOffsets(lease, entries, { records: many });
      expect(
        (
          await offsets.readSourceOffsets(
            'a',
            entries.map(({ key }) => key),
          )
        ).size,
      ).toBe(many);
      const listed = new Set<string>();
      let after: string | null = null;
      do {
        const page: { items: readonly { key: string }[]; next: string | null } = await offsets.listSourceOffsets(
          'a',
          after,
        );
        for (const { key } of page.items) listed.add(key);
        after = page.next;
      } while (after !== null);
      expect(listed.size).toBe(many);
      expect(
        (
          await offsets.readSourceOffsets(
            'another',
            entries.map(({ key }) => key),
          )
        ).size,
      ).toBe(0);
    });

    it('commits sink positions, as many as there are', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}], 'sink');
      const { offsets, leases, config } = stores;
      const { lease } = granted(await leases.acquireTask('a', 0, 'one', t0, t0 + minute));
      const many = Array.from({ length: 250 }, (_, n) => ({ topic: 'x.y-z_1', kafkaPartition: n, offset: BigInt(n) }));
      expect(await offsets.commitSinkPositions(lease, many, { records: 9 })).toEqual({ revoked: false });
      const kept = { topic: 'x.y-z_1', kafkaPartition: 4, offset: 4n, state: 'kept' };
      await offsets.commitSinkPositions(lease, [{ topic: 'x.y-z_1', kafkaPartition: 3, offset: 99n }, kept], {});
      expect((await config.getTask('a', 0))?.states).toEqual({ 'x.y-z_1': { '4': 'kept' } });
      await offsets.commitSinkPositions(lease, [{ topic: 'x.y-z_1', kafkaPartition: 4, offset: 4n }], {});
      expect((await config.getTask('a', 0))?.states).toEqual({});
      const task = await config.getTask('a', 0);
      expect(task?.counters.records).toBe(9);
      expect(task?.positions['x.y-z_1']).toMatchObject({ '2': 2n, '3': 99n, '249': 249n });
      expect(await offsets.readSinkPositions('a')).toHaveLength(250);
    });

    it('changes offsets by hand only while the connector is stopped, and keeps what was there', async () => {
      const stores = await newStores();
      const { offsets, config } = stores;
      await config.createConnector('a', 'source', source, 'STARTED', t0);
      await expect(offsets.alterSourceOffsets('a', [entry(1)], t0)).rejects.toBeInstanceOf(ConflictError);
      await expect(offsets.resetOffsets('a', t0)).rejects.toBeInstanceOf(ConflictError);
      expect(await offsets.history('a')).toEqual([]);
      await config.putTargetState('a', 'STOPPED', t0);
      await offsets.alterSourceOffsets('a', [entry(1), entry(2)], t0 + 1);
      await offsets.alterSourceOffsets('a', [entry(1, '{"p":7}'), entry(2, null)], t0 + 2);
      await offsets.alterSinkPositions('a', [{ topic: 't', kafkaPartition: 0, offset: 5n }], t0 + 3);
      await offsets.resetOffsets('a', t0 + 4);
      expect((await offsets.listSourceOffsets('a', null)).items).toEqual([]);
      expect(await offsets.readSinkPositions('a')).toEqual([]);
      const history = await offsets.history('a');
      expect(history.map(({ changedAt }) => changedAt)).toEqual([t0 + 4, t0 + 3, t0 + 2, t0 + 1]);
      expect(history[0]).toEqual({
        changedAt: t0 + 4,
        before: [entry(1, '{"p":7}'), { topic: 't', kafkaPartition: 0, offset: 5n }],
        after: [],
      });
      expect(history[1]?.before).toEqual([{ topic: 't', kafkaPartition: 0, offset: null }]);
      expect(history[2]).toEqual({
        changedAt: t0 + 2,
        before: [entry(1), entry(2)],
        after: [entry(1, '{"p":7}'), entry(2, null)],
      });
      for (let n = 0; n < 12; n++) await offsets.alterSourceOffsets('a', [entry(n)], t0 + 10 + n);
      expect((await offsets.history('a')).map(({ changedAt }) => changedAt)).toEqual(
        Array.from({ length: 10 }, (_, n) => t0 + 21 - n),
      );
    });

    it('an offset that is changed by hand keeps the text of its source partition', async () => {
      const { offsets, config } = await newStores();
      await config.createConnector('a', 'source', source, 'STOPPED', t0);
      const key = '{"a":1,"b":2}';
      await offsets.alterSourceOffsets('a', [{ key, partition: '{"b":2,"a":1}', offset: '{"p":1}' }], t0);
      await offsets.alterSourceOffsets('a', [{ key, partition: key, offset: '{"p":2}' }], t0 + 1);
      const kept = { key, partition: '{"b":2,"a":1}', offset: '{"p":2}' };
      expect((await offsets.listSourceOffsets('a', null)).items).toEqual([kept]);
      expect((await offsets.history('a'))[0]?.after).toEqual([kept]);
    });

    it(`keeps a history of ${3 * many} offsets`, async () => {
      const { offsets, config } = await newStores();
      await config.createConnector('a', 'source', source, 'STOPPED', t0);
      const entries = Array.from({ length: 3 * many }, (_, n) => entry(n));
      await offsets.alterSourceOffsets('a', entries, t0);
      await offsets.resetOffsets('a', t0 + 1);
      expect((await offsets.history('a'))[0]?.before).toHaveLength(3 * many);
      expect((await offsets.listSourceOffsets('a', null)).items).toEqual([]);
    });
  });

  describe('feeds', () => {
    it('an event source is kept for who asks first, until its run takes it or the time is over', async () => {
      const { feeds, config, leases } = await newStores();
      const until = t0 + minute;
      expect(await Promise.all(['a', 'b'].map((name) => feeds.reserve('q', name, t0, until)))).toHaveLength(2);
      const [claim] = await feeds.getClaims(['q']);
      const first = claim!.connector!;
      const other = first === 'a' ? 'b' : 'a';
      expect(claim).toMatchObject({ open: false, reservedUntil: until });
      expect(await feeds.reserve('q', other, until - 1, until + minute)).toBe(first);
      expect(await feeds.reserve('q', first, t0 + 1, until)).toBe(first);
      await config.createConnector(first, 'source', { ...source, name: first }, 'STARTED', t0);
      const { lease } = granted(await leases.acquireConnector(first, 'run', t0, t0 + minute));
      expect(await feeds.claim(lease, 'q')).toEqual({ granted: true });
      expect((await feeds.getClaims(['q']))[0]).toMatchObject({ connector: first, reservedUntil: null });
      // It is taken: its time is not over any more.
      expect(await feeds.reserve('q', first, t0 + 2, until)).toBe(first);
      expect(await feeds.reserve('q', other, until + minute, until + 2 * minute)).toBe(first);
      expect((await feeds.getClaims(['q']))[0]).toMatchObject({ connector: first, reservedUntil: null });
      expect(await feeds.reserve('r', 'gone', t0, until)).toBe('gone');
      expect(await feeds.reserve('r', 'later', until, until + minute)).toBe('later');
    });
  });

  describe('status, due index, cluster', () => {
    it('sets states by hand where there is something', async () => {
      const stores = await newStores();
      await connectorWithTasks(stores, 'a', [{}]);
      const { status, config } = stores;
      await status.putConnectorState('a', 'FAILED', 'trace', 'w');
      await status.putTaskState('a', 0, 'RUNNING', null, 'w2');
      await status.putConnectorState('none', 'FAILED', 'trace', 'w');
      await status.putTaskState('none', 0, 'FAILED', 'trace', 'w');
      expect(await config.getConnector('a')).toMatchObject({ state: 'FAILED', trace: 'trace', workerId: 'w' });
      expect(await config.getTask('a', 0)).toMatchObject({ state: 'RUNNING', trace: null, workerId: 'w2' });
      expect(await config.getConnector('none', { evenDeleting: true })).toBeUndefined();
      expect(await config.getTask('none', 0)).toBeUndefined();
    });

    it('shortens a trace that no item could hold', async () => {
      const stores = await newStores();
      await stores.config.createConnector('a', 'source', source, 'STARTED', t0);
      await stores.status.putConnectorState('a', 'FAILED', `begin${'x'.repeat(1_000_000)}end`, 'w');
      const trace = (await stores.config.getConnector('a'))?.trace ?? '';
      expect(trace.length).toBeLessThan(50_000);
      expect(trace).toMatch(/^begin.*characters left out.*end$/s);
    });

    it('remembers active topics until they are reset', async () => {
      const { status } = await newStores();
      await status.addActiveTopics('a', ['t2', 't1'], { task: 1, at: t0 });
      await status.addActiveTopics('a', ['t1', 't3']);
      expect(await status.activeTopics('a')).toEqual(['t1', 't2', 't3']);
      await status.resetActiveTopics('a');
      expect(await status.activeTopics('a')).toEqual([]);
    });

    it('L2: gives what is due soonest first, up to the limit', async () => {
      const { config, due } = await newStores();
      const names = Array.from({ length: 30 }, (_, n) => `c${n}`);
      for (const [n, name] of names.entries()) await config.createConnector(name, 'source', {}, 'STARTED', t0 + n);
      const found = await due.due(t0 + 19, 12);
      expect(found.map(({ dueAt }) => dueAt - t0)).toEqual(Array.from({ length: 12 }, (_, n) => n));
      expect(await due.due(t0 + 100, 100)).toHaveLength(30);
    });

    it('L3: gives watched sinks page by page, with their positions', async () => {
      const stores = await newStores();
      const tasks = Array.from({ length: 20 }, (_, n) => ({
        positions: [{ topic: 't', kafkaPartition: n, offset: BigInt(n) }],
      }));
      await connectorWithTasks(stores, 'a', tasks, 'sink');
      for (let n = 0; n < 20; n++) {
        const { lease } = granted(await stores.leases.acquireTask('a', n, 'x', t0, t0 + minute));
        await stores.leases.release(lease, ended(null, { watched: true }));
      }
      const seen: [number, unknown][] = [];
      let after: string | null = null;
      do {
        const page: Awaited<ReturnType<Stores['due']['watched']>> = await stores.due.watched(after, 3);
        for (const { task, positions } of page.items) seen.push([task, positions]);
        after = page.next;
      } while (after !== null);
      expect(seen.sort(([a], [b]) => a - b)).toEqual(tasks.map((_, n) => [n, { t: { [n]: BigInt(n) } }]));
    });

    it('keeps how far the mirror has come', async () => {
      const { cluster } = await newStores();
      expect(await cluster.mirrorProgress()).toBeUndefined();
      await cluster.putMirrorProgress({ changedAt: t0, mirroredAt: t0 + 5 });
      expect(await cluster.mirrorProgress()).toEqual({ changedAt: t0, mirroredAt: t0 + 5 });
    });

    it('keeps why the mirror does not come further, until it does', async () => {
      const { cluster } = await newStores();
      expect(await cluster.mirrorFailure()).toBeUndefined();
      await cluster.putMirrorFailure({ failedAt: t0, error: 'x'.repeat(5000) });
      expect(await cluster.mirrorFailure()).toEqual({ failedAt: t0, error: 'x'.repeat(4000) });
      expect(await cluster.mirrorProgress()).toBeUndefined();
      await cluster.putMirrorProgress({ changedAt: t0, mirroredAt: t0 + 5 });
      expect(await cluster.mirrorFailure()).toBeUndefined();
    });

    it('keeps who has declared a connector, for whoever has read it last', async () => {
      const { declarations } = await newStores();
      const one = { stack: 'arn:stack', resource: 'One', config: { name: 'a', 'odd key': '' } };
      expect(await declarations.declarations('a')).toEqual({ list: [], version: null });
      expect(await declarations.putDeclarations('a', [], null)).toBe(true);
      expect(await declarations.putDeclarations('a', [one], null)).toBe(true);
      expect(await declarations.putDeclarations('a', [one], null)).toBe(false);
      const { version } = await declarations.declarations('a');
      expect(await declarations.declarations('a')).toEqual({ list: [one], version });
      const two = { ...one, resource: 'Two' };
      expect(await declarations.putDeclarations('a', [one, two], version)).toBe(true);
      expect(await declarations.putDeclarations('a', [], version)).toBe(false);
      const newest = await declarations.declarations('a');
      expect(newest.list).toEqual([one, two]);
      expect(await declarations.putDeclarations('a', [], newest.version)).toBe(true);
      expect(await declarations.declarations('a')).toEqual({ list: [], version: null });
      expect(await declarations.declarations('b')).toEqual({ list: [], version: null });
    });

    it('keeps the cluster id and logger levels', async () => {
      const { cluster } = await newStores();
      expect(await cluster.clusterId()).toBeUndefined();
      await cluster.putClusterId('abc');
      expect(await cluster.clusterId()).toBe('abc');
      await cluster.putLoggerLevels([{ logger: 'a.b', level: 'DEBUG', modifiedAt: t0 }]);
      await cluster.putLoggerLevels([{ logger: 'a.b', level: 'WARN', modifiedAt: t0 + 1 }]);
      expect(await cluster.loggerLevels()).toEqual([{ logger: 'a.b', level: 'WARN', modifiedAt: t0 + 1 }]);
      const many = Array.from({ length: 60 }, (_, n) => ({ logger: `é.${n}`, level: 'INFO', modifiedAt: t0 }));
      await cluster.putLoggerLevels(many);
      await cluster.deleteLoggerLevels([...many.map(({ logger }) => logger), 'nobody']);
      expect(await cluster.loggerLevels()).toEqual([{ logger: 'a.b', level: 'WARN', modifiedAt: t0 + 1 }]);
    });

    it('L4: one ticker at a time', async () => {
      const { cluster } = await newStores();
      expect(await cluster.acquireTicker('one', t0, t0 + minute)).toBe(true);
      expect(await cluster.acquireTicker('two', t0 + 1, t0 + minute)).toBe(false);
      expect(await cluster.tickerHeld(t0 + 1)).toBe(true);
      await cluster.releaseTicker('two');
      expect(await cluster.acquireTicker('one', t0 + 2, t0 + 2 * minute)).toBe(true);
      expect(await cluster.acquireTicker('two', t0 + 2 * minute, t0 + 3 * minute)).toBe(true);
      await cluster.releaseTicker('two');
      expect(await cluster.tickerHeld(t0 + 2 * minute)).toBe(false);
    });

    it('L4: one ticker of a shard at a time, beside those of others and of all', async () => {
      const { cluster } = await newStores();
      expect(await cluster.acquireTicker('one', t0, t0 + minute, 0)).toBe(true);
      expect(await cluster.tickerHeld(t0 + 1)).toBe(false);
      expect(await cluster.acquireTicker('two', t0, t0 + minute)).toBe(true);
      expect(await cluster.acquireTicker('two', t0, t0 + minute, 1)).toBe(true);
      expect(await cluster.acquireTicker('two', t0, t0 + minute, 0)).toBe(false);
      await cluster.releaseTicker('one');
      expect(await cluster.tickerHeld(t0 + 1)).toBe(true);
      await cluster.releaseTicker('one', 0);
      expect(await cluster.acquireTicker('two', t0, t0 + minute, 0)).toBe(true);
    });
  });
}
