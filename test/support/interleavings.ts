import { createHash } from 'node:crypto';
import type { TableClient } from '../../src/storage/dynamodb/table-client.ts';

/** A process whose requests to the table wait until they are chosen. */
export class Actor {
  readonly name: string;
  readonly table: TableClient;
  /** Its requests pass without being chosen. */
  isFree = true;
  isDead = false;
  isDone = false;
  readonly #waiting: { readonly request: string; readonly go: () => void }[] = [];
  readonly #told = createHash('sha1');
  #wake = () => {};

  constructor(name: string, table: TableClient) {
    this.name = name;
    this.table = new Proxy<TableClient>(table, {
      get: (target, method: keyof TableClient) => {
        const request = target[method];
        if (typeof request !== 'function') return request;
        return async (...args: unknown[]) => {
          await this.turn(JSON.stringify([method, args]));
          const answer = await (request as (...args: unknown[]) => Promise<unknown>).apply(target, args);
          // What a dead process has sent may arrive all the same; nobody hears of it.
          if (this.isDead) return new Promise(() => {});
          this.#told.update(JSON.stringify(answer) ?? '');
          return answer;
        };
      },
    });
  }

  /** Waits until it is chosen, with a request or whatever else takes time. */
  turn(request: string): Promise<void> {
    if (this.isFree) return Promise.resolve();
    return new Promise((go) => {
      if (!this.isDead) this.#waiting.push({ request, go });
      this.#wake();
    });
  }

  get asks(): boolean {
    return this.#waiting.length > 0;
  }

  /** What it knows and what it asks: where it goes on from here is nothing but that. */
  get state(): string {
    const waiting = this.#waiting.map(({ request }) => request);
    return JSON.stringify([this.isDone, this.isDead, this.#told.copy().digest('hex'), waiting]);
  }

  /** Resolves when it asks the table again, is over, or sleeps. */
  async start(program: () => Promise<unknown>): Promise<void> {
    this.isFree = false;
    const asking = this.#nextAsk();
    void program().finally(() => {
      this.isDone = true;
      this.#wake();
    });
    await asking;
  }

  async step(): Promise<void> {
    const asking = this.#nextAsk();
    this.#waiting.shift()!.go();
    if (this.#waiting.length === 0 && !this.isDead) await asking;
    await settled();
  }

  /** For one that waits for something else than the table. */
  sleeps(): void {
    this.#wake();
  }

  /** `lost`: with what it has under way; else that arrives some time. */
  kill(lost: boolean): void {
    this.isDead = true;
    if (lost) this.#waiting.length = 0;
  }

  #nextAsk(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** All that goes on without the table. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

export interface History {
  choices(): readonly string[];
  /** Two histories that have the same go on alike. */
  state(): Promise<string>;
  take(name: string): Promise<void>;
  /** Nothing can happen any more. */
  end(): Promise<void>;
}

/**
 * Every order of what can happen. Where two orders have led to the same (the table's items, and all that each process has
 * been told), what follows is tried once. Each history is begun anew and led to its place. Tells how many states there were.
 */
export async function everyOrder(begin: () => Promise<History>): Promise<number> {
  const seen = new Set<string>();
  const open: (readonly string[])[] = [[]];
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    const history = await begin();
    const taken: string[] = [];
    const take = async (name: string) => {
      taken.push(name);
      await history.take(name);
    };
    for (const name of path) await take(name);
    for (;;) {
      const state = await history.state();
      if (seen.has(state)) break;
      seen.add(state);
      const [next, ...others] = history.choices();
      if (next === undefined) {
        await history.end();
        break;
      }
      for (const other of others) open.push([...taken, other]);
      await take(next);
    }
  }
  return seen.size;
}

/** One order, as the numbers (0 to 1) that are drawn say. */
export async function someOrder(begin: () => Promise<History>, draw: () => number): Promise<void> {
  const history = await begin();
  for (let choices = history.choices(); choices.length > 0; choices = history.choices()) {
    await history.take(choices[Math.floor(draw() * choices.length)]!);
  }
  await history.end();
}
