import { storesOver } from '../dynamodb/stores-over.ts';
import { readStreamRecord } from '../dynamodb/stream.ts';
import type { Stores } from '../stores.ts';
import type { TableChange } from '../table-change.ts';
import { MemoryTableClient } from './memory-table-client.ts';

export interface MemoryStoresOptions {
  /** The table's stream, read into items: called in order, before the write returns. */
  readonly onChange?: (change: TableChange) => void;
  /** Items a page. */
  readonly pageSize?: number;
}

/** The stores over a table in memory: same code, same conditions, nothing to start. For tests. */
export function createMemoryStores(options: MemoryStoresOptions = {}): Stores {
  let nonces = 0;
  const table = new MemoryTableClient({
    ...(options.pageSize === undefined ? {} : { pageSize: options.pageSize }),
    onChange: (record) => {
      const change = readStreamRecord(record);
      if (change !== undefined) options.onChange?.(change);
    },
  });
  return storesOver(table, () => `nonce-${++nonces}`);
}
