import type { SourceConnector } from '../../api/connector.ts';
import type { SourceOffset, SourceRecord } from '../../api/record.ts';
import type { SourceTask } from '../../api/task.ts';
import { FencedError, isRetriable, TaskLostError } from '../../errors.ts';
import { messageOf } from '../record/failure.ts';
import type { PluginRun } from '../run/plugin-run.ts';
import type { TaskRun } from '../run/task-run.ts';
import { isInSnapshot, requireWholeSnapshot } from './cut-snapshot.ts';
import { type Piece, pollSplitter } from './poll-pieces.ts';
import type { SourceConversion } from './source-conversion.ts';
import type { Outgoing, SourceDelivery } from './source-delivery.ts';
import { startSource } from './source-start.ts';
import { RecordOffsets } from './submitted-records.ts';

/** Polls are put together into one batch up to this size while earlier ones are still on their way. */
const maxBatchBytes = 512 * 1024;
const maxBatchRecords = 20_000;
/** A topic that takes less than this in a record batch is not to be expected. */
const suspiciousBytes = 1000;
const emptyPollPauseMs = 20;
const firstRetryMs = 300;
const longestRetryMs = 10_000;

/**
 * The story of a record on the source side: poll → transform → convert → produce → acknowledge → commit.
 *
 * A record at fault is where it stops, as in Java: what lies in front of it is produced and committed, whatever the fault
 * is and wherever it is found, and what lies behind it is not.
 *
 * The next poll overlaps with what is being produced. A commit covers only what is acknowledged together with all before
 * it (I3), happens every commit interval and at the end, where the release takes it along if it can (run/last-commit.ts),
 * and presents the fencing token (I2). The loop ends before a
 * poll, never between produce and commit: at its time, at its limits, when the source stays empty for as long as it pays
 * to wait (run/linger.ts; a run that finds nothing at all does not), or when the task is revoked. Its own limits wait for the
 * end of a transaction that the connector draws. Exactly once is another `delivery`, nothing else.
 */
export async function runSource(run: TaskRun, connector: SourceConnector): Promise<void> {
  const { task, conversion, delivery, errors, close } = await startSource(run, connector);
  const gathering: Gathering = { outgoing: null, last: null };
  let failed = true;
  try {
    await pollUntilDone(run, task, conversion, delivery, gathering);
    await delivery.drain();
    await commit(run, task, delivery, true);
    run.report.lag = task.lag?.() ?? null;
    run.bounds.throwIfBroken();
    requireWholeSnapshot(run, gathering.last);
    failed = false;
  } catch (error) {
    // Only a zombie writes nothing more.
    if (error instanceof FencedError) throw error;
    const inFront = await delivery.stop(gathering.outgoing, error).then(
      () => null,
      (other: unknown) => ({ error: other }),
    );
    if (inFront?.error instanceof FencedError) throw inFront.error;
    await run.held.commitNow().catch(() => {});
    await commit(run, task, delivery, false).catch(() => {});
    await errors.deadLetters?.flush().catch(() => {});
    // What fails in front of a fault comes first; a run that goes on anyway says what has interrupted it.
    throw inFront === null || isRetriable(error) ? error : inFront.error;
  } finally {
    await run.held.until(close(failed));
  }
}

/** What is polled and converted, but not submitted yet. */
interface Gathering {
  outgoing: Outgoing | null;
  /** Of the last record that was polled. */
  last: SourceOffset | null;
}

