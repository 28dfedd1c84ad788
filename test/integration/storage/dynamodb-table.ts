import { DeleteTableCommand, type DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { newDynamoDbClient } from '../../../src/storage/dynamodb/aws-table-client.ts';
import { createTable } from '../../../src/storage/dynamodb/create-table.ts';
import { dynamoDbEndpoint } from '../../support/service-addresses.ts';

/** A function's client, for the emulator's tables. */
export function dynamoDbClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return newDynamoDbClient({
    endpoint: dynamoDbEndpoint(),
    region: 'eu-central-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    ...config,
  });
}

let tables = 0;
const created: { client: DynamoDBClient; tableName: string }[] = [];

/** A table of its own for one test. */
export async function newTable(client: DynamoDBClient): Promise<string> {
  const tableName = `drover-test-${process.pid}-${Date.now()}-${++tables}`;
  await createTable(client, tableName, { stream: false });
  created.push({ client, tableName });
  return tableName;
}

/** The emulator holds its tables in memory. */
export async function dropTables(): Promise<void> {
  for (const { client, tableName } of created.splice(0))
    await client.send(new DeleteTableCommand({ TableName: tableName }));
}
