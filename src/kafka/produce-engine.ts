/**
 * Gets batches of records to the leaders of their partitions, in order, with several requests in flight.
 *
 * A `send` is split into groups, one for each partition. A group is encoded chunk by chunk (one record batch each),
 * only when a request can take it, so that memory is bounded by the requests in flight. A chunk that fails for a while
 * goes back to the head of its partition's queue in the order of sequences; the queue stays closed until every later
 * chunk in flight has come back too. The broker drops what it has seen already by (producer id, epoch, sequence).
 *
 * When the broker has lost track of the sequence, all requests are awaited, a new producer id is fetched and what is
 * left is numbered from zero. A chunk that was refused for good leaves a gap in the numbers; those after it move up.
 */
import type { Clock } from '../clock.ts';
import { ConnectError, isRetriable, RetriableError } from '../errors.ts';
import type { ProducerSettings } from './client-settings.ts';
import type { Cluster, Lane, TopicLeaders } from './cluster.ts';
import type { Codecs } from './codecs.ts';
import { isFencedCode, isRetriableCode, isStaleMetadata, kafkaError, kafkaErrors, missingTopic } from './errors.ts';
import type { RecordColumns } from './outgoing-batch.ts';
import { Partitioner } from './partitioner.ts';
import { type ProducedPartition, produceCall, produceRequestPieces } from './protocol/produce.ts';
import type { ProducerIdentity } from './protocol/transactions.ts';
import { type BatchIdentity, type EncodedBatch, RecordBatchEncoder, recordUpperBound } from './record-batch-encoder.ts';
import type { ProduceOutcome } from './types.ts';

/** One call of `send`, until its last record is acknowledged or refused. */
interface Delivery {
  readonly columns: RecordColumns;
  readonly offsets: Float64Array;
  readonly partitions: Int32Array;
  readonly failures: Map<number, Error>;
  readonly deadline: number;
  /** Records neither acknowledged nor refused. */
  open: number;
  inFlight: number;
  /** Why it was given up; it is rejected when its requests in flight are back. */
  givenUp: Error | null;
  resolve(outcome: ProduceOutcome): void;
  reject(error: unknown): void;
}

interface Group {
  readonly delivery: Delivery;
  readonly indices: number[];
  next: number;
}

interface PlacedGroup {
  readonly queue: PartitionQueue;
  readonly group: Group;
}

/** The records `indices[from..to)`, as one record batch. */
interface Chunk {
  readonly delivery: Delivery;
  readonly indices: readonly number[];
  readonly from: number;
  readonly to: number;
  sequence: number;
  attempts: number;
  encoded: EncodedBatch | null;
}

interface PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  nextSequence: number;
  /** Chunks that must go (again) before any group, by sequence. */
  readonly retries: Chunk[];
  readonly groups: Group[];
  inFlight: number;
  /**
   * The broker has taken a chunk under this identity. Before, it would take any sequence number, so that a second chunk
   * in flight could overtake a refused first one.
   */
  established: boolean;
  /** A chunk failed: nothing leaves until all in flight are back. */
  closed: boolean;
  retryAt: number;
  /** Why its head is not acknowledged yet. */
  lastError: ConnectError | null;
  /** Less than the settings' once the broker found a batch too large for the topic. */
  batchBytes: number;
  /** Sequence numbers that will never be written. */
  gaps: { sequence: number; count: number }[];
}

export interface IdentitySource {
  /** Null: every record of a transaction carries it; else an idempotent or plain producer. */
  readonly transactionalId: string | null;
  /** Null: not idempotent. */
  identity(): Promise<ProducerIdentity | null>;
  /** The broker lost the sequence. Idempotent: a new id. Transactional: raises, since the transaction must be aborted. */
  renew(): Promise<ProducerIdentity | null>;
  /**
   * Before the first record to a partition in a transaction. Answers which topics may not be part of it, and raises what
   * makes the send impossible.
   */
  enlist(partitions: readonly { topic: string; partition: number }[]): Promise<ReadonlyMap<string, ConnectError>>;
}

const sequenceMask = 0x7fffffff;
/** How long a partition that is not there yet is looked for. */
const partitionPatienceMs = 1000;
const partitionPauseMs = 100;
const none: ProducerIdentity = { producerId: -1n, epoch: -1 };

