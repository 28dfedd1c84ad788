import { appendFileSync } from 'node:fs';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import type { RunRequest } from '../../src/invocation/run-request.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { createDynamoDbStores } from '../../src/storage/dynamodb/stores.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import type { RunReport } from '../../src/worker/run/run-report.ts';
import { createWorker } from '../../src/worker/worker.ts';
import { defaultWorkerSettings } from '../../src/worker/worker-settings.ts';
import { tableRequests } from '../integration/storage/dynamodb-table.ts';
import { ledgerSource } from '../support/ledger-source.ts';
import { mortalPlugins } from '../support/mortal-plugins.ts';
import { kafkaAddress } from '../support/service-addresses.ts';

/** What the parent asks of a child that stands ready: one run, which ends with SIGKILL behind step `dieAt`, if any. */
export interface CrashOrder {
  readonly tableName: string;
  readonly request: RunRequest;
  /** How far this child's clock is ahead: past the lease of the child killed before. */
  readonly clockAheadMs: number;
  readonly dieAt: number | null;
  readonly budgetMs: number;
  /** A run of the same task goes before it, to its end: the one that is killed knows what that has read. */
  readonly warm: boolean;
  /** Takes the log, line by line: what was said is there when the process is not. */
  readonly logFile: string | null;
}

export interface CrashReport {
  readonly report: RunReport;
  readonly steps: readonly string[];
}

export const runBudgetMs = 20_000;

if (import.meta.main) {
  const kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
  // Connections are made before the order comes, so that a kill at a random moment hits the run and not its start-up.
  await kafka.admin.clusterId();
  process.once('message', (order: CrashOrder) => {
    void run(order);
  });
  process.send?.('ready');

  async function run(order: CrashOrder): Promise<void> {
    const now = () => Date.now() + order.clockAheadMs;
    const clock = {
      now,
      sleep: (ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          const timer = setTimeout(resolve, ms);
          signal?.addEventListener('abort', () => {
            clearTimeout(timer);
            reject(signal.reason);
          });
        }),
    };
    const steps: string[] = [];
    let isWarm = !order.warm;
    const stores = createDynamoDbStores({ requests: tableRequests(), tableName: order.tableName, clock });
    const worker = createWorker({
      stores,
      kafka: async () => kafka,
      plugins: createRegistry([ledgerSource, ...mortalPlugins]),
      settings: { ...defaultWorkerSettings, runLingerMs: 0 },
      telemetry: createTelemetry({
        clock,
        write: (line) => {
          if (order.logFile !== null) appendFileSync(order.logFile, `${line}\n`);
        },
      }),
      clock,
      configProviders: new Map(),
      onStep: (step) => {
        if (isWarm && steps.push(step) === order.dieAt) process.kill(process.pid, 'SIGKILL');
      },
    });
    const budget = () => ({ deadlineAt: now() + order.budgetMs, workerId: `child-${process.pid}` });
    const { request } = order;
    if (order.warm && request.kind === 'task') {
      await worker.run(request, budget());
      await stores.config.markTaskDue(request.connector, request.task, now());
      isWarm = true;
    }
    const report = await worker.run(request, budget());
    process.send?.({ report, steps } satisfies CrashReport, () => process.exit(0));
  }
}
