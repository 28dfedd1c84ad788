import type { TableOperation, TableOperations, TableRequests } from '../../src/storage/dynamodb/table-requests.ts';

/** The same requests, each shown to `watch` with its answer when it is there. */
export class WatchedRequests implements TableRequests {
  readonly #requests: TableRequests;
  readonly #watch: (operation: TableOperation, answer: unknown) => void;
  readonly #more: Readonly<Record<string, unknown>>;

  /** `more`: asked for with every request. */
  constructor(
    requests: TableRequests,
    watch: (operation: TableOperation, answer: unknown) => void,
    more: Readonly<Record<string, unknown>> = {},
  ) {
    this.#requests = requests;
    this.#watch = watch;
    this.#more = more;
  }

  async send<Operation extends TableOperation>(
    operation: Operation,
    input: TableOperations[Operation]['input'],
  ): Promise<TableOperations[Operation]['output']> {
    const answer = await this.#requests.send(operation, { ...input, ...this.#more });
    this.#watch(operation, answer);
    return answer;
  }

  destroy(): void {
    this.#requests.destroy();
  }
}
