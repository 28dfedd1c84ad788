import type { DueIndex, DueItem, DuePage, WatchedSink } from '../due-index.ts';
import { type Attributes, number, text } from './attributes.ts';
import { readPositions, readTopicIds } from './item-codec.ts';
import { connectorOf, duePks, stateSk, taskOf, watchedPks } from './table.ts';
import type { ItemPage, TableClient } from './table-client.ts';

export class DynamoDbDueIndex implements DueIndex {
  readonly shards = duePks.length;
  readonly #table: TableClient;

  constructor(table: TableClient) {
    this.#table = table;
  }

  /** One query a shard, all at once. */
  async due(until: number, limit: number, from = 0): Promise<DueItem[]> {
    const shards = await Promise.all(duePks.map((duePk) => this.#dueOf(duePk, from, until, limit)));
    return shards
      .flat()
      .sort((a, b) => a.dueAt - b.dueAt)
      .slice(0, limit);
  }

  async #dueOf(duePk: string, from: number, until: number, limit: number): Promise<DueItem[]> {
    const found: DueItem[] = [];
    let after: string | null = null;
    do {
      const page: ItemPage = await this.#table.queryIndex('due', duePk, {
        range: { from, to: until },
        after,
        limit: limit - found.length,
      });
      found.push(...page.items.map(dueItem));
      after = page.next;
    } while (after !== null && found.length < limit);
    return found;
  }

  async duePage(shard: number, until: number, from: number, after: string | null, limit?: number): Promise<DuePage> {
    const page = await this.#table.queryIndex('due', duePks[shard] as string, {
      range: { from, to: until },
      after,
      ...(limit === undefined ? {} : { limit }),
    });
    return { items: page.items.map(dueItem), next: page.next };
  }

  /** Shard after shard; `next` says which, and where in it. */
  async watched(after: string | null, limit?: number): Promise<{ items: WatchedSink[]; next: string | null }> {
    const start =
      after === null ? { shard: 0, key: null } : (JSON.parse(after) as { shard: number; key: string | null });
    const items: WatchedSink[] = [];
    let { shard, key } = start;
    while (shard < watchedPks.length) {
      const page: ItemPage = await this.#table.queryIndex('watched', watchedPks[shard] as string, {
        after: key,
        ...(limit === undefined ? {} : { limit: limit - items.length }),
      });
      items.push(...page.items.map(watchedSink));
      key = page.next;
      if (key === null) shard++;
      if (items.length > 0 && (limit === undefined || items.length >= limit)) break;
    }
    return { items, next: shard < watchedPks.length ? JSON.stringify({ shard, key }) : null };
  }
}

function dueItem(item: Attributes): DueItem {
  const connector = connectorOf(text(item, 'pk') ?? '');
  const sk = text(item, 'sk') ?? '';
  return { run: { connector, task: sk === stateSk ? null : taskOf(sk) }, dueAt: number(item, 'dueAt') ?? 0 };
}

const watchedSink = (item: Attributes): WatchedSink => ({
  connector: connectorOf(text(item, 'pk') ?? ''),
  task: taskOf(text(item, 'sk') ?? ''),
  positions: readPositions(item),
  topicIds: readTopicIds(item),
});
