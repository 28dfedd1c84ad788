import type { StatusBackingStore } from '../config-backing-store.ts';
import type { State } from '../items.ts';
import type { Lease } from '../lease-store.ts';
import { N, S, text } from './attributes.ts';
import { exists, isLive } from './conditions.ts';
import { writeTrace } from './item-codec.ts';
import type { DynamoDbLeaseStore } from './lease-store.ts';
import {
  connectorKey,
  connectorPk,
  type Key,
  taskKey,
  taskPrefix,
  topicKey,
  topicOf,
  topicPrefix,
  under,
} from './table.ts';
import { chunksOf, inParallel, queryAll, type TableClient, type Write } from './table-client.ts';

const tasks = under(taskPrefix);
const topics = under(topicPrefix);

export class DynamoDbStatusBackingStore implements StatusBackingStore {
  readonly #table: TableClient;
  readonly #leases: DynamoDbLeaseStore;

  constructor(table: TableClient, leases: DynamoDbLeaseStore) {
    this.#table = table;
    this.#leases = leases;
  }

  async putConnectorState(name: string, state: State, trace: string | null, workerId: string): Promise<void> {
    await this.#table.update({
      key: connectorKey(name),
      what: `the status of ${name}`,
      set: { state: S(state), trace: writeTrace(trace), workerId: S(workerId) },
      condition: isLive,
    });
  }

  async putTaskState(
    connector: string,
    task: number,
    state: State,
    trace: string | null,
    workerId: string,
    lease?: Lease,
  ): Promise<void> {
    if (lease !== undefined) return this.#leases.reportState(lease, state, trace, workerId);
    await this.#table.update({
      key: taskKey(connector, task),
      what: `the status of ${connector}-${task}`,
      set: { state: S(state), trace: writeTrace(trace), workerId: S(workerId) },
      condition: exists,
    });
  }

  async activeTopics(connector: string): Promise<string[]> {
    const found: string[] = [];
    for await (const items of queryAll(this.#table, connectorPk(connector), topics, ['sk'])) {
      found.push(...items.map((item) => topicOf(text(item, 'sk') ?? '')));
    }
    return found;
  }

  /** The first sight of a topic stays. */
  async addActiveTopics(
    connector: string,
    names: readonly string[],
    seen: { readonly task: number; readonly at: number } = { task: 0, at: 0 },
  ): Promise<void> {
    await Promise.all(
      names.map((topic) =>
        this.#table.update({
          key: topicKey(connector, topic),
          what: `active topic ${topic}`,
          set: { task: N(seen.task), discoveredAt: N(seen.at) },
          condition: 'attribute_not_exists(#pk)',
        }),
      ),
    );
  }

  /** Then the connector is told, and each of its tasks: a run that knows the connector from before sees it on its own item. */
  async resetActiveTopics(connector: string): Promise<void> {
    const pk = connectorPk(connector);
    for await (const items of queryAll(this.#table, pk, topics, ['sk'])) {
      const deletions = items.map((item): Write => ({ kind: 'delete', key: { pk, sk: text(item, 'sk') ?? '' } }));
      for (const chunk of chunksOf(deletions)) await this.#table.transact(chunk, 'active topics');
    }
    const tell = (key: Key, condition: string) =>
      this.#table.update({
        key,
        what: `the reset of the active topics of ${connector}`,
        assign: ['#topicResets = if_not_exists(#topicResets, :zero) + :one'],
        values: { zero: N(0), one: N(1) },
        condition,
      });
    await tell(connectorKey(connector), isLive);
    for await (const items of queryAll(this.#table, pk, tasks, ['sk'])) {
      await inParallel(8, items, async (item) => {
        await tell({ pk, sk: text(item, 'sk') ?? '' }, exists);
      });
    }
  }
}
