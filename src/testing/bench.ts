import type { AnyPlugin, PluginDescriptor } from '../api/plugin.ts';
import type { SourceOffset, SourcePartition } from '../api/record.ts';
import type { SinkTask, SourceTask } from '../api/task.ts';
import type { Settings } from '../config/config-def.ts';
import { createHerder } from '../herder/create-herder.ts';
import type { ConnectorStatus, Herder } from '../herder/herder.ts';
import type { RunRequest } from '../invocation/run-request.ts';
import { createKafkaClient } from '../kafka/kafka-client.ts';
import type { KafkaClient } from '../kafka/types.ts';
import { recordPlugins } from '../plugins/index.ts';
import { type PluginRegistry, registryOf } from '../plugins/registry.ts';
import type { TargetState } from '../storage/items.ts';
import { createMemoryStores } from '../storage/memory/stores.ts';
import type { Stores } from '../storage/stores.ts';
import type { EventName } from '../telemetry/events.ts';
import { Secrets } from '../telemetry/redaction.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import { droverBuild, kafkaConnectVersion } from '../version.ts';
import type { RunReport, Worker } from '../worker/run/run-report.ts';
import { createWorker } from '../worker/worker.ts';
import { defaultWorkerSettings, type WorkerSettings } from '../worker/worker-settings.ts';
import { BenchClock } from './bench-clock.ts';
import { Life, type OnPoint, type Point } from './life.ts';
import { type KafkaRecord, MemoryKafka } from './memory-kafka.ts';
import { Positions, positionsAtEnd, readRecords, type TestRecord } from './read-records.ts';

export interface BenchOptions {
  /** A real Kafka; left out: one in memory. */
  readonly bootstrapServers?: string;
  /** The one in memory, where it shall outlive this bench. */
  readonly kafka?: MemoryKafka;
  /** Converters, transformations and predicates of your own that the config names. */
  readonly plugins?: readonly AnyPlugin[];
  /** The connector's name. Default: test. */
  readonly name?: string;
  readonly settings?: Partial<WorkerSettings>;
  /** Milliseconds that each run is given. Default: 60 000. */
  readonly deadlineMs?: number;
  /** Told all that the runs say, as it is said. */
  readonly onEvent?: (event: BenchEvent) => void;
}

export interface BenchEvent {
  readonly event: EventName;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface RunOptions {
  /** Ends the runs early, as a deadline does. */
  readonly signal?: AbortSignal;
  readonly onPoint?: OnPoint;
  /** The process is killed there. */
  readonly killAt?: Point;
}

export interface RunResult {
  /** The process was killed at the point that was named. */
  readonly killed: boolean;
  /** Of each task that ran, by its number. */
  readonly tasks: readonly RunReport[];
  /** Acknowledged records of all tasks. */
  readonly records: number;
  /** Nothing is left to do: every task ran until there was nothing more to read, and found nothing. */
  readonly idle: boolean;
}

/** One offset, as the connector's REST answer has it. */
export interface TestOffset {
  readonly partition: SourcePartition;
  readonly offset: SourceOffset;
}

const mostRounds = 200;
const mostRetries = 5;
const longestTryPauseMs = 60_000;

/**
 * One connector under the real worker, in this process, over a table in memory. Nothing runs by itself: each `run` is
 * what one invocation would do, so that a test decides what happens between two of them. Time goes on as it does, but
 * pauses between runs are not waited for.
 */
export class ConnectorBench {
  readonly name: string;
  readonly stores: Stores = createMemoryStores();
  readonly clock = new BenchClock();
  /** Null where the Kafka is a real one. */
  readonly memoryKafka: MemoryKafka | null;
  /** Every task that the plugin has made, in the order of their making; those of killed processes too. */
  readonly tasks: (SourceTask | SinkTask)[] = [];
  readonly events: BenchEvent[] = [];
  readonly #plugins: readonly AnyPlugin[];
  readonly #registry: PluginRegistry;
  readonly #options: BenchOptions;
  readonly #settings: WorkerSettings;
  readonly #herder: Herder;
  readonly #kafka: KafkaClient;
  readonly #started = new Set<SourceTask | SinkTask>();
  readonly #dead: Life[] = [];
  #process: { readonly life: Life; readonly worker: Worker } | null = null;
  #onPoint: OnPoint = () => {};
  readonly #closing = new Set<Promise<void>>();
  #runs = 0;
  #shown = new Positions();

