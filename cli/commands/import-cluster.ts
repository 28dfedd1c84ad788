import type { KafkaClient } from '../../src/kafka/types.ts';
import { type ImportedConnector, readCluster } from '../../src/mirror/import.ts';
import { type RunningWorkers, runningWorkers } from '../../src/mirror/run-import.ts';
import { type Brokers, connectKafka, unreachableBrokers } from '../brokers.ts';
import { recordOf } from '../connect-api.ts';
import { CliError } from '../faults.ts';
import { isRecord, type Json, parseJson } from '../json.ts';
import { counted } from '../output.ts';
import type { Session } from '../session.ts';
import type { LeftConnector, TopicsOptions } from './import-topics.ts';

export interface ClusterOptions extends TopicsOptions {
  readonly dryRun?: boolean;
  readonly sinkOffsets?: boolean;
}

/** As Kafka's own worker file names them. */
const usual = { configs: 'connect-configs', offsets: 'connect-offsets' };

/**
 * What a cluster has left in the topics of brokers that need not be the installation's own: read from this machine, with the
 * user's own rights, and taken over by the API as from a worker.
 */
export async function connectorsOfBrokers(
  session: Session,
  brokers: Brokers,
  options: ClusterOptions,
): Promise<LeftConnector[]> {
  const topics = { configs: options.configsTopic ?? usual.configs, offsets: options.offsetsTopic ?? usual.offsets };
  const kafka = connectKafka(brokers);
  try {
    const workers = await runningWorkers(kafka.admin, options.groupId ?? null);
    const running = workers.length === 0 ? null : workersText(workers);
    if (running !== null && options.dryRun !== true && options.whileRunning !== true) throw workersRun(running);
    if (running !== null) session.note(`Workers are running: ${running}`);
    const cluster = await readCluster(kafka, topics);
    for (const place of cluster.unreadable) session.note(`cannot be read: ${place}`);
    const [there, here] = await Promise.all([kafka.admin.clusterId(), clusterOf(session)]);
    return await Promise.all(
      cluster.connectors.map(async (connector) => {
        const { name, config, targetState } = connector;
        const wanted = {
          name,
          config: { ...config, name },
          state: targetState === 'STARTED' ? ('RUNNING' as const) : targetState,
          initialState: null,
          from: 'the topics',
        };
        if (!isSink(connector)) {
          const left = (cluster.sourceOffsets.get(name) ?? []).filter(({ offset }) => offset !== null);
          const entries = left.map(({ partition, offset }) => entryOf(partition, offset!));
          return { wanted, offsets: entries.length, entries };
        }
        const group = groupOf(connector);
        const entries = there !== here ? await sinkOffsets(kafka, group) : [];
        if (options.sinkOffsets === true) return { wanted, offsets: entries.length, entries };
        if (entries.length > 0) {
          session.note(
            `${name}: its group ${group} has ${counted(entries.length, 'offset')} in the Kafka cluster ${there}, and the installation's is ${here}: ` +
              'it begins anew. If the topics here hold the same records at the same offsets, say --sink-offsets',
          );
        }
        return { wanted, offsets: null };
      }),
    );
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw unreachableBrokers(`${topics.configs} and ${topics.offsets}`, brokers, error);
  } finally {
    await kafka.close();
  }
}

const workersText = (workers: readonly RunningWorkers[]) =>
  workers.map(({ group, hosts }) => `group.id ${group} at ${[...new Set(hosts)].join(', ')}`).join('; ');

const workersRun = (running: string) =>
  new CliError(
    `Kafka Connect workers are running (${running}): stop them, else both run the same connectors. If they are another cluster's, ` +
      'name the one to import by --group-id; --while-running takes its connectors over all the same',
  );

/** Every sink names its topics, and no source does. */
const isSink = ({ config }: ImportedConnector) => (config.topics ?? config['topics.regex']) !== undefined;

const groupOf = ({ name, config }: ImportedConnector) => config['consumer.override.group.id'] ?? `connect-${name}`;

async function sinkOffsets(kafka: KafkaClient, group: string): Promise<{ partition: Json; offset: Json }[]> {
  return [...(await kafka.admin.groupOffsets(group))].flatMap(([topic, partitions]) =>
    [...partitions].map(([partition, offset]) => ({
      partition: { kafka_topic: topic, kafka_partition: partition },
      offset: { kafka_offset: offset },
    })),
  );
}

function entryOf(partition: string, offset: string): { partition: Json; offset: Json } {
  const parsed = parseJson(partition);
  return { partition: isRecord(parsed) ? parsed : null, offset: parseJson(offset) };
}

/** Of the Kafka cluster that the installation works on. */
async function clusterOf(session: Session): Promise<string> {
  const root = recordOf(await (await session.rest()).get('/'), 'its version');
  return String(root.kafka_cluster_id);
}
