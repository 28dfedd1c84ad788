import { describe, expect, it } from 'vitest';
import type { Settings } from '../../src/config/config-def.ts';
import { type MirrorRecord, project } from '../../src/mirror/project.ts';
import { statusValue, topicStatusValue } from '../../src/mirror/record-format.ts';
import type { State } from '../../src/storage/items.ts';
import type { Lease } from '../../src/storage/lease-store.ts';
import { createMemoryStores } from '../../src/storage/memory/stores.ts';
import { sourceOffsetEntry } from '../../src/storage/source-offset-text.ts';
import type { TableChange } from '../../src/storage/table-change.ts';
import { javaRecords, javaValues } from './java-records.ts';

const now = 1_795_439_268_241;
const workerId = '127.0.0.1:21401';

/** Stores whose stream is projected, as the mirror does it. */
function mirrored() {
  const changes: TableChange[] = [];
  const stores = createMemoryStores({ onChange: (change) => changes.push(change) });
  const sources = { tasksOf: (name: string) => stores.config.getTasks(name), versionOf: () => '4.3.0' };
  /** Records of what happened since the last call. */
  const records = () => project(changes.splice(0), sources);
  return { stores, records, changes, sources };
}

const byTopic = (records: readonly MirrorRecord[], topic: string) =>
  records.filter((record) => record.topic === topic).map(({ key, value }) => [key, value]);

async function acquired(stores: ReturnType<typeof mirrored>['stores'], name: string): Promise<Lease> {
  await stores.config.markConnectorDue(name, now);
  const result = await stores.leases.acquireConnector(name, 'run', now, now + 60_000);
  if (!result.granted) throw new Error(result.reason);
  return result.lease;
}

async function turn(
  stores: ReturnType<typeof mirrored>['stores'],
  lease: Lease,
  generation: number,
  tasks: Settings[],
  state: State = 'RUNNING',
) {
  const name = lease.run.connector;
  const newTasks = tasks.map((config, task) => ({ task, config, assignment: [], positions: [] }));
  const surplus = (await stores.config.getTasks(name)).map(({ task }) => task).filter((task) => task >= tasks.length);
  await stores.generations.putTasks(lease, generation, newTasks, now);
  await stores.generations.deleteTasks(lease, surplus, now);
  const { configVersion = 0 } = (await stores.config.getConnector(name)) ?? {};
  const applied = { generation, taskCount: tasks.length, appliedVersion: configVersion, state, trace: null, workerId };
  await stores.generations.applyGeneration(lease, applied, null);
}

/** A config as the user posted it, from the record that Java made of it. */
function postedConfig(key: string, nth = 0): Settings {
  return (JSON.parse(javaValues(key)[nth] ?? '') as { properties: Settings }).properties;
}

/** A task config as a plugin returns it: the connector's, in the order in which that was posted, and the task's class. */
function taskConfig(key: string, nth = 0): Settings {
  const config = postedConfig(key, nth);
  const connector = key.replace(/^task-(.*)-\d+$/, 'connector-$1');
  const order = Object.keys(
    postedConfig(connector, Math.min(nth, 1, javaValues(connector).filter(Boolean).length - 1)),
  );
  const at = (setting: string) => (order.includes(setting) ? order.indexOf(setting) : order.length);
  return Object.fromEntries(Object.entries(config).sort(([a], [b]) => at(a) - at(b)));
}

