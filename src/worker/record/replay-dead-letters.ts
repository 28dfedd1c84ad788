import { settingsWithPrefix } from '../../config/parse-config.ts';
import { ConnectError, FencedError, isRetriable, traceOf } from '../../errors.ts';
import { isMissingTopic } from '../../kafka/errors.ts';
import type {
  Fetcher,
  FetchPosition,
  KafkaAdmin,
  KafkaClient,
  KafkaHeader,
  OutgoingBatch,
  RecordCursor,
} from '../../kafka/types.ts';
import type { ConnectorItem, OffsetsByPartition, ReplayProgress, ReplayRequest } from '../../storage/items.ts';
import type { Lease } from '../../storage/lease-store.ts';
import { resolveSettings } from '../config-providers.ts';
import { requireAllowed } from '../run/require-allowed.ts';
import type { RunHost } from '../run/run-host.ts';
import { retryDueAt } from '../run/run-limits.ts';
import { contextPrefix, deadLetterTarget } from './dead-letter-queue.ts';
import { messageOf } from './failure.ts';

/** The connector's own run, which this is a part of. */
export interface ReplayRun {
  readonly host: RunHost;
  readonly item: ConnectorItem;
  readonly lease: Lease;
  readonly endsAt: number;
}

/** A letter on its way back. Its bytes lie in the fetched response. */
interface Letter {
  readonly topic: string;
  /** Where it was read from; null: the partitioner decides. */
  readonly kafkaPartition: number | null;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly timestamp: number | null;
  readonly headers: readonly KafkaHeader[];
}

const fetchOptions = {
  maxWaitMs: 500,
  minBytes: 1,
  maxBytes: 1 << 20,
  maxPartitionBytes: 1 << 20,
  isolationLevel: 'read_committed',
} as const;

/**
 * Puts dead letters back where they came from, if that was asked for:
 *
 *   positions in the table ── fetch ── produce, acknowledged by all ── positions behind it, fenced ── … ── the end as of
 *                                                                                                    the start: done
 *
 * A run that dies between the last two repeats what it produced, and none skips a letter. Returns when the rest is due:
 * at once when the run ends before the replay does, later after an error that may pass, null when there is no rest. An
 * error that will not pass ends the replay, in front of the letter at fault, and leaves the connector alone.
 */
export async function replayDeadLetters(run: ReplayRun): Promise<number | null> {
  const { host, item, lease, endsAt } = run;
  const request = item.replayRequest;
  if (request === null || (item.replay?.request === request.number && item.replay.doneAt !== null)) return null;
  const ended = new AbortController();
  const cut = new AbortController();
  host.clock.sleep(Math.max(0, endsAt - host.clock.now()), ended.signal).then(
    () => cut.abort(),
    () => {},
  );
  const replay = new Replay(run, request, cut.signal);
  try {
    const done = await replay.carryOut();
    if (item.type === 'sink' && replay.progress.replayed > 0) await wakeTasks(run);
    return done ? null : host.clock.now();
  } catch (error) {
    if (error instanceof FencedError) throw error;
    const now = host.clock.now();
    if (cut.signal.aborted) return now;
    const nextDueAt = isRetriable(error) ? retryDueAt(1, now) : null;
    const trace = host.telemetry.secrets.mask(traceOf(error));
    const retriable = nextDueAt !== null;
    host.telemetry.emit('run.failed', { connector: item.name, error: messageOf(error), trace, retriable, nextDueAt });
    if (!retriable) {
      const reason = host.telemetry.secrets.mask(messageOf(error));
      await host.stores.generations.putReplay(lease, { ...replay.progress, doneAt: now, error: reason });
    }
    return nextDueAt;
  } finally {
    ended.abort();
  }
}

/** An idle sink would find what was put back only with the next probe. */
async function wakeTasks({ host, item }: ReplayRun): Promise<void> {
  const { config } = host.stores;
  const tasks = await config.getTasks(item.name);
  await Promise.all(tasks.map(({ task }) => config.markTaskDue(item.name, task, host.clock.now())));
}

class Replay {
  readonly #run: ReplayRun;
  readonly #request: ReplayRequest;
  readonly #cut: AbortSignal;
  readonly #partitionCounts = new Map<string, number>();
  progress: ReplayProgress;

