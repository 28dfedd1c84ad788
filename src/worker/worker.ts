import type { KafkaClient } from '../kafka/types.ts';
import { feedKeyOf } from './feed/claim-feed.ts';
import { FedConnectors } from './feed/fed-connectors.ts';
import { FeedHost, type FeedReport } from './feed/feed-host.ts';
import { KnownTasks } from './run/known-tasks.ts';
import { runConnector } from './run/run-connector.ts';
import type { RunHost, WorkerDeps } from './run/run-host.ts';
import { runProbe } from './run/run-probe.ts';
import type { RunBudget, Worker } from './run/run-report.ts';
import { runTask } from './run/run-task.ts';

export interface FeedingWorker extends Worker {
  /** An event of the event source by that key, for the connector that it feeds. */
  feed(key: string, event: unknown, budget: RunBudget): Promise<FeedReport>;
}

export function createWorker(deps: WorkerDeps): FeedingWorker {
  let client: Promise<KafkaClient> | null = null;
  const kafka = () => {
    client ??= deps.kafka().catch((error) => {
      client = null;
      throw error;
    });
    return client;
  };
  const host: RunHost = { ...deps, kafka, knownTasks: new KnownTasks() };
  const fed = new FedConnectors(deps.stores, deps.clock, deps.settings.feeds, (config) => feedKeyOf(host, config));
  const feeds = new FeedHost(host, fed);
  return {
    feed: (key, event, budget) => feeds.feed(key, event, budget),
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
