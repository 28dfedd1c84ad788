import type { ConnectorConfig } from '../api/connector-config.ts';
import { SinkRecord } from '../api/record.ts';
import type { Positions, SinkTask, SinkTaskContext, TopicPartition } from '../api/task.ts';
import type { HostProcess } from './host-process.ts';
import { errorOf, type JavaFailure, type JavaSubject } from './java-error.ts';
import { lineTold } from './line-text.ts';
import { PutWriter } from './record-codec.ts';
import { bounded, untilDeadline, type WarmHost } from './warm-host.ts';

const stopLimitMs = 2000;

interface Running {
  readonly host: HostProcess;
  readonly session: number;
  readonly subject: JavaSubject;
  readonly context: SinkTaskContext;
}

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
  #running: Running | null = null;

  constructor(warm: WarmHost, plugin: JavaSubject) {
    this.#warm = warm;
    this.#plugin = plugin;
  }

  async start(config: ConnectorConfig, context: SinkTaskContext): Promise<void> {
    const host = await this.#warm.get();
    const taskClass = config['task.class'] ?? null;
    const subject = { className: taskClass ?? this.#plugin.className, location: this.#plugin.location };
    const session = host.open({
      subject,
      event: (name, facts) => this.#request(name, facts, context),
      answer: (_question, facts) => this.#report(facts, context, subject),
      line: (line) => lineTold(line, context),
    });
    this.#running = { host, session, subject, context };
    await this.#call('sink.start', {
      location: this.#plugin.location,
      class: this.#plugin.className,
      taskClass,
      config,
      assignment: pairs(context.assignment),
      reports: context.errantRecordReporter !== null,
    });
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
    await this.#call('sink.open', { partitions: pairs(partitions) });
  }

  async put(records: SinkRecord[]): Promise<void> {
    const { host, session, subject, context } = this.#running!;
    if (context.errantRecordReporter !== null) {
      for (const record of records) {
        const { originalTopic, originalKafkaPartition, originalKafkaOffset } = record;
        this.#put.set(placeOf(originalTopic, originalKafkaPartition, originalKafkaOffset), record);
      }
    }
    const work = host.request('put', subject, (id) => this.#writer.write(id, session, records));
    await bounded(host, subject, 'put', work, untilDeadline(context));
  }

  /** Java's own default flushes, and lets everything be committed. */
  async preCommit(positions: Positions): Promise<Positions> {
    const current = [...positions].flatMap(([topic, offsets]) =>
      [...offsets].map(([partition, offset]) => [topic, partition, offset] as const),
    );
    const answer = (await this.#call('sink.preCommit', { positions: current })) as [string, number, number][];
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
    if (this.#running?.host.alive) await this.#call('sink.close', { partitions: pairs(partitions) });
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    const { host, session, subject, context } = running;
    try {
      if (!host.alive) return;
      const work = host.call('sink.stop', { session }, subject);
      await bounded(host, subject, 'stop', work, { limitMs: stopLimitMs });
    } catch (error) {
      context.warn(error instanceof Error ? error.message : String(error));
    } finally {
      host.close(session);
      this.#running = null;
    }
  }

  #call(op: string, facts: Facts): Promise<unknown> {
    const { host, session, subject, context } = this.#running!;
    const step = op.slice(op.indexOf('.') + 1);
    const work = host.call(op, { session, ...facts }, subject);
    const limits = step === 'start' || step === 'open' ? { signal: context.signal } : untilDeadline(context);
    return bounded(host, subject, step, work, limits);
  }
}

const pairs = (partitions: readonly TopicPartition[]) =>
  partitions.map(({ topic, partition }) => [topic, partition] as const);

const placeOf = (topic: string, partition: number, offset: number) => `${partition} ${offset} ${topic}`;
