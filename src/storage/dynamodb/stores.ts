import { randomUUID } from 'node:crypto';
import type { Stores } from '../stores.ts';
import { AwsTableClient, type AwsTableClientOptions } from './aws-table-client.ts';
import { storesOver } from './stores-over.ts';

export interface DynamoDbStoresOptions extends AwsTableClientOptions {
  /** Never the same twice; default: a random UUID. */
  readonly newNonce?: () => string;
}

/** The stores over one table, with one way to it. */
export function createDynamoDbStores(options: DynamoDbStoresOptions): Stores {
  return storesOver(new AwsTableClient(options), options.newNonce ?? randomUUID);
}
