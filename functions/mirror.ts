import middy from '@middy/core';
import { Mirror } from '../src/mirror/mirror.ts';
import { readStreamRecords, type StreamRecord } from '../src/storage/dynamodb/stream.ts';
import { environment, loggerLevels, stores } from './function-context.ts';
import { connectKafka } from './kafka.ts';
import { plugins } from './plugins.ts';

interface TableStreamEvent {
  readonly Records: readonly StreamRecord[];
}

let mirror: Promise<Mirror> | null = null;

async function createMirror(): Promise<Mirror> {
  const kafka = await connectKafka();
  // For the root answer of the REST API, whose function does not talk to Kafka.
  await stores.cluster.putClusterId(await kafka.admin.clusterId());
  return new Mirror({
    kafka,
    configs: stores.config,
    versionOf: (name) => (plugins.find('source', name) ?? plugins.find('sink', name))?.version ?? null,
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

/** Fails as a whole: the stream brings the batch again, in order, until Kafka has taken it. */
export const handler = middy<TableStreamEvent, void>({ timeoutEarlyInMillis: 0 })
  .use(loggerLevels())
  .handler(async (event: TableStreamEvent) => {
    mirror ??= createMirror().catch((error) => {
      mirror = null;
      throw error;
    });
    await (await mirror).handle(readStreamRecords(event.Records));
  });
