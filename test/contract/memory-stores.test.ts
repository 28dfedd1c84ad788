import { describe } from 'vitest';
import { createMemoryStores } from '../../src/storage/memory/stores.ts';
import { storesContract } from './stores-contract.ts';

describe('memory stores', () => storesContract(async () => createMemoryStores({ pageSize: 100 })));
