import type { ConnectorConfig } from '../api/connector-config.ts';
import type { SinkTaskContext, SourceTaskContext } from '../api/task.ts';
import type { HostProcess, SessionListener } from './host-process.ts';
import { capital, type JavaSubject, named } from './java-error.ts';
import { lineTold } from './line-text.ts';
import { bounded, type Limits, untilDeadline, type WarmHost } from './warm-host.ts';

/** What a task may take to stop: behind it nothing waits but the end of the run. */
const stopLimitMs = 2000;
/**
 * What it may take to start when its run is over meanwhile. A start in a new JVM loads classes, of Hibernate for example, for
 * longer than a short run lasts; were the JVM ended, the next start would find a new one again, and so for ever.
 */
const startGraceMs = 15_000;

/** A task of Java at work in the host, from its start to its stop. */
export class TaskSession<C extends SourceTaskContext | SinkTaskContext> {
  readonly host: HostProcess;
  readonly id: number;
  /** Whose fault it is: the task's class once the connector has named it. */
  readonly subject: JavaSubject;
  readonly context: C;
  readonly #kind: 'source' | 'sink';
  #startedLate = false;

  private constructor(kind: 'source' | 'sink', host: HostProcess, id: number, subject: JavaSubject, context: C) {
    this.#kind = kind;
    this.host = host;
    this.id = id;
    this.subject = subject;
    this.context = context;
  }

  /** Nothing of the task is called yet. */
  static async open<C extends SourceTaskContext | SinkTaskContext>(
    kind: 'source' | 'sink',
    warm: WarmHost,
    plugin: JavaSubject,
    config: ConnectorConfig,
    context: C,
    listener: (subject: JavaSubject) => Pick<SessionListener, 'answer' | 'event'>,
  ): Promise<TaskSession<C>> {
    const host = await warm.get();
    const subject = { className: config['task.class'] ?? plugin.className, location: plugin.location };
    const line: SessionListener['line'] = (said) => lineTold(said, context);
    const id = host.open({ subject, line, ...listener(subject) });
    return new TaskSession(kind, host, id, subject, context);
  }

  /** `plugin`: the connector, which names the class of its tasks where the config does not. */
  async start(
    plugin: JavaSubject,
    config: ConnectorConfig,
    facts: Readonly<Record<string, unknown>>,
  ): Promise<unknown> {
    const { className, location } = plugin;
    const its = { location, class: className, taskClass: config['task.class'] ?? null, config };
    const { signal } = this.context;
    const began = Date.now();
    const limits = { ...untilDeadline(this.context), signal, graceMs: startGraceMs };
    const answer = await this.call('start', { ...its, ...facts }, limits);
    if (signal.aborted) {
      this.#startedLate = true;
      const took = ((Date.now() - began) / 1000).toFixed(1);
      this.context.warn(
        `${capital(named(this.subject))} took ${took} s to start, and its run was over: ` +
          'give it longer runs (drover.run.max.ms), or more memory, with which CPU comes',
      );
    }
    return answer;
  }

  /** By default it may take until the run's deadline. */
  call(
    step: string,
    facts: Readonly<Record<string, unknown>> = {},
    limits: Limits = untilDeadline(this.context),
  ): Promise<unknown> {
    const work = this.host.call(`${this.#kind}.${step}`, { session: this.id, ...facts }, this.subject);
    return bounded(this.host, this.subject, step, work, limits);
  }

  /** The same with a frame that is made elsewhere. */
  request(step: string, make: (id: number) => Buffer): Promise<Buffer> {
    return this.answer(step, this.host.request(step, this.subject, make));
  }

  /** The same where it was asked for before. */
  answer(step: string, work: Promise<Buffer>): Promise<Buffer> {
    return bounded(this.host, this.subject, step, work, untilDeadline(this.context));
  }

  /**
   * A task that does not come back is told in the log, and its JVM ended; the run is not at fault. One whose start was late
   * stops as slowly, in a JVM that is as new: it has what is left up to the deadline.
   */
  async stop(): Promise<void> {
    const left = this.#startedLate ? Math.min(startGraceMs, this.context.deadlineAt - Date.now()) : 0;
    try {
      if (this.host.alive) await this.call('stop', {}, { limitMs: Math.max(stopLimitMs, left) });
    } catch (error) {
      this.context.warn(error instanceof Error ? error.message : String(error));
    } finally {
      this.host.close(this.id);
    }
  }
}
