import type { SourceRecord } from '../../api/record.ts';
import type { ConfigValues, Settings } from '../../config/config-def.ts';
import { errorSettings } from '../../config/connector-config.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { ConnectError, isRetriable, traceOf } from '../../errors.ts';
import type { PluginRun } from '../run/plugin-run.ts';
import type { DeadLetterQueue } from './dead-letter-queue.ts';
import { type DeadLetter, type Failure, messageOf, type Stage } from './failure.ts';

/** Stages whose every error may be tolerated; in the others only a retriable one. */
const tolerable: ReadonlySet<Stage> = new Set<Stage>([
  'TRANSFORMATION',
  'HEADER_CONVERTER',
  'KEY_CONVERTER',
  'VALUE_CONVERTER',
]);

const firstDelayMs = 300;

/** What the policy asks of the run that it serves. */
export interface TolerantRun extends Pick<PluginRun, 'about'> {
  readonly host: { readonly clock: Pick<PluginRun['host']['clock'], 'now'> };
  readonly bounds: Pick<PluginRun['bounds'], 'pause'>;
  readonly report: Pick<PluginRun['report'], 'emit' | 'skipped'>;
}

/**
 * The one place where the errors.* policy is decided. The record's steps run bare; what they throw is brought here, and
 * the answer is to repeat the step, to skip the record, or an error that ends the run. Java:
 * RetryWithToleranceOperator.
 */
export class ErrorTolerance {
  readonly #run: TolerantRun;
  readonly #settings: ConfigValues<typeof errorSettings>;
  readonly #letters: DeadLetterQueue | null;

  constructor(run: TolerantRun, config: Settings, letters: DeadLetterQueue | null) {
    this.#run = run;
    this.#settings = parseConfig(errorSettings, config);
    this.#letters = letters;
  }

  get toleratesAll(): boolean {
    return this.#settings['errors.tolerance'] === 'all';
  }

  /** Whether what is reported goes anywhere. */
  get reports(): boolean {
    return this.#letters !== null || this.#settings['errors.log.enable'];
  }

  get deadLetters(): DeadLetterQueue | null {
    return this.#letters;
  }

  async onFailure(failure: Failure): Promise<'retry' | 'skip'> {
    const { error, stage } = failure;
    if (isRetriable(error)) {
      const delayMs = this.#delayBeforeRetry(failure);
      if (delayMs !== null) {
        this.#run.report.emit('task.retry', {
          step: stage,
          attempt: failure.attempt,
          delayMs,
          error: messageOf(error),
        });
        // The run is over: the next one begins in front of this record.
        if (!(await this.#run.bounds.pause(delayMs))) throw error;
        return 'retry';
      }
    } else if (!tolerable.has(stage)) {
      throw error;
    }
    this.fail(failure);
    return 'skip';
  }

  /** A record that failed where nothing is repeated: reported, then skipped or the end of the run. */
  fail(failure: Failure): void {
    this.report(failure);
    if (!this.toleratesAll) {
      throw new ConnectError(
        'errors.tolerance_exceeded',
        `Tolerance exceeded in error handler: ${describeStep(failure)}, where ${describePlace(failure)}`,
        { cause: failure.error },
      );
    }
    this.#run.report.skipped(failure.stage, 1);
  }

  /** Log and dead letter of a record that goes no further; the letter is sent with the next commit. */
  report(failure: Failure): void {
    this.#log(failure);
    this.#letters?.add(failure);
  }

  #delayBeforeRetry({ attempt, failedAt }: Failure): number | null {
    const timeout = this.#settings['errors.retry.timeout'];
    const now = this.#run.host.clock.now();
    const until = timeout < 0 ? Number.POSITIVE_INFINITY : failedAt + timeout;
    if (now >= until) return null;
    const doubled = firstDelayMs * 2 ** Math.min(attempt - 1, 30);
    return Math.max(0, Math.min(doubled, this.#settings['errors.retry.delay.max.ms'], until - now));
  }

  #log(failure: Failure): void {
    if (!this.#settings['errors.log.enable']) return;
    const { connector, task } = this.#run.about;
    let message = `Error encountered in task ${connector}-${task}. Executing ${describeStep(failure)}`;
    if (this.#settings['errors.log.include.messages']) message += `, where ${describeRecord(failure)}`;
    this.#run.report.emit('record.failed', {
      stage: failure.stage,
      executingClass: failure.executingClass,
      message: `${message}.`,
      error: messageOf(failure.error),
      trace: traceOf(failure.error),
    });
  }
}

const describeStep = ({ stage, executingClass }: Failure) => `stage '${stage}' with class '${executingClass}'`;

function describeRecord({ record, consumed }: Failure): string {
  if (consumed !== null) return `consumed record is {${placeOf(consumed)}${timestampOf(consumed)}}`;
  return record === null ? 'there is no record' : `source record is = SourceRecord{${originOf(record)}}`;
}

/** Of a trace: the same each time, and nothing of what is in the record. */
function describePlace({ record, consumed }: Failure): string {
  if (consumed !== null) return `consumed record is {${placeOf(consumed)}}`;
  return record === null ? 'there is no record' : `source record is of topic '${record.topic}'`;
}

const placeOf = ({ topic, kafkaPartition, kafkaOffset }: DeadLetter) =>
  `topic='${topic}', partition=${kafkaPartition}, offset=${kafkaOffset}`;

const timestampOf = ({ timestamp }: DeadLetter) => (timestamp === null ? '' : `, timestamp=${timestamp}`);

function originOf(record: SourceRecord): string {
  const at = `sourcePartition=${JSON.stringify(record.sourcePartition, digits)}, sourceOffset=${JSON.stringify(record.sourceOffset, digits)}`;
  return `${at}, topic='${record.topic}', kafkaPartition=${record.kafkaPartition}, timestamp=${record.timestamp}`;
}

const digits = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);
