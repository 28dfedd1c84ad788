/** Which topics a connector is known to have used (KIP-558), so that its runs write a topic once and not per record. */
export class KnownTopics {
  /** How often the list had been reset: what was written before is gone. */
  readonly resets: string;
  readonly #names = new Set<string>();

  constructor(resets: string) {
    this.resets = resets;
  }

  /** Has those of `topics` written that are not known to be. */
  async add(topics: Iterable<string>, write: (fresh: readonly string[]) => Promise<void>): Promise<void> {
    const fresh = [...topics].filter((topic) => !this.#names.has(topic));
    if (fresh.length === 0) return;
    await write(fresh);
    for (const topic of fresh) this.#names.add(topic);
  }
}
