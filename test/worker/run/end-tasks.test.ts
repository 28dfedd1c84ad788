import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { Lease } from '../../../src/storage/lease-store.ts';
import { createMemoryStores } from '../../../src/storage/memory/stores.ts';
import type { Stores } from '../../../src/storage/stores.ts';
import { MemoryKafka } from '../../../src/testing/memory-kafka.ts';
import { HastyClock } from '../../support/hasty-clock.ts';
import { createHarness } from '../../support/worker-harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-end-tasks-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('I5, I7: a run that begins just before its task is revoked is seen, though the tasks were at rest when they were read', async () => {
  const clock = new HastyClock();
  const kafka = new MemoryKafka();
  kafka.createTopic('t');
  const plain = createMemoryStores();
  /** Around the revocation, which finds the lease. */
  let run: { begins(): Promise<void>; ends(): Promise<void> } | null = null;
  const stores: Stores = {
    ...plain,
    generations: new Proxy(plain.generations, {
      get: (target, key) => {
        const member = Reflect.get(target, key, target) as unknown;
        if (typeof member !== 'function') return member;
        return async (...given: unknown[]) => {
          const around = key === 'revokeTasks' ? run : null;
          await around?.begins();
          const done = await (member as (...given: unknown[]) => unknown).apply(target, given);
          await around?.ends();
          return done;
        };
      },
    }),
  };
  const harness = createHarness({ kafka: async () => kafka.client(), stores, clock });
  await harness.create('a', { 'connector.class': 'FileStreamSink', file: join(folder, 'out'), topics: 't' });
  await harness.runTask('a');

  let lease: Lease | null = null;
  run = {
    async begins() {
      await plain.config.markTaskDue('a', 0, clock.now());
      const acquired = await plain.leases.acquireTask('a', 0, 'other', clock.now(), clock.now() + 3_600_000);
      if (!acquired.granted) throw new Error(acquired.reason);
      lease = acquired.lease;
    },
    async ends() {
      run = null;
      const now = clock.now();
      const outcome = { state: 'RUNNING', trace: null, workerId: 'other', dueAt: null, closeAt: now } as const;
      await plain.leases.release(lease!, outcome);
    },
  };
  await plain.config.putTargetState('a', 'STOPPED', clock.now());
  await harness.runConnector('a');
  // It has left something open: its closing run is waited for, and the connector is not stopped before it.
  expect(await plain.config.getTask('a', 0)).toMatchObject({ leaseOwner: null, revoked: true });
  expect((await plain.config.getTask('a', 0))?.closingFor).not.toBeNull();
  expect(await plain.config.getConnector('a')).toMatchObject({ state: 'RUNNING' });
  await harness.close();
});