async function pollUntilDone(
  run: TaskRun,
  task: SourceTask,
  conversion: SourceConversion,
  delivery: SourceDelivery,
  gathering: Gathering,
): Promise<void> {
  const { clock } = run.host;
  const { limits, linger } = run;
  let polledRecords = 0;
  let polledBytes = 0;
  /** Since when there has been nothing; null: nothing has come at all. */
  let quietSince: number | null = null;
  let waited = false;
  let emptyPolls = 0;
  let lastCommitAt = clock.now();
  run.bounds.endsWhole(() => !delivery.unfinished);
  const submit = async () => {
    const { outgoing } = gathering;
    gathering.outgoing = null;
    if (outgoing !== null) await delivery.submit(outgoing);
  };
  // A task that was stopped at a record begins with it. What lies behind that may go to other partitions, where nothing
  // would hold it back: it must not be there once more after every restart.
  const split = pollSplitter(delivery.boundaries, delivery.stopsAtRefused && run.startsAnew);
  let first = true;

  while (!run.bounds.ended) {
    const polled = await poll(run, task, delivery.boundaries !== null);
    delivery.throwIfFailed();

    const pieces = polled === null ? [] : split(polled);
    if (pieces.length > 0) {
      run.report.step('polled');
      linger.arrived(clock.now(), waited && quietSince !== null ? clock.now() - quietSince : 0);
      waited = false;
      for (const piece of pieces) {
        gathering.outgoing ??= newOutgoing(delivery, first);
        const { outgoing } = gathering;
        const before = outgoing.batch.bytes;
        await convert(piece, outgoing, conversion, delivery);
        gathering.last = piece.records.at(-1)?.sourceOffset ?? gathering.last;
        polledRecords += piece.records.length;
        polledBytes += outgoing.batch.bytes - before;
        if (piece.behind !== 'gather') await submit();
        if (piece.behind === 'drain') await delivery.drain();
      }
      first = false;
      emptyPolls = 0;
      run.report.step('converted');
      quietSince = clock.now();
    }
    const { outgoing } = gathering;
    if (outgoing !== null && (pieces.length === 0 || delivery.hasRoom || isFull(outgoing))) await submit();
    if (clock.now() - lastCommitAt >= limits.commitIntervalMs) {
      if (limits.stays) run.report.lag = task.lag?.() ?? null;
      await commit(run, task, delivery, false);
      lastCommitAt = clock.now();
    }
    const hasEnough = polledRecords >= limits.maxRecords || polledBytes >= limits.maxBytes;
    if (run.bounds.overdue || hasEnough) run.bounds.endSoon();
    if (pieces.length === 0 && limits.stays) {
      await run.bounds.pause(Math.min(limits.idleFloorMs, emptyPollPauseMs * 2 ** Math.min(emptyPolls++, 16)));
    } else if (pieces.length === 0) {
      const waitMs = quietSince === null ? 0 : linger.waitMs(isBehind(task)) - (clock.now() - quietSince);
      if (waitMs > 0) await run.bounds.pause(Math.min(emptyPollPauseMs, waitMs));
      // A snapshot that pauses, for a query say, has more to come, and another run would begin it anew.
      else if (isInSnapshot(gathering.last)) await run.bounds.pause(emptyPollPauseMs);
      else run.bounds.end('drained');
      waited = true;
    }
  }
  await submit();
}

/** It has more than it could give just now: an empty poll of such a source says little. */
function isBehind(task: SourceTask): boolean {
  const lag = task.lag?.() ?? null;
  return (lag?.records ?? 0) > 0 || (lag?.seconds ?? 0) > 0;
}

/** Brings the records of one poll, or of a piece of it, into the batch, up to the one that ends the run. */
async function convert(
  piece: Piece,
  outgoing: Outgoing,
  conversion: SourceConversion,
  delivery: SourceDelivery,
): Promise<void> {
  const { batch, offsets } = outgoing;
  const polledBefore = offsets.size;
  const converted = await conversion.convert(piece.records, batch, offsets);
  if (delivery.keepsRecords) outgoing.polls.push(converted);
  // A broker may find them too large, some day: then all in front is to be committed.
  if (batch.longest > suspiciousBytes) offsets.refine(polledBefore, converted.records, converted.dropped);
  outgoing.records += converted.records.length - converted.marks;
  outgoing.boundary = piece.boundary;
  if (converted.failure !== null) throw converted.failure.error;
  offsets.endPoll();
  outgoing.ends.push({ appended: batch.size, polled: offsets.size });
}

function newOutgoing(delivery: SourceDelivery, exact: boolean): Outgoing {
  const offsets = new RecordOffsets(exact);
  return { batch: delivery.newBatch(), offsets, polls: [], ends: [], records: 0, boundary: null };
}

function isFull({ batch, records }: Outgoing): boolean {
  return batch.bytes >= maxBatchBytes || records >= maxBatchRecords;
}

/** Null when there is nothing now; an empty poll may end a transaction all the same. What the plugin calls retriable is tried again while the run lasts. */
async function poll(run: PluginRun, task: SourceTask, keepsEmpty: boolean): Promise<SourceRecord[] | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      const polled = await run.bounds.guard('poll', task.poll());
      return polled === null || (polled.length === 0 && !keepsEmpty) ? null : polled;
    } catch (error) {
      if (!isRetriable(error) || error instanceof TaskLostError || run.bounds.tainted) throw error;
      const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** (attempt - 1));
      run.report.emit('task.retry', { step: 'poll', attempt, delayMs, error: messageOf(error) });
      if (!(await run.bounds.pause(delayMs))) throw error;
    }
  }
}

/**
 * Offsets first, then the task's own `commit`; that one's failure is logged, as in Java: the offsets are durable. At the end of
 * an orderly run it is called all the same, as in Java: what an earlier run had no time to tell (it died behind the table's write)
 * the task may tell now, and what it does by the way, or could not do at once the last time, is done.
 */
async function commit(run: TaskRun, task: SourceTask, delivery: SourceDelivery, final: boolean): Promise<void> {
  const committed = await delivery.commitOffsets(final);
  if (task.commit === undefined || !(committed || final)) return;
  try {
    await run.bounds.guard('commit', task.commit());
  } catch (error) {
    if (run.bounds.tainted) throw error;
    run.report.emit('source.commit-hook-failed', { error: messageOf(error) });
  }
}
