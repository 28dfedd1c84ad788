import { randomUUID } from 'node:crypto';
import type { Stores } from '../stores.ts';
import { DynamoDbClusterStore } from './cluster-store.ts';
import { DynamoDbConfigBackingStore } from './config-store.ts';
import { DynamoDbDueIndex } from './due-index.ts';
import { DynamoDbGenerationStore } from './generation-store.ts';
import { DynamoDbLeaseStore } from './lease-store.ts';
import { DynamoDbOffsetBackingStore } from './offset-store.ts';
import { DynamoDbStatusBackingStore } from './status-store.ts';
import { TableClient, type TableClientOptions } from './table-client.ts';

export interface DynamoDbStoresOptions extends TableClientOptions {
  /** Never the same twice; default: a random UUID. */
  readonly newNonce?: () => string;
}

/** The stores over one table, with one client. */
export function createDynamoDbStores(options: DynamoDbStoresOptions): Stores {
  const table = new TableClient(options);
  const newNonce = options.newNonce ?? randomUUID;
  const leases = new DynamoDbLeaseStore(table, newNonce);
  return {
    config: new DynamoDbConfigBackingStore(table, newNonce),
    generations: new DynamoDbGenerationStore(table),
    offsets: new DynamoDbOffsetBackingStore(table, newNonce),
    status: new DynamoDbStatusBackingStore(table, leases),
    leases,
    due: new DynamoDbDueIndex(table),
    cluster: new DynamoDbClusterStore(table),
  };
}
