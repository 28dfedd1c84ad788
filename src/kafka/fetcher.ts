import { ConnectError, isRetriable, RetriableError } from '../errors.ts';
import type { FetcherSettings } from './client-settings.ts';
import type { Cluster, Lane } from './cluster.ts';
import type { Codecs } from './codecs.ts';
import { isStaleMetadata, kafkaError, kafkaErrors } from './errors.ts';
import {
  type FetchedRecords,
  type FetchRequest,
  type FetchResponse,
  fetchByIdCall,
  fetchByNameCall,
} from './protocol/fetch.ts';
import { metadataCall } from './protocol/metadata.ts';
import { RecordBatchCursor } from './record-batch-cursor.ts';
import type { FetchedPartition, Fetcher, FetchOptions, FetchPosition } from './types.ts';

type Position = FetchPosition & { readonly topicId: string | null };

interface LeaderAnswer {
  readonly positions: readonly Position[];
  /** The response names topics by their ids. */
  readonly byId: boolean;
  /** Asked by name: which topics have those names now. */
  readonly ids: ReadonlyMap<string, string | null>;
  /** An error stands for every partition asked of that leader. */
  readonly response: FetchResponse | ConnectError;
}

interface AskedTopic {
  readonly topic: string;
  readonly topicId: string | null;
  readonly partitions: FetchRequest['topics'][0]['partitions'][0][];
}

/**
 * Asks all leaders at once, each for all of its partitions. Topics are asked for by id, so that the leader refuses one
 * that was made anew under the name; brokers before 3.1 know names only, and are asked for the topic's id behind each
 * answer.
 */
export class KafkaFetcher implements Fetcher {
  readonly #cluster: Cluster;
  readonly #codecs: Codecs;
  readonly #settings: FetcherSettings;
  readonly #slot: number;
  readonly #lane: Lane;
  #turn = 0;

