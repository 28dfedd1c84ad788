import type { Settings } from '../config/config-def.ts';
import { ConnectError } from '../errors.ts';
import type { ControlPlane, KafkaClient, Producer } from '../kafka/types.ts';
import type { ConfigBackingStore } from '../storage/config-backing-store.ts';
import type { TableChange } from '../storage/table-change.ts';
import { type MirrorRecord, type ProjectionSources, project } from './project.ts';
import { type ProjectedStores, type ProjectionReport, projectAgain } from './project-again.ts';
import { ensureMirrorTopics, type MirrorTopics } from './topics.ts';

export interface MirrorOptions {
  readonly kafka: KafkaClient;
  readonly controlPlane: ControlPlane;
  readonly topics: MirrorTopics;
  readonly configs: Pick<ConfigBackingStore, 'getTasks'>;
  /** Version of the plugin that this config names; null: not known. */
  readonly versionOf: (config: Settings) => string | null;
  /** Epoch milliseconds; without it the topics are looked at when it starts, and after a failure. */
  readonly now?: () => number;
  /** Milliseconds that an attempt waits for brokers. Default: mirrorPatienceMs. */
  readonly patienceMs?: number;
}

/**
 * So long a look at the topics holds: one that is deleted may be made again by the broker, on the next record, as one that
 * deletes by age.
 */
const topicsTrustedMs = 5 * 60_000;

/** Items whose newest sequence number is remembered, to tell a stream record that comes late or twice. */
const remembered = 50_000;
/** Of so many connectors and tasks the newest image too. */
const rememberedImages = 5_000;
const recordsPerBatch = 5_000;
/** A broker that cannot be reached is the stream's to wait for: it brings the batch again as soon as this one has failed. */
export const mirrorPatienceMs = 5_000;

/**
 * Follows the table's stream onto Java Connect's three topics. The stream brings the changes of an item in order and at
 * least once; the producer is idempotent, and records of one key go to one partition, so their order is the table's.
 *
 * Within a batch a key is written once, with its newest value: a batch that fails half way and comes again then repeats
 * values, but no older one behind a newer one.
 */
