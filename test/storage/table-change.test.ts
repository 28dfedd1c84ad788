import { describe, expect, it } from 'vitest';
import { everyTick } from '../../src/storage/due-index.ts';
import { createMemoryStores } from '../../src/storage/memory/stores.ts';
import { becameDue, type TableChange } from '../../src/storage/table-change.ts';

const now = 1_700_000_000_000;

function watchedStores() {
  const changes: TableChange[] = [];
  const stores = createMemoryStores({ onChange: (change) => changes.push(change) });
  const due = () => becameDue(changes.splice(0));
  return { stores, changes, due };
}

async function runningConnector() {
  const watched = watchedStores();
  await watched.stores.config.createConnector('a', 'source', {}, 'STARTED', now);
  const created = watched.due();
  const acquired = await watched.stores.leases.acquireConnector('a', 'x', now, now + 1000);
  if (!acquired.granted) throw new Error(acquired.reason);
  return { ...watched, created, lease: acquired.lease };
}

const outcome = { state: 'RUNNING' as const, trace: null, workerId: 'w' };

describe('the stream tells which run became due', () => {
  it('I6: a new connector, its new tasks, a task that was released', async () => {
    const { stores, due, created, lease } = await runningConnector();
    expect(created).toEqual([{ run: { connector: 'a', task: null }, dueAt: now }]);
    expect(due()).toEqual([]);
    await stores.generations.putTasks(lease, 1, [{ task: 0, config: {}, assignment: [], positions: [] }], now);
    expect(due()).toEqual([{ run: { connector: 'a', task: 0 }, dueAt: now }]);
    const task = await stores.leases.acquireTask('a', 0, 'y', now, now + 1000);
    if (!task.granted) throw new Error(task.reason);
    expect(due()).toEqual([]);
    await stores.leases.release(task.lease, { ...outcome, dueAt: now + 5 });
    expect(due()).toEqual([{ run: { connector: 'a', task: 0 }, dueAt: now + 5 }]);
  });

  it('I6: a change while the connector runs is told by the release', async () => {
    const { stores, due, lease } = await runningConnector();
    due();
    await stores.config.putTargetState('a', 'PAUSED', now + 3);
    expect(due()).toEqual([]);
    await stores.leases.release(lease, { ...outcome, dueAt: null });
    expect(due()).toEqual([{ run: { connector: 'a', task: null }, dueAt: now + 3 }]);
  });

  it('but not what every tick looks at, nor what is due no more', async () => {
    const { stores, due, lease } = await runningConnector();
    due();
    await stores.leases.release(lease, { ...outcome, dueAt: everyTick });
    expect(due()).toEqual([]);
    const again = await stores.leases.acquireConnector('a', 'x', now, now + 1000);
    if (!again.granted) throw new Error(again.reason);
    await stores.leases.release(again.lease, { ...outcome, dueAt: null });
    expect(due()).toEqual([]);
  });

  it('nor what was taken up, or is gone, when it is told', async () => {
    const { stores, due, lease } = await runningConnector();
    due();
    const task = (task: number) => ({ task, config: {}, assignment: [], positions: [] });
    await stores.generations.putTasks(lease, 1, [task(0), task(1), task(2)], now);
    const taken = await stores.leases.acquireTask('a', 0, 'y', now, now + 1000);
    await stores.generations.deleteTasks(lease, [1], now);
    expect(due()).toEqual([{ run: { connector: 'a', task: 2 }, dueAt: now }]);
    if (!taken.granted) throw new Error(taken.reason);
    await stores.leases.release(taken.lease, { ...outcome, dueAt: now });
    expect(due()).toEqual([{ run: { connector: 'a', task: 0 }, dueAt: now }]);
  });

  it('once, by when it is due in the end, whatever else of it changed', async () => {
    const { stores, due } = watchedStores();
    await stores.config.createConnector('a', 'source', {}, 'STARTED', now);
    await stores.config.putTargetState('a', 'PAUSED', now + 1);
    await stores.config.putTargetState('a', 'STARTED', now + 2);
    expect(due()).toEqual([{ run: { connector: 'a', task: null }, dueAt: now + 2 }]);
  });

  it('a removed connector is nobody any more', async () => {
    const { stores, changes, lease } = await runningConnector();
    await stores.config.deleteConnector('a', now);
    changes.length = 0;
    await stores.generations.removeConnector(lease, now);
    expect(changes.at(-1)).toMatchObject({ kind: 'connector', before: { name: 'a', deleting: true }, after: null });
  });
});
