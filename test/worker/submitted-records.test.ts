import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordOffsets, type SubmittedBatch, SubmittedRecords } from '../../src/worker/submitted-records.ts';

function offsetsOf(...notes: [partition: string, offset: number][]): RecordOffsets {
  const offsets = new RecordOffsets();
  for (const [partition, position] of notes) offsets.note({ file: partition }, { position });
  return offsets;
}

function taken(submitted: SubmittedRecords): Record<string, unknown> | null {
  const safe = submitted.takeCommittable();
  if (safe === null) return null;
  return Object.fromEntries(
    Array.from(safe.offsets.values(), ({ partition, offset }) => [partition.file, offset.position]),
  );
}

describe('SubmittedRecords', () => {
  it('I3: commits nothing before the first acknowledgement', () => {
    const submitted = new SubmittedRecords();
    submitted.submit(offsetsOf(['a', 1]), 1, 10);
    expect(taken(submitted)).toBeNull();
  });

  it('I3: holds later batches back until the one before is acknowledged', () => {
    const submitted = new SubmittedRecords();
    const first = submitted.submit(offsetsOf(['a', 1], ['a', 2]), 2, 10);
    const second = submitted.submit(offsetsOf(['a', 3]), 1, 10);
    second.acknowledged = true;
    expect(taken(submitted)).toBeNull();
    first.acknowledged = true;
    expect(taken(submitted)).toEqual({ a: 3 });
    expect(taken(submitted)).toBeNull();
  });

  it('takes the last offset of each source partition, whether or not it is the same object', () => {
    const submitted = new SubmittedRecords();
    const same = { file: 'a' };
    const offsets = new RecordOffsets();
    offsets.note(same, { position: 1 });
    offsets.note({ file: 'b' }, { position: 7 });
    offsets.note(same, { position: 2 });
    offsets.note({ file: 'a' }, { position: 3 });
    submitted.submit(offsets, 4, 40).acknowledged = true;
    expect(taken(submitted)).toEqual({ a: 3, b: 7 });
  });

  it('finds partitions of the same content whatever the order of their keys and the width of their numbers', () => {
    const offsets = new RecordOffsets();
    offsets.note({ a: 1, b: 'x' }, { position: 1 });
    offsets.note({ b: 'x', a: 1n }, { position: 2 });
    expect([...offsets.entries()]).toHaveLength(1);
  });

  it('counts what it gives out', () => {
    const submitted = new SubmittedRecords();
    submitted.submit(offsetsOf(['a', 1]), 3, 30).acknowledged = true;
    submitted.submit(offsetsOf(['a', 2]), 4, 40).acknowledged = true;
    submitted.submit(offsetsOf(['a', 3]), 5, 50);
    expect(submitted.takeCommittable()).toMatchObject({ records: 7, bytes: 70 });
    expect(submitted.size).toBe(1);
  });

  it('I3: in any order of acknowledgements, never passes a batch that is not acknowledged and in the end takes all', () => {
    const batches = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(batches, fc.infiniteStream(fc.nat(100)), (partitions, choices) => {
        const submitted = new SubmittedRecords();
        const all = partitions.map((partition, i) => submitted.submit(offsetsOf([partition, i]), 1, 1));
        const committed = new Map<string, number>();
        const waiting: SubmittedBatch[] = [...all];
        while (waiting.length > 0) {
          waiting.splice((choices.next().value as number) % waiting.length, 1)[0]!.acknowledged = true;
          for (const [partition, position] of Object.entries(taken(submitted) ?? {})) {
            committed.set(partition, position as number);
            const unacknowledged = all.findIndex((batch) => !batch.acknowledged);
            expect(unacknowledged === -1 || (position as number) < unacknowledged).toBe(true);
          }
        }
        const last = new Map(partitions.map((partition, i) => [partition, i]));
        expect(committed).toEqual(last);
      }),
    );
  });
});