describe('records of the configs topic are those of Java Connect, byte for byte', () => {
  it('a connector created, its tasks put in force', async () => {
    const { stores, records } = mirrored();
    await stores.config.createConnector(
      'golden-source',
      'source',
      postedConfig('connector-golden-source'),
      'STARTED',
      now,
    );
    const lease = await acquired(stores, 'golden-source');
    await turn(stores, lease, 1, [taskConfig('task-golden-source-0')]);
    expect(byTopic(await records(), 'configs')).toEqual([
      ['connector-golden-source', javaValues('connector-golden-source')[0]],
      ['task-golden-source-0', javaValues('task-golden-source-0')[0]],
      ['commit-golden-source', javaValues('commit-golden-source')[0]],
    ]);
  });

  it('a name that is anything but plain, two tasks, a sink', async () => {
    const { stores, records } = mirrored();
    const name = 'golden sink/ü';
    await stores.config.createConnector(name, 'sink', postedConfig(`connector-${name}`), 'STARTED', now);
    const lease = await acquired(stores, name);
    await turn(stores, lease, 1, [taskConfig(`task-${name}-0`), taskConfig(`task-${name}-1`)]);
    expect(byTopic(await records(), 'configs')).toEqual(
      [`connector-${name}`, `task-${name}-0`, `task-${name}-1`, `commit-${name}`].map((key) => [
        key,
        javaValues(key)[0],
      ]),
    );
  });

  it('created stopped: the target state comes before the config', async () => {
    const { stores, records } = mirrored();
    const config = postedConfig('connector-golden-broken');
    await stores.config.createConnector('golden-broken', 'source', config, 'STOPPED', now);
    const java = javaRecords.filter(({ topic, key }) => topic === 'configs' && key.endsWith('golden-broken'));
    expect(byTopic(await records(), 'configs')).toEqual(java.map(({ key, value }) => [key, value]));
  });

  it('paused, resumed, changed, stopped, resumed, deleted', async () => {
    const { stores, records } = mirrored();
    const { config } = stores;
    const name = 'golden-source';
    const written: MirrorRecord[] = [];
    const follow = async () => written.push(...(await records()));
    await config.createConnector(name, 'source', postedConfig(`connector-${name}`), 'STARTED', now);
    await turn(stores, await acquired(stores, name), 1, [taskConfig(`task-${name}-0`)]);
    await follow();
    await config.putTargetState(name, 'PAUSED', now);
    await config.putTargetState(name, 'STARTED', now);
    await config.putConnectorConfig(name, 'source', postedConfig(`connector-${name}`, 1), now);
    await turn(stores, await acquired(stores, name), 2, [taskConfig(`task-${name}-0`, 1)]);
    await follow();
    await config.putTargetState(name, 'STOPPED', now);
    await turn(stores, await acquired(stores, name), 3, [], 'STOPPED');
    await follow();
    await config.putTargetState(name, 'STARTED', now);
    await turn(stores, await acquired(stores, name), 4, [taskConfig(`task-${name}-0`, 2)]);
    await follow();
    await config.deleteConnector(name, now);
    await follow();
    const mine = byTopic(written, 'configs');
    for (const key of [`connector-${name}`, `task-${name}-0`, `commit-${name}`, `target-state-${name}`]) {
      expect(
        mine.filter(([mineKey]) => mineKey === key).map(([, value]) => value),
        key,
      ).toEqual(javaValues(key));
    }
  });

  it('an exactly-once source also says how many producers there are to fence', async () => {
    const { stores, records } = mirrored();
    const config = { ...postedConfig('connector-golden-eos'), 'exactly.once.support': 'required' };
    await stores.config.createConnector('golden-eos', 'source', config, 'STARTED', now);
    await turn(stores, await acquired(stores, 'golden-eos'), 1, [taskConfig('task-golden-eos-0')]);
    expect(byTopic(await records(), 'configs').slice(-2)).toEqual([
      ['commit-golden-eos', javaValues('commit-golden-eos')[0]],
      ['tasks-fencing-golden-eos', javaValues('tasks-fencing-golden-eos')[0]],
    ]);
  });

  it('restart requests and logger levels', async () => {
    const { stores, records } = mirrored();
    await stores.config.createConnector('golden-source', 'source', {}, 'STARTED', now);
    for (const onlyFailed of [false, true]) {
      const what = { connector: true, tasks: [], includeTasks: true, onlyFailed };
      await stores.config.requestRestart('golden-source', what, now);
    }
    await stores.config.requestRestart('golden-source', { connector: true, tasks: [] }, now);
    const logger = 'org.apache.kafka.connect.runtime.WorkerTask';
    await stores.cluster.putLoggerLevels([{ logger, level: 'DEBUG', modifiedAt: now }]);
    await stores.cluster.putLoggerLevels([{ logger, level: 'INFO', modifiedAt: now }]);
    const mine = byTopic(await records(), 'configs');
    for (const key of ['restart-connector-golden-source', `logger-cluster-${logger}`]) {
      expect(mine.filter(([mineKey]) => mineKey === key).map(([, value]) => value)).toEqual(javaValues(key));
    }
  });

  it('a level that is taken back is a tombstone', async () => {
    const { stores, records } = mirrored();
    await stores.cluster.putLoggerLevels([{ logger: 'a', level: 'DEBUG', modifiedAt: now }]);
    await stores.cluster.deleteLoggerLevels(['a']);
    expect(byTopic(await records(), 'configs')).toEqual([
      ['logger-cluster-a', '{"level":"DEBUG"}'],
      ['logger-cluster-a', null],
    ]);
  });

  it('a change of one task writes all task configs again before the commit, as Java needs them', async () => {
    const { stores, records } = mirrored();
    await stores.config.createConnector('a', 'source', {}, 'STARTED', now);
    await turn(stores, await acquired(stores, 'a'), 1, [{ v: '1' }, { v: '1' }, { v: '1' }]);
    await records();
    const lease = await acquired(stores, 'a');
    await stores.generations.putTasks(lease, 2, [{ task: 1, config: { v: '2' }, assignment: [], positions: [] }], now);
    const applied = {
      generation: 2,
      taskCount: 3,
      appliedVersion: 1,
      state: 'RUNNING' as const,
      trace: null,
      workerId,
    };
    await stores.generations.applyGeneration(lease, applied, null);
    expect(byTopic(await records(), 'configs')).toEqual([
      ['task-a-0', '{"properties":{"v":"1"}}'],
      ['task-a-1', '{"properties":{"v":"2"}}'],
      ['task-a-2', '{"properties":{"v":"1"}}'],
      ['commit-a', '{"tasks":3}'],
    ]);
  });
});

