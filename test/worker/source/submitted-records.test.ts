import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordOffsets, type SubmittedBatch, SubmittedRecords } from '../../../src/worker/source/submitted-records.ts';

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

  it('I3: a batch that landed in part is taken record by record, each source partition up to its first gap', () => {
    const submitted = new SubmittedRecords();
    submitted.submit(offsetsOf(['a', 1], ['b', 1]), 2, 20).acknowledged = true;
    const exact = new RecordOffsets(true);
    const [a, b, c] = ['a', 'b', 'c'].map((file) => ({ file }));
    exact.note(a!, { position: 2 });
    exact.noteDropped(b!, { position: 2 });
    exact.note(b!, { position: 3 });
    exact.note(a!, { position: 3 });
    exact.note(b!, { position: 4 });
    exact.note(c!, { position: 1 });
    // Appended: a2, b3, a3, b4, c1.
    submitted.submit(exact, 6, 60).landed = (index) => [0, 1, 3].includes(index);
    submitted.submit(offsetsOf(['a', 4], ['b', 5]), 2, 20).landed = (index) => index === 1;
    submitted.submit(offsetsOf(['d', 1]), 1, 10);
    const rest = submitted.takeRest()!;
    const found = Array.from(rest.offsets.values(), ({ partition, offset }) => [partition.file, offset.position]);
    expect(Object.fromEntries(found)).toEqual({ a: 2, b: 5 });
    expect(rest).toMatchObject({ records: 7, bytes: 20 });
    expect(submitted.size).toBe(0);
    expect(submitted.takeRest()).toBeNull();
  });

  it('I3: of a stretch whose offsets are not known one by one, all or nothing is taken', () => {
    const take = (landed: number, refined: boolean) => {
      const submitted = new SubmittedRecords();
      const offsets = new RecordOffsets();
      const partition = { file: 'a' };
      const polled = Array.from({ length: 6 }, (_, i) => ({
        sourcePartition: partition,
        sourceOffset: { position: i + 1 },
      }));
      for (const { sourceOffset } of polled.slice(0, 3)) offsets.note(partition, sourceOffset);
      offsets.endPoll();
      for (const [i, { sourceOffset }] of polled.slice(3).entries()) {
        if (i === 1) offsets.noteDropped(partition, sourceOffset);
        else offsets.note(partition, sourceOffset);
      }
      if (refined) offsets.refine(3, polled.slice(3), [1]);
      expect(offsets.size).toBe(6);
      submitted.submit(offsets, 6, 60).landed = (index) => index < landed;
      return submitted.takeRest()?.offsets.get('{"file":"a"}')?.offset.position;
    };
    expect([2, 3, 4, 5].map((landed) => take(landed, false))).toEqual([undefined, 3, 3, 6]);
    expect([2, 3, 4, 5].map((landed) => take(landed, true))).toEqual([undefined, 3, 5, 6]);
  });

  it('forgets what lies behind the end of a poll', () => {
    const offsets = new RecordOffsets();
    const partition = { file: 'a' };
    offsets.note(partition, { position: 1 });
    offsets.noteDropped(partition, { position: 2 });
    offsets.endPoll();
    offsets.noteDropped(partition, { position: 3 });
    offsets.note({ file: 'b' }, { position: 1 });
    offsets.truncate(2);
    expect([...offsets.entries()].map(([, { partition: of, offset }]) => [of.file, offset.position])).toEqual([
      ['a', 2],
    ]);
    offsets.note(partition, { position: 4 });
    const safe = { offsets: new Map(), blocked: new Set<string>(), stopped: false };
    expect(offsets.takeLanded((index) => index === 0 || index === 1, safe)).toBe(3);
    expect(safe.offsets.get('{"file":"a"}').offset).toEqual({ position: 4 });
  });

  it('I3: commits in part what a model says that looks at single records, whatever landed', () => {
    const one = fc.record({ source: fc.constantFrom('a', 'b', 'c'), dropped: fc.boolean(), landed: fc.boolean() });
    const batch = fc.record({ records: fc.array(one, { minLength: 1, maxLength: 8 }), acknowledged: fc.boolean() });
    fc.assert(
      fc.property(fc.array(batch, { minLength: 1, maxLength: 5 }), (batches) => {
        const submitted = new SubmittedRecords();
        const expected = new Map<string, number>();
        const blocked = new Set<string>();
        let stopped = false;
        let position = 0;
        for (const { records, acknowledged } of batches) {
          const offsets = new RecordOffsets(true);
          const landed: boolean[] = [];
          for (const { source, dropped, landed: lands } of records) {
            position++;
            if (dropped) offsets.noteDropped({ file: source }, { position });
            else {
              offsets.note({ file: source }, { position });
              landed.push(lands);
            }
            if (!dropped && !lands && !acknowledged) {
              blocked.add(source);
              stopped = true;
            }
            // What was dropped behind the fault is behind it in every source partition.
            if (!blocked.has(source) && !(dropped && stopped)) expected.set(source, position);
          }
          const batchOf = submitted.submit(offsets, records.length, 1);
          batchOf.acknowledged = acknowledged;
          if (!acknowledged) batchOf.landed = (index) => landed[index]!;
        }
        const rest = submitted.takeRest()?.offsets ?? new Map();
        const found = new Map(Array.from(rest.values(), ({ partition, offset }) => [partition.file, offset.position]));
        expect(found).toEqual(expected);
      }),
    );
  });
});
