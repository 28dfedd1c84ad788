import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { ConnectError } from '../../src/errors.ts';
import { producerSettings } from '../../src/kafka/client-settings.ts';
import { type Codecs, loadCodecs } from '../../src/kafka/codecs.ts';
import { Delivery } from '../../src/kafka/delivery.ts';
import { RecordColumns } from '../../src/kafka/outgoing-batch.ts';
import { type Chunk, ChunkEncoder, PartitionQueue } from '../../src/kafka/partition-queue.ts';

let codecs: Codecs;
beforeAll(async () => {
  codecs = await loadCodecs();
});

const refused = new ConnectError('test.refused', 'refused');

/** A queue that holds one delivery of this many records, small enough batches that there are several chunks. */
function queueOf(records: number, stops = false) {
  const settings = producerSettings('test', { 'batch.size': '1024' });
  const encoder = new ChunkEncoder(codecs, settings, false);
  encoder.identity = { producerId: 7n, epoch: 0 };
  const queue = new PartitionQueue('topic', 0, settings, encoder);
  const columns = new RecordColumns();
  for (let index = 0; index < records; index++) columns.append('topic', 0, null, 'x'.repeat(100), 1, null);
  const delivery = new Delivery(columns, Number.POSITIVE_INFINITY, 0, stops);
  queue.add({ delivery, indices: Array.from({ length: records }, (_, index) => index), next: 0 });
  return { queue, delivery };
}

const sequenceOf = ({ encoded }: Chunk) => encoded!.bytes.readInt32BE(53);
const sizeOf = ({ from, to }: Chunk) => to - from;

