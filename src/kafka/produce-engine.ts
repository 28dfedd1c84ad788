/**
 * Gets batches of records to the leaders of their partitions, in order, with several requests in flight.
 *
 * A `send` is dealt out to the partitions (record-placement.ts) and waits in their queues (partition-queue.ts); here
 * requests are put together from what the queues hold, one for each leader, and their answers judged: acknowledged, again
 * after a pause, or refused. The broker drops what it has seen already by (producer id, epoch, sequence). When it has lost
 * track of the sequence, all requests are awaited, a new producer id is fetched and what is left is numbered from zero.
 *
 * A send that stops at a refused record draws a line there, through all queues: what lies behind it is taken out, what
 * lies in front is still brought to its end. Within a partition nothing can have overtaken that record, since the broker
 * does not take what is out of sequence.
 */
import type { Clock } from '../clock.ts';
import { ConnectError, isRetriable, RetriableError } from '../errors.ts';
import type { ProducerSettings } from './client-settings.ts';
import type { Cluster, Lane } from './cluster.ts';
import type { Codecs } from './codecs.ts';
import { Delivery, type RecordPlace } from './delivery.ts';
import { isFencedCode, isRetriableCode, isStaleMetadata, kafkaError, kafkaErrors } from './errors.ts';
import type { RecordColumns } from './outgoing-batch.ts';
import { type Chunk, ChunkEncoder, PartitionQueue } from './partition-queue.ts';
import { type ProducedPartition, produceCall, produceRequestPieces } from './protocol/produce.ts';
import type { ProducerIdentity } from './protocol/transactions.ts';
import { type PlacedGroup, RecordPlacement } from './record-placement.ts';
import type { OnRefusal, ProduceOutcome } from './types.ts';

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

interface Part {
  readonly queue: PartitionQueue;
  readonly chunk: Chunk;
}

