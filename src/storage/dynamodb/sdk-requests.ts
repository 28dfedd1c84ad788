import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  GetItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  maxAttempts,
  type TableOperation,
  type TableOperations,
  type TableRequests,
  timeouts,
} from './table-requests.ts';

const commands = {
  BatchGetItem: BatchGetItemCommand,
  BatchWriteItem: BatchWriteItemCommand,
  GetItem: GetItemCommand,
  Query: QueryCommand,
  TransactWriteItems: TransactWriteItemsCommand,
  UpdateItem: UpdateItemCommand,
};

/**
 * By the AWS SDK: every way to credentials and endpoints that there is. What it costs beside the lean way is in
 * test/bench/results/small-runs.md.
 */
export class SdkRequests implements TableRequests {
  readonly #client: DynamoDBClient;

  constructor(client: DynamoDBClient = newDynamoDbClient()) {
    this.#client = client;
  }

  send<Operation extends TableOperation>(
    operation: Operation,
    input: TableOperations[Operation]['input'],
  ): Promise<TableOperations[Operation]['output']> {
    // Of six commands each takes its own input, which the compiler cannot follow through the table.
    const Command = commands[operation] as new (input: unknown) => Parameters<DynamoDBClient['send']>[0];
    return this.#client.send(new Command(input)) as Promise<TableOperations[Operation]['output']>;
  }

  destroy(): void {
    this.#client.destroy();
  }
}

/** A run's requests are alike: its handlers, which the SDK would make anew for each, are kept. */
export function newDynamoDbClient(config?: DynamoDBClientConfig): DynamoDBClient {
  const client = new DynamoDBClient({
    retryMode: 'adaptive',
    maxAttempts,
    requestHandler: { ...timeouts, throwOnRequestTimeout: true },
    cacheMiddleware: true,
    ...config,
  });
  // Without a logger it would copy each request and answer for nobody.
  if (config?.logger === undefined) client.middlewareStack.remove('loggerMiddleware');
  return client;
}
