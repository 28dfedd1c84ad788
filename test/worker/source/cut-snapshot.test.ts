import { afterEach, expect, test } from 'vitest';
import { definePlugin, noConfig, type SourceOffset, SourceRecord } from '../../../src/api/index.ts';
import { MemoryKafka } from '../../../src/testing/memory-kafka.ts';
import { createHarness, type Harness } from '../../support/worker-harness.ts';

const className = 'org.example.Copy';
let harness: Harness;
afterEach(() => harness.close());

/** A source without an end, at these offsets, as Debezium's would give them; one that `pauses` has nothing but its first record. */
async function runOn(offset: SourceOffset, end: 'time' | 'records' | 'signal', pauses = false) {
  const kafka = new MemoryKafka();
  kafka.createTopic('rows');
  const stopping = new AbortController();
  let polls = 0;
  const plugin = definePlugin({
    kind: 'source',
    className,
    version: '1',
    doc: 'Copies for ever.',
    config: noConfig,
    create: () => ({
      start() {},
      taskConfigs: () => [{}],
      stop() {},
      createTask: () => ({
        start() {},
        async poll() {
          polls++;
          if (end === 'signal' && polls > 2) stopping.abort();
          if (pauses && polls > 1) return null;
          await new Promise((resolve) => setImmediate(resolve));
          return [new SourceRecord({ server: 'a' }, offset, 'rows', null, null, null, null, 'row')];
        },
        stop() {},
      }),
    }),
  });
  harness = createHarness({ kafka: async () => kafka.client(), plugins: [plugin] });
  const text = 'org.apache.kafka.connect.storage.StringConverter';
  await harness.create('copy', {
    'connector.class': className,
    'key.converter': text,
    'value.converter': text,
    'drover.run.max.ms': end === 'time' ? '50' : '20000',
    ...(end === 'records' ? { 'drover.run.max.records': '3' } : {}),
  });
  const budget = { deadlineAt: Date.now() + 30_000, workerId: 'w', signal: stopping.signal };
  await harness.worker.run({ kind: 'task', connector: 'copy', task: 0 }, budget);
  return (await harness.stores.config.getTask('copy', 0))!;
}

test('a snapshot that its run has no time for fails once, with the deadline and the runner named; what it brought is committed', async () => {
  const task = await runOn({ lsn: 7, snapshot: 'INITIAL', last_snapshot_record: false }, 'time');
  expect(task).toMatchObject({ state: 'FAILED', dueAt: null });
  expect(task.trace).toMatch(/^[\w.]*ConnectException: The snapshot of copy-0 was cut by the end of its run/);
  expect(task.trace).toContain('drover.runner=always');
  expect(task.counters.records).toBeGreaterThan(0);
});

test('one that pauses is waited for, as long as its run may last: another run would begin it anew', async () => {
  const task = await runOn({ snapshot: 'INITIAL', last_snapshot_record: false }, 'time', true);
  expect(task.trace).toMatch(/The snapshot of copy-0 was cut/);
  expect(task.counters.records).toBe(1);
  await harness.close();
  expect(await runOn({ lsn: 7 }, 'time', true)).toMatchObject({ state: 'RUNNING', trace: null });
});

test.each<[string, SourceOffset]>([
  ['is at its last record', { snapshot: 'INITIAL', last_snapshot_record: true }],
  ['is over', { snapshot: 'INITIAL', snapshot_completed: true }],
  ['was long ago', { lsn: 7 }],
  ['is none', { snapshot: 'false' }],
])('a run that its time ends while the snapshot %s is followed by another', async (_what, offset) => {
  expect(await runOn(offset, 'time')).toMatchObject({ state: 'RUNNING', trace: null });
});

test.each<'records' | 'signal'>(['records', 'signal'])('so is one in mid-snapshot that is ended by %s', async (end) => {
  expect(await runOn({ snapshot: 'INITIAL' }, end)).toMatchObject({ state: 'RUNNING', trace: null });
});
