import { describe } from 'vitest';
import { createMemoryStores } from '../../src/storage/memory/stores.ts';
import { leaseProperties } from './lease-properties.ts';
import { storesContract } from './stores-contract.ts';

describe('memory stores', () => {
  storesContract(async () => createMemoryStores({ pageSize: 100 }));
  leaseProperties(async () => createMemoryStores(), 300);
});
