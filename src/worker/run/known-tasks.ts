import type { ConnectorItem, TaskItem } from '../../storage/items.ts';
import type { Lease } from '../../storage/lease-store.ts';
import type { SourceOffsetEntry } from '../../storage/offset-backing-store.ts';
import { hashOf } from './config-hash.ts';
import type { KnownTopics } from './known-topics.ts';

/** So many tasks, and so much of each, are remembered: a few megabytes. */
const mostTasks = 200;
const mostOffsets = 100;
const mostChars = 2000;

/** Source offsets as this environment's runs of one task have read and committed them: the JSON text, null where there is none. */
export class KnownOffsets {
  readonly #texts = new Map<string, string | null>();

  /** Those of all keys; null: not all are known. */
  read(keys: readonly string[]): Map<string, string | null> | null {
    if (!keys.every((key) => this.#texts.has(key))) return null;
    return new Map(keys.map((key) => [key, this.#texts.get(key) ?? null]));
  }

  note(key: string, text: string | null): void {
    this.#texts.delete(key);
    if (key.length + (text?.length ?? 0) > mostChars) return;
    this.#texts.set(key, text);
    if (this.#texts.size > mostOffsets) this.#texts.delete(this.#texts.keys().next().value!);
  }

  /** Writes what is committed, and knows nothing of it while that is under way or if it fails. */
  async through<T>(entries: readonly SourceOffsetEntry[], commit: () => Promise<T>): Promise<T> {
    for (const { key } of entries) this.#texts.delete(key);
    const done = await commit();
    for (const { key, offset } of entries) this.note(key, offset);
    return done;
  }
}

/** What a run has left in this environment. */
interface Known {
  readonly connector: ConnectorItem;
  readonly offsets: KnownOffsets;
  readonly topics: KnownTopics;
}

interface Kept extends Known {
  readonly fencingToken: number;
  readonly generation: number;
}

/**
 * What need not be read again: who acquires a task with the token that follows that of a run which ended in order here
 * knows that nobody has run it in between, and that it was not replaced. With that its offsets are where that run left
 * them, and the connector's config is the one that its generation was made from (a changed one makes another, I7).
 */
export class KnownTasks {
  readonly #tasks = new Map<string, Kept>();
  /** Seen to have the config that its tasks were made from. */
  readonly #inForce = new WeakSet<ConnectorItem>();

  has(connector: string, task: number): boolean {
    return this.#tasks.has(keyOf(connector, task));
  }

  /** What is known still holds under this lease, or null. It is to be given back when the run has ended in order. */
  take(item: TaskItem, lease: Lease, takeover: boolean): Known | null {
    const key = keyOf(item.connector, item.task);
    const known = this.#tasks.get(key);
    this.#tasks.delete(key);
    if (known === undefined || takeover) return null;
    const unbroken = known.fencingToken + 1 === lease.fencingToken && known.generation === item.generation;
    return unbroken ? known : null;
  }

  /**
   * After the release. Only a connector whose config its tasks were made from: one that is wanted and not in force yet may be
   * taken back, and then no new generation would tell.
   */
  keep(item: TaskItem, { fencingToken }: Lease, known: Known): void {
    const { connector } = known;
    if (connector.generation < item.generation || !this.#isInForce(connector)) return;
    this.#tasks.set(keyOf(item.connector, item.task), {
      ...known,
      fencingToken,
      generation: item.generation,
    });
    if (this.#tasks.size > mostTasks) this.#tasks.delete(this.#tasks.keys().next().value!);
  }

  #isInForce(connector: ConnectorItem): boolean {
    if (this.#inForce.has(connector)) return true;
    if (connector.appliedConfigHash !== hashOf(connector.config)) return false;
    this.#inForce.add(connector);
    return true;
  }
}

const keyOf = (connector: string, task: number) => `${task} ${connector}`;
