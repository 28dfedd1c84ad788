import {
  CreateTableCommand,
  type CreateTableCommandInput,
  type DynamoDBClient,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { tableDefinition } from './table.ts';

/** The request that creates the table as tableDefinition says: for tests and for machines without CloudFormation. */
function createTableInput(tableName: string): CreateTableCommandInput {
  const { partitionKey, sortKey, stream, indexes } = tableDefinition;
  const keys = [
    partitionKey,
    sortKey,
    ...Object.values(indexes).flatMap((index) => [index.partitionKey, index.sortKey]),
  ];
  const types = new Map(keys.map(({ name, type }) => [name as string, type]));
  const schema = (hash: { name: string }, range: { name: string }) => [
    { AttributeName: hash.name, KeyType: 'HASH' as const },
    { AttributeName: range.name, KeyType: 'RANGE' as const },
  ];
  return {
    TableName: tableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [...types].map(([name, type]) => ({ AttributeName: name, AttributeType: type })),
    KeySchema: schema(partitionKey, sortKey),
    GlobalSecondaryIndexes: Object.entries(indexes).map(([name, index]) => ({
      IndexName: name,
      KeySchema: schema(index.partitionKey, index.sortKey),
      Projection: {
        ProjectionType: index.projection.type,
        ...('attributes' in index.projection ? { NonKeyAttributes: [...index.projection.attributes] } : {}),
      },
    })),
    StreamSpecification: { StreamEnabled: true, StreamViewType: stream },
  };
}

/** `stream: false` where nobody reads it: it costs an emulator time and memory. */
export async function createTable(
  client: DynamoDBClient,
  tableName: string,
  options: { readonly stream?: boolean } = {},
): Promise<void> {
  const { StreamSpecification, ...input } = createTableInput(tableName);
  const stream = options.stream === false ? {} : { StreamSpecification };
  await client.send(new CreateTableCommand({ ...input, ...stream }));
  await waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 0.1, maxDelay: 1 }, { TableName: tableName });
}
