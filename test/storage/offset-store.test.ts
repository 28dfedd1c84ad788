import { describe, expect, it } from 'vitest';
import { storesOver } from '../../src/storage/dynamodb/stores-over.ts';
import { MemoryTableClient } from '../../src/storage/memory/memory-table-client.ts';
import { sourceOffsetEntry } from '../../src/storage/source-offset-text.ts';
import { type Fate, MortalTable } from '../support/mortal-table.ts';

const now = 1_700_000_000_000;
/** More than three transactions of the table take. */
const partitions = 250;

let nonces = 0;
const table = new MemoryTableClient();
const whole = storesOver(table, () => `nonce-${++nonces}`);

async function leased(connector: string) {
  await whole.config.createConnector(connector, 'source', {}, 'STARTED', now);
  const turn = await whole.leases.acquireConnector(connector, 'turn', now, now + 60_000);
  if (!turn.granted) throw new Error(turn.reason);
  await whole.generations.putTasks(turn.lease, 1, [{ task: 0, config: {}, assignment: [], positions: [] }], now);
  const run = await whole.leases.acquireTask(connector, 0, 'run', now, now + 60_000);
  if (!run.granted) throw new Error(run.reason);
  return run.lease;
}

function dying(fate: Fate) {
  const mortal = new MortalTable(table, fate);
  return { mortal, stores: storesOver(mortal, () => `mortal-${++nonces}`) };
}

describe('a commit that takes several transactions', () => {
  it.each([1, 2, 3])('I4: killed after number %i, it has not forgotten the tail with offsets missing', async (n) => {
    const connector = `many-${n}`;
    const lease = await leased(connector);
    const tail = [{ topic: 'offsets', kafkaPartition: 0, offset: 7n }];
    await whole.offsets.commitSourceOffsets(lease, [], {}, tail);
    const entries = Array.from({ length: partitions }, (_, p) => sourceOffsetEntry({ p }, { at: 1 }));
    const { mortal, stores } = dying({ atRequest: n, before: false });
    void stores.offsets.commitSourceOffsets(lease, entries, {}, []);
    await mortal.death;
    const found = await whole.offsets.readSourceOffsets(
      connector,
      entries.map(({ key }) => key),
    );
    const { positions } = (await whole.config.getTask(connector, 0))!;
    expect(found.size).toBe(Math.min(partitions, n * 99));
    expect(positions).toEqual(found.size === partitions ? {} : { offsets: { '0': 7n } });
  });
});
