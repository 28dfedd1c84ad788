import type { Clock } from '../../clock.ts';
import type { StatusBackingStore } from '../../storage/config-backing-store.ts';

/** How long a run believes that the table still lists a topic. A reset while it runs shows again after that. */
const trustMs = 30_000;

/** Which topics a connector has used (KIP-558): written when a record first passes, not per record. */
export class ActiveTopics {
  readonly #statuses: StatusBackingStore;
  readonly #clock: Clock;
  readonly #writtenAt = new Map<string, number>();

  constructor(statuses: StatusBackingStore, clock: Clock) {
    this.#statuses = statuses;
    this.#clock = clock;
  }

  /** `resets`: how often the list has been reset; what was written before the last time is gone. */
  async add(connector: string, topics: Iterable<string>, resets: number): Promise<void> {
    const now = this.#clock.now();
    const fresh: string[] = [];
    for (const topic of topics) {
      const writtenAt = this.#writtenAt.get(keyOf(connector, topic, resets));
      if (writtenAt === undefined || writtenAt + trustMs < now) fresh.push(topic);
    }
    if (fresh.length === 0) return;
    await this.#statuses.addActiveTopics(connector, fresh);
    for (const topic of fresh) this.#writtenAt.set(keyOf(connector, topic, resets), now);
  }
}

const keyOf = (connector: string, topic: string, resets: number) => `${connector}\0${topic}\0${resets}`;
