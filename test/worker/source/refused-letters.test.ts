import { expect, test } from 'vitest';
import { definePlugin, noConfig, SourceRecord } from '../../../src/api/index.ts';
import { MemoryKafka } from '../../../src/testing/memory-kafka.ts';
import { createHarness } from '../../support/worker-harness.ts';

const large = 'x'.repeat(2_000_000);

test('I3: a task is told that a refused record is done when its dead letter is acknowledged, and not before', async () => {
  const kafka = new MemoryKafka();
  kafka.createTopic('items');
  const lettersWhenTold: number[] = [];
  const letters = () => kafka.log.topics.get('letters')?.partitions[0]?.end ?? 0;
  let left = [large, 'small'];
  const plugin = definePlugin({
    kind: 'source',
    className: 'org.example.ForgetfulSource',
    version: '1',
    doc: 'Lets go of what it is told is done.',
    config: noConfig,
    create: () => ({
      start() {},
      taskConfigs: () => [{}],
      stop() {},
      createTask: () => ({
        start() {},
        poll() {
          const values = left;
          left = [];
          return values.map((value, n) => new SourceRecord({ list: 1 }, { n }, 'items', null, null, null, null, value));
        },
        commitRecord(record: SourceRecord) {
          if (record.value === large) lettersWhenTold.push(letters());
        },
        stop() {},
      }),
    }),
  });
  const drover = createHarness({ kafka: async () => kafka.client(), plugins: [plugin] });
  const text = 'org.apache.kafka.connect.storage.StringConverter';
  await drover.create('forgetful', {
    'connector.class': plugin.className,
    'key.converter': text,
    'value.converter': text,
    'errors.tolerance': 'all',
    'drover.errors.deadletterqueue.topic.name': 'letters',
    // A letter holds what the record held.
    'producer.override.max.request.size': '4000000',
  });
  kafka.createTopic('letters', 1, { 'max.message.bytes': '4000000' });
  await drover.runTask('forgetful');
  expect(lettersWhenTold).toEqual([1]);
  await drover.close();
});
