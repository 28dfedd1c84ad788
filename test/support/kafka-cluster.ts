import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka } from '../../local/kafka.ts';
import { freePort } from '../../local/ports.ts';
import { type ServiceHandle, signalService, stopService } from '../../local/service.ts';
import { Cluster } from '../../src/kafka/cluster.ts';
import type { BrokerConnection } from '../../src/kafka/connection.ts';
import type { ApiCall } from '../../src/kafka/protocol/request.ts';
import { until } from './until.ts';

type Settings = Readonly<Record<string, string>>;

export interface ClusterNode {
  readonly id: number;
  start(): Promise<void>;
  /** As a power cut: nothing is said, nothing is flushed. */
  kill(): Promise<void>;
}

/** Three nodes, each broker and controller, and what a test does to the topics on them. */
export interface KafkaCluster {
  readonly bootstrapServers: string;
  readonly nodes: readonly ClusterNode[];
  node(id: number): ClusterNode;
  /** Replicas of partition p: `copies` nodes, by default all, from the one at `p + shift` on, which leads. */
  createTopic(
    topic: string,
    partitions: number,
    options?: { configs?: Settings; shift?: number; copies?: number },
  ): Promise<void>;
  /** Resolves when no broker knows it any more. */
  deleteTopic(topic: string): Promise<void>;
  leaderOf(topic: string, partition: number): Promise<number>;
  coordinatorOf(key: string, kind: 'group' | 'transaction'): Promise<number>;
  /** Resolves when the first of them leads. */
  reassign(topic: string, partition: number, replicas: readonly number[]): Promise<void>;
  /** Until every replica of the topic is in sync. */
  healed(topic: string): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startKafkaCluster(settings: Settings = {}): Promise<KafkaCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-cluster-'));
  const ids = [1, 2, 3];
  const places = await Promise.all(
    ids.map(async (id) => ({ id, port: await freePort(), controllerPort: await freePort() })),
  );
  const common = {
    'controller.quorum.voters': places.map(({ id, controllerPort }) => `${id}@127.0.0.1:${controllerPort}`).join(','),
    'default.replication.factor': '3',
    'min.insync.replicas': '2',
    'offsets.topic.replication.factor': '3',
    'offsets.topic.num.partitions': '3',
    'transaction.state.log.replication.factor': '3',
    'transaction.state.log.min.isr': '2',
    'transaction.state.log.num.partitions': '3',
    'auto.create.topics.enable': 'false',
    // Leaders move when the test says so.
    'auto.leader.rebalance.enable': 'false',
    // A killed broker is missed, and let in again, soon.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'transaction.abort.timed.out.transaction.cleanup.interval.ms': '500',
    'num.network.threads': '2',
    'num.io.threads': '4',
    ...settings,
  };
  const nodes = places.map((place) => nodeOf(join(folder, `node-${place.id}`), place, common));
  const bootstrapServers = places.map(({ port }) => `127.0.0.1:${port}`).join(',');
  /** Asks over connections of its own, new each time: nothing remembered may be stale. */
  const ask = async <T>(work: (cluster: Cluster) => Promise<T>, servers = bootstrapServers): Promise<T> => {
    const cluster = new Cluster({
      bootstrapServers: servers,
      security: { protocol: 'PLAINTEXT' },
      clientId: 'test',
      requestTimeoutMs: 5000,
      connectTimeoutMs: 2000,
      metadataMaxAgeMs: 60_000,
      connectionsMaxIdleMs: 60_000,
    });
    try {
      return await work(cluster);
    } finally {
      await cluster.close();
    }
  };
  const call = <Request, Response>(api: ApiCall<Request, Response>, request: Request): Promise<Response> =>
    ask(async (cluster) => (await any(cluster)).call(api, request));
  const placementOf = async (topic: string, partition: number) => {
    const placements = await call(placementsCall, topic);
    return placements.find((one) => one.partition === partition);
  };
  const kill = () => Promise.all(nodes.map((node) => node.kill()));
  try {
    await Promise.all(nodes.map((node) => node.start()));
  } catch (error) {
    await kill();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    bootstrapServers,
    nodes,
    node: (id) => nodes.find((node) => node.id === id)!,
    async createTopic(topic, partitions, { configs = {}, shift = 0, copies = ids.length } = {}) {
      const assignment = Array.from({ length: partitions }, (_, partition) =>
        ids.slice(0, copies).map((_, index) => ids[(partition + shift + index) % ids.length]!),
      );
      const errorCode = await call(createAssignedTopicCall, { topic, assignment, configs });
      if (errorCode !== 0) throw new Error(`${topic} could not be created: error ${errorCode}`);
      await until(`all brokers know ${topic}`, async () => {
        const known = await Promise.all(
          places.map(({ port }) =>
            ask(async (cluster) => (await any(cluster)).call(placementsCall, topic), `127.0.0.1:${port}`),
          ),
        );
        return known.every((placements) => placements.filter(({ leader }) => leader >= 0).length === partitions);
      });
    },
    async deleteTopic(topic) {
      await call(deleteTopicsCall, topic);
      await until(`${topic} is gone`, async () => (await call(placementsCall, topic)).length === 0, { everyMs: 20 });
    },
    leaderOf: async (topic, partition) => (await placementOf(topic, partition))?.leader ?? -1,
    coordinatorOf: (key, kind) => ask((cluster) => cluster.retrying(20_000, () => cluster.coordinator(key, kind))),
    async reassign(topic, partition, replicas) {
      await call(reassignCall, { topic, partition, replicas });
      await until(`${topic}-${partition} is on ${replicas.join()}`, async () => {
        const placement = await placementOf(topic, partition);
        return placement?.replicas.join() === replicas.join() && placement.inSync.length === replicas.length;
      });
      await call(electPreferredCall, { topic, partition });
      await until(`${topic}-${partition} is led by ${replicas[0]}`, async () => {
        return (await placementOf(topic, partition))?.leader === replicas[0];
      });
    },
    async healed(topic) {
      await until(`${topic} is in sync`, async () =>
        (await call(placementsCall, topic)).every(({ inSync, replicas }) => inSync.length === replicas.length),
      );
    },
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function nodeOf(
  folder: string,
  { id, port, controllerPort }: { id: number; port: number; controllerPort: number },
  settings: Settings,
): ClusterNode {
  let service: ServiceHandle | null = null;
  return {
    id,
    async start() {
      if (service !== null) return;
      const own = { 'node.id': String(id), ...settings };
      const onSpawn = (spawned: ServiceHandle) => {
        service = spawned;
      };
      await startKafka({ folder, port, controllerPort, settings: own, maxHeapMb: 256, shortLived: true, onSpawn });
    },
    async kill() {
      if (service === null) return;
      signalService(service, 'SIGKILL');
      await stopService(service);
      service = null;
    },
  };
}

const any = (cluster: Cluster): Promise<BrokerConnection> => cluster.anyConnection(cluster.controlLane);

interface Placement {
  readonly partition: number;
  readonly leader: number;
  readonly replicas: number[];
  readonly inSync: number[];
}

/** Metadata of one topic; empty when it does not exist. */
const placementsCall: ApiCall<string, Placement[]> = {
  name: 'Metadata',
  key: 3,
  version: 9,
  write(writer, topic) {
    writer
      .structures([topic], (name) => writer.string(name))
      .boolean(false)
      .boolean(false)
      .boolean(false)
      .noTags();
  },
  read(reader) {
    reader.int32();
    reader.structures(() => [reader.int32(), reader.string(), reader.int32(), reader.string()]);
    reader.string();
    reader.int32();
    const topics = reader.structures(() => {
      reader.int16();
      reader.string();
      reader.boolean();
      const placements = reader.structures(() => {
        reader.int16();
        const [partition, leader] = [reader.int32(), reader.int32()];
        reader.int32();
        const [replicas, inSync] = [reader.array(() => reader.int32()), reader.array(() => reader.int32())];
        reader.array(() => reader.int32());
        return { partition, leader, replicas, inSync };
      });
      reader.int32();
      return placements;
    });
    return topics.flat();
  },
};

/** `assignment[p]`: the replicas of partition p. Answers the error code. */
const createAssignedTopicCall: ApiCall<{ topic: string; assignment: number[][]; configs: Settings }, number> = {
  name: 'CreateTopics',
  key: 19,
  version: 5,
  write(writer, { topic, assignment, configs }) {
    writer
      .structures([topic], () =>
        writer
          .string(topic)
          .int32(-1)
          .int16(-1)
          .structures([...assignment.entries()], ([partition, replicas]) =>
            writer.int32(partition).int32Array(replicas),
          )
          .structures(Object.entries(configs), ([name, value]) => writer.string(name).string(value)),
      )
      .int32(10_000)
      .boolean(false)
      .noTags();
  },
  read(reader) {
    reader.int32();
    reader.unsignedVarint();
    reader.string();
    return reader.int16();
  },
};

const deleteTopicsCall: ApiCall<string, void> = {
  name: 'DeleteTopics',
  key: 20,
  version: 5,
  write(writer, topic) {
    // Names, compact, without tags of their own.
    writer.unsignedVarint(2).string(topic).int32(10_000).noTags();
  },
  read() {},
};

const reassignCall: ApiCall<{ topic: string; partition: number; replicas: readonly number[] }, void> = {
  name: 'AlterPartitionReassignments',
  key: 45,
  version: 0,
  write(writer, { topic, partition, replicas }) {
    writer
      .int32(10_000)
      .structures([topic], () =>
        writer.string(topic).structures([partition], () => writer.int32(partition).int32Array(replicas)),
      )
      .noTags();
  },
  read() {},
};

/** ElectLeaders, of the preferred replica. */
const electPreferredCall: ApiCall<{ topic: string; partition: number }, void> = {
  name: 'ElectLeaders',
  key: 43,
  version: 2,
  write(writer, { topic, partition }) {
    writer
      .int8(0)
      .structures([topic], () => writer.string(topic).int32Array([partition]))
      .int32(10_000)
      .noTags();
  },
  read() {},
};
