import type { ConnectorConfig } from '../api/connector-config.ts';
import type { SourceRecord } from '../api/record.ts';
import type { RecordMetadata, SourceTask, SourceTaskContext } from '../api/task.ts';
import { parseConfig } from '../config/parse-config.ts';
import { javaSourceSettings } from '../config/run-settings.ts';
import type { HostProcess } from './host-process.ts';
import type { JavaSubject } from './java-error.ts';
import { lineTold } from './line-text.ts';
import { offsetsFor } from './offset-answers.ts';
import { BatchReader, type JavaBatch, JavaSourceRecord } from './record-codec.ts';
import { bounded, pause, untilDeadline, type WarmHost } from './warm-host.ts';
import { FrameReader, FrameWriter, frameType } from './wire.ts';

/** What a task may take to stop: behind it nothing waits but the end of the run. */
const stopLimitMs = 2000;
const emptyPollPauseMs = 20;
const mostDelivered = 5000;

interface Running {
  readonly host: HostProcess;
  readonly session: number;
  readonly subject: JavaSubject;
  readonly context: SourceTaskContext;
  readonly settleMs: number;
  readonly startedAt: number;
}

interface Delivered {
  readonly place: number;
  readonly metadata: RecordMetadata | null;
}

/**
 * A source task of Java. Its polls run ahead by one, once one has brought something. Java's polls may wait for long and
 * may come back empty while the plugin's own threads are still fetching: an empty poll is told only when the task has had
 * its time to settle, and a poll that waits longer goes on while the run asks again, or ends.
 */
export class JavaSourceTask implements SourceTask {
  readonly #warm: WarmHost;
  readonly #plugin: JavaSubject;
  readonly #batches = new BatchReader();
  readonly #writer = new FrameWriter();
  #running: Running | null = null;
  #polling: Promise<JavaBatch> | null = null;
  #activeAt = 0;
  #delivered = new Map<number, Delivered[]>();
  #deliveredCount = 0;
  /** Records of each batch that are not told of yet. */
  readonly #open = new Map<number, number>();
  /** Only where the task has one of its own. */
  commitRecord?: (record: SourceRecord, metadata: RecordMetadata | null) => void | Promise<void>;

  constructor(warm: WarmHost, plugin: JavaSubject) {
    this.#warm = warm;
    this.#plugin = plugin;
  }