describe('records of the offsets topic are those of Java Connect, byte for byte', () => {
  it('committed, altered, reset by hand', async () => {
    const { stores, records } = mirrored();
    const name = 'golden-source';
    await stores.config.createConnector(name, 'source', {}, 'STOPPED', now);
    const [key] = javaRecords.filter(({ topic }) => topic === 'offsets').map((record) => record.key);
    for (const position of [14, 19, 4, null, 4, 19]) {
      if (position === null) await stores.offsets.resetOffsets(name, now);
      else {
        const entry = sourceOffsetEntry({ filename: 'in.txt' }, { position: BigInt(position) });
        await stores.offsets.alterSourceOffsets(name, [entry], now);
      }
    }
    expect(byTopic(await records(), 'offsets')).toEqual(javaValues(key ?? '').map((value) => [key, value]));
  });

  it('I4: what a transaction has written already is not written again', async () => {
    const { stores, records } = mirrored();
    const entry = { ...sourceOffsetEntry({ filename: 'in.txt' }, { position: 4n }), inTopic: true };
    await stores.config.createConnector('a', 'source', {}, 'STOPPED', now);
    await stores.offsets.commitSourceOffsets(await acquired(stores, 'a'), [entry], {});
    expect(byTopic(await records(), 'offsets')).toEqual([]);
  });

  it('I4: neither is a tombstone, but the deletion of an offset by hand is', async () => {
    const { stores, records } = mirrored();
    const entry = { ...sourceOffsetEntry({ filename: 'in.txt' }, { position: 4n }), inTopic: true };
    const key = '["a",{"filename":"in.txt"}]';
    await stores.config.createConnector('a', 'source', {}, 'STOPPED', now);
    const run = await acquired(stores, 'a');
    await stores.offsets.commitSourceOffsets(run, [entry], {});
    await stores.offsets.commitSourceOffsets(run, [{ ...entry, offset: null }], {});
    await stores.offsets.commitSourceOffsets(run, [entry], {});
    await stores.generations.putSourceOffsets(run, [{ ...entry, offset: null }]);
    expect(byTopic(await records(), 'offsets')).toEqual([]);
    await stores.offsets.commitSourceOffsets(run, [entry], {});
    await stores.offsets.commitSourceOffsets(run, [{ ...entry, inTopic: false, offset: null }], {});
    expect(byTopic(await records(), 'offsets')).toEqual([[key, null]]);
  });

  it('I4: what a transaction had written comes back by hand, as a record of the mirror', async () => {
    const { stores, records } = mirrored();
    const entry = { ...sourceOffsetEntry({ filename: 'in.txt' }, { position: 4n }), inTopic: true };
    await stores.config.createConnector('a', 'source', {}, 'STOPPED', now);
    await stores.offsets.commitSourceOffsets(await acquired(stores, 'a'), [entry], {});
    await stores.offsets.resetOffsets('a', now);
    const [{ before = [] } = {}] = await stores.offsets.history('a');
    await stores.offsets.alterSourceOffsets('a', before as (typeof entry)[], now);
    const key = '["a",{"filename":"in.txt"}]';
    expect(byTopic(await records(), 'offsets')).toEqual([
      [key, null],
      [key, '{"position":4}'],
    ]);
  });

  it('positions of sinks are not there: they are the group of the sink', async () => {
    const { stores, records } = mirrored();
    await stores.config.createConnector('a', 'sink', {}, 'STOPPED', now);
    await stores.offsets.alterSinkPositions('a', [{ topic: 't', kafkaPartition: 0, offset: 1n }], now);
    expect(byTopic(await records(), 'offsets')).toEqual([]);
  });
});

