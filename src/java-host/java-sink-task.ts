import type { ConnectorConfig } from '../api/connector-config.ts';
import { SinkRecord } from '../api/record.ts';
import type { Positions, SinkTask, SinkTaskContext, TopicPartition } from '../api/task.ts';
import { errorOf, type JavaFailure, type JavaSubject } from './java-error.ts';
import { PutWriter } from './record-codec.ts';
import { TaskSession } from './task-session.ts';
import type { WarmHost } from './warm-host.ts';

type Facts = Readonly<Record<string, unknown>>;

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
    await session.request('put', (id) => this.#writer.write(id, session.id, records));
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
    await this.#session?.stop();
    this.#session = null;
  }
}

const pairs = (partitions: readonly TopicPartition[]) =>
  partitions.map(({ topic, partition }) => [topic, partition] as const);

const placeOf = (topic: string, partition: number, offset: number) => `${partition} ${offset} ${topic}`;
