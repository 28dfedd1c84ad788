import type { SinkConnector } from '../../api/connector.ts';
import type { SinkRecord } from '../../api/record.ts';
import type { CommitOccasion, Positions, SinkCommit, SinkTask } from '../../api/task.ts';
import { policyText } from '../../config/reset-policy.ts';
import { ConfigError, ConnectError, FencedError, isRetriable, RetriableError, TaskLostError } from '../../errors.ts';
import { isMissingTopic } from '../../kafka/errors.ts';
import type { FetchedPartition } from '../../kafka/types.ts';
import { messageOf } from '../record/failure.ts';
import type { TaskRun } from '../run/task-run.ts';
import type { BatchEnd, FetchedRecords, PutBatch } from './sink-conversion.ts';
import type { PartitionPosition } from './sink-positions.ts';
import { putFailure, type StartedSink, startSink } from './sink-start.ts';
import { resetPolicy, resetTo, safeOffset, startAnew } from './sink-start-positions.ts';

const pausedWaitMs = 100;
/** What a fetch of a run that stays waits for records. */
const stayingFetchMs = 1000;
/** What a fetch takes without waiting for records. */
const fetchMs = 5;
/** Behind a put that takes longer the next one does not begin before the run has looked at its clock. */
const quickPutMs = 200;
const firstRetryMs = 300;
const longestRetryMs = 10_000;
/** What Kafka does not answer is asked again soon: a run should notice that a broker is back. */
const longestFetchRetryMs = 2_000;
const maxAttempts = 6;

interface Arrived {
  readonly records: FetchedRecords[];
  /** Some position moves on, if only over control records. */
  readonly news: boolean;
  /** What a partition failed with that may pass. */
  readonly error: unknown;
  /** Some partition goes on from elsewhere than was fetched, so that an empty response says nothing. */
  readonly moved: boolean;
}

/**
 * The story of a record on the sink side: fetch → convert → transform → put → pre-commit → commit.
 *
 * The next fetch overlaps with conversion and puts, and a put that works elsewhere with the next conversion and with what
 * the task prepares of it. A position is committed only for what was put and then pre-committed by the task, dead letters
 * acknowledged (I5), under the fencing token (I2): every commit interval, whenever the task asks, once the topics are
 * drained, and at the end. What the task keeps beside a position is committed with it.
 */
export async function runSink(run: TaskRun, connector: SinkConnector): Promise<void> {
  const sink = await startSink(run, connector);
  let failed = true;
  try {
    await fetchUntilDone(run, sink);
    await commit(run, sink, lastOccasion(run, sink), true);
    // Only now: the task has flushed what it had of the topic that is no more.
    const madeAgain = sink.positions.all.filter(({ lost }) => lost === 'made-again');
    if (madeAgain.length > 0) await startAnew(run, sink.admin, sink.group, madeAgain);
    if (sink.positions.hasUnsavedStates) await commitStates(run, sink);
    await sink.groupCopy.end();
    run.bounds.throwIfBroken();
    failed = false;
  } catch (error) {
    // What was put before is worth keeping, unless the task could not even flush or a newer run has taken over.
    if (!(error instanceof FencedError) && !run.bounds.tainted) {
      await run.held.commitNow().catch(() => {});
      await commit(run, sink, 'backlog').catch(() => {});
      // As in Java the record that ends the run is reported too.
      await sink.errors.deadLetters?.flush().catch(() => {});
    }
    throw error;
  } finally {
    run.report.leavesOpen = sink.positions.hasStates;
    await run.held.until(sink.close(failed));
  }
}

