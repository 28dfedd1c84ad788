import middy from '@middy/core';
import { javaPlugins } from '#java';
import userPlugins from '#plugins';
import { connectors } from '../connectors/index.ts';
import { parseMirrorInvocation } from '../src/invocation/invocation.ts';
import type { StreamRecord } from '../src/invocation/table-stream.ts';
import { KafkaJsControlPlane } from '../src/kafka/control-plane.ts';
import { Mirror, mirrorPatienceMs } from '../src/mirror/mirror.ts';
import { requirePlugins } from '../src/plugins/plugin-list.ts';
import { findConnector, registryOf } from '../src/plugins/registry.ts';
import { readStreamRecords } from '../src/storage/dynamodb/stream.ts';
import type { TableChange } from '../src/storage/table-change.ts';
import { clock, environment, loggerLevels, stores } from './function-context.ts';
import { connectKafka, kafkaAccess } from './kafka.ts';

/** It writes the versions of connectors; nothing else of what they need to run belongs into its bundle. */
const plugins = registryOf([...connectors, ...requirePlugins(userPlugins), ...javaPlugins]);

let mirror: Promise<Mirror> | null = null;

async function createMirror(): Promise<Mirror> {
  const kafka = await connectKafka({ apiTimeoutMs: mirrorPatienceMs });
  // For the root answer of the REST API, whose function does not talk to Kafka.
  await stores.cluster.putClusterId(await kafka.admin.clusterId());
  return new Mirror({
    kafka,
    controlPlane: new KafkaJsControlPlane({ ...(await kafkaAccess()), timeoutMs: mirrorPatienceMs }),
    configs: stores.config,
    now: clock.now,
    versionOf: (config) =>
      (findConnector(plugins, 'source', config) ?? findConnector(plugins, 'sink', config))?.version ?? null,
    topics: {
      configs: {
        name: environment['config.storage.topic'],
        partitions: 1,
        replicationFactor: environment['config.storage.replication.factor'],
      },
      offsets: {
        name: environment['offset.storage.topic'],
        partitions: environment['offset.storage.partitions'],
        replicationFactor: environment['offset.storage.replication.factor'],
      },
      status: {
        name: environment['status.storage.topic'],
        partitions: environment['status.storage.partitions'],
        replicationFactor: environment['status.storage.replication.factor'],
      },
    },
  });
}

const reportEveryMs = 5_000;
let reportAt = 0;

/**
 * Says how far the topics have come; the REST API shows it. Of what runs write only now and then, but at once of what was
 * asked for: somebody may wait for it, and nothing may follow. A report that fails is the next one's.
 */
async function reportProgress(records: readonly StreamRecord[], changes: readonly TableChange[]): Promise<void> {
  const now = clock.now();
  const changedAt = 1000 * Math.max(0, ...records.map(({ dynamodb }) => dynamodb?.ApproximateCreationDateTime ?? 0));
  if (changedAt === 0 || (now < reportAt && !changes.some(wasAskedFor))) return;
  reportAt = now + reportEveryMs;
  await stores.cluster.putMirrorProgress({ changedAt, mirroredAt: now }).catch(() => {});
}

/** A connector is made, changed or deleted, or its tasks come and go with that. */
function wasAskedFor(change: TableChange): boolean {
  return change.kind === 'connector' || (change.kind === 'task' && (change.before === null || change.after === null));
}

/** Shown by the REST API until the mirror gets on. */
async function reportFailure(error: unknown): Promise<void> {
  reportAt = 0;
  const failure = { failedAt: clock.now(), error: error instanceof Error ? error.message : String(error) };
  await stores.cluster.putMirrorFailure(failure).catch(() => {});
}

/** Fails as a whole: the stream brings the batch again, in order, until Kafka has taken it. */
export const handler = middy<unknown, unknown>({ timeoutEarlyInMillis: 0 })
  .use(loggerLevels())
  .handler(async (event: unknown) => {
    const invocation = parseMirrorInvocation(event);
    mirror ??= createMirror().catch((error) => {
      mirror = null;
      throw error;
    });
    try {
      const made = await mirror;
      if (invocation.kind === 'project') return await made.projectAgain(stores);
      const changes = readStreamRecords(invocation.records);
      await made.handle(changes);
      await reportProgress(invocation.records, changes);
      return undefined;
    } catch (error) {
      await reportFailure(error);
      throw error;
    }
  });