  constructor(plugin: PluginDescriptor<'source'> | PluginDescriptor<'sink'>, options: BenchOptions = {}) {
    this.#options = options;
    this.name = options.name ?? 'test';
    this.#plugins = [...(options.plugins ?? []), plugin];
    this.#registry = registryOf([...recordPlugins, ...this.#plugins]);
    this.#settings = { ...defaultWorkerSettings, runLingerMs: 0, ...options.settings };
    const { bootstrapServers } = options;
    this.memoryKafka =
      bootstrapServers === undefined ? (options.kafka ?? new MemoryKafka({ clock: this.clock })) : null;
    this.#kafka = this.#newClient();
    this.#herder = createHerder({
      configs: this.stores.config,
      statuses: this.stores.status,
      offsets: this.stores.offsets,
      cluster: this.stores.cluster,
      plugins: this.#registry,
      converterDefaults: this.#settings.converterDefaults,
      clock: this.clock,
      version: kafkaConnectVersion,
      commit: droverBuild,
      logLevel: 'INFO',
    });
  }

  get deadlineMs(): number {
    return this.#options.deadlineMs ?? 60_000;
  }

  /** Creates the connector, or gives it another config, as REST does; throws ConnectError `config.invalid`. */
  async configure(config: Settings): Promise<void> {
    await this.#herder.putConnectorConfig(this.name, { name: this.name, ...config });
  }

  /** The errors of a config by setting, as the validate endpoint answers them. */
  async validate(config: Settings): Promise<ReadonlyMap<string, readonly string[]>> {
    const input = { name: this.name, ...config };
    const { configs } = await this.#herder.validateConnectorConfig(config['connector.class'] ?? '', input);
    const wrong = configs.filter(({ value }) => value.errors.length > 0);
    return new Map(wrong.map(({ value }) => [value.name, value.errors]));
  }

  /**
   * One invocation of the connector, if it is due, and one of each of its tasks. A process that was killed is a new one,
   * after its leases have run out.
   */
  async run(options: RunOptions = {}): Promise<RunResult> {
    const { killAt } = options;
    const { life, worker } = this.#liveProcess();
    this.#onPoint = (point) => {
      options.onPoint?.(point);
      if (killAt !== undefined && killAt.name === point.name && killAt.time === point.time) life.kill();
    };
    const work = this.#invokeAll(worker, options.signal).then(async (found) => {
      await this.#closed();
      return found;
    });
    work.catch(() => {});
    const reports = await Promise.race([work, life.ended.then(() => null)]);
    this.#onPoint = () => {};
    if (reports === null) {
      await this.memoryKafka?.log.arrived();
      this.#dead.push(life);
      this.#process = null;
      // None of them is ever over.
      this.#closing.clear();
      return { killed: true, tasks: [], records: 0, idle: false };
    }
    const records = reports.reduce((sum, report) => sum + report.records, 0);
    const isIdle = ({ ran, reason }: RunReport) => !ran || reason === 'drained' || reason === 'failed';
    return { killed: false, tasks: reports, records, idle: records === 0 && reports.every(isIdle) };
  }

  /** Runs until nothing is left to do, or `enough` says so. Throws the trace of a task or connector that fails. */
  async drain(enough: () => boolean | Promise<boolean> = () => false): Promise<void> {
    let failures = 0;
    for (let round = 0; round < mostRounds; round++) {
      const { tasks, idle } = await this.run();
      await this.throwIfFailed();
      if (tasks.some(({ reason }) => reason === 'failed-for-now') && ++failures > mostRetries) {
        throw new Error(`${this.name} fails again and again:\n${(await this.traces()).join('\n')}`);
      }
      if (idle || (await enough())) return;
    }
    throw new Error(`${this.name} has more to do after ${mostRounds} runs: give an endless source a bound`);
  }

  async throwIfFailed(): Promise<void> {
    const { connector, tasks } = await this.status();
    const failed = [connector, ...tasks].find(({ state }) => state === 'FAILED');
    if (failed !== undefined) throw new Error(`${this.name} has failed:\n${failed.trace}`);
  }

  status(): Promise<ConnectorStatus> {
    return this.#herder.connectorStatus(this.name);
  }

  /** What went wrong with the connector and its tasks the last time that they ran. */
  async traces(): Promise<string[]> {
    const found = await this.stores.config.getConnectorAndTasks(this.name);
    return [found?.connector.trace, ...(found?.tasks ?? []).map(({ trace }) => trace)].filter(
      (trace): trace is string => typeof trace === 'string',
    );
  }

  /** Takes effect with the next run, or while one is under way, as soon as that can let go. */
  async setTargetState(state: TargetState): Promise<void> {
    await this.#herder.setTargetState(this.name, state);
  }

  /** The connector's own run alone, beside one that is under way. */
  async runConnector(): Promise<RunReport> {
    const { life, worker } = this.#liveProcess();
    const report = await this.#invoke(worker, { kind: 'connector', connector: this.name });
    await Promise.race([this.#closed(), life.ended]);
    return report;
  }

  /** Records whose offsets are committed, in all runs so far. */
  async committedRecords(): Promise<number> {
    const tasks = await this.stores.config.getTasks(this.name);
    return tasks.reduce((sum, { counters }) => sum + counters.records, 0);
  }

  async offsets(): Promise<TestOffset[]> {
    const stored = await this.#herder.offsets(this.name);
    return stored.map(({ partition, offset }) => ({ partition: JSON.parse(partition), offset: JSON.parse(offset) }));
  }

  /** As REST does: the connector is stopped for it. A null offset removes it. */
  async alterOffsets(offsets: readonly { partition: SourcePartition; offset: SourceOffset | null }[]): Promise<void> {
    await this.#whileStopped(() =>
      this.#herder.alterOffsets(
        this.name,
        offsets.map(({ partition, offset }) => ({ partition: fieldsOf(partition), offset: fieldsOf(offset) })),
      ),
    );
  }

  async resetOffsets(): Promise<void> {
    await this.#whileStopped(() => this.#herder.resetOffsets(this.name));
  }

  /**
   * What a topic holds, decoded by the connector's converters. Left out: all topics of a Kafka in memory but those of
   * offsets and dead letters, or those that a real one's connector has been seen to use.
   */
  records(topic?: string): Promise<TestRecord[]> {
    return this.#read(topic, new Positions());
  }

  /** Those that have come since this was asked before, or `skipRecords`. */
  newRecords(): Promise<TestRecord[]> {
    return this.#read(undefined, this.#shown);
  }

  /** What is in the topics of the cluster by now is nothing new. */
  async skipRecords(): Promise<void> {
    this.#shown = await positionsAtEnd(this.#kafka);
  }

  async #read(topic: string | undefined, positions: Positions): Promise<TestRecord[]> {
    const connector = await this.stores.config.getConnector(this.name, { evenDeleting: true });
    const topics = topic === undefined ? await this.#topics(connector?.config ?? {}) : [topic];
    const config = { ...this.#settings.converterDefaults, ...connector?.config };
    return readRecords(this.#kafka, topics, config, this.#registry, { positions });
  }

  async #topics(config: Settings): Promise<string[]> {
    if (this.memoryKafka === null) return (await this.stores.status.activeTopics(this.name)).sort();
    const others = [deadLetterTopic(config), config['offsets.storage.topic'], this.#settings.offsetsTopic];
    return [...this.memoryKafka.log.topics.keys()].filter((topic) => !others.includes(topic)).sort();
  }

  /** Of the connector's dead letter topic. */
  async deadLetters(): Promise<TestRecord[]> {
    const topic = deadLetterTopic((await this.stores.config.getConnector(this.name))?.config ?? {});
    if (topic === undefined || (await this.#kafka.admin.describeTopics([topic])).length === 0) return [];
    return readRecords(this.#kafka, [topic], this.#settings.converterDefaults, this.#registry, { asBytes: true });
  }

  /** Puts records into topics for a sink to read; only into a Kafka in memory. */
  async produce(records: readonly KafkaRecord[]): Promise<void> {
    if (this.memoryKafka === null) throw new Error('Records are put only into a Kafka in memory');
    await this.memoryKafka.produce(records);
  }

  /** Lets go of everything, of what killed processes have left too. */
  async close(): Promise<void> {
    this.#process?.life.kill();
    if (this.#process !== null) this.#dead.push(this.#process.life);
    for (const life of this.#dead) life.bury();
    for (const task of this.#started) await (async () => task.stop())().catch(() => {});
    await this.#kafka.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #whileStopped(change: () => Promise<string>): Promise<void> {
    const before = (await this.stores.config.getConnector(this.name))?.targetState ?? 'STARTED';
    await this.setTargetState('STOPPED');
    await this.run();
    try {
      await change();
      await this.run();
    } finally {
      // Refused, it goes on as it was.
      await this.setTargetState(before);
    }
  }

  #newClient(): KafkaClient {
    const { bootstrapServers } = this.#options;
    if (this.memoryKafka !== null) return this.memoryKafka.client();
    return createKafkaClient({ bootstrapServers: bootstrapServers ?? '', clock: this.clock });
  }

  #liveProcess() {
    if (this.#process !== null) return this.#process;
    if (this.#dead.length > 0) this.clock.advance(this.deadlineMs + this.#settings.leaseMarginMs + 1);
    const life = new Life((point) => this.#onPoint(point));
    const plugins = this.#plugins.map((plugin) => life.plugin(plugin, (task) => this.#created(task)));
    const worker = createWorker({
      stores: life.through(this.stores, 'stores'),
      kafka: async () => life.through(this.#newClient(), 'kafka'),
      plugins: registryOf([...recordPlugins, ...plugins]),
      settings: this.#settings,
      telemetry: this.#telemetry(life),
      clock: life.clock(this.clock),
      configProviders: new Map(),
      onStep: (step) => {
        life.point(`step ${step}`);
        if (step === 'tasks-revoked' || step === 'released') this.#beginClosing(worker);
      },
    });
    this.#process = { life, worker };
    return this.#process;
  }

  #created(task: object): void {
    const made = task as SourceTask | SinkTask;
    this.tasks.push(made);
    this.#started.add(made);
    const { stop } = made;
    made.stop = () => {
      this.#started.delete(made);
      return stop.call(made);
    };
  }

  #telemetry(life: Life): Telemetry {
    return {
      secrets: new Secrets(),
      setLevels: () => {},
      emit: (event, facts) => {
        if (life.over) return;
        const told = { event, facts: facts as unknown as Readonly<Record<string, unknown>> };
        this.events.push(told);
        this.#options.onEvent?.(told);
      },
    };
  }

  async #invokeAll(worker: Worker, signal: AbortSignal | undefined): Promise<RunReport[]> {
    const connector = await this.stores.config.getConnector(this.name);
    if (connector === undefined) throw new Error(`Connector ${this.name} has no config yet: call configure first`);
    // Pauses between tries are not waited for; what is due from time to time is not due yet.
    const isDue = connector.dueAt !== null && connector.dueAt <= this.clock.now() + longestTryPauseMs;
    if (isDue) await this.#invoke(worker, { kind: 'connector', connector: this.name });
    const reports: RunReport[] = [];
    for (const { task } of await this.stores.config.getTasks(this.name)) {
      await this.stores.config.markTaskDue(this.name, task, this.clock.now());
      reports.push(await this.#invoke(worker, { kind: 'task', connector: this.name, task }, signal));
    }
    return reports;
  }

  /** Beside the connector's run, which waits for them, as the coordinator does. */
  #beginClosing(worker: Worker): void {
    const closing = this.#invokeClosing(worker).catch(() => {});
    this.#closing.add(closing);
    closing.then(() => this.#closing.delete(closing));
  }

  /** Resolves when the closing runs that have begun are over. */
  async #closed(): Promise<void> {
    while (this.#closing.size > 0) await Promise.all(this.#closing);
  }

  async #invokeClosing(worker: Worker): Promise<void> {
    for (const { task, closingFor, leaseExpiresAt, dueAt } of await this.stores.config.getTasks(this.name)) {
      if (closingFor === null || leaseExpiresAt > this.clock.now() || dueAt === null) continue;
      this.clock.advance(Math.max(0, dueAt - this.clock.now()));
      await this.#invoke(worker, { kind: 'task', connector: this.name, task });
    }
  }

  #invoke(worker: Worker, request: RunRequest, signal?: AbortSignal): Promise<RunReport> {
    return worker.run(request, {
      deadlineAt: this.clock.now() + this.deadlineMs,
      workerId: `bench-${++this.#runs}`,
      ...(signal === undefined ? {} : { signal }),
    });
  }
}

const deadLetterTopic = (config: Settings): string | undefined =>
  config['errors.deadletterqueue.topic.name'] ?? config['drover.errors.deadletterqueue.topic.name'];

function fieldsOf(fields: SourcePartition | SourceOffset | null) {
  return fields === null ? null : new Map(Object.entries(fields).map(([key, value]) => [key, exact(value)]));
}

/** Whole numbers as the REST API reads them. */
const exact = (value: SourceOffset[string]) =>
  typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
