import type { ConnectorConfig } from '../api/connector-config.ts';
import type { SourceRecord } from '../api/record.ts';
import type { RecordMetadata, SourceTask, SourceTaskContext } from '../api/task.ts';
import { parseConfig } from '../config/parse-config.ts';
import { javaSourceSettings } from '../config/run-settings.ts';
import type { JavaSubject } from './java-error.ts';
import { offsetsFor } from './offset-answers.ts';
import { BatchReader, type JavaBatch, JavaSourceRecord } from './record-codec.ts';
import { TaskSession } from './task-session.ts';
import { pause, type WarmHost } from './warm-host.ts';
import { FrameReader, FrameWriter, frameType } from './wire.ts';

const emptyPollPauseMs = 20;
const mostDelivered = 5000;

interface Running {
  readonly session: TaskSession<SourceTaskContext>;
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
  #settlesAnew = false;
  #delivered = new Map<number, Delivered[]>();
  #deliveredCount = 0;
  /** Of a poll that waits. */
  #onAcknowledged: (() => void) | null = null;
  /** Records of each batch that are not told of yet. */
  readonly #open = new Map<number, number>();
  /** Only where the task has one of its own. */
  commitRecord?: (record: SourceRecord, metadata: RecordMetadata | null) => void | Promise<void>;

  constructor(warm: WarmHost, plugin: JavaSubject) {
    this.#warm = warm;
    this.#plugin = plugin;
  }

  async start(config: ConnectorConfig, context: SourceTaskContext): Promise<void> {
    const session = await TaskSession.open('source', this.#warm, this.#plugin, config, context, () => ({
      answer: async (_question, facts) => offsetsFor(context.offsetStorageReader, facts),
    }));
    const settleMs = parseConfig(javaSourceSettings, config)['drover.java.settle.ms'];
    this.#running = { session, settleMs, startedAt: Date.now() };
    const transactions = context.transactionContext !== undefined;
    const answer = await session.start(this.#plugin, config, { transactions });
    if ((answer as { commitRecord: boolean }).commitRecord)
      this.commitRecord = (record, metadata) => this.#note(record, metadata);
    this.#running = { session, settleMs, startedAt: Date.now() };
    this.#activeAt = Date.now();
  }

  async poll(): Promise<SourceRecord[] | null> {
    const running = this.#running!;
    const { session, settleMs, startedAt } = running;
    const { context } = session;
    if (this.#settlesAnew) this.#activeAt = Date.now();
    this.#settlesAnew = false;
    for (;;) {
      if (context.signal.aborted) return null;
      this.#polling ??= this.#request(running);
      const batch = await this.#arriving(this.#polling, running);
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

  /** Null when the task has had its time to settle, or the run is over. What is acknowledged meanwhile is told, as in a worker. */
  async #arriving(polling: Promise<JavaBatch>, { session, settleMs }: Running): Promise<JavaBatch | null> {
    for (;;) {
      // More may come while some are told.
      while (this.#deliveredCount > 0) await this.#tellDelivered();
      const acknowledged = new Promise<'acknowledged'>((resolve) => {
        this.#onAcknowledged = () => resolve('acknowledged');
      });
      const patience = Math.max(0, this.#activeAt + settleMs - Date.now());
      const first = Promise.race([polling, acknowledged]);
      const arrived = await within(first, patience, session.context.signal).catch((error) => {
        // It is over, and told: whoever tries again asks anew, and has the task's time to settle for it.
        this.#polling = null;
        this.#settlesAnew = true;
        throw error;
      });
      this.#onAcknowledged = null;
      if (arrived !== 'acknowledged') return arrived;
    }
  }

  /** Rejections wait for whoever asks. */
  #request({ session: { host, id: session, subject } }: Running): Promise<JavaBatch> {
    const work = host
      .request('poll', subject, (id) => this.#writer.begin().int32(session).end(frameType.poll, id))
      .then((payload) => this.#batches.read(new FrameReader(payload)));
    work.catch(() => {});
    return work;
  }

  #drawBoundaries(batch: JavaBatch): void {
    const transaction = this.#running!.session.context.transactionContext;
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
    this.#onAcknowledged?.();
    if (++this.#deliveredCount >= mostDelivered) return this.#tellDelivered();
  }

  /** Many in one frame, in the order in which they were acknowledged. */
  async #tellDelivered(): Promise<void> {
    if (this.#deliveredCount === 0) return;
    const { session } = this.#running!;
    const delivered = this.#delivered;
    this.#delivered = new Map();
    this.#deliveredCount = 0;
    await session.request('commitRecord', (id) => {
      const out = this.#writer.begin().int32(session.id);
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
  }

  async commit(): Promise<void> {
    await this.#tellDelivered();
    await this.#running!.session.call('commit');
  }

  async stop(): Promise<void> {
    const session = this.#running?.session;
    if (session === undefined) return;
    if (session.host.alive) await this.#tellDelivered().catch(() => {});
    await session.stop();
    this.#running = null;
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
