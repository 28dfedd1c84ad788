import type { ApiCall } from './request.ts';
import type { TopicPartitions } from './transactions.ts';

export interface ListOffsetsRequest {
  readonly readCommitted: boolean;
  readonly topics: readonly TopicPartitions[];
  /** -1: the end, -2: the beginning, else the first offset at or after that time. */
  readonly timestamp: number;
}

export interface ListedOffset {
  readonly partition: number;
  readonly errorCode: number;
  readonly timestamp: number;
  readonly offset: bigint;
}

export const listOffsetsCall: ApiCall<ListOffsetsRequest, { topic: string; partitions: ListedOffset[] }[]> = {
  name: 'ListOffsets',
  key: 2,
  version: 6,
  write(writer, request) {
    writer
      .int32(-1)
      .int8(request.readCommitted ? 1 : 0)
      .structures(request.topics, (entry) =>
        writer.string(entry.topic).structures(entry.partitions, (partition) => {
          writer.int32(partition).int32(-1).int64(request.timestamp);
        }),
      )
      .noTags();
  },
  read(reader) {
    reader.int32();
    return reader.structures(() => ({
      topic: reader.string() ?? '',
      partitions: reader.structures(() => {
        const listed = {
          partition: reader.int32(),
          errorCode: reader.int16(),
          timestamp: reader.int64(),
          offset: reader.bigint64(),
        };
        reader.int32();
        return listed;
      }),
    }));
  },
};

export interface OffsetCommitRequest {
  readonly group: string;
  readonly topics: readonly {
    topic: string;
    partitions: readonly { partition: number; offset: bigint; metadata: string }[];
  }[];
}

/** Generation -1 and an empty member id: a commit without a membership, as Java's admin client makes it. */
export const offsetCommitCall: ApiCall<
  OffsetCommitRequest,
  { topic: string; partitions: { partition: number; errorCode: number }[] }[]
> = {
  name: 'OffsetCommit',
  key: 8,
  version: 8,
  write(writer, request) {
    writer
      .string(request.group)
      .int32(-1)
      .string('')
      .string(null)
      .structures(request.topics, (entry) =>
        writer.string(entry.topic).structures(entry.partitions, (position) => {
          writer.int32(position.partition).int64(position.offset).int32(-1).string(position.metadata);
        }),
      )
      .noTags();
  },
  read(reader) {
    reader.int32();
    return reader.structures(() => ({
      topic: reader.string() ?? '',
      partitions: reader.structures(() => ({ partition: reader.int32(), errorCode: reader.int16() })),
    }));
  },
};

export interface OffsetFetchRequest {
  readonly group: string;
  /** Null: all that the group has. */
  readonly topics: readonly TopicPartitions[] | null;
}

export interface OffsetFetchResponse {
  readonly errorCode: number;
  readonly topics: {
    topic: string;
    partitions: { partition: number; offset: bigint; metadata: string; errorCode: number }[];
  }[];
}

export const offsetFetchCall: ApiCall<OffsetFetchRequest, OffsetFetchResponse> = {
  name: 'OffsetFetch',
  key: 9,
  version: 7,
  write(writer, request) {
    writer
      .string(request.group)
      .structures(request.topics, (entry) => writer.string(entry.topic).int32Array(entry.partitions))
      .boolean(false)
      .noTags();
  },
  read(reader) {
    reader.int32();
    const topics = reader.structures(() => ({
      topic: reader.string() ?? '',
      partitions: reader.structures(() => {
        const partition = reader.int32();
        const offset = reader.bigint64();
        reader.int32();
        return { partition, offset, metadata: reader.string() ?? '', errorCode: reader.int16() };
      }),
    }));
    return { topics, errorCode: reader.int16() };
  },
};

export interface OffsetDeleteRequest {
  readonly group: string;
  readonly topics: readonly TopicPartitions[];
}

/** It has no flexible version. */
export const offsetDeleteCall: ApiCall<
  OffsetDeleteRequest,
  { errorCode: number; topics: { topic: string; partitions: { partition: number; errorCode: number }[] }[] }
> = {
  name: 'OffsetDelete',
  key: 47,
  version: 0,
  tagged: { request: false, response: false },
  write(writer, request) {
    writer.plainString(request.group).plainArray(request.topics, (entry) => {
      writer.plainString(entry.topic).plainArray(entry.partitions, (partition) => writer.int32(partition));
    });
  },
  read(reader) {
    const errorCode = reader.int16();
    reader.int32();
    const topics = reader.plainArray(() => ({
      topic: reader.plainString(),
      partitions: reader.plainArray(() => ({ partition: reader.int32(), errorCode: reader.int16() })),
    }));
    return { errorCode, topics };
  },
};

export const deleteGroupsCall: ApiCall<readonly string[], { group: string; errorCode: number }[]> = {
  name: 'DeleteGroups',
  key: 42,
  version: 2,
  write(writer, groups) {
    writer.unsignedVarint(groups.length + 1);
    for (const group of groups) writer.string(group);
    writer.noTags();
  },
  read(reader) {
    reader.int32();
    return reader.structures(() => ({ group: reader.string() ?? '', errorCode: reader.int16() }));
  },
};