async function fetchUntilDone(run: TaskRun, sink: StartedSink): Promise<void> {
  const { clock } = run.host;
  const { limits, linger } = run;
  const { positions, requests, conversion } = sink;
  let lastRecordAt = Number.NEGATIVE_INFINITY;
  let lastCommitAt = clock.now();
  let failures = 0;
  let waitedMs = 0;
  let isQuick = true;
  const isCommitDue = () => clock.now() - lastCommitAt >= limits.commitIntervalMs || requests.commit;
  const commitNow = async () => {
    if (!positions.hasUncommitted) return;
    requests.commit = false;
    await commit(run, sink, 'interval');
    lastCommitAt = clock.now();
  };
  if (positions.all.length === 0) run.bounds.end('drained');
  let fetching = run.bounds.ended ? null : fetchNext(run, sink, 0);

  while (!run.bounds.ended) {
    const askedAt = clock.now();
    const fetched = fetching === null ? [] : await fetching;
    fetching = null;
    waitedMs += clock.now() - askedAt;
    const arrived = await takeUp(run, sink, fetched);
    // While other partitions have news, one in trouble holds nobody back: it is asked for again with the next fetch.
    if (arrived.error !== null && !arrived.news) {
      if (++failures >= maxAttempts) throw arrived.error;
      await pauseBeforeRetry(run, 'fetch', failures, arrived.error, null);
    } else {
      failures = 0;
    }

    const { news } = arrived;
    if (news) {
      lastRecordAt = clock.now();
      linger.arrived(lastRecordAt, waitedMs > fetchMs ? waitedMs : 0);
      waitedMs = 0;
      await run.report.activeTopics(new Set(arrived.records.map(({ position }) => position.topic)));
    }
    const asks = !news && sink.task.hearsOfNothing === true && arrived.error === null && !run.bounds.ended;
    const turned = asks && (await putNothing(run, sink));
    const drainedFor = clock.now() - lastRecordAt;
    const lingerMs = limits.stays ? stayingFetchMs : lastRecordAt === Number.NEGATIVE_INFINITY ? 0 : linger.waitMs();
    const waitMs = news || limits.stays ? lingerMs : Math.max(0, lingerMs - drainedFor);
    // One that stays ends for what its task wants to be called for by a time, which the next run does first.
    const mayEnd = !limits.stays || (run.report.wakeAt !== null && clock.now() >= run.report.wakeAt);
    const isOver =
      mayEnd &&
      !news &&
      arrived.error === null &&
      !arrived.moved &&
      !turned &&
      (limits.stays || drainedFor >= lingerMs);
    if (!run.bounds.ended && !isOver) fetching = fetchNext(run, sink, waitMs);
    fetching?.catch(() => {});

    const batches = conversion.convert(arrived.records);
    let following = batches.next();
    for (;;) {
      const { value: batch, done } = await following;
      if (done) break;
      run.report.step('converted');
      run.report.bytes = conversion.bytes;
      const putAt = clock.now();
      const delivering = deliver(run, sink, batch);
      // A put that is under way elsewhere leaves this process the time to convert what comes behind it.
      if (conversion.looksAhead) {
        const goesOn = isQuick && !isCommitDue() && !run.bounds.ended;
        following = goesOn ? nextPrepared(batches, sink.task) : batches.next();
      }
      following.catch(() => {});
      await delivering;
      isQuick = clock.now() - putAt < quickPutMs;
      run.report.records += batch.records.length;
      if (sink.task.isPutting === true) continue;
      if (isCommitDue()) await commitNow();
      if (run.bounds.ended) break;
      if (!conversion.looksAhead) following = batches.next();
    }
    // The last one goes with the release.
    if (limits.stays) run.report.lag = lagOf(sink);
    if (!news && !(isOver && mayHold(sink))) await commitNow();
    if (run.report.records >= limits.maxRecords || run.report.bytes >= limits.maxBytes) run.bounds.end('backlog');
    if (isOver) run.bounds.end('drained');
  }
  run.report.lag = lagOf(sink);
}

async function nextPrepared(
  batches: AsyncIterator<PutBatch, void>,
  task: SinkTask,
): Promise<IteratorResult<PutBatch, void>> {
  const next = await batches.next();
  if (!next.done && next.value.records.length > 0) task.prepare?.(next.value.records);
  return next;
}

