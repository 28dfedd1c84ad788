import { systemClock } from '../../src/clock.ts';
import { createCoordinator } from '../../src/herder/coordinator.ts';
import { AwsTableClient } from '../../src/storage/dynamodb/aws-table-client.ts';
import { storesOver } from '../../src/storage/dynamodb/stores-over.ts';
import type { TableClient } from '../../src/storage/dynamodb/table-client.ts';
import { silentTelemetry } from '../../src/telemetry/telemetry.ts';
import { tableRequests } from '../integration/storage/dynamodb-table.ts';

/** One tick of a coordinator that ends with SIGKILL at one of its requests, to the table or to invoke, if it is to. */
export interface TickOrder {
  readonly tableName: string;
  /** Time goes by faster from then on. */
  readonly startedAt: number;
  readonly speed: number;
  readonly budgetMs: number;
  readonly dieAt: number | null;
  /** Before the request is sent, or after it is answered. */
  readonly before: boolean;
}

if (import.meta.main) {
  const requests = tableRequests();
  process.once('message', (order: TickOrder) => {
    void tick(order);
  });
  process.send?.('ready');

  async function tick({ tableName, startedAt, speed, budgetMs, dieAt, before }: TickOrder): Promise<void> {
    const clock = {
      now: () => startedAt + (Date.now() - startedAt) * speed,
      sleep: (ms: number, signal?: AbortSignal) => systemClock.sleep(ms / speed, signal),
    };
    let asked = 0;
    const mortal = async <T>(send: () => Promise<T>): Promise<T> => {
      const dies = ++asked === dieAt;
      if (dies && before) process.kill(process.pid, 'SIGKILL');
      const answer = await send();
      if (dies) process.kill(process.pid, 'SIGKILL');
      return answer;
    };
    const table = new AwsTableClient({ tableName, requests });
    const mortalTable: TableClient = {
      update: (...args) => mortal(() => table.update(...args)),
      transact: (...args) => mortal(() => table.transact(...args)),
      writeMany: (...args) => mortal(() => table.writeMany(...args)),
      get: (...args) => mortal(() => table.get(...args)),
      getMany: (...args) => mortal(() => table.getMany(...args)),
      queryPage: (...args) => mortal(() => table.queryPage(...args)),
      queryIndex: (...args) => mortal(() => table.queryIndex(...args)),
    };
    let nonces = 0;
    const stores = storesOver(mortalTable, () => `${process.pid}-${startedAt}-${++nonces}`);
    const coordinator = createCoordinator({
      configs: stores.config,
      leases: stores.leases,
      dueIndex: stores.due,
      cluster: stores.cluster,
      invoker: {
        invoke: (request) => mortal(() => new Promise<void>((sent) => process.send?.(request, () => sent()))),
      },
      startTicking: async () => {},
      owner: `coordinator-${process.pid}`,
      clock,
      random: Math.random,
      telemetry: silentTelemetry,
      limits: { runsInFlight: 100, concurrency: 10 },
    });
    await coordinator.onTick(clock.now() + budgetMs);
    process.exit(0);
  }
}
