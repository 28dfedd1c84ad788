import { DeleteTableCommand, type DynamoDBClient, type DynamoDBClientConfig } from '@aws-sdk/client-dynamodb';
import { createTable } from '../../../src/storage/dynamodb/create-table.ts';
import { newDynamoDbClient } from '../../../src/storage/dynamodb/sdk-requests.ts';
import { SignedRequests, type SignedRequestsOptions } from '../../../src/storage/dynamodb/signed-requests.ts';
import { dynamoDbEndpoint } from '../../support/service-addresses.ts';

const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };

/** A function's way to the emulator's tables. */
export function tableRequests(options: Partial<SignedRequestsOptions> = {}): SignedRequests {
  return new SignedRequests({ endpoint: dynamoDbEndpoint(), region, credentials, ...options });
}

/** For what is not asked of a table through the stores. */
export function dynamoDbClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return newDynamoDbClient({
    endpoint: dynamoDbEndpoint(),
    region,
    credentials,
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
