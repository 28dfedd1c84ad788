import { describe } from 'vitest';
import { createDynamoDbStores } from '../../../src/storage/dynamodb/stores.ts';
import { storesContract } from '../../contract/stores-contract.ts';
import { dynamoDbClient, newTable } from './dynamodb-table.ts';

describe('DynamoDB stores', () => {
  storesContract(async () => {
    const client = dynamoDbClient();
    return createDynamoDbStores({ client, tableName: await newTable(client) });
  });
});