  async start(config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    const host = await this.#warm.get();
    const taskClass = config['task.class'] ?? null;
    const subject = { className: taskClass ?? this.#plugin.className, location: this.#plugin.location };
    const session = host.open({
      subject,
      answer: async (_question, facts) => offsetsFor(context.offsetStorageReader, facts),
      line: (line) => lineTold(line, context),
    });
    const settleMs = parseConfig(javaSourceSettings, config)['drover.java.settle.ms'];
    this.#running = { host, session, subject, context, settleMs, startedAt: Date.now() };
    this.#activeAt = Date.now();
    const facts = {
      session,
      location: this.#plugin.location,
      class: this.#plugin.className,
      taskClass,
      config,
      transactions: context.transactionContext !== undefined,
    };
    const started = host.call('source.start', facts, subject);
    const answer = await bounded(host, subject, 'start', started, { signal: context.signal });
    if ((answer as { commitRecord: boolean }).commitRecord)
      this.commitRecord = (record, metadata) => this.#note(record, metadata);
    this.#running = { ...this.#running, startedAt: Date.now() };
    this.#activeAt = Date.now();
  }

  async poll(): Promise<SourceRecord[] | null> {
    const running = this.#running!;
    const { context, settleMs, startedAt } = running;
    await this.#tellDelivered();
    for (;;) {
      if (context.signal.aborted) return null;
      this.#polling ??= this.#request(running);
      const patience = Math.max(0, this.#activeAt + settleMs - Date.now());
      const batch = await within(this.#polling, patience, context.signal);
      if (batch === null) return null;
      this.#polling = null;
      const ends = batch.commits || batch.aborts;
      if (batch.records.length > 0 || ends) {
        this.#activeAt = Date.now();
        this.#drawBoundaries(batch);
        if (this.commitRecord !== undefined) this.#open.set(batch.number, batch.records.length);
        this.#polling = this.#request(running);
        return batch.records;
      }
      if (Date.now() - startedAt >= settleMs) return null;
      await pause(emptyPollPauseMs, context.signal);
    }
  }

  /** Rejections wait for whoever asks. */
  #request({ host, session, subject }: Running): Promise<JavaBatch> {
    const work = host
      .request('poll', subject, (id) => this.#writer.begin().int32(session).end(frameType.poll, id))
      .then((payload) => this.#batches.read(new FrameReader(payload)));
    work.catch(() => {});
    return work;
  }

  #drawBoundaries(batch: JavaBatch): void {
    const transaction = this.#running!.context.transactionContext;
    if (transaction === undefined) return;
    for (const record of batch.commitsBehind) transaction.commitTransaction(record);
    for (const record of batch.abortsBehind) transaction.abortTransaction(record);
    if (batch.commits) transaction.commitTransaction();
    if (batch.aborts) transaction.abortTransaction();
  }

  #note(record: SourceRecord, metadata: RecordMetadata | null): void | Promise<void> {
    if (!(record instanceof JavaSourceRecord)) return;
    let of = this.#delivered.get(record.batch);
    if (of === undefined) {
      of = [];
      this.#delivered.set(record.batch, of);
    }
    of.push({ place: record.place, metadata });
    if (++this.#deliveredCount >= mostDelivered) return this.#tellDelivered();
  }

  /** Many in one frame, in the order in which they were acknowledged. */
  async #tellDelivered(): Promise<void> {
    if (this.#deliveredCount === 0) return;
    const { host, session, subject, context } = this.#running!;
    const delivered = this.#delivered;
    this.#delivered = new Map();
    this.#deliveredCount = 0;
    const work = host.request('commitRecord', subject, (id) => {
      const out = this.#writer.begin().int32(session);
      for (const [batch, records] of delivered) {
        const left = (this.#open.get(batch) ?? 0) - records.length;
        if (left > 0) this.#open.set(batch, left);
        else this.#open.delete(batch);
        out
          .int32(batch)
          .byte(left > 0 ? 0 : 1)
          .uint(records.length);
        for (const { place, metadata } of records) {
          out.uint(place);
          if (metadata === null) out.byte(0);
          else {
            out.byte(1).text(metadata.topic).int32(metadata.partition);
            out.int64(metadata.offset ?? -1).int64(metadata.timestamp ?? -1);
          }
        }
      }
      return out.end(frameType.delivered, id);
    });
    await bounded(host, subject, 'commitRecord', work, untilDeadline(context));
  }

  async commit(): Promise<void> {
    await this.#tellDelivered();
    const { host, session, subject, context } = this.#running!;
    const work = host.call('source.commit', { session }, subject);
    await bounded(host, subject, 'commit', work, untilDeadline(context));
  }

  /** A task that does not come back from its poll or its `stop` is told in the log, and its JVM ended; the run is not at fault. */
  async stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    const { host, session, subject, context } = running;
    try {
      if (!host.alive) return;
      await this.#tellDelivered().catch(() => {});
      const work = host.call('source.stop', { session }, subject);
      await bounded(host, subject, 'stop', work, { limitMs: stopLimitMs });
    } catch (error) {
      context.warn(`${error instanceof Error ? error.message : String(error)}`);
    } finally {
      host.close(session);
      this.#running = null;
    }
  }
}

/** Null when the time is over, or the run. */
async function within<T>(work: Promise<T>, ms: number, signal: AbortSignal): Promise<T | null> {
  const over = new AbortController();
  try {
    return await Promise.race([work, pause(ms, AbortSignal.any([signal, over.signal])).then(() => null)]);
  } finally {
    over.abort();
  }
}
