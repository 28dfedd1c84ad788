import { expect, test } from 'vitest';
import { ConnectorBench } from '../../../src/testing/bench.ts';
import { MemoryKafka } from '../../../src/testing/memory-kafka.ts';
import { sinkOf } from '../../support/worker-plugins.ts';

// As Kafka's own consumer: what a source under exactly once has aborted is read unless the connector says otherwise.
test.each([
  ['without a setting', {}, ['kept', 'aborted', 'behind']],
  ['read_committed', { 'consumer.override.isolation.level': 'read_committed' }, ['kept', 'behind']],
])('a sink of a topic with aborted records, %s', async (_title, settings, expected) => {
  const kafka = new MemoryKafka();
  kafka.createTopic('in');
  const producer = await kafka.client().transactionalProducer('source-0', {});
  await producer.init();
  for (const [value, end] of [
    ['kept', 'commit'],
    ['aborted', 'abort'],
    ['behind', 'commit'],
  ] as const) {
    producer.begin();
    const batch = producer.newBatch();
    batch.append('in', 0, null, value, null, null);
    await producer.send(batch);
    await producer[end]();
  }
  await producer.close();
  const put: unknown[] = [];
  const plugin = sinkOf('test.Takes', () => ({
    start() {},
    put: (records) => void put.push(...records.map(({ value }) => value)),
    stop() {},
  }));
  const bench = new ConnectorBench(plugin, { kafka });
  try {
    const text = 'org.apache.kafka.connect.storage.StringConverter';
    await bench.configure({ 'connector.class': 'test.Takes', topics: 'in', 'value.converter': text, ...settings });
    await bench.run();
    expect(put).toEqual(expected);
  } finally {
    await bench.close();
  }
});