/** Null-safe for the loop: rejects only with what ends the run. */
async function fetchNext(run: TaskRun, sink: StartedSink, maxWaitMs: number): Promise<FetchedPartition[]> {
  const wanted = sink.positions.fetchable();
  if (wanted.length === 0) {
    // All paused: give the task time to resume them.
    await run.bounds.pause(Math.max(maxWaitMs, pausedWaitMs));
    return [];
  }
  try {
    return await sink.fetcher.fetch(
      wanted,
      { ...sink.fetchOptions, maxWaitMs: Math.ceil(maxWaitMs) },
      run.bounds.ending,
    );
  } catch (error) {
    if (run.bounds.ended) return [];
    if (!isRetriable(error)) throw error;
    return wanted.map(({ topic, partition, topicId }) => ({
      topic,
      partition,
      topicId: topicId ?? null,
      highWatermark: -1,
      lastStableOffset: -1,
      error: error as Error,
      cursor: null,
    }));
  }
}

/**
 * What of a response is still wanted: a partition that was rewound or paused since the fetch began is left out. The
 * next fetch may start at once behind the others. Out-of-range offsets are reset by policy; where the topic is gone or
 * another one, this run reads it no more; another retriable error of any partition is told, others end the run.
 */
async function takeUp(run: TaskRun, sink: StartedSink, fetched: readonly FetchedPartition[]): Promise<Arrived> {
  const records: FetchedRecords[] = [];
  let problem: unknown = null;
  let moved = false;
  let news = false;
  const lost = fetched.filter(({ error }) => isMissingTopic(error));
  if (lost.length > 0) await lookFor(run, sink, lost);
  for (const { topic, partition, highWatermark, cursor, error } of fetched) {
    const position = sink.positions.find(topic, partition);
    if (position === undefined || position.paused || position.lost !== null) continue;
    if (error !== null) {
      if (error instanceof ConnectError && error.code === 'kafka.offset_out_of_range') {
        await resetPosition(run, sink, position);
        moved = true;
      } else if (isRetriable(error)) {
        problem = error;
      } else {
        throw error;
      }
      continue;
    }
    position.highWatermark = highWatermark;
    if (cursor === null) continue;
    if (cursor.nextOffset === position.fetchFrom) {
      records.push({ cursor, position });
      position.fetchFrom = cursor.endOffset;
      news ||= position.fetchFrom > position.delivered;
    } else {
      moved = true;
    }
  }
  return { records, news, error: problem, moved };
}

/** What became of partitions that the fetch did not find; those that are there after all are for the next one. */
async function lookFor(run: TaskRun, sink: StartedSink, missing: readonly FetchedPartition[]): Promise<void> {
  const described = await sink.admin.describeTopics([...new Set(missing.map(({ topic }) => topic))]);
  const topics = new Map(described.map((one) => [one.topic, one]));
  for (const { topic, partition } of missing) {
    const position = sink.positions.find(topic, partition);
    if (position === undefined || position.lost !== null) continue;
    const now = topics.get(topic);
    if (now === undefined || partition >= now.partitions) {
      position.lost = 'gone';
      run.report.topicsChanged = true;
      run.report.emit('sink.topic-missing', { topic, kafkaPartition: partition });
    } else if (position.topicId !== null && now.topicId !== position.topicId) {
      position.lost = 'made-again';
      run.report.topicsChanged = true;
      // The task itself begins anew too, as Java's does with a partition that is given to it once more.
      run.bounds.end('backlog');
    }
  }
}

