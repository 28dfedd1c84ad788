import type { SourceTask } from '../../api/task.ts';
import { producerConfig } from '../../config/client-config.ts';
import type { Settings } from '../../config/config-def.ts';
import { parseGiven, settingsWithPrefix } from '../../config/parse-config.ts';
import type { KafkaClient } from '../../kafka/types.ts';
import type { ConnectorItem, TaskItem } from '../../storage/items.ts';
import type { Lease } from '../../storage/lease-store.ts';
import { resolveSettings } from '../config-providers.ts';
import type { ErrorTolerance } from '../record/error-tolerance.ts';
import type { RunHost } from '../run/run-host.ts';
import type { TaskRun } from '../run/task-run.ts';
import { type ExactlyOnce, exactlyOnce } from './exactly-once.ts';
import { ensureOffsetsTopic, type OffsetsCluster, readTail, tailPositions } from './offsets-topic.ts';
import type { SourceDelivery } from './source-delivery.ts';
import type { TopicCreation } from './topic-creation.ts';
import { TransactionalDelivery } from './transactional-delivery.ts';

const transactionTimeout = 'transaction.timeout.ms';
/** What a producer asks for by default, and the most that a broker grants by default (transaction.max.timeout.ms). */
const defaultTimeoutMs = 60_000;
const longestTimeoutMs = 900_000;

/** The id that Java Connect would use for that task: a newer run fences an older one in the broker, whoever it is. */
function transactionalIdOf(host: RunHost, connector: string, task: number): string {
  return `${host.settings.groupId}-${connector}-${task}`;
}

/**
 * How long the broker lets a transaction be open. One that is not over with its poll may be open for as long as the run
 * lasts, and not longer: of a run that was killed it holds readers back until its lease is over too. A run that stays, whose
 * lease moves on, may take what a broker grants.
 */
function transactionTimeoutMs(run: TaskRun, asked: ExactlyOnce, overrides: Settings): number {
  const own = parseGiven(producerConfig, overrides)[transactionTimeout];
  if (own !== undefined) return own;
  if (asked.boundary === 'poll') return defaultTimeoutMs;
  if (run.limits.stays) return longestTimeoutMs;
  const left = Math.ceil(run.deadlines.expiresAt - run.host.clock.now());
  return Math.min(longestTimeoutMs, Math.max(left, defaultTimeoutMs));
}

/**
 * Fences every older run of the task in the broker, then takes up what such a run committed there but did not bring to
 * the table any more (I4). Only after that may the task read its offsets.
 */
export async function createTransactionalDelivery(
  run: TaskRun,
  task: SourceTask,
  topics: TopicCreation,
  asked: ExactlyOnce,
  kafka: KafkaClient,
  overrides: Settings,
  errors: ErrorTolerance,
): Promise<SourceDelivery> {
  const { host, about, lease } = run;
  const offsetsTopic = asked.offsetsTopic ?? host.settings.offsetsTopic;
  const offsetsCluster = clusterOfOffsets(kafka, run.config, run.adminOverrides());
  await ensureOffsetsTopic(host, offsetsCluster.admin, offsetsTopic);
  const timeoutMs = transactionTimeoutMs(run, asked, overrides);
  const producer = await kafka.transactionalProducer(transactionalIdOf(host, about.connector, about.task), {
    ...overrides,
    [transactionTimeout]: String(timeoutMs),
  });
  try {
    await producer.init();
    run.report.step('fenced-older');
    const tail = await readTail(host, offsetsCluster, about.connector, [run.item], run.deadlines.endsAt);
    if (tail.length > 0) {
      const entries = tail.map((entry) => ({ ...entry, inTopic: asked.offsetsTopic === null }));
      await host.stores.offsets.commitSourceOffsets(lease, entries, {}, []);
      run.report.emit('source.recovered', { sourcePartitions: tail.length });
    }
  } catch (error) {
    await producer.close();
    throw error;
  }
  const noteTail = async () => {
    const positions = await tailPositions(offsetsCluster.admin, offsetsTopic);
    const { revoked } = await host.stores.offsets.commitSourceOffsets(lease, [], {}, positions);
    if (revoked) run.bounds.end('revoked');
    run.report.step('tail-noted');
  };
  // One that stays open too long is aborted by the broker, and its producer fenced: it is ended well before.
  const bounded = { ...asked, intervalMs: Math.min(asked.intervalMs, timeoutMs / 2) };
  return new TransactionalDelivery(run, task, topics, producer, errors, bounded, offsetsTopic, noteTail);
}

/** Offsets lie beside the records of their transactions: a connector may bring brokers and credentials of its own. */
function clusterOfOffsets(kafka: KafkaClient, config: Settings, adminOverrides: Settings): OffsetsCluster {
  const consumerOverrides = settingsWithPrefix(config, 'consumer.override.');
  return { admin: kafka.adminWith(adminOverrides), fetcher: () => kafka.fetcher(consumerOverrides) };
}

/**
 * Takes up what the ended tasks of a generation left in the tail of their offsets topics, under the connector's lease,
 * before the next generation reads its offsets (I4, I7).
 */
export async function recoverGeneration(
  host: RunHost,
  item: ConnectorItem,
  lease: Lease,
  ended: readonly TaskItem[],
): Promise<void> {
  const unclean = ended.filter((task) => task.type === 'source' && Object.keys(task.positions).length > 0);
  if (unclean.length === 0) return;
  const kafka = await host.kafka();
  const config = await resolveSettings(item.config, host.configProviders, host.telemetry.secrets);
  const producerOverrides = settingsWithPrefix(config, 'producer.override.');
  for (const { task } of unclean) {
    const producer = await kafka.transactionalProducer(transactionalIdOf(host, item.name, task), producerOverrides);
    await producer.init();
    await producer.close();
  }
  const offsetsCluster = clusterOfOffsets(kafka, config, settingsWithPrefix(config, 'admin.override.'));
  const endsAt = lease.expiresAt - host.settings.leaseMarginMs;
  const tail = await readTail(host, offsetsCluster, item.name, unclean, endsAt);
  const mirrored = (exactlyOnce(item.config)?.offsetsTopic ?? null) === null;
  const entries = tail.map((entry) => ({ ...entry, inTopic: mirrored }));
  if (entries.length > 0) await host.stores.generations.putSourceOffsets(lease, entries);
}