  constructor(run: ReplayRun, request: ReplayRequest, cut: AbortSignal) {
    this.#run = run;
    this.#request = request;
    this.#cut = cut;
    const before = run.item.replay;
    this.progress =
      before?.request === request.number
        ? before
        : {
            request: request.number,
            topic: before?.topic ?? '',
            topicId: before?.topicId ?? null,
            ends: {},
            next: before?.next ?? {},
            nextUnnamed: before?.nextUnnamed ?? {},
            doneAt: null,
            replayed: 0,
            left: 0,
            others: 0,
            error: null,
          };
  }

  /** False: there is more, for another run. */
  async carryOut(): Promise<boolean> {
    const { host, item, lease, endsAt } = this.#run;
    const config = await resolveSettings(item.config, host.configProviders, host.telemetry.secrets);
    await requireAllowed(host.settings, item.type, config);
    const queue = deadLetterTarget(config, item.type);
    if (queue === null) {
      throw new ConnectError('replay.no_queue', `Connector ${item.name} has no dead letter queue any more`);
    }
    const kafka = await host.kafka();
    if (item.replay?.request !== this.#request.number) {
      await this.#begin(kafka.admin, queue.topic);
      // Kept before anything is produced: a letter that comes back must not be taken for one that was there.
      if ((await host.stores.generations.putReplay(lease, this.progress)).changed) return false;
    }
    const fetcher = await kafka.fetcher();
    const producer = await kafka.producer({ ...settingsWithPrefix(config, 'producer.override.'), acks: 'all' });
    try {
      for (;;) {
        const behind = this.#behind();
        if (behind.length === 0) break;
        if (host.clock.now() >= endsAt) return false;
        const batch = producer.newBatch();
        const progress = await this.#read(kafka, fetcher, behind, batch);
        if (batch.size > 0) {
          const { failures } = await producer.send(batch, this.#cut);
          for (const cause of failures.values()) {
            throw new ConnectError('replay.refused', `A dead letter was refused: ${messageOf(cause)}`, { cause });
          }
        }
        host.onStep?.('letters-produced');
        this.progress = progress;
        if ((await host.stores.generations.putReplay(lease, progress)).changed) return false;
        host.onStep?.('replay-kept');
      }
    } finally {
      await Promise.all([fetcher.close(), producer.close()]);
    }
    const { topic, replayed, left } = this.progress;
    await host.stores.generations.putReplay(lease, { ...this.progress, doneAt: host.clock.now() });
    host.telemetry.emit('connector.replayed', { connector: item.name, topic, records: replayed, left });
    return true;
  }

  /** Takes down where the queue ends now, and brings the positions into what it holds. */
  async #begin(admin: KafkaAdmin, topic: string): Promise<void> {
    const [found] = await admin.describeTopics([topic]);
    const { topicId = null } = this.progress;
    const isSame = this.progress.topic === topic && (topicId === null || topicId === (found?.topicId ?? topicId));
    const before = isSame ? this.progress : { next: {}, nextUnnamed: {} };
    const all = Array.from({ length: found?.partitions ?? 0 }, (_, partition) => ({ topic, partition }));
    const ends = all.length === 0 ? undefined : (await admin.endOffsets(all, 'read_committed')).get(topic);
    const begins = all.length === 0 ? undefined : (await admin.beginningOffsets(all)).get(topic);
    const offsets = (of: (partition: number, begin: number, end: number) => number) =>
      Object.fromEntries(
        all.map(({ partition }) => [
          partition,
          of(partition, Number(begins?.get(partition) ?? 0n), Number(ends?.get(partition) ?? 0n)),
        ]),
      );
    const within = (positions: OffsetsByPartition) =>
      offsets((partition, begin, end) => {
        const position = positions[partition] ?? begin;
        // Behind the end: the topic was made again, where ids are not known.
        return position > end ? begin : Math.max(begin, position);
      });
    this.progress = {
      ...this.progress,
      topic,
      topicId: found?.topicId ?? null,
      ends: offsets((_partition, _begin, end) => end),
      next: within(before.next),
      nextUnnamed: within(before.nextUnnamed),
    };
  }

