import { expect, it } from 'vitest';
import { MemoryKafka } from '../../../src/testing/memory-kafka.ts';
import { createHarness } from '../../support/worker-harness.ts';
import { sinkOf } from '../../support/worker-plugins.ts';

const plugin = sinkOf('org.example.QuietSink', () => ({ start() {}, put() {}, stop() {} }));

it.each(['a b', 'x'.repeat(250), '.'])(
  'a task does not wait for a topic that there can never be: %s',
  async (topic) => {
    const kafka = new MemoryKafka();
    const { create, runTask, stores } = createHarness({ kafka: async () => kafka.client(), plugins: [plugin] });
    await create('s', { 'connector.class': plugin.className, topics: `good,${topic}` });
    await runTask('s');
    const task = await stores.config.getTask('s', 0);
    expect(task).toMatchObject({
      state: 'FAILED',
      trace: expect.stringContaining(`Invalid topics: [${topic}]. A topic`),
    });
  },
);
