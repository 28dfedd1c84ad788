import { ConnectError } from '../errors.ts';
import type { KafkaClient, Producer } from '../kafka/types.ts';
import type { ConfigBackingStore } from '../storage/config-backing-store.ts';
import type { TableChange } from '../storage/table-change.ts';
import { type MirrorRecord, type ProjectionSources, project } from './project.ts';
import { createMirrorTopics, type MirrorTopics } from './topics.ts';

export interface MirrorOptions {
  readonly kafka: KafkaClient;
  readonly topics: MirrorTopics;
  readonly configs: Pick<ConfigBackingStore, 'getTasks'>;
  /** Version of the plugin of this `connector.class`; null: not known. */
  readonly versionOf: (connectorClass: string) => string | null;
}

/** Items whose newest sequence number is remembered, to tell a stream record that comes late or twice. */
const remembered = 50_000;
const recordsPerBatch = 5_000;

/**
 * Follows the table's stream onto Java Connect's three topics. The stream brings the changes of an item in order and at
 * least once; the producer is idempotent, and records of one key go to one partition, so their order is the table's.
 */
export class Mirror {
  readonly #options: MirrorOptions;
  readonly #sources: ProjectionSources;
  /** Newest sequence number that was written, per item; the oldest entry goes first. */
  readonly #written = new Map<string, string>();
  #producer: Promise<Producer> | null = null;

  constructor(options: MirrorOptions) {
    this.#options = options;
    this.#sources = {
      tasksOf: (connector) => options.configs.getTasks(connector),
      versionOf: options.versionOf,
    };
  }

  /** Resolves with the number of records when all are acknowledged. Rejects otherwise: the stream brings them again. */
  async handle(changes: readonly TableChange[]): Promise<number> {
    const fresh = this.#fresh(changes);
    const records = await project(fresh, this.#sources);
    if (records.length > 0) await this.#produce(records);
    for (const change of fresh) this.#remember(itemOf(change), change.sequenceNumber);
    return records.length;
  }

  /** In the order of the stream, without what was written already. */
  #fresh(changes: readonly TableChange[]): TableChange[] {
    const newest = new Map<string, string>();
    return changes.filter((change) => {
      const item = itemOf(change);
      const last = newest.get(item) ?? this.#written.get(item);
      if (last !== undefined && !isAfter(change.sequenceNumber, last)) return false;
      newest.set(item, change.sequenceNumber);
      return true;
    });
  }

  #remember(item: string, sequenceNumber: string): void {
    this.#written.delete(item);
    this.#written.set(item, sequenceNumber);
    if (this.#written.size <= remembered) return;
    const [oldest] = this.#written.keys();
    if (oldest !== undefined) this.#written.delete(oldest);
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
    await createMirrorTopics(this.#options.kafka.admin, this.#options.topics);
    return this.#options.kafka.producer();
  }

  async close(): Promise<void> {
    const producer = await this.#producer?.catch(() => null);
    this.#producer = null;
    await producer?.close();
  }
}

function itemOf(change: TableChange): string {
  const item = (change.after ?? change.before) as Record<string, unknown> | null;
  const connector = 'connector' in change ? change.connector : (item?.connector ?? item?.name);
  const inner = item?.task ?? item?.key ?? item?.topic ?? item?.logger ?? '';
  return JSON.stringify([change.kind, connector, inner, item?.kafkaPartition]);
}

/** Sequence numbers are whole numbers too long for a number, without leading zeros on AWS. */
function isAfter(a: string, b: string): boolean {
  return a.length === b.length ? a > b : BigInt(a) > BigInt(b);
}
