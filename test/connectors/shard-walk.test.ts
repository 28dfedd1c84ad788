import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ShardStart, ShardWalk } from '../../connectors/shard-walk.ts';
import { MemoryShards, refusal } from '../support/memory-shards.ts';

const newStream = (options = {}) => new MemoryShards<string>({ sequenceNumberOf: (record) => record, ...options });

function newWalk(stream: MemoryShards<string>, starts: Record<string, ShardStart> = {}) {
  const clock = { now: 0 };
  const ending = new AbortController();
  const walk = new ShardWalk(stream, {
    starts: async (shards) => shards.map((shard) => starts[shard] ?? { at: 'TRIM_HORIZON' }),
    emptyPauseMs: 250,
    throttledPauseMs: 1000,
    signal: ending.signal,
    now: () => clock.now,
  });
  const drain = async () => {
    const all: string[] = [];
    for (;;) {
      const batches = await walk.next();
      if (batches.length === 0) return all;
      all.push(...batches.flatMap(({ records }) => records));
    }
  };
  return { walk, drain, clock, ending };
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => String(from + at));

describe('ShardWalk', () => {
  test('reads a parent to its end before its children, and finds those that appear meanwhile', async () => {
    const stream = newStream();
    stream.add('a', numbers(0, 25));
    const { drain, clock } = newWalk(stream);
    expect(await drain()).toEqual(numbers(0, 25));
    stream.add('a', numbers(25, 30));
    stream.end('a');
    stream.add('b', numbers(30, 33), ['a']);
    stream.add('c', numbers(40, 43), ['a']);
    clock.now += 250;
    const rest = await drain();
    expect(rest.slice(0, 5)).toEqual(numbers(25, 30));
    expect(rest.slice(5).sort()).toEqual([...numbers(30, 33), ...numbers(40, 43)]);
  });

  test('a merged shard waits for both parents, one of them gone is enough', async () => {
    const stream = newStream();
    stream.add('a', numbers(0, 3));
    stream.add('b', numbers(10, 12));
    stream.add('ab', numbers(20, 22), ['a', 'b']);
    stream.end('a');
    const { drain, clock } = newWalk(stream);
    expect((await drain()).sort()).toEqual([...numbers(0, 3), ...numbers(10, 12)].sort());
    stream.end('b');
    clock.now += 250;
    expect(await drain()).toEqual(numbers(20, 22));

    stream.forget('a');
    expect((await newWalk(stream).drain()).sort()).toEqual([...numbers(10, 12), ...numbers(20, 22)]);
  });

  test('begins each shard where it is told', async () => {
    const stream = newStream();
    stream.add('a', numbers(0, 5));
    stream.add('b', numbers(10, 15));
    const { drain } = newWalk(stream, {
      a: { at: 'AFTER_SEQUENCE_NUMBER', sequenceNumber: '2' },
      b: { at: 'AT_SEQUENCE_NUMBER', sequenceNumber: '13' },
    });
    expect((await drain()).sort()).toEqual(['13', '14', '3', '4']);
  });

  test.each([true, false])('goes on through empty pages (the stream tells how far behind: %s)', async (tellsBehind) => {
    const stream = newStream({ emptyPages: 20, tellsBehind });
    stream.add('a', numbers(0, 5));
    expect(await newWalk(stream).drain()).toEqual(numbers(0, 5));
  });

  test('leaves a shard alone that has nothing new, and asks again after the pause', async () => {
    const stream = newStream({ tellsBehind: true });
    stream.add('a');
    const { walk, clock } = newWalk(stream);
    await walk.next();
    await walk.next();
    expect(stream.reads).toHaveLength(1);
    clock.now += 250;
    await walk.next();
    expect(stream.reads).toHaveLength(2);
  });

  test('an iterator that has expired is had anew behind what was read', async () => {
    const stream = newStream({ pageRecords: 3 });
    stream.add('a', numbers(0, 3));
    const { walk, drain, clock } = newWalk(stream);
    expect((await walk.next()).flatMap(({ records }) => records)).toEqual(numbers(0, 3));
    stream.add('a', numbers(3, 6));
    stream.failures.push(refusal('ExpiredIteratorException'));
    clock.now += 250;
    expect(await drain()).toEqual(numbers(3, 6));
  });

  test('what was let go between its iterator and its read is asked for anew, and where that is refused it is told', async () => {
    const stream = newStream();
    stream.add('a', numbers(0, 5));
    const { walk, drain, clock } = newWalk(stream, { a: { at: 'AFTER_SEQUENCE_NUMBER', sequenceNumber: '1' } });
    stream.failures.push(refusal('TrimmedDataAccessException'));
    expect(await drain()).toEqual([]);
    clock.now += 250;
    expect(await drain()).toEqual(numbers(2, 5));
    stream.trim('a', 5);
    stream.failures.push(refusal('TrimmedDataAccessException'));
    clock.now += 250;
    expect(await drain()).toEqual([]);
    clock.now += 250;
    await expect(walk.next()).rejects.toThrow('TrimmedDataAccessException');
  });

  test('a shard that is throttled waits, the others do not', async () => {
    const stream = newStream();
    stream.add('a', numbers(0, 2));
    stream.add('b', numbers(10, 12));
    stream.failures.push(refusal('ProvisionedThroughputExceededException'));
    const { drain, clock } = newWalk(stream);
    expect(await drain()).toEqual(numbers(10, 12));
    clock.now += 999;
    expect(await drain()).toEqual([]);
    clock.now += 1;
    expect(await drain()).toEqual(numbers(0, 2));
  });

  test('what was read is given back before what failed beside it is told', async () => {
    const stream = newStream();
    stream.add('a', numbers(0, 2));
    stream.add('b', numbers(10, 12));
    stream.failures.push(refusal('AccessDeniedException'));
    const { walk } = newWalk(stream);
    expect((await walk.next()).flatMap(({ records }) => records)).toEqual(numbers(10, 12));
    await expect(walk.next()).rejects.toThrow('AccessDeniedException');
  });

  test('a shard that is let go while it is read has ended; one that is still listed has failed', async () => {
    const stream = newStream();
    stream.add('a', numbers(0, 3));
    stream.add('b', numbers(10, 12), ['a']);
    const { walk, drain, clock } = newWalk(stream);
    expect(await drain()).toEqual(numbers(0, 3));
    stream.forget('a');
    clock.now += 250;
    expect(await drain()).toEqual(numbers(10, 12));
    stream.failures.push(refusal('ResourceNotFoundException'));
    clock.now += 250;
    await expect(walk.next()).rejects.toThrow('ResourceNotFoundException');
  });

  test('an aborted read is no failure', async () => {
    const stream = newStream();
    stream.add('a', numbers(0, 2));
    const { walk, ending } = newWalk(stream);
    ending.abort();
    stream.failures.push(refusal('AbortError'));
    expect(await walk.next()).toEqual([]);
  });

  test('I3: whatever is split and merged, every record comes once, in the order of its lineage', async () => {
    const step = fc.record({
      kind: fc.constantFrom('add', 'split', 'merge', 'read'),
      which: fc.nat(),
      size: fc.nat(25),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const stream = newStream({ pageRecords: 7 });
        const open = ['s0'];
        const ancestors = new Map<string, readonly string[]>([['s0', []]]);
        const seen: string[] = [];
        const written = new Map<string, string[]>([['s0', []]]);
        let shards = 1;
        stream.add('s0');
        const { drain, clock } = newWalk(stream);
        const child = (parents: readonly string[]) => {
          const id = `s${shards++}`;
          for (const parent of parents) {
            stream.end(parent);
            open.splice(open.indexOf(parent), 1);
          }
          stream.add(id, [], parents);
          written.set(id, []);
          ancestors.set(
            id,
            parents.flatMap((parent) => [parent, ...(ancestors.get(parent) ?? [])]),
          );
          return id;
        };
        for (const { kind, which, size } of steps) {
          const shard = open[which % open.length]!;
          if (kind === 'add') {
            const known = written.get(shard)!;
            const more = numbers(known.length, known.length + size).map((number) => `${shard}:${number}`);
            known.push(...more);
            stream.add(shard, more);
          } else if (kind === 'split') {
            const left = child([shard]);
            const right = `s${shards++}`;
            stream.add(right, [], [shard]);
            written.set(right, []);
            ancestors.set(right, ancestors.get(left)!);
            open.push(left, right);
          } else if (kind === 'merge' && open.length > 1) {
            const other = open.find((one) => one !== shard)!;
            open.push(child([shard, other]));
          } else if (kind === 'read') {
            clock.now += 250;
            seen.push(...(await drain()));
          }
        }
        for (let round = 0; round < shards + 2; round++) {
          clock.now += 250;
          seen.push(...(await drain()));
        }
        expect([...seen].sort()).toEqual([...written.values()].flat().sort());
        const firstAt = new Map<string, number>();
        const lastAt = new Map<string, number>();
        seen.forEach((record, at) => {
          const shard = record.split(':')[0]!;
          if (!firstAt.has(shard)) firstAt.set(shard, at);
          lastAt.set(shard, at);
        });
        for (const [shard, records] of written) {
          expect(seen.filter((record) => record.startsWith(`${shard}:`))).toEqual(records);
          for (const ancestor of ancestors.get(shard)!) {
            if (!firstAt.has(shard) || !lastAt.has(ancestor)) continue;
            expect(lastAt.get(ancestor)!).toBeLessThan(firstAt.get(shard)!);
          }
        }
      }),
      { numRuns: 150 },
    );
  });
});
