import { describe, expect, it, vi } from 'vitest';
import { storesOver } from '../../src/storage/dynamodb/stores-over.ts';
import { sinkPositionKey, taskKey } from '../../src/storage/dynamodb/table.ts';
import { MemoryTableClient } from '../../src/storage/memory/memory-table-client.ts';
import { sourceOffsetEntry } from '../../src/storage/source-offset-text.ts';
import { type Fate, MortalTable } from '../support/mortal-table.ts';

const now = 1_700_000_000_000;
/** More than three transactions of the table take. */
const partitions = 250;

let nonces = 0;
const table = new MemoryTableClient();
const whole = storesOver(table, () => `nonce-${++nonces}`);

async function leased(connector: string) {
  await whole.config.createConnector(connector, 'source', {}, 'STARTED', now);
  const turn = await whole.leases.acquireConnector(connector, 'turn', now, now + 60_000);
  if (!turn.granted) throw new Error(turn.reason);
  await whole.generations.putTasks(turn.lease, 1, [{ task: 0, config: {}, assignment: [], positions: [] }], now);
  const run = await whole.leases.acquireTask(connector, 0, 'run', now, now + 60_000);
  if (!run.granted) throw new Error(run.reason);
  return run.lease;
}

function dying(fate: Fate) {
  const mortal = new MortalTable(table, fate);
  return { mortal, stores: storesOver(mortal, () => `mortal-${++nonces}`) };
}

describe('a commit that takes several transactions', () => {
  it.each([1, 2, 3])('I4: killed after number %i, it has not forgotten the tail with offsets missing', async (n) => {
    const connector = `many-${n}`;
    const lease = await leased(connector);
    const tail = [{ topic: 'offsets', kafkaPartition: 0, offset: 7n }];
    await whole.offsets.commitSourceOffsets(lease, [], {}, tail);
    const entries = Array.from({ length: partitions }, (_, p) => sourceOffsetEntry({ p }, { at: 1 }));
    const { mortal, stores } = dying({ atRequest: n, before: false });
    void stores.offsets.commitSourceOffsets(lease, entries, {}, []);
    await mortal.death;
    const found = await whole.offsets.readSourceOffsets(
      connector,
      entries.map(({ key }) => key),
    );
    const { positions } = (await whole.config.getTask(connector, 0))!;
    expect(found.size).toBe(Math.min(partitions, n * 99));
    expect(positions).toEqual(found.size === partitions ? {} : { offsets: { '0': 7n } });
  });
});

