import type {
  ConfigProblem,
  ConnectorConfig,
  ConnectorContext,
  SinkConnector,
  SourceConnector,
  Support,
} from '../api/connector.ts';
import type { SinkTask, SourceTask } from '../api/task.ts';
import { parseConfig } from '../config/parse-config.ts';
import { javaConnectorSettings, javaSourceSettings } from '../config/run-settings.ts';
import { offsetText } from '../storage/source-offset-text.ts';
import type { HostProcess } from './host-process.ts';
import { errorOf, type JavaFailure, type JavaSubject } from './java-error.ts';
import { JavaSinkTask } from './java-sink-task.ts';
import { JavaSourceTask } from './java-source-task.ts';
import { offsetsFor } from './offset-answers.ts';
import { bounded, pause, type WarmHost } from './warm-host.ts';

/** What a connector is given to answer in, where its run says nothing else. */
const limitMs = 60_000;

interface Session {
  readonly host: HostProcess;
  readonly id: number;
}

/** A connector of Java: its calls go to the host. */
abstract class JavaConnector {
  protected readonly warm: WarmHost;
  protected readonly subject: JavaSubject;
  #session: Session | null = null;
  #signal: AbortSignal | undefined;
  #kept: ConnectorConfig = {};
  #asked = false;

  constructor(warm: WarmHost, subject: JavaSubject) {
    this.warm = warm;
    this.subject = subject;
  }

  async start(config: ConnectorConfig, context: ConnectorContext): Promise<void> {
    const host = await this.warm.get();
    const { subject } = this;
    this.#signal = context.signal;
    // A task is given what its connector gives it, and that need not be all.
    this.#kept = Object.fromEntries(Object.entries(config).filter(([key]) => javaSourceSettings.keys.has(key)));
    const id = host.open({
      subject,
      event: (name, facts) => {
        // Before it is asked it may ask as it likes: it will be.
        if (name === 'reconfigure' && this.#asked) context.requestTaskReconfiguration();
        if (name === 'raise') context.raiseError(errorOf(facts.error as JavaFailure, subject));
      },
      answer: async (question, facts) => {
        const reader = context.offsetStorageReader;
        if (question === 'offsets' && reader !== undefined) return offsetsFor(reader, facts);
        throw new Error('A connector is told no offsets here');
      },
    });
    this.#session = { host, id };
    this.#asked = false;
    await this.#ask('connector.start', { ...this.#plugin, config });
    // Its threads look around before they ask for other tasks.
    if (context.refreshing === true) {
      await pause(parseConfig(javaConnectorSettings, config)['drover.java.settle.ms'], context.signal);
    }
  }

  /** As a worker keeps them, with the class of the task. */
  async taskConfigs(maxTasks: number): Promise<ConnectorConfig[]> {
    this.#asked = true;
    const answer = await this.#ask('connector.taskConfigs', { most: maxTasks });
    const { taskClass, configs } = answer as { taskClass: string; configs: Record<string, string>[] };
    return configs.map((config) => ({ ...config, ...this.#kept, 'task.class': taskClass }));
  }

  async stop(): Promise<void> {
    const session = this.#session;
    if (session === null) return;
    try {
      if (session.host.alive) await this.#ask('connector.stop', {});
    } finally {
      session.host.close(session.id);
      this.#session = null;
    }
  }

  async validate(config: ConnectorConfig): Promise<readonly ConfigProblem[]> {
    const { values } = (await this.question('validate', { config })) as {
      values: { name: string; errors: string[] }[];
    };
    return values.flatMap(({ name, errors }) => errors.map((message) => ({ key: name, message })));
  }

  /** Asks an instance that is made for it. */
  protected async question(op: string, facts: Readonly<Record<string, unknown>>): Promise<unknown> {
    const host = await this.warm.get();
    const work = host.call(op, { ...this.#plugin, ...facts }, this.subject);
    return bounded(host, this.subject, op, work, { limitMs });
  }

  get #plugin() {
    return { location: this.subject.location, class: this.subject.className };
  }

  #ask(op: string, facts: Readonly<Record<string, unknown>>): Promise<unknown> {
    const { host, id } = this.#session!;
    const work = host.call(op, { session: id, ...facts }, this.subject);
    const signal = this.#signal;
    return bounded(host, this.subject, op, work, { limitMs, ...(signal === undefined ? {} : { signal }) });
  }
}

export class JavaSourceConnector extends JavaConnector implements SourceConnector {
  createTask(): SourceTask {
    return new JavaSourceTask(this.warm, this.subject);
  }

  async exactlyOnceSupport(config: ConnectorConfig): Promise<Support | undefined> {
    return supportOf(await this.question('exactlyOnceSupport', { config }));
  }

  async canDefineTransactionBoundaries(config: ConnectorConfig): Promise<Support> {
    return supportOf(await this.question('transactionBoundaries', { config })) ?? 'UNSUPPORTED';
  }

  async alterOffsets(...[config, offsets]: Parameters<NonNullable<SourceConnector['alterOffsets']>>): Promise<boolean> {
    const texts = offsets.map(({ partition, offset }) => ({
      partition: offsetText(partition),
      offset: offset === null ? null : offsetText(offset),
    }));
    return (await this.question('alterOffsets', { config, offsets: texts })) === true;
  }
}

export class JavaSinkConnector extends JavaConnector implements SinkConnector {
  createTask(): SinkTask {
    return new JavaSinkTask(this.warm, this.subject);
  }

  async alterOffsets(...[config, offsets]: Parameters<NonNullable<SinkConnector['alterOffsets']>>): Promise<boolean> {
    const plain = offsets.map(({ topic, kafkaPartition, offset }) => ({
      topic,
      partition: kafkaPartition,
      offset: offset === null ? null : String(offset),
    }));
    return (await this.question('alterOffsets', { config, offsets: plain })) === true;
  }
}

function supportOf(answer: unknown): Support | undefined {
  return answer === 'SUPPORTED' || answer === 'UNSUPPORTED' ? answer : undefined;
}