async function resetPosition(run: TaskRun, sink: StartedSink, position: PartitionPosition): Promise<void> {
  const policy = resetPolicy(run.config);
  const from = position.fetchFrom;
  const [found] = await resetTo(policy, sink.admin, [position]);
  if (found === undefined) return;
  position.seek(safeOffset(found.offset));
  const { topic, partition: kafkaPartition } = position;
  const facts = { topic, kafkaPartition, madeAgain: false, from, to: position.fetchFrom, policy: policyText(policy) };
  run.report.emit('sink.position-reset', facts);
  run.noteChange({ reason: 'out-of-range', topic, kafkaPartition, from: BigInt(from), to: found.offset });
}

/** Puts one batch, repeating what the task calls retriable, and moves the delivered positions behind it. */
async function deliver(run: TaskRun, sink: StartedSink, batch: PutBatch): Promise<void> {
  let { records } = batch;
  const isVoid = ({ position, rewinds }: BatchEnd) => position.rewinds !== rewinds;
  // What is on its way to the target already is put as it is.
  const stands = sink.task.isPutting === true;
  // Converted ahead of the put in which the task has paused it: it is read again once it is resumed.
  for (const { position, rewinds } of stands ? [] : batch.ends)
    if (position.paused && position.rewinds === rewinds) position.seek(position.delivered);
  if (!stands && batch.ends.some(isVoid)) {
    // The task rewound a partition while an earlier batch was put: its records will be fetched again from there.
    const rewound = new Set(batch.ends.filter(isVoid).map(({ position }) => position));
    records = records.filter(
      (record) => !rewound.has(sink.positions.find(record.originalTopic, record.originalKafkaPartition)!),
    );
  }
  if (records.length > 0) await put(run, sink, records);
  run.report.step('put');
  for (const end of batch.ends) if (!isVoid(end)) end.position.delivered = end.next;
}

async function put(run: TaskRun, sink: StartedSink, records: SinkRecord[]): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await run.bounds.guard('put', sink.task.put(records));
      return;
    } catch (error) {
      if (run.bounds.tainted || error instanceof FencedError || error instanceof TaskLostError) throw error;
      if (isRetriable(error)) {
        if (attempt >= maxAttempts) throw error;
        await pauseBeforeRetry(run, 'put', attempt, error, sink.requests.timeoutMs);
        sink.requests.timeoutMs = null;
        continue;
      }
      if (!sink.bisects || error instanceof ConfigError) {
        throw new ConnectError('task.put_failed', 'Exiting WorkerSinkTask due to unrecoverable exception.', {
          cause: error,
        });
      }
      return bisect(run, sink, records, error);
    }
  }
}

/** Whether the task has made use of the call: resumed what it had paused, or gone back. */
async function putNothing(run: TaskRun, sink: StartedSink): Promise<boolean> {
  const standing = () => sink.positions.all.map(({ paused, rewinds }) => `${rewinds} ${paused}`).join();
  const before = standing();
  await put(run, sink, []);
  return standing() !== before;
}

/** Halves the batch until the records at fault stand alone; they are reported and skipped, the others are put. */
async function bisect(run: TaskRun, sink: StartedSink, records: SinkRecord[], error: unknown): Promise<void> {
  if (records.length === 1) {
    sink.errors.fail(putFailure(run, sink.conversion, records[0]!, error));
    return;
  }
  const middle = records.length >> 1;
  await put(run, sink, records.slice(0, middle));
  await put(run, sink, records.slice(middle));
}

async function pauseBeforeRetry(
  run: TaskRun,
  step: string,
  attempt: number,
  error: unknown,
  wantedMs: number | null,
): Promise<void> {
  const longest = step === 'fetch' ? longestFetchRetryMs : longestRetryMs;
  const delayMs = wantedMs ?? Math.min(longest, firstRetryMs * 2 ** (attempt - 1));
  run.report.emit('task.retry', { step, attempt, delayMs, error: messageOf(error) });
  if (!(await run.bounds.pause(delayMs))) throw error;
}

/** A topic that is gone, or another one, is as good as taken away. */
function lastOccasion(run: TaskRun, sink: StartedSink): CommitOccasion {
  return sink.positions.all.some(({ lost }) => lost !== null) ? 'revoked' : run.bounds.endReason;
}

