import { afterAll, expect, it } from 'vitest';
import type { Settings } from '../../../src/config/config-def.ts';
import { KafkaJsControlPlane } from '../../../src/kafka/control-plane.ts';
import { createKafkaClient } from '../../../src/kafka/kafka-client.ts';
import { Mirror } from '../../../src/mirror/mirror.ts';
import { type MirrorRecord, project } from '../../../src/mirror/project.ts';
import type { MirrorTopics } from '../../../src/mirror/topics.ts';
import type { State } from '../../../src/storage/items.ts';
import { createMemoryStores } from '../../../src/storage/memory/stores.ts';
import { sourceOffsetEntry } from '../../../src/storage/source-offset-text.ts';
import type { TableChange } from '../../../src/storage/table-change.ts';
import { randomFrom } from '../../crash/crash-lab.ts';
import { readTopic, uniqueName } from '../../support/kafka-records.ts';
import { kafkaAddress } from '../../support/services.ts';

/**
 * The table's stream as it must be feared: records twice, late, behind newer ones of the same item, batches that come
 * again to a mirror that has forgotten everything. The topics must end with the table's state and never go back.
 */
const seed = Number(process.env.DROVER_TEST_SEED ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const below = (count: number) => Math.floor(random() * count);
const pick = <T>(list: readonly T[]) => list[below(list.length)] as T;
const steps = 400;
const names = ['plain', 'ümlaut/ü', 'third'];
const t0 = 1_700_000_000_000;

const kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
afterAll(() => kafka.close());

const prefix = uniqueName('mirror-faults');
const topics: MirrorTopics = {
  configs: { name: `${prefix}-configs`, partitions: 1, replicationFactor: 1 },
  offsets: { name: `${prefix}-offsets`, partitions: 25, replicationFactor: 1 },
  status: { name: `${prefix}-status`, partitions: 5, replicationFactor: 1 },
};

const changes: TableChange[] = [];
const stores = createMemoryStores({ onChange: (change) => changes.push(change) });
const sources = { tasksOf: (name: string) => stores.config.getTasks(name), versionOf: () => '1' };
const newMirror = () =>
  new Mirror({
    kafka,
    controlPlane: new KafkaJsControlPlane({ bootstrapServers: kafkaAddress() }),
    topics,
    configs: { getTasks: sources.tasksOf },
    versionOf: sources.versionOf,
  });

/** Each change is told from all others by its number. */
let number = 0;
let now = t0;

/** One thing that users, coordinators or runs do to a connector. */
async function act(name: string): Promise<void> {
  const n = ++number;
  now += 60_001;
  const { config, status, offsets } = stores;
  const connector = await config.getConnector(name, { evenDeleting: true });
  if (connector === undefined)
    return void (await config.createConnector(name, 'source', { name, n: `${n}` }, 'STARTED', now));
  const tasks = await config.getTasks(name);
  const entry = (offset: number | null) =>
    sourceOffsetEntry({ file: `${below(3)}` }, offset === null ? null : { position: offset });
  switch (
    pick(['config', 'turn', 'turn', 'state', 'status', 'status', 'offset', 'offset', 'offset', 'topic', 'delete'])
  ) {
    case 'config':
      if (!connector.deleting) await config.putConnectorConfig(name, 'source', { name, n: `${n}` }, now);
      return;
    case 'turn':
      return turn(name, n);
    case 'state':
      if (!connector.deleting) await config.putTargetState(name, pick(['STARTED', 'PAUSED', 'STOPPED']), now);
      return;
    case 'status':
      if (tasks.length > 0) await status.putTaskState(name, pick(tasks).task, 'FAILED', `trace ${n}`, 'w');
      else if (!connector.deleting) await status.putConnectorState(name, 'FAILED', `trace ${n}`, 'w');
      return;
    case 'offset': {
      if (tasks.length === 0) return;
      const run = await stores.leases.acquireTask(name, 0, `run-${n}`, now, now + 60_000);
      if (!run.granted) return;
      await offsets.commitSourceOffsets(run.lease, [entry(random() < 0.1 ? null : n)], { records: n });
      const trace = random() < 0.3 ? `trace ${n}` : null;
      return stores.leases.release(run.lease, { state: 'RUNNING', trace, workerId: 'w', dueAt: null, counters: {} });
    }
    case 'topic':
      return status.addActiveTopics(name, [`topic-${below(4)}`], { task: 0, at: now });
    case 'delete':
      if (!connector.deleting && random() < 0.2) await config.deleteConnector(name, now);
      return;
  }
}

/** As a connector's own run does it: a new generation of tasks, or the end of a connector that is deleted. */
async function turn(name: string, n: number): Promise<void> {
  const { config, generations, leases } = stores;
  await config.markConnectorDue(name, now);
  const acquired = await leases.acquireConnector(name, `turn-${n}`, now, now + 60_000);
  if (!acquired.granted) return;
  const { lease, item } = acquired;
  const tasks = await config.getTasks(name);
  const count = item.deleting ? 0 : 1 + below(3);
  const wanted = Array.from({ length: count }, (_, task) => {
    const settings: Settings = { name, n: `${n}`, task: `${task}` };
    return { task, config: settings, assignment: [], positions: [] };
  });
  if (count > 0) await generations.putTasks(lease, n, wanted, now);
  const surplus = tasks.map(({ task }) => task).filter((task) => task >= count);
  await generations.deleteTasks(lease, surplus, now);
  if (item.deleting) return void (await generations.removeConnector(lease, now));
  const state: State = 'RUNNING';
  const applied = { generation: n, taskCount: count, appliedVersion: item.configVersion, state, trace: null };
  await generations.applyGeneration(lease, { ...applied, workerId: `w-${n}` }, null);
}

/** What a stream without faults would have written, each change when it was made. */
const reference: MirrorRecord[] = [];
const keyOf = ({ topic, key }: Pick<MirrorRecord, 'topic' | 'key'>) => `${topic} ${key}`;

/**
 * What the record says to who reads it: no target state is STARTED, no status is UNASSIGNED. Who ran it last is in a
 * status only as of when the status changed.
 */
function comparable({ topic, key, value }: MirrorRecord): string | null {
  if (value?.includes(key.startsWith('target-state-') ? '"STARTED"' : '"UNASSIGNED"')) return null;
  return topic === 'status' && value !== null ? value.replace(/"worker_id".*$/, '') : value;
}

function valuesByKey(records: readonly MirrorRecord[]): Map<string, (string | null)[]> {
  const values = new Map<string, (string | null)[]>();
  for (const record of records) {
    const known = values.get(keyOf(record));
    const value = comparable(record);
    if (known === undefined) values.set(keyOf(record), [value]);
    else if (known.at(-1) !== value) known.push(value);
  }
  return values;
}

/** Whether `seen` leaves values out at most. */
function isInOrder(seen: readonly (string | null)[], all: readonly (string | null)[]): boolean {
  let at = 0;
  for (const value of seen) {
    at = all.indexOf(value, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

it(`I6: the topics end with the table's state and never go back, however the stream brings it (seed ${seed})`, async () => {
  const counts = { batches: 0, again: 0, late: 0, restarts: 0 };
  let mirror = newMirror();
  let queue: TableChange[] = [];
  /** Held back by the stream: delivered behind newer ones. */
  let held: TableChange[] = [];
  const delivered: TableChange[][] = [];
  const deliver = async (batch: TableChange[]) => {
    counts.batches++;
    await mirror.handle(batch);
  };
  for (let step = 0; step < steps; step++) {
    const before = changes.length;
    await act(pick(names));
    const made = changes.slice(before);
    reference.push(...(await project(made, sources)));
    queue.push(...made);
    if (random() < 0.7) continue;
    const batch = queue;
    queue = [];
    const kept = random() < 0.3 ? batch.filter(() => random() < 0.3) : [];
    held.push(...kept);
    const now = batch.filter((change) => !kept.includes(change));
    await deliver(now);
    delivered.push(now);
    if (random() < 0.3) {
      counts.again++;
      await deliver(pick(delivered));
    }
    if (held.length > 0) {
      if (random() < 0.6) continue;
      counts.late++;
      await deliver(held.toSorted(() => random() - 0.5));
      held = [];
    } else if (random() < 0.2) {
      // The environment dies after it has written, before the stream knows: the next one is given the batch again.
      counts.restarts++;
      await mirror.close();
      mirror = newMirror();
      delivered.splice(0);
      await deliver(now);
    }
  }
  await deliver([...queue, ...held]);
  await mirror.close();

  const seen: MirrorRecord[] = [];
  for (const topic of ['configs', 'offsets', 'status'] as const) {
    for (const { key, value } of await readTopic(kafka, topics[topic].name)) seen.push({ topic, key: key!, value });
  }
  const expected = valuesByKey(reference);
  const mirrored = valuesByKey(seen);
  // What is left of tasks beyond the newest generation's says nothing: nobody reads it.
  const tasks = (await Promise.all(names.map((name) => stores.config.getTasks(name)))).flat();
  const live = new Set(tasks.map(({ connector, task }) => `configs task-${connector}-${task}`));
  const last = (values: Map<string, (string | null)[]>) => {
    const ends = [...values].map(([key, all]): [string, string | null] => [key, all.at(-1) ?? null]);
    const said = ends.filter(([key, end]) => end !== null && (!key.startsWith('configs task-') || live.has(key)));
    return Object.fromEntries(said.toSorted());
  };
  expect(last(mirrored)).toEqual(last(expected));
  for (const [key, values] of mirrored) {
    expect(isInOrder(values, expected.get(key)!), `${key}: ${values} of ${expected.get(key)}`).toBe(true);
  }
  console.log(`seed ${seed}: ${changes.length} changes, ${seen.length} records, ${JSON.stringify(counts)}`);
  expect(Math.min(...Object.values(counts))).toBeGreaterThan(0);
});