export class ProduceEngine {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #settings: ProducerSettings;
  readonly #source: IdentitySource;
  readonly #encoder: RecordBatchEncoder;
  readonly #partitioner: Partitioner;
  readonly #lane: Lane;
  readonly #queues = new Map<string, PartitionQueue[]>();
  /** Queues that hold something, in order of arrival. */
  readonly #active = new Set<PartitionQueue>();
  readonly #inFlightByNode = new Map<number, number>();
  readonly #deliveries = new Set<Delivery>();
  #entrance: Promise<void> = Promise.resolve();
  #entering = 0;
  #identity: ProducerIdentity | null = null;
  #renewal: Promise<void> | null = null;
  #mustRenew = false;
  #requestsInFlight = 0;
  #refresh: Promise<void> | null = null;
  #wakeAt = Number.POSITIVE_INFINITY;
  #dead: Error | null = null;

  constructor(cluster: Cluster, codecs: Codecs, settings: ProducerSettings, source: IdentitySource) {
    this.#cluster = cluster;
    this.#clock = cluster.clock;
    this.#settings = settings;
    this.#source = source;
    this.#encoder = new RecordBatchEncoder(codecs, settings.compression, settings.batchBytes);
    this.#partitioner = new Partitioner(settings.batchBytes, settings.ignoreKeys);
    this.#lane = {
      name: 'produce',
      clientId: settings.clientId,
      requestTimeoutMs: settings.requestTimeoutMs,
      maxInFlight: settings.maxInFlight,
    };
  }

  /** True when a send was given up, so that the broker's idea of the sequence is unknown. */
  get mustRenew(): boolean {
    return this.#mustRenew;
  }

  /** A new identity from outside (a transactional producer's `init`): sequences start over. */
  adopt(identity: ProducerIdentity): void {
    this.#identity = identity;
    this.#mustRenew = false;
    this.#renumberAll();
  }

  /** Nothing is sent any more; open deliveries and later sends fail with `reason`. */
  kill(reason: Error): void {
    this.#dead ??= reason;
    for (const delivery of [...this.#deliveries]) this.#giveUp(delivery, reason);
  }

  async send(columns: RecordColumns, signal?: AbortSignal): Promise<ProduceOutcome> {
    if (this.#dead) throw this.#dead;
    signal?.throwIfAborted();
    const size = columns.size;
    const { promise, resolve, reject } = Promise.withResolvers<ProduceOutcome>();
    const delivery: Delivery = {
      columns,
      offsets: new Float64Array(size).fill(-1),
      partitions: new Int32Array(size).fill(-1),
      failures: new Map(),
      deadline: this.#clock.now() + this.#settings.deliveryTimeoutMs,
      open: size,
      inFlight: 0,
      givenUp: null,
      resolve,
      reject,
    };
    if (size === 0) return outcomeOf(delivery);
    this.#deliveries.add(delivery);
    const onAbort = () => this.#giveUp(delivery, signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    // One after the other through the door: a send that must wait for metadata is not overtaken.
    this.#entering++;
    const entered = this.#entrance.then(() => this.#enter(delivery));
    this.#entrance = entered.catch(() => {}).finally(() => void this.#entering--);
    entered.catch((error: unknown) => this.#giveUp(delivery, error));
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#deliveries.delete(delivery);
    }
  }

  async #enter(delivery: Delivery): Promise<void> {
    if (delivery.givenUp) return;
    const { columns } = delivery;
    const leaders = await Promise.all(
      columns.topics.map((topic) => this.#cluster.knownLeaders(topic) ?? this.#locate(topic)),
    );
    if (this.#settings.idempotent && this.#identity === null) this.#identity = await this.#source.identity();
    const late: number[] = [];
    let placed = this.#divide(delivery, leaders, late);
    if (late.length > 0) placed = [...placed, ...(await this.#divideLate(delivery, late))];
    if (this.#source.transactionalId !== null && placed.length > 0) placed = await this.#enlist(delivery, placed);
    if (delivery.givenUp) return;
    for (const { queue, group } of placed) {
      queue.groups.push(group);
      this.#active.add(queue);
    }
    this.#settleIfDone(delivery);
    this.#pump();
  }

  /** Leaves out, and refuses, what cannot be part of the transaction. */
  async #enlist(delivery: Delivery, placed: PlacedGroup[]): Promise<PlacedGroup[]> {
    const refused = await this.#source.enlist(placed.map(({ queue }) => queue));
    if (refused.size === 0) return placed;
    return placed.filter(({ queue, group }) => {
      const error = refused.get(queue.topic);
      if (error === undefined) return true;
      for (const index of group.indices) this.#refuse(delivery, index, error);
      return false;
    });
  }

  /** Waits for a topic that does not exist yet: asking for it makes the broker create it, where it may. */
  async #locate(topic: string): Promise<TopicLeaders | ConnectError> {
    const started = this.#clock.now();
    const deadline = started + this.#settings.maxBlockMs;
    for (let delay = 20; ; delay = Math.min(delay * 2, 500)) {
      let code: number = kafkaErrors.LEADER_NOT_AVAILABLE;
      try {
        const response = await this.#cluster.metadata([topic], true);
        const found = response.topics.find((one) => one.topic === topic);
        code = found?.errorCode ?? kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION;
      } catch (error) {
        if (!isRetriable(error) || this.#clock.now() + delay >= deadline) throw error;
      }
      const leaders = this.#cluster.knownLeaders(topic);
      if (leaders && leaders.partitions > 0) return leaders;
      if (!isRetriableCode(code) && code !== kafkaErrors.NONE) return kafkaError(code, { doing: 'write to', topic });
      const waited = this.#clock.now() - started;
      if (this.#clock.now() + delay >= deadline) {
        if (code === kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION) return missingTopic(topic, waited);
        throw kafkaError(code, { doing: 'write to', topic });
      }
      await this.#clock.sleep(delay);
    }
  }

  #queueOf(topic: string, partition: number): PartitionQueue {
    let queues = this.#queues.get(topic);
    if (!queues) {
      queues = [];
      this.#queues.set(topic, queues);
    }
    let queue = queues[partition];
    if (!queue) {
      queue = {
        topic,
        partition,
        nextSequence: 0,
        retries: [],
        groups: [],
        inFlight: 0,
        established: !this.#settings.idempotent,
        closed: false,
        retryAt: 0,
        lastError: null,
        batchBytes: this.#settings.batchBytes,
        gaps: [],
      };
      queues[partition] = queue;
    }
    return queue;
  }

  /** The only loop over single records besides the encoder's. `late`: those of partitions that are not known. */
  #divide(delivery: Delivery, leaders: readonly (TopicLeaders | ConnectError)[], late: number[]): PlacedGroup[] {
    const { columns } = delivery;
    const max = this.#settings.maxRequestBytes;
    const divided: PlacedGroup[] = [];
    const byTopic: (Group | undefined)[][] = columns.topics.map(() => []);
    for (let index = 0; index < columns.size; index++) {
      const topicId = columns.topicIds[index]!;
      const topicLeaders = leaders[topicId]!;
      if (topicLeaders instanceof Error) {
        this.#refuse(delivery, index, topicLeaders);
        continue;
      }
      const key = columns.keys[index]!;
      const length = (key === null ? 0 : key.length) + columns.valueLength(index);
      if (length * 3 + 200 > max || columns.headers[index] !== null) {
        const size = recordUpperBound(columns, index);
        if (size > max) {
          this.#refuse(delivery, index, tooLarge(columns.topics[topicId]!, size, max));
          continue;
        }
      }
      let partition = columns.partitions[index]!;
      if (partition < 0) partition = this.#partitioner.place(topicLeaders, key, length);
      let group = byTopic[topicId]![partition];
      if (!group) {
        if (partition >= topicLeaders.partitions) {
          late.push(index);
          continue;
        }
        group = { delivery, indices: [], next: 0 };
        byTopic[topicId]![partition] = group;
        divided.push({ queue: this.#queueOf(topicLeaders.topic, partition), group });
      }
      group.indices.push(index);
      delivery.partitions[index] = partition;
    }
    for (const topic of columns.topics) this.#partitioner.turn(topic);
    return divided;
  }

  /** Partitions may have been added since the topic was last looked at. */
  async #divideLate(delivery: Delivery, late: readonly number[]): Promise<PlacedGroup[]> {
    const { columns } = delivery;
    const giveUpAt = this.#clock.now() + Math.min(this.#settings.maxBlockMs, partitionPatienceMs);
    const groups = new Map<PartitionQueue, Group>();
    const refusals = new Map<number, ConnectError>();
    for (let left = [...late]; left.length > 0; ) {
      const topics = new Set(left.map((index) => columns.topics[columns.topicIds[index]!]!));
      for (const topic of topics) this.#cluster.forgetLeaders(topic);
      const found = new Map(
        await Promise.all([...topics].map(async (topic) => [topic, await this.#locate(topic)] as const)),
      );
      left = left.filter((index) => {
        const leaders = found.get(columns.topics[columns.topicIds[index]!]!)!;
        const partition = columns.partitions[index]!;
        if (leaders instanceof Error) {
          refusals.set(index, leaders);
          return false;
        }
        if (partition >= leaders.partitions) {
          refusals.set(index, noSuchPartition(leaders, partition));
          return true;
        }
        refusals.delete(index);
        const queue = this.#queueOf(leaders.topic, partition);
        const group = groups.get(queue) ?? { delivery, indices: [], next: 0 };
        group.indices.push(index);
        groups.set(queue, group);
        delivery.partitions[index] = partition;
        return false;
      });
      if (left.length === 0 || this.#clock.now() >= giveUpAt) break;
      await this.#clock.sleep(partitionPauseMs);
    }
    for (const [index, error] of refusals) this.#refuse(delivery, index, error);
    return Array.from(groups, ([queue, group]) => ({ queue, group }));
  }

  #refuse(delivery: Delivery, index: number, error: Error): void {
    delivery.failures.set(index, error);
    delivery.open--;
  }

  #settleIfDone(delivery: Delivery): void {
    if (delivery.givenUp) {
      if (delivery.inFlight === 0) delivery.reject(delivery.givenUp);
    } else if (delivery.open === 0) {
      delivery.resolve(outcomeOf(delivery));
    }
  }

  /** Takes what is left of a delivery out of all queues. Numbers given out for it will be missing: renew the id. */
  #giveUp(delivery: Delivery, reason: unknown): void {
    if (delivery.givenUp || !this.#deliveries.has(delivery)) return;
    delivery.givenUp = reason instanceof Error ? reason : new Error(String(reason));
    for (const queue of this.#active) {
      for (let at = queue.retries.length - 1; at >= 0; at--) {
        const chunk = queue.retries[at]!;
        if (chunk.delivery !== delivery) continue;
        queue.retries.splice(at, 1);
        this.#release(chunk);
        this.#mustRenew = this.#settings.idempotent;
      }
      for (let at = queue.groups.length - 1; at >= 0; at--) {
        if (queue.groups[at]!.delivery === delivery) queue.groups.splice(at, 1);
      }
      this.#deactivateIfEmpty(queue);
    }
    this.#settleIfDone(delivery);
    if (this.#mustRenew) this.#pump();
  }

  #deactivateIfEmpty(queue: PartitionQueue): void {
    if (queue.retries.length === 0 && queue.groups.length === 0) this.#active.delete(queue);
  }

  #release(chunk: Chunk): void {
    if (chunk.encoded) this.#encoder.release(chunk.encoded);
    chunk.encoded = null;
  }

  #wake(at: number): void {
    if (at >= this.#wakeAt) return;
    this.#wakeAt = at;
    void this.#clock.sleep(Math.max(1, at - this.#clock.now())).then(() => {
      if (this.#wakeAt === at) this.#wakeAt = Number.POSITIVE_INFINITY;
      this.#pump();
    });
  }

  /** Sends what may be sent now; called whenever something changed. */
  #pump(): void {
    if (this.#dead || this.#renewal) return;
    if (this.#mustRenew) {
      if (this.#requestsInFlight === 0) this.#renew();
      return;
    }
    const now = this.#clock.now();
    const unled = new Set<string>();
    for (;;) {
      const requests = new Map<number, { queue: PartitionQueue; chunk: Chunk }[]>();
      const bytes = new Map<number, number>();
      for (const queue of [...this.#active]) {
        if (queue.closed || !this.#active.has(queue)) continue;
        if (!queue.established && queue.inFlight > 0) continue;
        const head = queue.retries[0] ?? queue.groups[0]!;
        if (now >= head.delivery.deadline) {
          this.#giveUp(head.delivery, timedOut(queue, this.#settings.deliveryTimeoutMs));
          if (this.#mustRenew) return;
          continue;
        }
        if (now < queue.retryAt) {
          this.#wake(queue.retryAt);
          continue;
        }
        const node = this.#cluster.knownLeaders(queue.topic)?.leaders[queue.partition] ?? -1;
        if (node < 0) {
          unled.add(queue.topic);
          continue;
        }
        // One request opens the connection; the others follow it in order.
        const most = this.#cluster.liveConnection(node, this.#lane) ? this.#settings.maxInFlight : 1;
        if ((this.#inFlightByNode.get(node) ?? 0) >= most) continue;
        const used = bytes.get(node) ?? 0;
        if (used > 0 && used + this.#settings.batchBytes / 2 > this.#settings.maxRequestBytes) continue;
        const chunk = this.#take(queue, now);
        const size = chunk.encoded!.bytes.length;
        if (used > 0 && used + size > this.#settings.maxRequestBytes) {
          queue.retries.unshift(chunk);
          this.#active.add(queue);
          continue;
        }
        bytes.set(node, used + size);
        const request = requests.get(node);
        if (request) request.push({ queue, chunk });
        else requests.set(node, [{ queue, chunk }]);
      }
      if (requests.size === 0) break;
      for (const [node, parts] of requests) this.#dispatch(node, parts);
    }
    if (unled.size > 0) this.#refreshMetadata([...unled]);
  }

  #identityFor(chunk: Chunk): BatchIdentity {
    const { producerId, epoch } = this.#identity ?? none;
    return {
      producerId,
      epoch,
      baseSequence: this.#identity === null ? -1 : chunk.sequence,
      transactional: this.#source.transactionalId !== null,
    };
  }

  /** The next chunk of a queue, encoded. */
  #take(queue: PartitionQueue, now: number): Chunk {
    const retry = queue.retries.shift();
    if (retry) {
      if (!retry.encoded) {
        const { columns } = retry.delivery;
        retry.encoded = this.#encoder.encode(
          columns,
          retry.indices,
          retry.from,
          retry.to,
          this.#identityFor(retry),
          now,
        );
      }
      this.#deactivateIfEmpty(queue);
      return retry;
    }
    const group = queue.groups[0]!;
    const sequence = queue.nextSequence;
    const { delivery, indices, next } = group;
    const chunk: Chunk = { delivery, indices, from: next, to: 0, sequence, attempts: 0, encoded: null };
    const encoded = this.#encoder.encode(
      delivery.columns,
      indices,
      next,
      indices.length,
      this.#identityFor(chunk),
      now,
      queue.batchBytes,
    );
    group.next += encoded.count;
    queue.nextSequence = (sequence + encoded.count) & sequenceMask;
    if (group.next === indices.length) queue.groups.shift();
    this.#deactivateIfEmpty(queue);
    return { ...chunk, to: group.next, encoded };
  }

  #dispatch(node: number, parts: { queue: PartitionQueue; chunk: Chunk }[]): void {
    this.#requestsInFlight++;
    this.#inFlightByNode.set(node, (this.#inFlightByNode.get(node) ?? 0) + 1);
    for (const { queue, chunk } of parts) {
      queue.inFlight++;
      chunk.delivery.inFlight++;
      chunk.attempts++;
    }
    void this.#request(node, parts).then((answer) => {
      this.#requestsInFlight--;
      this.#inFlightByNode.set(node, this.#inFlightByNode.get(node)! - 1);
      for (const { queue, chunk } of parts) {
        queue.inFlight--;
        chunk.delivery.inFlight--;
        this.#judge(queue, chunk, answer);
        if (queue.inFlight === 0) this.#reopen(queue);
        this.#settleIfDone(chunk.delivery);
      }
      this.#pump();
    });
  }

  /** Never rejects: an error is an answer for all its partitions. Null: acks=0, no answer. */
  async #request(
    node: number,
    parts: readonly { queue: PartitionQueue; chunk: Chunk }[],
  ): Promise<Map<string, ProducedPartition[]> | ConnectError | null> {
    const byTopic = new Map<string, { partition: number; records: Buffer }[]>();
    for (const { queue, chunk } of parts) {
      const entry = { partition: queue.partition, records: chunk.encoded!.bytes };
      const entries = byTopic.get(queue.topic);
      if (entries) entries.push(entry);
      else byTopic.set(queue.topic, [entry]);
    }
    try {
      const connection =
        this.#cluster.liveConnection(node, this.#lane) ?? (await this.#cluster.connection(node, this.#lane));
      const answer = await connection.send(
        produceCall,
        produceRequestPieces({
          transactionalId: this.#source.transactionalId,
          acks: this.#settings.acks,
          timeoutMs: this.#settings.requestTimeoutMs,
          topics: [...byTopic].map(([topic, partitions]) => ({ topic, partitions })),
        }),
        this.#settings.acks !== 0,
      );
      return answer && new Map(answer.map(({ topic, partitions }) => [topic, partitions]));
    } catch (error) {
      return error instanceof ConnectError
        ? error
        : new RetriableError(`The produce request failed: ${String(error)}`, { cause: error });
    }
  }

  #judge(queue: PartitionQueue, chunk: Chunk, answer: Map<string, ProducedPartition[]> | ConnectError | null): void {
    if (answer instanceof Error) {
      if (!isRetriable(answer)) {
        this.#giveUp(chunk.delivery, answer);
        this.#abandon(chunk);
        return;
      }
      this.#cluster.forgetLeaders(queue.topic);
      this.#again(queue, chunk, answer);
      return;
    }
    const result = answer?.get(queue.topic)?.find((one) => one.partition === queue.partition);
    if (answer !== null && !result) {
      this.#again(queue, chunk, new RetriableError('The broker left a partition out of its answer'));
      return;
    }
    const code = result?.errorCode ?? kafkaErrors.NONE;
    if (code === kafkaErrors.NONE || code === kafkaErrors.DUPLICATE_SEQUENCE_NUMBER) {
      this.#acknowledge(queue, chunk, result && code === kafkaErrors.NONE ? result.baseOffset : -1);
      return;
    }
    this.#fail(queue, chunk, code, result!);
  }

  #acknowledge(queue: PartitionQueue, chunk: Chunk, baseOffset: number): void {
    const { delivery, indices, from, to } = chunk;
    queue.established = true;
    queue.lastError = null;
    queue.gaps = queue.gaps.filter((gap) => gap.sequence > chunk.sequence);
    if (baseOffset >= 0) {
      const { offsets } = delivery;
      for (let rank = from; rank < to; rank++) offsets[indices[rank]!] = baseOffset + rank - from;
    }
    delivery.open -= to - from;
    this.#release(chunk);
  }

  #abandon(chunk: Chunk): void {
    this.#release(chunk);
    this.#mustRenew = this.#settings.idempotent;
  }

  #fail(queue: PartitionQueue, chunk: Chunk, code: number, result: ProducedPartition): void {
    const subject = { doing: 'write to', topic: queue.topic, partition: queue.partition, detail: result.errorMessage };
    const count = chunk.to - chunk.from;
    if (code === kafkaErrors.MESSAGE_TOO_LARGE || code === kafkaErrors.RECORD_LIST_TOO_LARGE) {
      if (count > 1) this.#split(queue, chunk, chunk.from + (count >> 1));
      else this.#drop(queue, chunk, kafkaError(kafkaErrors.MESSAGE_TOO_LARGE, subject));
      return;
    }
    const sequenceLost =
      code === kafkaErrors.OUT_OF_ORDER_SEQUENCE_NUMBER ||
      code === kafkaErrors.UNKNOWN_PRODUCER_ID ||
      (code === kafkaErrors.INVALID_PRODUCER_EPOCH && this.#source.transactionalId === null);
    if (sequenceLost && this.#settings.idempotent) {
      // Expected when an earlier chunk of the partition failed: this one only has to wait for it.
      const behind =
        code === kafkaErrors.OUT_OF_ORDER_SEQUENCE_NUMBER &&
        (queue.retries.some((one) => one.sequence < chunk.sequence) ||
          queue.gaps.some((gap) => gap.sequence < chunk.sequence));
      if (behind) {
        chunk.attempts--;
        this.#requeue(queue, chunk);
        return;
      }
      this.#mustRenew = true;
      this.#again(queue, chunk, new RetriableError(kafkaError(code, subject).message, { code: 'kafka.sequence_lost' }));
      return;
    }
    if (isFencedCode(code)) {
      this.#abandon(chunk);
      const { transactionalId } = this.#source;
      this.kill(kafkaError(code, transactionalId === null ? subject : { doing: subject.doing, transactionalId }));
      return;
    }
    const error = kafkaError(code, subject);
    if (isRetriableCode(code)) {
      if (isStaleMetadata(code)) this.#cluster.forgetLeaders(queue.topic);
      this.#again(queue, chunk, error);
      return;
    }
    if (result.recordErrors.length > 0 && result.recordErrors.length < count) {
      this.#dropSome(queue, chunk, result, error);
      return;
    }
    this.#drop(queue, chunk, error);
  }

  /** Back to the head of the queue, unless its time is over. */
  #again(queue: PartitionQueue, chunk: Chunk, error: ConnectError): void {
    const now = this.#clock.now();
    const { delivery } = chunk;
    queue.lastError = error;
    if (!delivery.givenUp && (now >= delivery.deadline || chunk.attempts > this.#settings.retries)) {
      this.#giveUp(delivery, error);
    }
    if (delivery.givenUp) {
      this.#abandon(chunk);
      return;
    }
    this.#requeue(queue, chunk);
    const delay = Math.min(
      this.#settings.retryBackoffMs * 2 ** Math.min(chunk.attempts - 1, 20),
      this.#settings.retryBackoffMaxMs,
    );
    queue.retryAt = Math.max(queue.retryAt, now + delay);
  }

  #requeue(queue: PartitionQueue, chunk: Chunk): void {
    const at = queue.retries.findIndex((one) => one.sequence > chunk.sequence);
    queue.retries.splice(at < 0 ? queue.retries.length : at, 0, chunk);
    queue.closed = queue.inFlight > 0;
    this.#active.add(queue);
  }

  #split(queue: PartitionQueue, chunk: Chunk, middle: number): void {
    // Compressed sizes tell nothing about how much to take next.
    if (this.#settings.compression.type === 'none') {
      queue.batchBytes = Math.max(1024, Math.min(queue.batchBytes, chunk.encoded!.bytes.length >> 1));
    }
    this.#release(chunk);
    const second = (chunk.sequence + middle - chunk.from) & sequenceMask;
    this.#requeue(queue, { ...chunk, to: middle, attempts: 0, encoded: null });
    this.#requeue(queue, { ...chunk, from: middle, sequence: second, attempts: 0, encoded: null });
  }

  /** None of the chunk's records will ever be accepted. */
  #drop(queue: PartitionQueue, chunk: Chunk, error: Error): void {
    for (let rank = chunk.from; rank < chunk.to; rank++) this.#refuse(chunk.delivery, chunk.indices[rank]!, error);
    this.#leaveGap(queue, chunk.sequence, chunk.to - chunk.from);
    this.#release(chunk);
  }

  /** The broker named the records it refuses; the others go again without them. */
  #dropSome(queue: PartitionQueue, chunk: Chunk, result: ProducedPartition, error: ConnectError): void {
    const refused = new Map(result.recordErrors.map((one) => [one.index, one.message]));
    const rest: number[] = [];
    for (let rank = chunk.from; rank < chunk.to; rank++) {
      const message = refused.get(rank - chunk.from);
      const index = chunk.indices[rank]!;
      if (message === undefined) rest.push(index);
      else {
        const reason = message
          ? new ConnectError(error.code, `${error.message}: ${message}`, { javaClass: error.javaClass })
          : error;
        this.#refuse(chunk.delivery, index, reason);
      }
    }
    this.#leaveGap(queue, (chunk.sequence + rest.length) & sequenceMask, chunk.to - chunk.from - rest.length);
    this.#release(chunk);
    this.#requeue(queue, { ...chunk, indices: rest, from: 0, to: rest.length, encoded: null });
  }

  #leaveGap(queue: PartitionQueue, sequence: number, count: number): void {
    if (!this.#settings.idempotent) return;
    queue.gaps.push({ sequence, count });
    queue.closed = queue.inFlight > 0;
    this.#active.add(queue);
  }

  /** Everything in flight is back: close the gaps in the numbers and let the queue go on. */
  #reopen(queue: PartitionQueue): void {
    queue.closed = false;
    if (queue.gaps.length > 0) {
      const before = (sequence: number) =>
        queue.gaps.reduce((sum, gap) => sum + (gap.sequence < sequence ? gap.count : 0), 0);
      for (const chunk of queue.retries) this.#number(chunk, chunk.sequence - before(chunk.sequence));
      queue.nextSequence -= before(queue.nextSequence);
      queue.gaps = [];
    }
    this.#deactivateIfEmpty(queue);
  }

  #number(chunk: Chunk, sequence: number): void {
    chunk.sequence = sequence;
    if (chunk.encoded) this.#encoder.renumber(chunk.encoded, this.#identityFor(chunk));
  }

  #renumberAll(): void {
    for (const queues of this.#queues.values()) {
      for (const queue of queues) {
        if (!queue) continue;
        let sequence = 0;
        for (const chunk of queue.retries) {
          this.#number(chunk, sequence);
          sequence += chunk.to - chunk.from;
        }
        queue.nextSequence = sequence;
        queue.established = !this.#settings.idempotent;
        queue.gaps = [];
      }
    }
  }

  #renew(): void {
    this.#renewal = this.#source
      .renew()
      .then((identity) => {
        this.#identity = identity;
        this.#mustRenew = false;
        this.#renumberAll();
      })
      .catch((error: unknown) => {
        for (const delivery of [...this.#deliveries]) this.#giveUp(delivery, error);
      })
      .finally(() => {
        this.#renewal = null;
        if (!this.#mustRenew) this.#pump();
      });
  }

  /** Asks where topics are led now; one question at a time, again after a pause while there is no answer. */
  #refreshMetadata(topics: readonly string[]): void {
    if (this.#refresh) return;
    this.#refresh = this.#cluster
      .metadata(topics, true)
      .then(() => undefined)
      .catch((error: unknown) => {
        if (isRetriable(error)) return;
        for (const delivery of [...this.#deliveries]) this.#giveUp(delivery, error);
      })
      .finally(() => {
        this.#refresh = null;
        const isLed = (topic: string) => this.#cluster.knownLeaders(topic)?.leaders.every((node) => node >= 0) ?? false;
        if (topics.some(isLed)) this.#wake(this.#clock.now() + 1);
        if (!topics.every(isLed)) this.#wake(this.#clock.now() + this.#settings.retryBackoffMs);
      });
  }
}

function outcomeOf(delivery: Delivery): ProduceOutcome {
  const { offsets, partitions, failures } = delivery;
  const topics = [...delivery.columns.topics];
  const topicIds = topics.length > 1 ? delivery.columns.topicIds.slice(0, delivery.columns.size) : null;
  return {
    failures,
    offsetOf(index) {
      if (failures.has(index)) return null;
      const topic = topics[topicIds === null ? 0 : topicIds[index]!]!;
      return { topic, partition: partitions[index]!, offset: offsets[index]! };
    },
  };
}

function tooLarge(topic: string, size: number, max: number): ConnectError {
  return new ConnectError(
    'kafka.record_too_large',
    `A record for topic "${topic}" takes ${size} bytes, more than max.request.size (${max}). ` +
      'Raise producer.override.max.request.size and max.message.bytes of the topic, or send smaller records',
    { javaClass: 'RecordTooLargeException', facts: { topic, size } },
  );
}

function noSuchPartition(leaders: TopicLeaders, partition: number): ConnectError {
  return new ConnectError(
    'kafka.no_such_partition',
    `A record names partition ${partition} of topic "${leaders.topic}", which has ${leaders.partitions}`,
    { javaClass: 'InvalidPartitionsException', facts: { topic: leaders.topic, partition } },
  );
}

function timedOut({ topic, partition, lastError }: PartitionQueue, deliveryTimeoutMs: number): RetriableError {
  const why = lastError === null ? '' : `: ${lastError.message}`;
  return new RetriableError(
    `Records for topic "${topic}" partition ${partition} were not acknowledged within delivery.timeout.ms (${deliveryTimeoutMs})${why}`,
    { code: 'kafka.delivery_timeout', facts: { topic, partition }, cause: lastError ?? undefined },
  );
}
