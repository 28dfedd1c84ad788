import type { Stores } from '../stores.ts';
import { DynamoDbClusterStore } from './cluster-store.ts';
import { DynamoDbConfigBackingStore } from './config-store.ts';
import { DynamoDbDeclarationStore } from './declaration-store.ts';
import { DynamoDbDueIndex } from './due-index.ts';
import { DynamoDbFeedStore } from './feed-store.ts';
import { DynamoDbGenerationStore } from './generation-store.ts';
import { DynamoDbLeaseStore } from './lease-store.ts';
import { DynamoDbOffsetBackingStore } from './offset-store.ts';
import { DynamoDbStatusBackingStore } from './status-store.ts';
import type { TableClient } from './table-client.ts';

/** All stores over one table. `newNonce` never gives the same twice. */
export function storesOver(table: TableClient, newNonce: () => string): Stores {
  const leases = new DynamoDbLeaseStore(table, newNonce);
  return {
    config: new DynamoDbConfigBackingStore(table, newNonce),
    generations: new DynamoDbGenerationStore(table),
    offsets: new DynamoDbOffsetBackingStore(table, leases, newNonce),
    status: new DynamoDbStatusBackingStore(table, leases),
    leases,
    due: new DynamoDbDueIndex(table),
    feeds: new DynamoDbFeedStore(table),
    declarations: new DynamoDbDeclarationStore(table),
    cluster: new DynamoDbClusterStore(table),
  };
}
