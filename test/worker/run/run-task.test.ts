import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SourceConnector } from '../../../src/api/connector.ts';
import { definePlugin } from '../../../src/api/plugin.ts';
import type { SourceTask } from '../../../src/api/task.ts';
import { defineConfig } from '../../../src/config/config-def.ts';
import { createHarness, type Harness, realKafka } from '../../support/worker-harness.ts';

const className = 'com.example.EmptyConnector';

class EmptyConnector implements SourceConnector {
  start(): void {}
  stop(): void {}
  taskConfigs = () => [{}];
  createTask = (): SourceTask => ({ start: () => {}, poll: () => null, stop: () => {} });
}

const plugin = definePlugin({
  kind: 'source',
  className,
  version: '1.0.0',
  doc: 'Finds nothing.',
  config: defineConfig({}),
  create: () => new EmptyConnector(),
});

describe('a run of a source task', () => {
  let harness: Harness;
  beforeEach(() => {
    // Nobody listens there: an idle source has nothing to ask Kafka.
    harness = createHarness({ kafka: realKafka('127.0.0.1:1'), plugins: [plugin] });
  });
  afterEach(() => harness.close());

  it('that finds nothing needs no broker, and reads the connector once', async () => {
    await harness.create('a', { 'connector.class': className });
    const read = vi.spyOn(harness.stores.config, 'getConnector');
    expect(await harness.runTask('a')).toMatchObject({ ran: true, reason: 'drained', records: 0 });
    expect(read).toHaveBeenCalledTimes(1);
  });

  it('I7: does not begin with a config that was read before its generation was put in force', async () => {
    await harness.create('a', { 'connector.class': className });
    const old = await harness.stores.config.getConnector('a');
    await harness.create('a', { 'connector.class': className, 'drover.schedule': 'once' });
    vi.spyOn(harness.stores.config, 'getConnector').mockResolvedValueOnce(old);
    expect(await harness.runTask('a')).toMatchObject({ reason: 'drained', nextDueAt: null });
  });

  it('says how long each of its steps took to be reached', async () => {
    await harness.create('a', { 'connector.class': className });
    await harness.runTask('a');
    const ended = harness.events.find(({ event }) => event === 'run.ended');
    expect(Object.keys(ended?.facts.steps as object)).toEqual(['acquired', 'started']);
  });
});