export class Mirror {
  readonly #options: MirrorOptions;
  readonly #sources: ProjectionSources;
  /** Newest sequence number that was written, per item; the oldest entry goes first. */
  readonly #written = new Map<string, string>();
  /** As it was written last; what is written of a connector or task depends on what changed since. */
  readonly #images = new Map<string, Image>();
  #producer: Promise<Producer> | null = null;
  #lookedAt = 0;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#sources = {
      tasksOf: (connector) => options.configs.getTasks(connector),
      versionOf: options.versionOf,
    };
  }

  /** Resolves with the number of records when all are acknowledged. Rejects otherwise: the stream brings them again. */
  async handle(changes: readonly TableChange[]): Promise<number> {
    const { fresh, newest } = this.#fresh(changes);
    const records = newestOfEachKey(await project(fresh, this.#sources));
    if (records.length > 0) await this.#produce(records);
    for (const [item, { sequenceNumber, image }] of newest) {
      remember(this.#written, item, sequenceNumber, remembered);
      if (image !== undefined) remember(this.#images, item, image, rememberedImages);
    }
    return records.length;
  }

  /**
   * In the order of the stream. What comes late never takes an item back: of an offset nothing is left to write, while a
   * connector or task is compared again from where the late change began, since what was written before was compared
   * from behind it.
   */
  #fresh(changes: readonly TableChange[]) {
    const newest = new Map<string, { sequenceNumber: string; image: Image | undefined }>();
    const fresh: TableChange[] = [];
    for (const change of changes) {
      const item = itemOf(change);
      const known = newest.get(item);
      const last = known?.sequenceNumber ?? this.#written.get(item);
      const image = known === undefined ? this.#images.get(item) : known.image;
      if (last === undefined || isAfter(change.sequenceNumber, last)) {
        const next = image === undefined ? change : from(image, change);
        fresh.push(next);
        newest.set(item, { sequenceNumber: change.sequenceNumber, image: imageOf(change) });
      } else if (image !== undefined && change.sequenceNumber !== last) fresh.push(upTo(image, change));
    }
    return { fresh, newest };
  }

  /** Writes all that the table holds, for topics that were lost; see there. */
  async projectAgain(stores: ProjectedStores): Promise<ProjectionReport> {
    await this.#lookAtTopics();
    return projectAgain(stores, this.#sources, (records) => this.#produce(records));
  }

  async #produce(records: readonly MirrorRecord[]): Promise<void> {
    this.#producer ??= this.#started();
    let producer: Producer;
    try {
      producer = await this.#producer;
    } catch (error) {
      this.#producer = null;
      throw error;
    }
    if (this.#now() - this.#lookedAt > topicsTrustedMs) await this.#lookAtTopics();
    try {
      await this.#send(producer, records);
    } catch (error) {
      // A topic may have been deleted: the next attempt looks at them again, and makes what is missing.
      this.#producer = null;
      await producer.close().catch(() => {});
      throw error;
    }
  }

  async #send(producer: Producer, records: readonly MirrorRecord[]): Promise<void> {
    for (let start = 0; start < records.length; start += recordsPerBatch) {
      const part = records.slice(start, start + recordsPerBatch);
      const batch = producer.newBatch();
      for (const { topic, key, value } of part) {
        batch.append(this.#options.topics[topic].name, null, key, value, null, null);
      }
      const { failures } = await producer.send(batch);
      const [failure] = failures;
      if (failure !== undefined) {
        const [index, cause] = failure;
        const { topic, key } = part[index] as MirrorRecord;
        throw new ConnectError('mirror.refused', `The broker refused ${key} on ${this.#options.topics[topic].name}`, {
          cause,
        });
      }
    }
  }

  async #started(): Promise<Producer> {
    await this.#lookAtTopics();
    const patience = String(this.#options.patienceMs ?? mirrorPatienceMs);
    return this.#options.kafka.producer({ 'delivery.timeout.ms': patience, 'max.block.ms': patience });
  }

  async #lookAtTopics(): Promise<void> {
    const { kafka, controlPlane, topics } = this.#options;
    await ensureMirrorTopics(kafka.admin, controlPlane, topics);
    this.#lookedAt = this.#now();
  }

  #now(): number {
    return this.#options.now?.() ?? 0;
  }

  async close(): Promise<void> {
    const producer = await this.#producer?.catch(() => null);
    this.#producer = null;
    await producer?.close();
  }
}

/** What a connector or task was after a change; of other items a record needs only the change itself. */
type Image = { readonly kind: 'connector' | 'task'; readonly after: TableChange['after'] };

function imageOf({ kind, after }: TableChange): Image | undefined {
  return kind === 'connector' || kind === 'task' ? { kind, after } : undefined;
}

const from = ({ after }: Image, change: TableChange) => ({ ...change, before: after }) as TableChange;
const upTo = ({ after }: Image, change: TableChange) => ({ ...change, after }) as TableChange;

function remember<Value>(map: Map<string, Value>, item: string, value: Value, most: number): void {
  map.delete(item);
  map.set(item, value);
  if (map.size <= most) return;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
}

/** In order, each key where it stands last. */
function newestOfEachKey(records: readonly MirrorRecord[]): MirrorRecord[] {
  const newest = new Map<string, MirrorRecord>();
  for (const record of records) {
    const key = `${record.topic} ${record.key}`;
    newest.delete(key);
    newest.set(key, record);
  }
  return [...newest.values()];
}

function itemOf(change: TableChange): string {
  return JSON.stringify([change.kind, ...namesOf(change)]);
}

function namesOf(change: TableChange): readonly unknown[] {
  switch (change.kind) {
    case 'connector':
      return [(change.after ?? change.before)?.name];
    case 'task': {
      const item = change.after ?? change.before;
      return [item?.connector, item?.task];
    }
    case 'source-offset':
      return [change.connector, (change.after ?? change.before)?.key];
    case 'active-topic':
      return [change.connector, (change.after ?? change.before)?.topic];
    case 'sink-position': {
      const item = change.after ?? change.before;
      return [change.connector, item?.topic, item?.kafkaPartition];
    }
    case 'logger':
      return [(change.after ?? change.before)?.logger];
    case 'feed':
      return [(change.after ?? change.before)?.key];
  }
}

/** Sequence numbers are whole numbers too long for a number, without leading zeros on AWS. */
function isAfter(a: string, b: string): boolean {
  return a.length === b.length ? a > b : BigInt(a) > BigInt(b);
}
