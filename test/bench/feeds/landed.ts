import type { Fetcher } from '../../../src/kafka/types.ts';
import { until } from '../../support/until.ts';
import { readBody } from './arms.ts';

/** The messages that lie in partition 0 of a topic, by their numbers. */
export class Landed {
  readonly #fetcher: Fetcher;
  readonly #topic: string;
  #offset = 0;
  /** From numbers to milliseconds from sent to appended. */
  readonly delays = new Map<number, number>();
  /** Records whose message was there already. */
  twice = 0;

  constructor(fetcher: Fetcher, topic: string) {
    this.#fetcher = fetcher;
    this.#topic = topic;
  }

  /** Resolves when so many messages are there, each once or more. */
  async wait(messages: number): Promise<void> {
    const enough = async () => {
      await this.#look();
      return this.delays.size >= messages;
    };
    await until(`${messages} messages in ${this.#topic}`, enough, { withinMs: 300_000, everyMs: 20 });
  }

  async #look(): Promise<void> {
    for (;;) {
      const [fetched] = await this.#fetcher.fetch([{ topic: this.#topic, partition: 0, offset: this.#offset }], {
        maxWaitMs: 0,
        minBytes: 1,
        maxBytes: 4 << 20,
        maxPartitionBytes: 4 << 20,
        isolationLevel: 'read_uncommitted',
      });
      if (fetched?.error) throw fetched.error;
      const cursor = fetched?.cursor;
      if (!cursor) return;
      let any = false;
      while (cursor.next()) {
        any = true;
        const { sentAt, number } = readBody(cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd));
        if (this.delays.has(number)) this.twice++;
        else this.delays.set(number, cursor.timestamp - sentAt);
      }
      if (!any) return;
      this.#offset = cursor.nextOffset;
    }
  }
}
