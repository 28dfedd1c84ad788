import { afterEach, describe } from 'vitest';
import { createDynamoDbStores } from '../../../src/storage/dynamodb/stores.ts';
import { leaseProperties } from '../../contract/lease-properties.ts';
import { storesContract } from '../../contract/stores-contract.ts';
import { dropTables, dynamoDbClient, newTable } from './dynamodb-table.ts';

describe('DynamoDB stores', () => {
  const newStores = async () => {
    const client = dynamoDbClient();
    return createDynamoDbStores({ client, tableName: await newTable(client) });
  };
  afterEach(dropTables);
  storesContract(newStores);
  leaseProperties(newStores, 5);
});
