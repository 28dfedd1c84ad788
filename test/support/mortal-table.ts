import type { TableClient } from '../../src/storage/dynamodb/table-client.ts';

/** When an invocation dies: at its nth request to the table, before or after the request took effect. */
export interface Fate {
  readonly atRequest: number;
  readonly before: boolean;
}

/**
 * A table as one invocation sees it, which can die at any of its requests. What a dead process awaited never comes: not
 * even its `catch` and `finally` run, as under kill -9.
 */
export class MortalTable implements TableClient {
  readonly #table: TableClient;
  readonly #fate: Fate | null;
  #requests = 0;
  #isDead = false;
  #onDeath: () => void = () => {};
  /** Resolves when this invocation dies. */
  readonly death: Promise<void>;

  constructor(table: TableClient, fate: Fate | null) {
    this.#table = table;
    this.#fate = fate;
    this.death = new Promise((resolve) => {
      this.#onDeath = resolve;
    });
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  kill(): void {
    this.#isDead = true;
    this.#onDeath();
  }

  update: TableClient['update'] = (...args) => this.#request(() => this.#table.update(...args));
  transact: TableClient['transact'] = (...args) => this.#request(() => this.#table.transact(...args));
  writeMany: TableClient['writeMany'] = (...args) => this.#request(() => this.#table.writeMany(...args));
  get: TableClient['get'] = (...args) => this.#request(() => this.#table.get(...args));
  getMany: TableClient['getMany'] = (...args) => this.#request(() => this.#table.getMany(...args));
  queryPage: TableClient['queryPage'] = (...args) => this.#request(() => this.#table.queryPage(...args));
  queryIndex: TableClient['queryIndex'] = (...args) => this.#request(() => this.#table.queryIndex(...args));

  async #request<T>(send: () => Promise<T>): Promise<T> {
    if (this.#isDead) return never();
    const dies = ++this.#requests === this.#fate?.atRequest;
    if (dies && this.#fate?.before) {
      this.kill();
      return never();
    }
    try {
      return await send();
    } finally {
      if (dies) this.kill();
      if (this.#isDead) await never();
    }
  }
}

const never = <T>() => new Promise<T>(() => {});
