import type { ApiCall } from './request.ts';

export interface MetadataRequest {
  /** Null: all topics. */
  readonly topics: readonly string[] | null;
  readonly allowAutoTopicCreation: boolean;
}

export interface BrokerAddress {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export interface PartitionLeader {
  readonly errorCode: number;
  readonly partition: number;
  readonly leader: number;
  readonly leaderEpoch: number;
}

export interface TopicMetadata {
  readonly errorCode: number;
  readonly topic: string;
  /** KIP-516; null where the cluster's own protocol is older than that (inter.broker.protocol.version before 2.8). */
  readonly topicId: string | null;
  readonly internal: boolean;
  readonly partitions: readonly PartitionLeader[];
}

export interface MetadataResponse {
  readonly brokers: readonly BrokerAddress[];
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly topics: readonly TopicMetadata[];
}

export const metadataCall: ApiCall<MetadataRequest, MetadataResponse> = {
  name: 'Metadata',
  key: 3,
  version: 10,
  write(writer, request) {
    writer
      .structures(request.topics, (topic) => writer.uuid(null).string(topic))
      .boolean(request.allowAutoTopicCreation)
      .boolean(false)
      .boolean(false)
      .noTags();
  },
  read(reader) {
    reader.int32();
    const brokers = reader.structures(() => {
      const broker = { nodeId: reader.int32(), host: reader.string() ?? '', port: reader.int32() };
      reader.string();
      return broker;
    });
    const clusterId = reader.string();
    const controllerId = reader.int32();
    const topics = reader.structures(() => ({
      errorCode: reader.int16(),
      topic: reader.string() ?? '',
      topicId: reader.uuid(),
      internal: reader.boolean(),
      partitions: reader.structures(() => {
        const leader = {
          errorCode: reader.int16(),
          partition: reader.int32(),
          leader: reader.int32(),
          leaderEpoch: reader.int32(),
        };
        for (let list = 0; list < 3; list++) reader.array(() => reader.int32());
        return leader;
      }),
      operations: reader.int32(),
    }));
    return { brokers, clusterId, controllerId, topics };
  },
};
