import type { ConnectorConfig } from '../api/connector-config.ts';
import { SinkRecord } from '../api/record.ts';
import type { Positions, SinkTask, SinkTaskContext, TopicPartition } from '../api/task.ts';
import { errorOf, type JavaFailure, type JavaSubject } from './java-error.ts';
import { PutWriter } from './record-codec.ts';
import { TaskSession } from './task-session.ts';
import type { WarmHost } from './warm-host.ts';
import { frameType, withHead } from './wire.ts';

type Facts = Readonly<Record<string, unknown>>;

/** What the host may hold beside the records of the put that is under way: more waits here. */
const mostAheadBytes = 1 << 20;
/** The answer to a put behind which the host has gone on. */
const goesOn = Buffer.from('true');

/** Records that were made into a frame before their turn. */
interface Prepared {
  readonly records: readonly SinkRecord[];
  readonly frame: Buffer;
  /** Null: the host has not got it. */
  readonly sent: { readonly id: number; readonly answer: Promise<Buffer> } | null;
}

/** A sink task of Java: the records of a put cross as they are, schemas and all. */
export class JavaSinkTask implements SinkTask {
  readonly #warm: WarmHost;
  readonly #plugin: JavaSubject;
  readonly hearsOfNothing = true;
  readonly #writer = new PutWriter();
  /** What the task may still report, by where it was read: since the commit before the last. */
  #put = new Map<string, SinkRecord>();
  #putBefore = new Map<string, SinkRecord>();
  #session: TaskSession<SinkTaskContext> | null = null;
  #prepared: Prepared | null = null;
  /** The host has begun with what it had ahead. */
  #hasGoneOn = false;

  constructor(warm: WarmHost, plugin: JavaSubject) {
    this.#warm = warm;
    this.#plugin = plugin;
  }

  async start(config: ConnectorConfig, context: SinkTaskContext): Promise<void> {
    const session = await TaskSession.open('sink', this.#warm, this.#plugin, config, context, (subject) => ({
      event: (name, facts) => this.#request(name, facts, context),
      answer: (_question, facts) => this.#report(facts, context, subject),
    }));
    this.#session = session;
    const reports = context.errantRecordReporter !== null;
    await session.start(this.#plugin, config, { assignment: pairs(context.assignment), reports });
  }

  /** What the task asks for through its context comes in front of the answer to the call in which it did. */
  #request(name: string, facts: Facts, context: SinkTaskContext): void {
    const { topic, partition, offset, ms, partitions } = facts;
    const listed = () =>
      (partitions as [string, number][]).map(([topic, partition]): TopicPartition => ({ topic, partition }));
    switch (name) {
      case 'offset':
        context.offset({ topic: topic as string, partition: partition as number }, offset as number);
        break;
      case 'pause':
        context.pause(...listed());
        break;
      case 'resume':
        context.resume(...listed());
        break;
      case 'timeout':
        context.timeout(ms as number);
        break;
      case 'requestCommit':
        context.requestCommit();
        break;
    }
  }

  async #report(facts: Facts, context: SinkTaskContext, subject: JavaSubject): Promise<null> {
    const { topic, partition, offset } = facts as { topic: string; partition: number; offset: number };
    const key = placeOf(topic, partition, offset);
    const record =
      this.#put.get(key) ??
      this.#putBefore.get(key) ??
      new SinkRecord(topic, partition, null, null, null, null, offset);
    await context.errantRecordReporter?.report(record, errorOf(facts.error as JavaFailure, subject));
    return null;
  }

  async open(partitions: readonly TopicPartition[]): Promise<void> {
    const session = this.#session!;
    await session.call('open', { partitions: pairs(partitions) }, session.context);
  }

  async put(records: SinkRecord[]): Promise<void> {
    const session = this.#session!;
    if (session.context.errantRecordReporter !== null) {
      for (const record of records) {
        const { originalTopic, originalKafkaPartition, originalKafkaOffset } = record;
        this.#put.set(placeOf(originalTopic, originalKafkaPartition, originalKafkaOffset), record);
      }
    }
    const prepared = this.#prepared?.records === records ? this.#prepared : null;
    const isPutting = this.isPutting;
    if (prepared === null) this.#discard(session);
    this.#prepared = null;
    this.#hasGoneOn = false;
    const answer = await this.#answerOf(session, records, prepared, isPutting);
    this.#hasGoneOn = answer.equals(goesOn);
  }

  #answerOf(
    session: TaskSession<SinkTaskContext>,
    records: SinkRecord[],
    prepared: Prepared | null,
    isPutting: boolean,
  ): Promise<Buffer> {
    if (prepared === null)
      return session.request('put', (id) => this.#writer.write(frameType.put, id, session.id, records));
    const { frame, sent } = prepared;
    if (sent === null) return session.request('put', (id) => withHead(frame, frameType.put, id));
    if (!isPutting) session.host.send(this.#writer.go(sent.id, session.id));
    return session.answer('put', sent.answer);
  }

  get isPutting(): boolean {
    return this.#hasGoneOn && this.#prepared !== null;
  }

  /** The host reads them while the task is busy, and goes on with them where that has no wish. */
  prepare(records: readonly SinkRecord[]): void {
    const session = this.#session!;
    this.#discard(session);
    let frame: Buffer;
    try {
      frame = this.#writer.write(frameType.ahead, 0, session.id, records);
    } catch {
      // Their own put says so.
      return;
    }
    this.#prepared = { records, frame, sent: frame.length > mostAheadBytes ? null : sendAhead(session, frame) };
  }

  #discard({ host }: TaskSession<SinkTaskContext>): void {
    const prepared = this.#prepared;
    this.#prepared = null;
    if (prepared === null) return;
    if (prepared.sent === null) this.#writer.forget();
    else host.forget(prepared.sent.id);
  }

  /** Java's own default flushes, and lets everything be committed. */
  async preCommit(positions: Positions): Promise<Positions> {
    const current = [...positions].flatMap(([topic, offsets]) =>
      [...offsets].map(([partition, offset]) => [topic, partition, offset] as const),
    );
    const answer = (await this.#session!.call('preCommit', { positions: current })) as [string, number, number][];
    this.#putBefore = this.#put;
    this.#put = new Map();
    const safe: Positions = new Map();
    for (const [topic, partition, offset] of answer) {
      let offsets = safe.get(topic);
      if (offsets === undefined) {
        offsets = new Map();
        safe.set(topic, offsets);
      }
      offsets.set(partition, offset);
    }
    return safe;
  }

  async close(partitions: readonly TopicPartition[]): Promise<void> {
    if (this.#session?.host.alive) await this.#session.call('close', { partitions: pairs(partitions) });
  }

  async stop(): Promise<void> {
    if (this.#session !== null) this.#discard(this.#session);
    await this.#session?.stop();
    this.#session = null;
  }
}

function sendAhead(session: TaskSession<SinkTaskContext>, frame: Buffer): NonNullable<Prepared['sent']> {
  let id = 0;
  const answer = session.host.request('put', session.subject, (given) => {
    id = given;
    return withHead(frame, frameType.ahead, given);
  });
  // Heard when it is its turn.
  answer.catch(() => {});
  return { id, answer };
}

const pairs = (partitions: readonly TopicPartition[]) =>
  partitions.map(({ topic, partition }) => [topic, partition] as const);

const placeOf = (topic: string, partition: number, offset: number) => `${partition} ${offset} ${topic}`;
