import type { ConfigValues, Settings } from '../../config/config-def.ts';
import { deadLetterSettings } from '../../config/connector-config.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { sourceRunSettings } from '../../config/run-settings.ts';
import { ConnectError, RetriableError, traceOf } from '../../errors.ts';
import { replicationFix } from '../../kafka/errors.ts';
import type { KafkaAdmin, KafkaHeader, OutgoingBatch, Producer } from '../../kafka/types.ts';
import type { PluginRun } from '../run/plugin-run.ts';
import { type DeadLetter, errorClassName, type Failure, messageOf } from './failure.ts';

interface DeadLetterTarget {
  readonly topic: string;
  readonly replicationFactor: number;
  /** The setting that it comes from. */
  readonly replicationSetting: string;
  readonly contextHeaders: boolean;
}

/** Of the headers that say what failed. */
export const contextPrefix = '__connect.errors.';

export function deadLetterTarget(config: Settings, type: 'source' | 'sink'): DeadLetterTarget | null {
  const target =
    type === 'sink'
      ? sinkTarget(parseConfig(deadLetterSettings, config))
      : sourceTarget(parseConfig(sourceRunSettings, config));
  return target.topic === '' ? null : target;
}

function sinkTarget(parsed: ConfigValues<typeof deadLetterSettings>): DeadLetterTarget {
  return {
    topic: parsed['errors.deadletterqueue.topic.name'],
    replicationFactor: parsed['errors.deadletterqueue.topic.replication.factor'],
    replicationSetting: 'errors.deadletterqueue.topic.replication.factor',
    contextHeaders: parsed['errors.deadletterqueue.context.headers.enable'],
  };
}

function sourceTarget(parsed: ConfigValues<typeof sourceRunSettings>): DeadLetterTarget {
  return {
    topic: parsed['drover.errors.deadletterqueue.topic.name'],
    replicationFactor: parsed['drover.errors.deadletterqueue.topic.replication.factor'],
    replicationSetting: 'drover.errors.deadletterqueue.topic.replication.factor',
    contextHeaders: parsed['drover.errors.deadletterqueue.context.headers.enable'],
  };
}

/**
 * Letters are gathered and sent whole; a commit waits for `flush`, so that a record leaves only once its letter is
 * acknowledged (I3, I5). A topic that is missing is created with one partition when the task starts, as Java does. Java:
 * DeadLetterQueueReporter.
 */
export class DeadLetterQueue {
  readonly #run: PluginRun;
  readonly #target: DeadLetterTarget;
  readonly #admin: KafkaAdmin;
  readonly #producer: Producer;
  /** For sources: what a record is made of when it could not be converted. */
  readonly #describe: (failure: Failure) => DeadLetter | null;
  #batch: OutgoingBatch;
  #topicKnown = false;
  #scheduled: Promise<void> | null = null;
  #sending: Promise<void> = Promise.resolve();

  constructor(
    run: PluginRun,
    target: DeadLetterTarget,
    kafka: { readonly admin: KafkaAdmin; readonly producer: Producer },
    describe: (failure: Failure) => DeadLetter | null,
  ) {
    this.#run = run;
    this.#target = target;
    this.#admin = kafka.admin;
    this.#producer = kafka.producer;
    this.#describe = describe;
    this.#batch = kafka.producer.newBatch();
  }

  add(failure: Failure): void {
    const letter = this.#describe(failure);
    if (letter === null) return;
    const headers = this.#target.contextHeaders
      ? [...letter.headers, ...this.#context(failure, letter)]
      : letter.headers;
    this.#batch.append(this.#target.topic, null, letter.key, letter.value, letter.timestamp, headers);
  }

  /** Resolves when every letter so far is acknowledged. */
  flush(): Promise<void> {
    // One after the other: whoever flushes waits for the letters of an earlier flush too, and hears of its failure.
    this.#sending = this.#sending.then(() => this.#send());
    this.#sending.catch(() => {});
    return this.#sending;
  }

  async #send(): Promise<void> {
    const batch = this.#batch;
    if (batch.size === 0) return;
    this.#batch = this.#producer.newBatch();
    await this.#ensureTopic();
    const outcome = await this.#producer.send(batch, this.#run.bounds.cut);
    for (const error of outcome.failures.values()) {
      throw new ConnectError(
        'errors.dead_letter_refused',
        `A dead letter could not be written to topic '${this.#target.topic}': ${error.message}`,
        { cause: error },
      );
    }
    this.#run.report.emit('record.dead-lettered', { topic: this.#target.topic, records: batch.size });
  }

  /** Like `flush`, once for all letters that come within this turn of the event loop. */
  flushSoon(): Promise<void> {
    this.#scheduled ??= new Promise((resolve) => setImmediate(resolve)).then(() => {
      this.#scheduled = null;
      return this.flush();
    });
    return this.#scheduled;
  }

  /** A task whose dead letters have nowhere to go does not start. One that runs has been asked before. */
  async start(): Promise<void> {
    if (this.#run.startsAnew) await this.#ensureTopic();
  }

  async #ensureTopic(): Promise<void> {
    if (this.#topicKnown) return;
    const { topic, replicationFactor, replicationSetting } = this.#target;
    try {
      const found = await this.#admin.describeTopics([topic]);
      if (found.length === 0) {
        await this.#admin.createTopics([{ topic, partitions: 1, replicationFactor, configs: {} }]);
      }
    } catch (cause) {
      if (cause instanceof RetriableError) throw cause;
      throw new ConnectError(
        'errors.dead_letter_topic',
        `Could not initialize dead letter queue with topic=${topic}, ${replicationSetting}=${replicationFactor}: ${messageOf(cause)}${replicationFix(cause, replicationSetting)}`,
        { cause },
      );
    }
    this.#topicKnown = true;
  }

  #context(failure: Failure, letter: DeadLetter): KafkaHeader[] {
    const { connector, task } = this.#run.about;
    const { error } = failure;
    const mask = (text: string) => this.#run.host.telemetry.secrets.mask(text);
    const header = (name: string, value: string | null): KafkaHeader => ({ key: contextPrefix + name, value });
    return [
      header('topic', letter.topic),
      header('partition', textOf(letter.kafkaPartition)),
      header('offset', textOf(letter.kafkaOffset)),
      header('connector.name', connector),
      header('task.id', String(task)),
      header('stage', failure.stage),
      header('class.name', failure.executingClass),
      header('exception.class.name', errorClassName(error)),
      header('exception.message', mask(messageOf(error))),
      header('exception.stacktrace', mask(traceOf(error))),
    ];
  }
}

const textOf = (value: number | null) => (value === null ? null : String(value));
