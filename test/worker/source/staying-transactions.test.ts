import { expect, test } from 'vitest';
import { SourceRecord } from '../../../src/api/record.ts';
import { STRING_SCHEMA } from '../../../src/data/schema-builder.ts';
import { MemoryKafka } from '../../../src/testing/memory-kafka.ts';
import { createHarness } from '../../support/worker-harness.ts';
import { sourceOf } from '../../support/worker-plugins.ts';

const text = 'org.apache.kafka.connect.storage.StringConverter';

/** What a run asks the broker for, on the runner or in a function that has `budgetMs`. */
async function timeoutOf(boundary: string, onRunner: boolean, budgetMs: number): Promise<number> {
  const kafka = new MemoryKafka();
  const asked: string[] = [];
  const source = sourceOf('One', () => {
    let polls = 0;
    return {
      start() {},
      poll: () => (polls++ > 0 ? null : [new SourceRecord({}, { at: 1 }, 't', null, null, null, STRING_SCHEMA, 'v')]),
      stop() {},
    };
  });
  const harness = createHarness({
    kafka: async () => {
      const client = kafka.client();
      return {
        ...client,
        transactionalProducer: (id, overrides) => {
          asked.push(overrides?.['transaction.timeout.ms'] ?? '');
          return client.transactionalProducer(id, overrides);
        },
      };
    },
    plugins: [source],
    settings: { hasRunner: true },
  });
  await harness.create('one', {
    'connector.class': 'One',
    'key.converter': text,
    'value.converter': text,
    'exactly.once.support': 'required',
    'transaction.boundary': boundary,
    'drover.runner': onRunner ? 'always' : 'never',
    'drover.run.max.records': '1',
  });
  await harness.worker.run(
    { kind: 'task', connector: 'one', task: 0 },
    {
      deadlineAt: Date.now() + budgetMs,
      workerId: 'w',
      ...(onRunner ? { renewal: { leaseMs: budgetMs, everyMs: 100 } } : {}),
    },
  );
  await harness.close();
  expect((await harness.stores.config.getTask('one', 0))?.trace).toBeNull();
  return Number(asked[0]);
}

test('I4: a transaction may be open for as long as its run lasts, on the runner for as long as a broker grants', async () => {
  expect(await timeoutOf('interval', false, 10_000)).toBe(60_000);
  const long = await timeoutOf('interval', false, 300_000);
  expect(long).toBeGreaterThan(290_000);
  expect(long).toBeLessThan(320_000);
  // Its lease alone is short, and moves on.
  expect(await timeoutOf('interval', true, 10_000)).toBe(900_000);
  expect(await timeoutOf('poll', true, 10_000)).toBe(60_000);
});
