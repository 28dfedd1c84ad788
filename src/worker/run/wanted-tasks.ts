import type { ConnectorContext, FeedKey, SinkConnector, SourceConnector } from '../../api/connector.ts';
import type { Settings } from '../../config/config-def.ts';
import { taskCountSettings } from '../../config/connector-config.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { javaConnectorSettings } from '../../config/run-settings.ts';
import { ConnectError } from '../../errors.ts';
import type { TopicDescription } from '../../kafka/types.ts';
import { createPlugin } from '../../plugins/create-plugin.ts';
import { getConnector } from '../../plugins/registry.ts';
import { feedSetting } from '../../storage/feed-store.ts';
import type { ConnectorItem, TaskItem } from '../../storage/items.ts';
import { resolveSettings } from '../config-providers.ts';
import { declaredFeed } from '../feed/claim-feed.ts';
import { restoreReferences } from '../restore-references.ts';
import { type Assignment, assignPartitions, sinkTopics } from '../sink/partition-assignment.ts';
import { offsetReader } from '../source/offset-reader.ts';
import { hashOf } from './config-hash.ts';
import type { ConnectorRun } from './connector-run.ts';
import { requireSettings } from './require-settings.ts';
import { settleMs } from './run-bounds.ts';
import { watchUnhandledRejections } from './unhandled-rejections.ts';

export interface Wanted {
  readonly wanted: readonly WantedTask[];
  /** Sinks: what there is to read. */
  readonly topics: readonly TopicDescription[];
  /** Sources: what brings their records to them. */
  readonly feed: FeedKey | null;
  /** After how many milliseconds the connector is to be asked again, as it does things by itself; null: never. */
  readonly refreshMs: number | null;
}

/** The tasks that the connector wants, before it is known which of them run already. */
export interface WantedTask {
  readonly task: number;
  readonly config: Settings;
  readonly assignment: Assignment;
}

/** Starts the connector for as long as it takes to ask for its tasks. */
export async function askConnector(run: ConnectorRun): Promise<Wanted> {
  const { host, item } = run;
  const raw = item.config;
  const config = await resolveSettings(raw, host.configProviders, host.telemetry.secrets);
  const descriptor = getConnector(host.plugins, item.type, config);
  requireSettings(host, item, config);
  const { 'tasks.max': tasksMax, 'tasks.max.enforce': enforced } = parseConfig(taskCountSettings, config);
  const taskClass = descriptor.className.replace(/Connector$/, 'Task');

  const plugin: SourceConnector | SinkConnector = await createPlugin(descriptor);
  const raised: { error: Error | null } = { error: null };
  const refreshing = item.state === 'RUNNING' && item.appliedVersion === item.configVersion && item.taskCount > 0;
  const feed = item.type === 'source' ? declaredFeed(host, plugin as SourceConnector, config) : null;
  const polling = await bounded(run, async (signal) => {
    await plugin.start(config, { ...connectorContext(run, raised), fed: feed !== null, refreshing, signal });
    try {
      return await plugin.taskConfigs(tasksMax);
    } finally {
      await plugin.stop();
    }
  });
  if (raised.error !== null) throw raised.error;
  if (polling.length > tasksMax && enforced) {
    throw new ConnectError(
      'connector.too_many_tasks',
      `The connector ${item.name} has generated ${polling.length} tasks, more than the ${tasksMax} that tasks.max allows. ` +
        'This is a fault of the connector; tasks.max.enforce=false lets it pass',
      { javaClass: 'TooManyTasksException' },
    );
  }
  // The first task stands for the feed, the others poll beside it.
  const configs = feed === null ? polling : [{ ...config, [feedSetting]: feed.key }, ...polling];
  const topics = item.type === 'sink' ? await describeSinkTopics(run, config) : [];
  const assignments = assignPartitions(topics, configs.length);
  const wanted = configs.map((own, task) => ({
    task,
    config: {
      'task.class': taskClass,
      ...restoreReferences(own, raw, config),
      ...sinkTopicSettings(item),
    },
    assignment: assignments[task] ?? [],
  }));
  return { wanted, topics, feed, refreshMs: descriptor.runtime === 'java' ? refreshMs(item, config) : null };
}

function refreshMs(item: ConnectorItem, config: Settings): number | null {
  return item.type === 'sink' ? null : parseConfig(javaConnectorSettings, config)['drover.java.refresh.ms'] || null;
}

async function describeSinkTopics({ host }: ConnectorRun, config: Settings): Promise<readonly TopicDescription[]> {
  const { admin } = await host.kafka();
  const topics = await sinkTopics(config, admin);
  return topics.length === 0 ? [] : admin.describeTopics(topics);
}

function sinkTopicSettings(item: ConnectorItem): Settings {
  if (item.type !== 'sink') return {};
  const settings: Record<string, string> = {};
  for (const key of ['topics', 'topics.regex']) if (item.config[key] !== undefined) settings[key] = item.config[key];
  return settings;
}

function connectorContext({ host, item }: ConnectorRun, raised: { error: Error | null }): ConnectorContext {
  return {
    connector: item.name,
    requestTaskReconfiguration: () => {
      host.stores.config.markConnectorDue(item.name, host.clock.now()).catch(() => {});
    },
    ...(item.type === 'source' ? { offsetStorageReader: offsetReader(host.stores, item.name) } : {}),
    raiseError: (error) => {
      raised.error ??= error;
    },
  };
}

/** Plugin code, up to the run's end; what it lets fail unhandled is its failure too. */
async function bounded<T>(run: ConnectorRun, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { host, item, endsAt } = run;
  const done = new AbortController();
  const ending = new AbortController();
  let stopWatching = () => {};
  let working: Promise<void> | null = null;
  try {
    return await new Promise<T>((resolve, reject) => {
      const rejections = watchUnhandledRejections(reject);
      stopWatching = rejections.stop;
      host.clock.sleep(Math.max(0, endsAt - host.clock.now()), done.signal).then(
        () => {
          ending.abort();
          reject(
            new ConnectError(
              'connector.blocked',
              `The plugin of connector ${item.name} did not answer before the deadline`,
              {
                retriable: true,
                javaClass: 'TimeoutException',
              },
            ),
          );
        },
        () => {},
      );
      working = rejections
        .run(() => work(ending.signal))
        .then(resolve, reject)
        .finally(() => {
          working = null;
        });
    });
  } catch (error) {
    await Promise.race([working, host.clock.sleep(settleMs, done.signal).catch(() => {})]);
    run.tainted = working !== null;
    throw error;
  } finally {
    done.abort();
    stopWatching();
  }
}

export function isSame(wanted: WantedTask, running: TaskItem | undefined): boolean {
  return (
    running !== undefined &&
    hashOf(wanted.config) === hashOf(running.config) &&
    JSON.stringify(wanted.assignment) === JSON.stringify(running.assignment)
  );
}
