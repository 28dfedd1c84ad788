import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FetchOptions, KafkaClient } from '../../../src/kafka/types.ts';
import { MemoryKafka } from '../../../src/testing/memory-kafka.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { createHarness, type Harness } from '../../support/worker-harness.ts';
import { sinkOf } from '../../support/worker-plugins.ts';

const text = 'org.apache.kafka.connect.storage.StringConverter';

const plugin = sinkOf('org.example.QuietSink', () => ({ start() {}, put() {}, stop() {} }));

describe('how long a sink run waits in its fetches', () => {
  const kafka = new MemoryKafka();
  kafka.createTopic('items');
  const waits: number[] = [];
  let harness: Harness;

  /** Notes how long each fetch may wait, and waits for none. */
  function watched(client: KafkaClient): KafkaClient {
    return Object.assign(Object.create(client) as KafkaClient, {
      fetcher: async (overrides: Parameters<KafkaClient['fetcher']>[0]) => {
        const fetcher = await client.fetcher(overrides);
        return {
          fetch: (positions: Parameters<typeof fetcher.fetch>[0], options: FetchOptions, signal?: AbortSignal) => {
            waits.push(options.maxWaitMs);
            return fetcher.fetch(positions, { ...options, maxWaitMs: 0 }, signal);
          },
          close: () => fetcher.close(),
        };
      },
    });
  }

  beforeEach(async () => {
    // Nothing here takes time: a run that waited for some would not come back.
    harness = createHarness({
      kafka: async () => watched(kafka.client()),
      plugins: [plugin],
      clock: new ManualClock(),
      settings: { runLingerMs: null },
    });
    await harness.create('quiet', {
      'connector.class': plugin.className,
      topics: 'items',
      'key.converter': text,
      'value.converter': text,
    });
    await harness.runTask('quiet');
    waits.length = 0;
  });
  afterEach(() => harness.close());

  it('not at all where there is nothing, and it asks once', async () => {
    expect(await harness.runTask('quiet')).toMatchObject({ reason: 'drained', records: 0 });
    expect(waits).toEqual([0]);
  });

  it('as long as drover.run.linger.ms says behind records, where it is set', async () => {
    const { config } = (await harness.stores.config.getConnector('quiet'))!;
    await harness.create('quiet', { ...config, 'drover.run.linger.ms': '0' });
    await kafka.produce([{ topic: 'items', value: 'a' }]);
    expect(await harness.runTask('quiet')).toMatchObject({ reason: 'drained', records: 1 });
    expect(waits).toEqual([0, 0]);
  });
});