  constructor(cluster: Cluster, codecs: Codecs, settings: FetcherSettings) {
    this.#cluster = cluster;
    this.#codecs = codecs;
    this.#settings = settings;
    this.#slot = cluster.takeSlot();
    this.#lane = {
      name: `fetch-${this.#slot}`,
      clientId: settings.clientId,
      requestTimeoutMs: settings.requestTimeoutMs,
      maxInFlight: 1,
    };
  }

  async fetch(
    positions: readonly FetchPosition[],
    options: FetchOptions,
    signal?: AbortSignal,
  ): Promise<FetchedPartition[]> {
    signal?.throwIfAborted();
    if (positions.length === 0) return [];
    const { placed, failed } = await this.#place(positions);
    let answers: LeaderAnswer[];
    if (placed.size <= 1) {
      answers = await this.#ask(placed, options, options.maxWaitMs, signal);
    } else {
      // A leader with nothing new must not hold back the records of the others.
      answers = await this.#ask(placed, options, 0, signal);
      if (options.maxWaitMs > 0 && !answers.some(hasNews))
        answers = await this.#ask(placed, options, options.maxWaitMs, signal);
    }
    const fetched = [...failed];
    for (const answer of answers) this.#collect(answer, options, fetched);
    return fetched;
  }

  async close(): Promise<void> {
    this.#cluster.dropBusy(this.#lane);
    this.#cluster.freeSlot(this.#slot);
  }

  async #place(positions: readonly FetchPosition[]) {
    const unknown = new Set<string>();
    for (const { topic, partition } of positions) {
      if ((this.#cluster.knownLeaders(topic)?.leaders[partition] ?? -1) < 0) unknown.add(topic);
    }
    const errors = new Map<string, ConnectError>();
    if (unknown.size > 0) {
      try {
        const response = await this.#cluster.metadata([...unknown], false);
        for (const { topic, errorCode } of response.topics) {
          if (errorCode !== kafkaErrors.NONE) errors.set(topic, this.#partitionError(errorCode, topic));
        }
      } catch (error) {
        if (!isRetriable(error)) throw error;
        for (const topic of unknown) errors.set(topic, error as ConnectError);
      }
    }
    const placed = new Map<number, Position[]>();
    const failed: FetchedPartition[] = [];
    // The broker fills its answer in the order asked: turn it, so that no partition starves behind a busy one.
    const start = this.#turn++ % positions.length;
    for (let index = 0; index < positions.length; index++) {
      const given = positions[(start + index) % positions.length]!;
      const { topic, partition } = given;
      const leaders = this.#cluster.knownLeaders(topic);
      const position = { ...given, topicId: given.topicId ?? leaders?.topicId ?? null };
      const node = leaders?.leaders[partition] ?? -1;
      if (node < 0) {
        const error =
          errors.get(topic) ??
          (leaders && partition >= leaders.partitions
            ? this.#partitionError(kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION, topic, partition)
            : this.#partitionError(kafkaErrors.LEADER_NOT_AVAILABLE, topic, partition));
        failed.push(empty(position, error));
        continue;
      }
      const list = placed.get(node);
      if (list) list.push(position);
      else placed.set(node, [position]);
    }
    return { placed, failed };
  }

  #ask(
    placed: ReadonlyMap<number, readonly Position[]>,
    options: FetchOptions,
    maxWaitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<LeaderAnswer[]> {
    const bytesEach = Math.max(1, Math.floor(options.maxBytes / Math.max(1, placed.size)));
    const asked = Promise.all(
      [...placed].map(async ([node, positions]): Promise<LeaderAnswer> => {
        try {
          const connection = await this.#cluster.connection(node, this.#lane);
          const request: FetchRequest = {
            // The request must not time out while the broker waits for records.
            maxWaitMs: Math.min(maxWaitMs, Math.floor(this.#settings.requestTimeoutMs / 2)),
            minBytes: options.minBytes,
            maxBytes: bytesEach,
            readCommitted: options.isolationLevel === 'read_committed',
            topics: this.#grouped(positions, options.maxPartitionBytes),
          };
          const byId = positions.every(({ topicId }) => topicId !== null) && (await connection.speaks(fetchByIdCall));
          const response = await connection.call(byId ? fetchByIdCall : fetchByNameCall, request);
          return { positions, byId, response, ids: byId ? new Map() : await this.#idsNow(node, positions) };
        } catch (error) {
          for (const { topic } of positions) this.#cluster.forgetLeaders(topic);
          const response =
            error instanceof ConnectError
              ? error
              : new RetriableError(`The fetch failed: ${String(error)}`, { cause: error });
          return { positions, byId: false, response, ids: new Map() };
        }
      }),
    );
    if (!signal) return asked;
    return new Promise((resolve, reject) => {
      // It may have been while the leaders were looked up.
      if (signal.aborted) return reject(signal.reason);
      const onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      asked.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
    });
  }

  /** What was fetched by name was read of the topic that was asked for only if that has the name afterwards still. */
  async #idsNow(node: number, positions: readonly Position[]): Promise<ReadonlyMap<string, string | null>> {
    const topics = new Set(positions.filter(({ topicId }) => topicId !== null).map(({ topic }) => topic));
    if (topics.size === 0) return new Map();
    const connection = await this.#cluster.connection(node, this.#cluster.controlLane);
    const answer = await connection.call(metadataCall, { topics: [...topics], allowAutoTopicCreation: false });
    return new Map(answer.topics.map(({ topic, topicId }) => [topic, topicId]));
  }

  #grouped(positions: readonly Position[], maxBytes: number): FetchRequest['topics'] {
    const topics = new Map<string, AskedTopic>();
    for (const { topic, topicId, partition, offset } of positions) {
      const leaders = this.#cluster.knownLeaders(topic);
      // The epochs of its namesake are not this topic's.
      const leaderEpoch = leaders?.topicId === topicId ? (leaders.epochs[partition] ?? -1) : -1;
      const entry = { partition, offset, leaderEpoch, maxBytes };
      const key = `${topicId} ${topic}`;
      const asked = topics.get(key);
      if (asked) asked.partitions.push(entry);
      else topics.set(key, { topic, topicId, partitions: [entry] });
    }
    return [...topics.values()];
  }

  #collect(answer: LeaderAnswer, options: FetchOptions, into: FetchedPartition[]): void {
    const { positions, response, byId, ids } = answer;
    if (response instanceof Error) {
      for (const position of positions) into.push(empty(position, response));
      return;
    }
    if (response.errorCode !== kafkaErrors.NONE) {
      for (const position of positions) {
        into.push(empty(position, this.#partitionError(response.errorCode, position.topic, position.partition)));
      }
      return;
    }
    const asked = new Map<string, Map<number, Position>>();
    for (const position of positions) {
      const key = byId ? position.topicId! : position.topic;
      const ofTopic = asked.get(key);
      if (ofTopic) ofTopic.set(position.partition, position);
      else asked.set(key, new Map([[position.partition, position]]));
    }
    for (const { topic, partitions } of response.topics) {
      for (const records of partitions) {
        const position = asked.get(topic)?.get(records.partition);
        if (!position) continue;
        if (!byId && position.topicId !== null && ids.get(position.topic) !== position.topicId) {
          this.#cluster.forgetLeaders(position.topic);
          into.push(empty(position, this.#partitionError(kafkaErrors.UNKNOWN_TOPIC_ID, position.topic)));
        } else into.push(this.#partition(response.buffer, position, records, options));
      }
    }
  }

  #partition(buffer: Buffer, position: Position, records: FetchedRecords, options: FetchOptions): FetchedPartition {
    const { topic, topicId, partition, offset } = position;
    const { highWatermark, lastStableOffset, errorCode } = records;
    if (errorCode !== kafkaErrors.NONE) {
      if (isStaleMetadata(errorCode)) this.#cluster.forgetLeaders(topic);
      const error =
        errorCode === kafkaErrors.OFFSET_OUT_OF_RANGE
          ? outOfRange(position, records)
          : this.#partitionError(errorCode, topic, partition);
      return { topic, topicId, partition, highWatermark, lastStableOffset, error, cursor: null };
    }
    const extent = records.records ?? { start: 0, end: 0 };
    const readCommitted = options.isolationLevel === 'read_committed';
    const cursor = new RecordBatchCursor(buffer, extent.start, extent.end, this.#codecs, {
      topic,
      partition,
      fetchOffset: offset,
      abortedTransactions: readCommitted ? records.abortedTransactions : null,
      checkCrcs: this.#settings.checkCrcs,
      maxUnpackedBytes: this.#settings.maxUnpackedBytes,
    });
    return { topic, topicId, partition, highWatermark, lastStableOffset, error: null, cursor };
  }

  #partitionError(code: number, topic: string, partition?: number): ConnectError {
    return kafkaError(code, { doing: 'read from', topic, ...(partition === undefined ? {} : { partition }) });
  }
}

function hasNews({ response }: LeaderAnswer): boolean {
  if (response instanceof Error || response.errorCode !== kafkaErrors.NONE) return true;
  return response.topics.some(({ partitions }) =>
    partitions.some(
      ({ errorCode, records }) => errorCode !== kafkaErrors.NONE || (records?.end ?? 0) > (records?.start ?? 0),
    ),
  );
}

function empty({ topic, topicId, partition }: Position, error: ConnectError): FetchedPartition {
  return { topic, topicId, partition, highWatermark: -1, lastStableOffset: -1, error, cursor: null };
}

function outOfRange({ topic, partition, offset }: Position, records: FetchedRecords): ConnectError {
  return new ConnectError(
    'kafka.offset_out_of_range',
    `Offset ${offset} of topic "${topic}" partition ${partition} is no longer, or not yet, in the log: it was deleted by ` +
      'retention, or the topic was created anew. auto.offset.reset decides where to go on',
    {
      javaClass: 'OffsetOutOfRangeException',
      facts: { topic, partition, offset, logStartOffset: records.logStartOffset },
    },
  );
}
