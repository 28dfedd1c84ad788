import type { SourceConnector } from '../api/connector.ts';
import type { SourceRecord } from '../api/record.ts';
import type { SourceTask } from '../api/task.ts';
import { FencedError, isRetriable } from '../errors.ts';
import { messageOf } from './error-tolerance.ts';
import type { SourceConversion } from './record-conversion.ts';
import type { Outgoing, SourceDelivery } from './source-delivery.ts';
import { startSource } from './source-start.ts';
import { LastOffsets } from './submitted-records.ts';
import type { TaskRun } from './task-run.ts';

/** Polls are put together into one batch up to this size while earlier ones are still on their way. */
const maxBatchBytes = 512 * 1024;
const maxBatchRecords = 20_000;
const emptyPollPauseMs = 20;
const firstRetryMs = 300;
const longestRetryMs = 10_000;

/**
 * The story of a record on the source side: poll → transform → convert → produce → acknowledge → commit.
 *
 * The next poll overlaps with what is being produced. A commit covers only what is acknowledged together with all before
 * it (I3), happens every commit interval and at the end, and presents the fencing token (I2). The loop ends before a
 * poll, never between produce and commit: at its time, at its limits, when the source stays empty for as long as the
 * run lingers (a run that finds nothing at all does not linger), or when the task is revoked. Its own limits wait for the
 * end of a transaction that the connector draws. Exactly once is another `delivery`, nothing else.
 */
export async function runSource(run: TaskRun, connector: SourceConnector): Promise<void> {
  const { task, conversion, delivery, errors, close } = await startSource(run, connector);
  let failed = true;
  try {
    await pollUntilDone(run, task, conversion, delivery);
    await delivery.drain(true);
    await commit(run, task, delivery, true);
    run.lag = task.lag?.() ?? null;
    run.throwIfBroken();
    failed = false;
  } catch (error) {
    // What is acknowledged is worth keeping whatever the error was; only a zombie writes nothing more.
    if (!(error instanceof FencedError)) {
      await delivery.drain(false).catch(() => {});
      await commit(run, task, delivery, false).catch(() => {});
      await errors.deadLetters?.flush().catch(() => {});
    }
    throw error;
  } finally {
    await close(failed);
  }
}

async function pollUntilDone(
  run: TaskRun,
  task: SourceTask,
  conversion: SourceConversion,
  delivery: SourceDelivery,
): Promise<void> {
  const { clock } = run.room;
  const { limits } = run;
  let polledRecords = 0;
  let polledBytes = 0;
  let lastRecordAt = Number.NEGATIVE_INFINITY;
  let lastCommitAt = clock.now();
  let outgoing: Outgoing | null = null;
  run.endsWhole(() => !delivery.unfinished);

  while (!run.ended) {
    const polled = await poll(run, task, delivery.cut !== undefined);
    delivery.throwIfFailed();

    const pieces = polled === null ? [] : (delivery.cut?.(polled) ?? [{ records: polled, boundary: null }]);
    if (pieces.length > 0) {
      run.step('polled');
      for (const piece of pieces) {
        outgoing ??= newOutgoing(delivery);
        const before = outgoing.batch.bytes;
        const converted = await conversion.convert(piece.records, outgoing.batch, outgoing.offsets);
        if (delivery.keepsRecords) outgoing.polls.push(converted);
        outgoing.records += piece.records.length;
        outgoing.boundary = piece.boundary;
        polledRecords += piece.records.length;
        polledBytes += outgoing.batch.bytes - before;
        if (delivery.cut === undefined) continue;
        await delivery.submit(outgoing);
        outgoing = null;
      }
      run.step('converted');
      lastRecordAt = clock.now();
    }
    if (outgoing !== null && (pieces.length === 0 || delivery.hasRoom || isFull(outgoing))) {
      await delivery.submit(outgoing);
      outgoing = null;
    }
    if (clock.now() - lastCommitAt >= limits.commitIntervalMs) {
      await commit(run, task, delivery, false);
      lastCommitAt = clock.now();
    }
    if (run.overdue || polledRecords >= limits.maxRecords || polledBytes >= limits.maxBytes) run.endSoon();
    if (pieces.length === 0) {
      if (clock.now() - lastRecordAt >= limits.lingerMs) run.end('drained');
      else await run.pause(Math.min(emptyPollPauseMs, limits.lingerMs));
    }
  }
  if (outgoing !== null) await delivery.submit(outgoing);
}

function newOutgoing(delivery: SourceDelivery): Outgoing {
  return { batch: delivery.newBatch(), offsets: new LastOffsets(), polls: [], records: 0, boundary: null };
}

function isFull({ batch, records }: Outgoing): boolean {
  return batch.bytes >= maxBatchBytes || records >= maxBatchRecords;
}

/** Null when there is nothing now; an empty poll may end a transaction all the same. What the plugin calls retriable is tried again while the run lasts. */
async function poll(run: TaskRun, task: SourceTask, keepsEmpty: boolean): Promise<SourceRecord[] | null> {
  for (let attempt = 1; ; attempt++) {
    try {
      const polled = await run.guard('poll', task.poll());
      return polled === null || (polled.length === 0 && !keepsEmpty) ? null : polled;
    } catch (error) {
      if (!isRetriable(error) || run.tainted) throw error;
      const delayMs = Math.min(longestRetryMs, firstRetryMs * 2 ** (attempt - 1));
      run.emit('task.retry', { step: 'poll', attempt, delayMs, error: messageOf(error) });
      if (!(await run.pause(delayMs))) throw error;
    }
  }
}

/** Offsets first, then the task's own `commit`; that one's failure is logged, as in Java: the offsets are durable. */
async function commit(run: TaskRun, task: SourceTask, delivery: SourceDelivery, final: boolean): Promise<void> {
  if (!(await delivery.commitOffsets(final))) return;
  if (task.commit === undefined) return;
  try {
    await run.guard('commit', task.commit());
  } catch (error) {
    if (run.tainted) throw error;
    run.emit('source.commit-hook-failed', { error: messageOf(error) });
  }
}
