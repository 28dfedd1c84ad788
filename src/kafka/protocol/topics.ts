import type { NewTopic } from '../types.ts';
import type { ApiCall } from './request.ts';
import type { WireReader } from './wire-reader.ts';

export interface TopicAnswer {
  readonly topic: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export interface CreateTopicsRequest {
  readonly topics: readonly NewTopic[];
  readonly timeoutMs: number;
}

export const createTopicsCall: ApiCall<CreateTopicsRequest, TopicAnswer[]> = {
  name: 'CreateTopics',
  key: 19,
  version: 5,
  write(writer, { topics, timeoutMs }) {
    writer
      .structures(topics, ({ topic, partitions, replicationFactor, configs }) =>
        writer
          .string(topic)
          .int32(partitions)
          .int16(replicationFactor)
          .structures([], () => {})
          .structures(Object.entries(configs), ([name, value]) => writer.string(name).string(value)),
      )
      .int32(timeoutMs)
      .boolean(false)
      .noTags();
  },
  read(reader) {
    reader.int32();
    return reader.structures(() => {
      const answer = topicAnswer(reader);
      reader.int32();
      reader.int16();
      reader.structures(() => {
        reader.string();
        reader.string();
        reader.boolean();
        reader.int8();
        reader.boolean();
      });
      return answer;
    });
  },
};

export interface CreatePartitionsRequest {
  readonly topic: string;
  /** The new total. */
  readonly count: number;
  readonly timeoutMs: number;
}

export const createPartitionsCall: ApiCall<CreatePartitionsRequest, TopicAnswer[]> = {
  name: 'CreatePartitions',
  key: 37,
  version: 2,
  write(writer, { topic, count, timeoutMs }) {
    writer
      .structures([topic], () =>
        writer
          .string(topic)
          .int32(count)
          .structures(null, () => {}),
      )
      .int32(timeoutMs)
      .boolean(false)
      .noTags();
  },
  read(reader) {
    reader.int32();
    return reader.structures(() => topicAnswer(reader));
  },
};

function topicAnswer(reader: WireReader): TopicAnswer {
  return { topic: reader.string() ?? '', errorCode: reader.int16(), errorMessage: reader.string() };
}