describe('the queue of a partition', () => {
  it('numbers its chunks one behind the other', () => {
    const { queue } = queueOf(40);
    let next = 0;
    while (!queue.isEmpty) {
      const chunk = queue.take(1);
      expect(sequenceOf(chunk)).toBe(next);
      next += sizeOf(chunk);
    }
    expect(next).toBe(40);
  });

  it('gives a chunk back before those behind it, under the same number', () => {
    const { queue } = queueOf(40);
    const [first, second] = [queue.take(1), queue.take(1)];
    queue.inFlight = 1;
    queue.requeue(second);
    queue.requeue(first);
    expect(queue.closed).toBe(true);
    expect(queue.isBehindAnother(second)).toBe(true);
    expect(queue.isBehindAnother(first)).toBe(false);
    queue.inFlight = 0;
    queue.reopen();
    expect(queue.closed).toBe(false);
    expect(queue.take(1)).toBe(first);
    expect(queue.take(1)).toBe(second);
    expect(sequenceOf(second)).toBe(sizeOf(first));
  });

  it('knows when numbers were given out for what is taken out of it', () => {
    const { queue, delivery } = queueOf(40);
    expect(queueOf(40).queue.remove(delivery)).toBe(false);
    queue.requeue(queue.take(1));
    expect(queue.remove(delivery)).toBe(true);
    expect(queue.isEmpty).toBe(true);
  });

  it('whatever is acknowledged, refused, halved or sent again, the broker sees no gap in the numbers', async () => {
    const judgement = fc.constantFrom('acknowledged', 'again', 'dropped', 'some dropped', 'halved');
    await fc.assert(
      fc.asyncProperty(
        fc.array(judgement, { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        async (script, width) => {
          const { queue, delivery } = queueOf(60);
          const verdicts = script.values();
          let accepted = 0;
          while (!queue.isEmpty) {
            const flying: Chunk[] = [];
            while (!queue.isEmpty && flying.length < width) flying.push(queue.take(1));
            queue.inFlight = flying.length;
            let failed = false;
            for (const chunk of flying) {
              queue.inFlight--;
              const verdict = verdicts.next().value ?? 'acknowledged';
              // As a broker does it: behind a failed chunk nothing is in order.
              if (failed) queue.requeue(chunk);
              else if (verdict === 'acknowledged') {
                expect(sequenceOf(chunk)).toBe(accepted);
                queue.acknowledge(chunk, accepted);
                accepted += sizeOf(chunk);
              } else {
                failed = true;
                const count = sizeOf(chunk);
                if (verdict === 'again') queue.requeue(chunk);
                else if (verdict === 'halved' && count > 1) queue.halve(chunk);
                else if (verdict === 'some dropped' && count > 1) queue.dropSome(chunk, new Map([[0, null]]), refused);
                else queue.drop(chunk, refused);
              }
            }
            queue.reopen();
          }
          delivery.settleIfDone();
          const outcome = await delivery.outcome;
          const offsets = Array.from({ length: 60 }, (_, index) => outcome.offsetOf(index)?.offset);
          const landed = offsets.filter((offset) => offset !== undefined);
          expect(landed).toEqual(Array.from({ length: accepted }, (_, offset) => offset));
          expect(outcome.failures.size).toBe(60 - accepted);
        },
      ),
    );
  });

  it('of a send that stops: what lies in front of the refused record is acknowledged, nothing behind it', async () => {
    const judgement = fc.constantFrom('acknowledged', 'again', 'refused', 'some refused', 'halved');
    await fc.assert(
      fc.asyncProperty(
        fc.array(judgement, { maxLength: 40 }),
        fc.integer({ min: 1, max: 5 }),
        async (script, width) => {
          const { queue, delivery } = queueOf(60, true);
          const verdicts = script.values();
          let accepted = 0;
          while (!queue.isEmpty) {
            const flying: Chunk[] = [];
            while (!queue.isEmpty && flying.length < width) flying.push(queue.take(1));
            queue.inFlight = flying.length;
            let failed = false;
            for (const chunk of flying) {
              queue.inFlight--;
              const verdict = verdicts.next().value ?? 'acknowledged';
              const count = sizeOf(chunk);
              if (failed) queue.requeue(chunk);
              else if (verdict === 'acknowledged') {
                expect(sequenceOf(chunk)).toBe(accepted);
                queue.acknowledge(chunk, accepted);
                accepted += count;
              } else {
                failed = true;
                if (verdict === 'again') queue.requeue(chunk);
                else if (verdict === 'halved' && count > 1) queue.halve(chunk);
                else if (verdict === 'some refused' && count > 1) {
                  queue.dropSome(chunk, new Map([[count >> 1, null]]), refused);
                } else queue.drop(chunk, refused);
              }
              if (delivery.stopsAt !== null) queue.cutAt(delivery.stopsAt);
            }
            queue.reopen();
          }
          delivery.settleIfDone();
          const { failures, offsetOf, stopped } = await delivery.outcome;
          const offsets = Array.from({ length: 60 }, (_, index) => offsetOf(index)?.offset);
          expect(offsets).toEqual(offsets.map((_, index) => (index < accepted ? index : undefined)));
          if (failures.size === 0) expect([accepted, stopped]).toEqual([60, null]);
          else expect([Math.min(...failures.keys()), stopped]).toEqual([accepted, { cause: refused }]);
        },
      ),
    );
  });

  it('cut at a record of another send keeps what came before that send, and nothing that came after it', () => {
    for (const order of [-1, 1]) {
      const { queue, delivery } = queueOf(40, true);
      queue.requeue(queue.take(1));
      queue.take(1);
      expect(queue.cutAt({ order, index: 3 }).every((cut) => cut === delivery)).toBe(true);
      expect(queue.isEmpty).toBe(order < 0);
    }
  });

  it('starts over from zero under a new identity', () => {
    const { queue } = queueOf(40);
    const [first, second] = [queue.take(1), queue.take(1)];
    queue.acknowledge(first, 0);
    queue.requeue(second);
    queue.startOver();
    expect(queue.established).toBe(false);
    expect(sequenceOf(queue.take(1))).toBe(0);
    expect(sequenceOf(queue.take(1))).toBe(sizeOf(second));
  });
});