describe('records of the status topic are those of Java Connect, byte for byte', () => {
  it('every status that Java wrote', () => {
    const statuses = javaRecords.filter(({ key, value }) => /^status-(connector|task)-/.test(key) && value !== null);
    expect(statuses.length).toBeGreaterThan(40);
    for (const { key, value } of statuses) {
      const { state, trace, worker_id, generation, version } = JSON.parse(value ?? '') as {
        state: State;
        trace: string | null;
        worker_id: string;
        generation: number;
        version: string | null;
      };
      expect(statusValue({ state, trace, workerId: worker_id, generation, version }), key).toBe(value);
    }
  });

  it('a connector and its task run, fail and go', async () => {
    const { stores, records } = mirrored();
    const name = 'golden-failing';
    await stores.config.createConnector(name, 'source', postedConfig(`connector-${name}`), 'STARTED', now);
    await turn(stores, await acquired(stores, name), 12, [taskConfig(`task-${name}-0`)]);
    const run = await stores.leases.acquireTask(name, 0, 'x', now, now + 1000);
    if (!run.granted) throw new Error(run.reason);
    await stores.status.putTaskState(name, 0, 'RUNNING', null, workerId, run.lease);
    const [, failed] = javaValues(`status-task-${name}-0`);
    const { trace } = JSON.parse(failed ?? '') as { trace: string };
    await stores.leases.release(run.lease, { state: 'FAILED', trace, workerId, dueAt: null });
    const lease = await acquired(stores, name);
    await stores.generations.deleteTasks(lease, [0], now);
    await stores.config.deleteConnector(name, now);
    const generation12 = (value: string | null | undefined) =>
      value?.replace(/"generation":\d+/, '"generation":12') ?? null;
    expect(byTopic(await records(), 'status')).toEqual([
      [`status-connector-${name}`, generation12(javaValues(`status-connector-${name}`)[0])],
      [`status-task-${name}-0`, generation12(javaValues(`status-task-${name}-0`)[0])],
      [`status-task-${name}-0`, generation12(failed)],
      [`status-task-${name}-0`, null],
      [`status-connector-${name}`, null],
    ]);
  });

  it('active topics, and their reset', async () => {
    const { stores, records } = mirrored();
    const key = 'status-topic-golden-data:connector-golden-source';
    const first = javaValues(key)[0];
    const { topic } = JSON.parse(first ?? '') as { topic: { discoverTimestamp: number } };
    await stores.status.addActiveTopics('golden-source', ['golden-data'], { task: 0, at: topic.discoverTimestamp });
    await stores.status.resetActiveTopics('golden-source');
    expect(byTopic(await records(), 'status')).toEqual([
      [key, first],
      [key, null],
    ]);
    expect(topicStatusValue('golden-source', 'golden-data', 0, topic.discoverTimestamp)).toBe(first);
  });

  it('a run that takes over from one that died says so, until one ends in order', async () => {
    const { stores, records } = mirrored();
    const statusOf = async (task: string) =>
      byTopic(await records(), 'status')
        .filter(([key]) => key === task)
        .map(([, value]) => (JSON.parse(value ?? '') as { trace: string | null }).trace);
    await stores.config.createConnector('a', 'source', {}, 'STARTED', now);
    await turn(stores, await acquired(stores, 'a'), 1, [{}]);
    const acquire = async (at: number) => {
      const run = await stores.leases.acquireTask('a', 0, `run-${at}`, at, at + 1000);
      if (!run.granted) throw new Error(run.reason);
      return run.lease;
    };
    await acquire(now);
    expect(await statusOf('status-task-a-0')).toEqual([]);
    await acquire(now + 1000);
    const lease = await acquire(now + 2000);
    expect(await statusOf('status-task-a-0')).toEqual([
      expect.stringMatching(/^The last run ended without a word: /),
      expect.stringMatching(/^The last run ended without a word, 2 times in a row: /),
    ]);
    await stores.leases.release(lease, { state: 'RUNNING', trace: null, workerId, dueAt: now });
    expect(await statusOf('status-task-a-0')).toEqual([null]);

    // A connector likewise.
    await acquired(stores, 'a');
    await stores.leases.acquireConnector('a', 'next', now + 60_000, now + 120_000);
    expect(await statusOf('status-connector-a')).toEqual([expect.stringContaining('ended without a word')]);
  });

  it('a run that ends as it began leaves no record', async () => {
    const { stores, records } = mirrored();
    await stores.config.createConnector('a', 'source', {}, 'STARTED', now);
    await turn(stores, await acquired(stores, 'a'), 1, [{}]);
    for (const worker of ['first', 'second']) {
      const run = await stores.leases.acquireTask('a', 0, 'x', now, now + 1000);
      if (!run.granted) throw new Error(run.reason);
      await stores.leases.release(run.lease, { state: 'RUNNING', trace: null, workerId: worker, dueAt: now });
    }
    expect(byTopic(await records(), 'status').filter(([key]) => key === 'status-task-a-0')).toHaveLength(1);
  });
});