export class ProduceEngine {
  readonly #cluster: Cluster;
  readonly #clock: Clock;
  readonly #settings: ProducerSettings;
  readonly #source: IdentitySource;
  readonly #encoder: ChunkEncoder;
  readonly #placement: RecordPlacement;
  readonly #lane: Lane;
  readonly #queues = new Map<string, PartitionQueue[]>();
  /** Queues that hold something, in order of arrival. */
  readonly #active = new Set<PartitionQueue>();
  readonly #inFlightByNode = new Map<number, number>();
  readonly #deliveries = new Set<Delivery>();
  #entrance: Promise<void> = Promise.resolve();
  #sends = 0;
  /** From here on nothing is sent any more. */
  #stop: RecordPlace | null = null;
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
    this.#encoder = new ChunkEncoder(codecs, settings, source.transactionalId !== null);
    this.#placement = new RecordPlacement(cluster, settings, (topic, partition) => this.#queueOf(topic, partition));
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
    this.#startOver(identity);
  }

  /** Nothing is sent any more; open deliveries and later sends fail with `reason`. */
  kill(reason: Error): void {
    this.#dead ??= reason;
    for (const delivery of [...this.#deliveries]) this.#giveUp(delivery, reason);
  }

  async send(columns: RecordColumns, signal?: AbortSignal, onRefusal: OnRefusal = 'go-on'): Promise<ProduceOutcome> {
    if (this.#dead) throw this.#dead;
    signal?.throwIfAborted();
    const deadline = this.#clock.now() + this.#settings.deliveryTimeoutMs;
    const delivery = new Delivery(columns, deadline, this.#sends++, onRefusal === 'stop');
    if (columns.size === 0) {
      delivery.settleIfDone();
      return delivery.outcome;
    }
    this.#deliveries.add(delivery);
    const onAbort = () => this.#giveUp(delivery, signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    // One after the other through the door: a send that must wait for metadata is not overtaken.
    const entered = this.#entrance.then(() => this.#enter(delivery));
    this.#entrance = entered.catch((error: unknown) => this.#giveUp(delivery, error));
    try {
      return await delivery.outcome;
    } finally {
      signal?.removeEventListener('abort', onAbort);
      this.#deliveries.delete(delivery);
    }
  }

  async #enter(delivery: Delivery): Promise<void> {
    if (delivery.givenUp || this.#withdrawBehindStop(delivery)) return;
    const leaders = await this.#placement.locate(delivery);
    if (this.#settings.idempotent) this.#encoder.identity ??= await this.#source.identity();
    let placed = await this.#placement.place(delivery, leaders);
    if (this.#source.transactionalId !== null && placed.length > 0) placed = await this.#enlist(delivery, placed);
    if (delivery.givenUp) return;
    for (const { queue, group } of placed) {
      queue.add(group);
      this.#active.add(queue);
    }
    if (delivery.stops) this.#stopAt(delivery.stopsAt ?? this.#stop);
    delivery.settleIfDone();
    this.#pump();
  }

  /** Draws the line at the earliest of the records that were refused, and takes out what lies behind it. */
  #stopAt(place: RecordPlace | null): void {
    if (place === null) return;
    const known = this.#stop;
    if (known === null || place.order < known.order || (place.order === known.order && place.index < known.index)) {
      this.#stop = place;
    }
    for (const queue of [...this.#active]) {
      for (const delivery of queue.cutAt(this.#stop!)) delivery.settleIfDone();
      this.#track(queue);
    }
  }

  #withdrawBehindStop(delivery: Delivery): boolean {
    if (!delivery.stops || this.#stop === null || delivery.order <= this.#stop.order) return false;
    delivery.withdraw(delivery.columns.size);
    delivery.settleIfDone();
    return true;
  }

  /** Leaves out, and refuses, what cannot be part of the transaction. */
  async #enlist(delivery: Delivery, placed: PlacedGroup[]): Promise<PlacedGroup[]> {
    const refused = await this.#source.enlist(placed.map(({ queue }) => queue));
    if (refused.size === 0) return placed;
    return placed.filter(({ queue, group }) => {
      const error = refused.get(queue.topic);
      if (error === undefined) return true;
      for (const index of group.indices) delivery.refuse(index, error);
      return false;
    });
  }

  #queueOf(topic: string, partition: number): PartitionQueue {
    let queues = this.#queues.get(topic);
    if (!queues) {
      queues = [];
      this.#queues.set(topic, queues);
    }
    queues[partition] ??= new PartitionQueue(topic, partition, this.#settings, this.#encoder);
    return queues[partition];
  }

  /** Takes what is left of a delivery out of all queues. Numbers given out for it will be missing: renew the id. */
  #giveUp(delivery: Delivery, reason: unknown): void {
    if (delivery.givenUp || !this.#deliveries.has(delivery)) return;
    delivery.givenUp = reason instanceof Error ? reason : new Error(String(reason));
    for (const queue of this.#active) {
      if (queue.remove(delivery)) this.#loseNumbers(delivery);
      this.#track(queue);
    }
    // What comes after it must not overtake it.
    if (delivery.stops) this.#stopAt({ order: delivery.order, index: 0 });
    delivery.settleIfDone();
    if (this.#mustRenew) this.#pump();
  }

  /** Numbers that were given out are missing for what follows; nothing follows a send that stops. */
  #loseNumbers({ stops }: Delivery): void {
    if (!stops) this.#mustRenew = this.#settings.idempotent;
  }

  #track(queue: PartitionQueue): void {
    if (queue.isEmpty) this.#active.delete(queue);
    else this.#active.add(queue);
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
      const requests = new Map<number, Part[]>();
      const bytes = new Map<number, number>();
      for (const queue of [...this.#active]) {
        if (queue.closed || !this.#active.has(queue)) continue;
        if (!queue.established && queue.inFlight > 0) continue;
        const { head } = queue;
        if (now >= head.deadline) {
          this.#giveUp(head, timedOut(queue, this.#settings.deliveryTimeoutMs));
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
        const chunk = queue.take(now);
        const size = chunk.encoded!.bytes.length;
        if (used > 0 && used + size > this.#settings.maxRequestBytes) {
          queue.putBack(chunk);
          continue;
        }
        this.#track(queue);
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

  #dispatch(node: number, parts: Part[]): void {
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
        // What was given back may lie behind the line.
        this.#track(queue);
        if (chunk.delivery.stops) this.#stopAt(chunk.delivery.stopsAt ?? this.#stop);
        if (queue.inFlight === 0) queue.reopen();
        this.#track(queue);
        chunk.delivery.settleIfDone();
      }
      this.#pump();
    });
  }

  /** Never rejects: an error is an answer for all its partitions. Null: acks=0, no answer. */
  async #request(
    node: number,
    parts: readonly Part[],
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
      queue.acknowledge(chunk, result && code === kafkaErrors.NONE ? result.baseOffset : -1);
      return;
    }
    this.#fail(queue, chunk, code, result!);
  }

  #abandon(chunk: Chunk): void {
    this.#encoder.release(chunk);
    this.#loseNumbers(chunk.delivery);
  }

  #fail(queue: PartitionQueue, chunk: Chunk, code: number, result: ProducedPartition): void {
    const subject = { doing: 'write to', topic: queue.topic, partition: queue.partition, detail: result.errorMessage };
    const count = chunk.to - chunk.from;
    if (code === kafkaErrors.MESSAGE_TOO_LARGE || code === kafkaErrors.RECORD_LIST_TOO_LARGE) {
      if (count > 1) queue.halve(chunk);
      else queue.drop(chunk, kafkaError(kafkaErrors.MESSAGE_TOO_LARGE, subject));
      return;
    }
    const sequenceLost =
      code === kafkaErrors.OUT_OF_ORDER_SEQUENCE_NUMBER ||
      code === kafkaErrors.UNKNOWN_PRODUCER_ID ||
      (code === kafkaErrors.INVALID_PRODUCER_EPOCH && this.#source.transactionalId === null);
    if (sequenceLost && this.#settings.idempotent) {
      // Expected when an earlier chunk of the partition failed: this one only has to wait for it.
      if (code === kafkaErrors.OUT_OF_ORDER_SEQUENCE_NUMBER && queue.isBehindAnother(chunk)) {
        chunk.attempts--;
        queue.requeue(chunk);
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
      queue.dropSome(chunk, new Map(result.recordErrors.map((one) => [one.index, one.message])), error);
      return;
    }
    queue.drop(chunk, error);
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
    queue.requeue(chunk);
    const delay = Math.min(
      this.#settings.retryBackoffMs * 2 ** Math.min(chunk.attempts - 1, 20),
      this.#settings.retryBackoffMaxMs,
    );
    queue.retryAt = Math.max(queue.retryAt, now + delay);
  }

  #startOver(identity: ProducerIdentity | null): void {
    this.#encoder.identity = identity;
    this.#mustRenew = false;
    // Partitions that nothing was sent to have no queue.
    for (const queues of this.#queues.values()) for (const queue of queues) queue?.startOver();
  }

  #renew(): void {
    this.#renewal = this.#source
      .renew()
      .then((identity) => this.#startOver(identity))
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

function timedOut({ topic, partition, lastError }: PartitionQueue, deliveryTimeoutMs: number): RetriableError {
  const why = lastError === null ? '' : `: ${lastError.message}`;
  return new RetriableError(
    `Records for topic "${topic}" partition ${partition} were not acknowledged within delivery.timeout.ms (${deliveryTimeoutMs})${why}`,
    { code: 'kafka.delivery_timeout', facts: { topic, partition }, cause: lastError ?? undefined },
  );
}
