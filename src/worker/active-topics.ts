import type { Clock } from '../clock.ts';
import type { StatusBackingStore } from '../storage/config-backing-store.ts';

/** How long this environment believes that the table still lists a topic: a reset shows again after that. */
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

  async add(connector: string, topics: Iterable<string>): Promise<void> {
    const now = this.#clock.now();
    const fresh: string[] = [];
    for (const topic of topics) {
      const writtenAt = this.#writtenAt.get(`${connector}\0${topic}`);
      if (writtenAt === undefined || writtenAt + trustMs < now) fresh.push(topic);
    }
    if (fresh.length === 0) return;
    await this.#statuses.addActiveTopics(connector, fresh);
    for (const topic of fresh) this.#writtenAt.set(`${connector}\0${topic}`, now);
  }
}
