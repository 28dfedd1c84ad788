import type { KafkaClient } from '../kafka/types.ts';
import { ActiveTopics } from './record/active-topics.ts';
import { runConnector } from './run/run-connector.ts';
import type { RunHost, WorkerDeps } from './run/run-host.ts';
import { runProbe } from './run/run-probe.ts';
import type { Worker } from './run/run-report.ts';
import { runTask } from './run/run-task.ts';

export function createWorker(deps: WorkerDeps): Worker {
  let client: Promise<KafkaClient> | null = null;
  const kafka = () => {
    client ??= deps.kafka().catch((error) => {
      client = null;
      throw error;
    });
    return client;
  };
  const host: RunHost = { ...deps, kafka, activeTopics: new ActiveTopics(deps.stores.status, deps.clock) };
  return {
    run(request, budget) {
      switch (request.kind) {
        case 'task':
          return runTask(host, request.connector, request.task, budget);
        case 'connector':
          return runConnector(host, request.connector, budget);
        case 'probe':
          return runProbe(host, budget);
      }
    },
    async close() {
      await (await client)?.close();
    },
  };
}