/** Nobody waits to hear of its last commit, and nothing has to be written behind it. */
function mayHold({ task, positions }: StartedSink): boolean {
  return task.committed === undefined && positions.all.every(({ lost }) => lost === null);
}

/**
 * Pre-commit, dead letters, table, the task's own end of it, group; in this order (I5). At the end of a run, unless the
 * task has an end of its own, the group comes before the table, which is written with the release: until then nobody else
 * runs, and what stands in the group bears the mark that lets the table decide.
 */
async function commit(run: TaskRun, sink: StartedSink, occasion: CommitOccasion, final = false): Promise<void> {
  // A state may be due though no record has come.
  if (!sink.positions.hasUncommitted && (occasion === 'interval' || !sink.positions.hasStates)) return;
  const startedAt = run.host.clock.now();
  sink.groupCopy.look();
  const answer = await preCommit(run, sink, occasion);
  if (answer.states !== undefined) sink.positions.takeStates(answer.states);
  run.report.wakeAt = answer.wakeAt ?? null;
  const committable = sink.positions.committable(answer.positions);
  await sink.errors.deadLetters?.flush();
  // Of a topic that is gone nothing is committed, but what the task had of it is to be finished.
  const isLost = sink.positions.all.some(({ lost }) => lost !== null) && answer.states !== undefined;
  if (committable.positions.length === 0 && !isLost) return;
  run.report.step('pre-committed');
  const done = () => {
    run.report.commits++;
    run.report.step('committed');
  };
  const tell = () =>
    run.report.emit('sink.committed', {
      records: run.report.records,
      topicPartitions: committable.positions.length,
      durationMs: run.host.clock.now() - startedAt,
    });
  if (final && mayHold(sink)) {
    run.holdPositions(committable.positions, () => {
      done();
      tell();
    });
    committable.apply();
    await sink.groupCopy.copy(committable.positions);
    return;
  }
  await run.commitPositions(committable.positions, run.progress());
  committable.apply();
  done();
  const changed = await run.bounds.guard('committed', sink.task.committed?.() ?? null);
  if (changed !== null) sink.positions.takeStates(changed);
  await sink.groupCopy.copy(committable.positions);
  tell();
}

/** What `committed` has changed of the states is stored beside the positions that are there already. */
async function commitStates(run: TaskRun, sink: StartedSink): Promise<void> {
  const { positions, apply } = sink.positions.committable(new Map());
  await run.commitPositions(positions, run.progress());
  apply();
  run.report.step('states-committed');
  await run.bounds.guard('committed', sink.task.committed?.() ?? null);
}

async function preCommit(run: TaskRun, sink: StartedSink, occasion: CommitOccasion): Promise<SinkCommit> {
  const { task, positions } = sink;
  const delivered = positions.delivered();
  try {
    if (task.preCommit !== undefined) {
      const answer: Positions | SinkCommit = await run.bounds.guard<Positions | SinkCommit>(
        'preCommit',
        task.preCommit(delivered, occasion),
      );
      return answer instanceof Map ? { positions: answer } : answer;
    }
    if (task.flush !== undefined) await run.bounds.guard('flush', task.flush(delivered));
    return { positions: delivered };
  } catch (cause) {
    // What it is set up with is wrong, and no repetition mends that.
    if (run.bounds.tainted || cause instanceof ConfigError) throw cause;
    run.report.emit('sink.commit-refused', { error: messageOf(cause) });
    // As in Java a failed flush sends the task back to its last committed positions: that is where the next run begins.
    throw new RetriableError(`Commit of ${run.about.connector}-${run.about.task} failed: ${messageOf(cause)}`, {
      cause,
    });
  }
}

function lagOf(sink: StartedSink): { records: number } | null {
  const records = sink.positions.lag();
  return records === null ? null : { records };
}
