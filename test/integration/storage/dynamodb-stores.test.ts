import { afterEach, describe } from 'vitest';
import { SdkRequests } from '../../../src/storage/dynamodb/sdk-requests.ts';
import { createDynamoDbStores } from '../../../src/storage/dynamodb/stores.ts';
import { leaseProperties } from '../../contract/lease-properties.ts';
import { storesContract } from '../../contract/stores-contract.ts';
import { dropTables, dynamoDbClient, newTable, tableRequests } from './dynamodb-table.ts';

describe.each([
  ['as functions ask', () => tableRequests(), 5],
  ['by the SDK', () => new SdkRequests(dynamoDbClient()), 1],
])('DynamoDB stores, %s', (_, requests, rounds) => {
  const newStores = async () =>
    createDynamoDbStores({ requests: requests(), tableName: await newTable(dynamoDbClient()) });
  afterEach(dropTables);
  storesContract(newStores);
  leaseProperties(newStores, rounds);
});
