import type { AnyPlugin } from '../../src/api/plugin.ts';
import type { ImportRequest } from '../../src/invocation/invocation.ts';
import { KafkaJsControlPlane } from '../../src/kafka/control-plane.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { Mirror } from '../../src/mirror/mirror.ts';
import { runImport } from '../../src/mirror/run-import.ts';
import type { MirrorTopics } from '../../src/mirror/topics.ts';
import { createMemoryStores } from '../../src/storage/memory/stores.ts';
import type { Stores } from '../../src/storage/stores.ts';
import type { TableChange } from '../../src/storage/table-change.ts';
import type { WorkerSettings } from '../../src/worker/worker-settings.ts';
import { type InProcessDrover, startInProcessDrover } from './in-process-drover.ts';
import { until } from './until.ts';

export interface MirroredDrover {
  readonly drover: InProcessDrover;
  /** Resolves when the topics hold every change up to now. */
  caughtUp(): Promise<void>;
  /** Lets runs end and the mirror write what is left, then closes both. */
  end(): Promise<void>;
}

/** As a Java worker of this prefix names and cuts them. */
export function mirrorTopicsOf(prefix: string): MirrorTopics {
  return {
    configs: { name: `${prefix}-configs`, partitions: 1, replicationFactor: 1 },
    offsets: { name: `${prefix}-offsets`, partitions: 25, replicationFactor: 1 },
    status: { name: `${prefix}-status`, partitions: 5, replicationFactor: 1 },
  };
}

/** Takes all connectors of these topics into an empty table, in the states that they were in, when no worker of the group is left. */
export function takeOverTopics(
  kafka: KafkaClient,
  stores: Pick<Stores, 'config' | 'offsets'>,
  topics: MirrorTopics,
  group: string,
) {
  const request: ImportRequest = {
    kind: 'import',
    start: 'as-was',
    configs: null,
    offsets: null,
    connectors: null,
    group,
    whileRunning: false,
    dryRun: false,
  };
  return runImport(request, {
    kafka,
    stores,
    topics: { configs: topics.configs.name, offsets: topics.offsets.name },
    typeOf: (name) => (name.includes('Sink') ? 'sink' : 'source'),
    now: () => Date.now(),
  });
}

/** Drover in this process, its table's changes mirrored in their order. */
export async function startMirroredDrover(options: {
  readonly bootstrapServers: string;
  readonly topics: MirrorTopics;
  readonly settings?: Partial<WorkerSettings>;
  /** Beside those that come with Drover. */
  readonly plugins?: readonly AnyPlugin[];
  readonly tickEveryMs?: number;
  readonly log?: (line: string) => void;
}): Promise<MirroredDrover> {
  const { bootstrapServers, topics, settings, plugins, tickEveryMs, log } = options;
  const kafka = createKafkaClient({ bootstrapServers });
  const mirror = new Mirror({
    kafka,
    controlPlane: new KafkaJsControlPlane({ bootstrapServers }),
    topics,
    configs: { getTasks: (name) => drover.stores.config.getTasks(name) },
    versionOf: () => '4.3.0',
  });
  let waiting: TableChange[] = [];
  let mirrored: Promise<unknown> = Promise.resolve();
  /** As the stream: it brings a batch until it is taken. */
  const follow = () => {
    const batch = waiting;
    waiting = [];
    return batch.length === 0
      ? undefined
      : until('the mirror takes the batch', () => mirror.handle(batch).then(() => true));
  };
  const drover = await startInProcessDrover({
    bootstrapServers,
    ...(settings === undefined ? {} : { settings }),
    ...(plugins === undefined ? {} : { plugins }),
    ...(tickEveryMs === undefined ? {} : { tickEveryMs }),
    ...(log === undefined ? {} : { log }),
    stores: (onChange) =>
      createMemoryStores({
        onChange: (change) => {
          onChange(change);
          waiting.push(change);
          mirrored = mirrored.then(follow);
        },
      }),
  });
  return {
    drover,
    caughtUp: async () => void (await mirrored),
    end: async () => {
      await drover.close();
      await mirrored;
      await mirror.close();
      await kafka.close();
    },
  };
}