  #behind(): FetchPosition[] {
    const { topic, topicId = null, ends } = this.progress;
    return Object.entries(ends)
      .map(([partition, end]) => ({ topic, topicId, partition: Number(partition), offset: this.#from(partition), end }))
      .filter(({ offset, end }) => offset < end);
  }

  #from(partition: string): number {
    const next = this.progress.next[partition] ?? 0;
    return this.#request.target === null ? next : Math.min(next, this.progress.nextUnnamed[partition] ?? 0);
  }

  /** Fetches once and fills the batch. Returns the progress that holds once the batch is acknowledged. */
  async #read(
    { admin }: KafkaClient,
    fetcher: Fetcher,
    behind: readonly FetchPosition[],
    batch: OutgoingBatch,
  ): Promise<ReplayProgress> {
    const next: Record<string, number> = { ...this.progress.next };
    const nextUnnamed: Record<string, number> = { ...this.progress.nextUnnamed };
    const counts = { left: this.progress.left, others: this.progress.others };
    const letters: Letter[] = [];
    for (const { topic, partition, error, cursor } of await fetcher.fetch(behind, fetchOptions, this.#cut)) {
      const end = this.progress.ends[partition] ?? 0;
      let upTo = this.#from(String(partition));
      if (error instanceof ConnectError && error.code === 'kafka.offset_out_of_range') {
        // Retention was faster.
        const begins = await admin.beginningOffsets([{ topic, partition }]);
        const begin = Number(begins.get(topic)?.get(partition) ?? 0n);
        upTo = begin > upTo ? Math.min(begin, end) : end;
      } else if (error !== null) {
        throw await this.#orMadeAgain(admin, error);
      } else if (cursor !== null) {
        while (cursor.next() && cursor.offset < end) this.#take(cursor, letters, counts);
        upTo = Math.min(cursor.nextOffset, end);
      }
      next[partition] = Math.max(next[partition] ?? 0, upTo);
      if (this.#request.target !== null) nextUnnamed[partition] = Math.max(nextUnnamed[partition] ?? 0, upTo);
    }
    for (const { topic, kafkaPartition, key, value, timestamp, headers } of letters) {
      const partition = kafkaPartition !== null && kafkaPartition < (await this.#partitions(admin, topic));
      batch.append(topic, partition ? kafkaPartition : null, key, value, timestamp, headers);
    }
    return { ...this.progress, ...counts, next, nextUnnamed, replayed: this.progress.replayed + letters.length };
  }

  /** What the replay began with is no more: what is in its place now is for a replay of its own. */
  async #orMadeAgain(admin: KafkaAdmin, error: Error): Promise<Error> {
    const { topic, topicId = null } = this.progress;
    if (topicId === null || !isMissingTopic(error)) return error;
    const [found] = await admin.describeTopics([topic]);
    if (found?.topicId === topicId) return error;
    return new ConnectError(
      'replay.topic_gone',
      `The dead letter topic '${topic}' was deleted${found === undefined ? '' : ' and made again'} under its replay`,
    );
  }

  #take(cursor: RecordCursor, letters: Letter[], counts: { left: number; others: number }): void {
    const { item } = this.#run;
    const headers = cursor.headers();
    // The last one of a name: a dead letter of a dead letter has two.
    const said = (name: string) => {
      const value = headers.findLast(({ key }) => key === contextPrefix + name)?.value;
      return value === undefined || value === null ? null : Buffer.from(value).toString();
    };
    const isNew = cursor.offset >= (this.progress.next[cursor.partition] ?? 0);
    const owner = said('connector.name');
    if (owner !== null && owner !== item.name) {
      if (isNew) counts.others++;
      return;
    }
    // What a source could not convert is not in the form of its topic: only a target says where it may go.
    const home = item.type === 'sink' ? said('topic') : null;
    const { target } = this.#request;
    if (home === null && target === null) {
      if (isNew) counts.left++;
      return;
    }
    const isWanted = home === null ? cursor.offset >= (this.progress.nextUnnamed[cursor.partition] ?? 0) : isNew;
    if (!isWanted) return;
    const bytes = (start: number, end: number) => (start < 0 ? null : cursor.buffer.subarray(start, end));
    const partition = home === null ? null : said('partition');
    letters.push({
      topic: home ?? (target as string),
      kafkaPartition: partition !== null && /^\d{1,9}$/.test(partition) ? Number(partition) : null,
      key: bytes(cursor.keyStart, cursor.keyEnd),
      value: bytes(cursor.valueStart, cursor.valueEnd),
      timestamp: cursor.timestamp < 0 ? null : cursor.timestamp,
      headers: headers.filter(({ key }) => !key.startsWith(contextPrefix)),
    });
  }

  async #partitions(admin: KafkaAdmin, topic: string): Promise<number> {
    const known = this.#partitionCounts.get(topic);
    if (known !== undefined) return known;
    const [found] = await admin.describeTopics([topic]);
    if (found === undefined) {
      throw new ConnectError(
        'replay.no_topic',
        `Dead letters are to go back to topic '${topic}', which is not there: create it and ask for a replay again`,
      );
    }
    this.#partitionCounts.set(topic, found.partitions);
    return found.partitions;
  }
}