describe('positions of a sink', () => {
  const sink = async (connector: string) => {
    await whole.config.createConnector(connector, 'sink', {}, 'STARTED', now);
    const turn = await whole.leases.acquireConnector(connector, 'turn', now, now + 60_000);
    if (!turn.granted) throw new Error(turn.reason);
    const task = { task: 0, config: {}, assignment: [], positions: [] };
    await whole.generations.putTasks(turn.lease, 1, [task], now);
    const run = await whole.leases.acquireTask(connector, 0, 'run', now, now + 60_000);
    if (!run.granted) throw new Error(run.reason);
    return { turn: turn.lease, run: run.lease };
  };
  const topicId = 'AAAAAAAAAAAAAAAAAAAAAQ';
  const inTopic = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ topic: 't', kafkaPartition: n, offset: BigInt(n), topicId }));

  it('with their topic ids and what changed them: 100 partitions are one request', async () => {
    const { run } = await sink('hundred');
    const update = vi.spyOn(table, 'update');
    const change = { at: now, reason: 'group-set', topic: 't', kafkaPartition: 3, from: 7, to: 3 } as const;
    await whole.offsets.commitSinkPositions(run, inTopic(100), { records: 1 }, [change]);
    expect(update).toHaveBeenCalledTimes(1);
    update.mockRestore();
    const task = (await whole.config.getTask('hundred', 0))!;
    expect(Object.keys(task.positions.t!)).toHaveLength(100);
    expect(new Set(Object.values(task.topicIds.t!))).toEqual(new Set([topicId]));
    expect(task.positionChanges).toEqual([change]);
    await whole.offsets.commitSinkPositions(run, inTopic(1), {});
    expect((await whole.config.getTask('hundred', 0))!.positionChanges).toEqual([change]);
  });

  it('of an earlier version, plain numbers, are read as they are; the next commit brings the topic', async () => {
    const { run } = await sink('earlier');
    const key = taskKey('earlier', 0);
    await table.update({ key, what: 'a task', set: { positions: { M: { '0:t': { N: '5' }, '1:t': { N: '6' } } } } });
    await table.writeMany(
      [{ kind: 'put', key: sinkPositionKey('earlier', 'u', 2), what: 'at rest', item: { offset: { N: '9' } } }],
      'positions',
    );
    expect(await whole.offsets.readRestingPositions('earlier')).toEqual([
      { topic: 'u', kafkaPartition: 2, offset: 9n, topicId: null, byHand: false, gone: false },
    ]);
    await whole.offsets.commitSinkPositions(run, [{ topic: 't', kafkaPartition: 1, offset: 7n, topicId }], {});
    expect(await whole.config.getTask('earlier', 0)).toMatchObject({
      positions: { t: { '0': 5n, '1': 7n } },
      topicIds: { t: { '1': topicId } },
    });
    expect(await whole.offsets.readSinkPositions('earlier')).toEqual([
      { topic: 'u', kafkaPartition: 2, offset: 9n },
      { topic: 't', kafkaPartition: 0, offset: 5n },
      { topic: 't', kafkaPartition: 1, offset: 7n, topicId },
    ]);
  });

  it('changed by hand make the sink due, wait for its group, and stay whatever an old task left behind', async () => {
    const name = 'by-hand';
    const { turn, run } = await sink(name);
    await whole.offsets.commitSinkPositions(run, inTopic(3), {});
    await whole.config.putTargetState(name, 'STOPPED', now);
    await whole.generations.revokeTasks(turn, [0]);
    await whole.leases.release(run, { state: 'RUNNING', trace: null, workerId: 'w', dueAt: null });
    const task = (await whole.config.getTask(name, 0))!;
    await whole.generations.foldPositions(turn, task);
    await whole.generations.deleteTasks(turn, [0], now);
    const applied = { generation: 1, taskCount: 0, appliedVersion: 2, state: 'STOPPED', trace: null } as const;
    await whole.generations.applyGeneration(turn, { ...applied, workerId: 'w', groupSettled: true }, null);
    expect(await whole.config.getConnector(name)).toMatchObject({ groupSettled: true, dueAt: null });

    const changes = [
      { topic: 't', kafkaPartition: 0, offset: 50n },
      { topic: 't', kafkaPartition: 1, offset: null },
    ];
    await whole.offsets.alterSinkPositions(name, changes, now + 5);
    expect((await whole.config.getConnector(name))!.dueAt).toBe(now + 5);
    expect(await whole.offsets.readSinkPositions(name)).toMatchObject([
      { kafkaPartition: 0, offset: 50n },
      { kafkaPartition: 2, offset: 2n, topicId },
    ]);
    const next = await whole.leases.acquireConnector(name, 'next', now + 5, now + 60_000);
    if (!next.granted) throw new Error(next.reason);
    await whole.generations.foldPositions(next.lease, { ...task, revoked: true }).catch(() => {});
    const resting = await whole.offsets.readRestingPositions(name);
    expect(resting.map(({ offset, byHand }) => [offset, byHand])).toEqual([
      [50n, true],
      [null, true],
      [2n, false],
    ]);

    // Somebody changes them again while the run is at it.
    const settle = resting
      .filter(({ byHand }) => byHand)
      .map((before) => ({
        before,
        after: before.offset === null ? null : { ...before, topicId, byHand: false },
      }));
    const told = { positionChanges: [], groupReset: null };
    await whole.offsets.alterSinkPositions(name, [{ topic: 't', kafkaPartition: 0, offset: 60n }], now + 6);
    const late = whole.generations.settlePositions(next.lease, settle, told);
    await expect(late).rejects.toMatchObject({ code: 'offsets.changed', retriable: true });
    await whole.generations.applyGeneration(next.lease, { ...applied, workerId: 'w' }, now + 999_999);
    expect(await whole.config.getConnector(name)).toMatchObject({ dueAt: now + 6, groupSettled: true });

    const last = await whole.leases.acquireConnector(name, 'last', now + 6, now + 60_000);
    if (!last.granted) throw new Error(last.reason);
    await whole.offsets.resetOffsets(name, now + 7);
    const { groupResetAt } = (await whole.config.getConnector(name))!;
    expect(groupResetAt).toBe(now + 7);
    expect(await whole.offsets.readRestingPositions(name)).toEqual([]);
    await whole.generations.settlePositions(last.lease, [], { ...told, groupReset: groupResetAt });
    expect((await whole.config.getConnector(name))!.groupResetAt).toBeNull();
  });
});
