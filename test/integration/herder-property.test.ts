import { randomUUID } from 'node:crypto';
import { afterAll, expect, it } from 'vitest';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { apacheConverters } from '../../src/config/connector-config.ts';
import { ConnectError, isRetriable } from '../../src/errors.ts';
import { createCoordinator } from '../../src/herder/coordinator.ts';
import { createHerder } from '../../src/herder/create-herder.ts';
import type { RunRequest } from '../../src/invocation/run-request.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { AwsTableClient } from '../../src/storage/dynamodb/aws-table-client.ts';
import { storesOver } from '../../src/storage/dynamodb/stores-over.ts';
import type { TargetState } from '../../src/storage/items.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { runOn } from '../../src/worker/run/run-on.ts';
import { createWorker } from '../../src/worker/worker.ts';
import { defaultWorkerSettings } from '../../src/worker/worker-settings.ts';
import { readTopic, uniqueName } from '../support/kafka-records.ts';
import { forgottenWrite, type RegisterWrite } from '../support/last-writer.ts';
import { MortalTable } from '../support/mortal-table.ts';
import { kafkaAddress } from '../support/services.ts';
import { invocations, monitorableSource, TaskMonitor } from './monitorable-source.ts';
import { dropTables, dynamoDbClient, newTable, tableRequests } from './storage/dynamodb-table.ts';

/**
 * Two coordinators, three callers of the API and as many runs as they dispatch, all at once over one real table; any of
 * them may die at any request. The stream is off: every wake-up is lost, and the schedule alone must find everything.
 * `DROVER_TEST_SEED` repeats a choice of events; how they interleave is the machine's.
 */
const seed = Number(process.env.DROVER_TEST_SEED ?? Date.now() % 1_000_000);
const names = ['a', 'b', 'c/ü', 'd'];
const callsEach = 20;
const absent = 'absent';
/** Time goes by faster: a minute's lease runs out in seconds. */
const speed = 10;
const settleMs = 90_000;

const random = mulberry32(seed);
const chance = (probability: number) => random() < probability;
const pick = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T;

const startedAt = Date.now();
const clock: Clock = {
  now: () => startedAt + (Date.now() - startedAt) * speed,
  sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
};
const telemetry = createTelemetry({ clock, write: () => {}, level: 'FATAL' });
const kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
const monitor = new TaskMonitor();
const plugins = createRegistry([monitorableSource(monitor)]);
const topic = uniqueName('herder-property');

afterAll(async () => {
  await dropTables();
  await kafka.close();
});

it(`I1, I6, I7: desired and actual agree in the end, no lease held twice, no answer forgotten (seed ${seed})`, async () => {
  await kafka.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
  const table = new AwsTableClient({ tableName: await newTable(dynamoDbClient()), requests: tableRequests() });
  const world = new World(table);
  world.startCoordinators();
  await Promise.all([0, 1, 2].map((caller) => world.call(caller)));
  world.peaceful = true;
  await world.settle();
  expect(world.forgotten(await world.desired())).toEqual([]);

  // Whatever they went through, all of them still run when they are asked to.
  await world.startAll();
  await world.settle();
  await world.stop();
  expect(monitor.violations).toEqual([]);
  await world.expectNothingLost();
  console.info(`seed ${seed}: ${world.summary()}`);
}, 240_000);

class World {
  readonly #table: AwsTableClient;
  readonly #stores;
  readonly #writes = new Map<string, { config: RegisterWrite[]; target: RegisterWrite[] }>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  /** From then on nobody dies. */
  peaceful = false;
  #runs = 0;
  #deaths = 0;
  #calls = 0;
  #refused = 0;

  constructor(table: AwsTableClient) {
    this.#table = table;
    this.#stores = storesOver(table, randomUUID);
    for (const name of names) this.#writes.set(name, { config: [], target: [] });
  }

  summary(): string {
    return `${this.#calls} calls, ${this.#refused} refused, ${this.#runs} runs, ${monitor.starts} task starts, ${this.#deaths} deaths`;
  }

  /** The table as one invocation sees it. */
  #mortal(probability: number): MortalTable {
    const dies = !this.peaceful && chance(probability);
    const table = new MortalTable(
      this.#table,
      dies ? { atRequest: 1 + Math.floor(random() * 5), before: chance(0.5) } : null,
    );
    void table.death.then(() => {
      this.#deaths++;
    });
    return table;
  }

  /** As Lambda's asynchronous invoke: accepted, and carried out some time. */
  #invoke(request: RunRequest): void {
    if (this.#stopping.signal.aborted) return;
    const id = `run-${++this.#runs}`;
    const table = this.#mortal(0.2);
    const budgetMs = 15_000;
    const worker = createWorker({
      stores: storesOver(table, randomUUID),
      kafka: async () => kafka,
      plugins,
      settings: {
        ...defaultWorkerSettings,
        leaseMarginMs: 1000,
        runMarginMs: 3000,
        runMaxMs: 6000,
        idleFloorMs: 500,
        idleCeilingMs: 2000,
      },
      telemetry,
      clock,
      configProviders: new Map(),
    });
    const run = invocations.run({ id, isDead: () => table.isDead }, () =>
      runOn(worker, clock, request, { deadlineAt: clock.now() + budgetMs, workerId: id }),
    );
    // At its deadline Lambda kills it.
    const killer = setTimeout(() => table.kill(), budgetMs / speed);
    this.#track(Promise.race([run, table.death]).finally(() => clearTimeout(killer)));
  }

  #track(work: Promise<unknown>): void {
    const done: Promise<void> = work
      .then(
        () => {},
        (error: unknown) => {
          if (!isRetriable(error)) throw error;
        },
      )
      .finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  startCoordinators(): void {
    for (const owner of ['one', 'two']) this.#track(this.#schedule(owner));
  }

  /** The schedule of one coordinator; each tick is an invocation of its own, and now and then one comes out of the blue. */
  async #schedule(owner: string): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const table = this.#mortal(0.3);
      const stores = storesOver(table, randomUUID);
      const coordinator = createCoordinator({
        configs: stores.config,
        leases: stores.leases,
        dueIndex: stores.due,
        cluster: stores.cluster,
        invoker: { invoke: async (request) => (table.isDead ? new Promise<void>(() => {}) : this.#invoke(request)) },
        startTicking: async () => {},
        owner: `${owner}-${randomUUID()}`,
        clock,
        random,
        telemetry,
        limits: { runsInFlight: 100, concurrency: 10 },
      });
      await Promise.race([coordinator.onTick(clock.now() + 10_000), table.death]);
      if (chance(0.3)) {
        const connector = pick(names);
        this.#invoke(chance(0.5) ? { kind: 'connector', connector } : { kind: 'task', connector, task: 0 });
      }
      await clock.sleep(2000);
    }
  }

  async call(caller: number): Promise<void> {
    for (let n = 0; n < callsEach; n++) {
      await this.#callOnce(pick(names), `${caller}.${n}`);
      await clock.sleep(random() * 4000);
    }
  }

  async #callOnce(name: string, marker: string): Promise<void> {
    const table = this.#mortal(0.15);
    const stores = storesOver(table, randomUUID);
    const herder = createHerder({
      configs: stores.config,
      statuses: stores.status,
      offsets: stores.offsets,
      cluster: stores.cluster,
      plugins,
      converterDefaults: apacheConverters,
      clock,
      version: '4.3.0',
      commit: 'test',
      logLevel: 'INFO',
    });
    const config = configOf(name, marker, 1 + Math.floor(random() * 3));
    const state = pick<TargetState>(['STARTED', 'STARTED', 'STARTED', 'PAUSED', 'STOPPED']);
    const verb = pick([
      'create',
      'create',
      'put',
      'put',
      'state',
      'state',
      'state',
      'delete',
      'restart',
      'restart-task',
    ] as const);
    const began = performance.now();
    let written: { config?: string; target?: string } = {};
    /** What may have been written by one that died, or did not know. */
    let perhaps: { config?: string; target?: string }[] = [];
    const act = async () => {
      switch (verb) {
        case 'create':
          perhaps = [{ config: marker, target: state }];
          await herder.createConnector(name, config, state);
          written = { config: marker, target: state };
          break;
        case 'put': {
          perhaps = [{ config: marker, target: 'STARTED' }];
          const { created } = await herder.putConnectorConfig(name, config);
          written = created ? { config: marker, target: 'STARTED' } : { config: marker };
          break;
        }
        case 'state':
          perhaps = [{ target: state }];
          await herder.setTargetState(name, state);
          written = { target: state };
          break;
        case 'delete':
          perhaps = [{ config: absent, target: absent }];
          await herder.deleteConnector(name);
          written = { config: absent, target: absent };
          break;
        case 'restart':
          await herder.restartConnector(name, { includeTasks: chance(0.5), onlyFailed: chance(0.5) });
          break;
        case 'restart-task':
          await herder.restartTask(name, 0);
          break;
      }
    };
    this.#calls++;
    let answer: 'acknowledged' | 'refused' | 'unknown';
    try {
      const done = act().then(() => 'acknowledged' as const);
      answer = await Promise.race([done, table.death.then(() => 'unknown' as const)]);
    } catch (error) {
      if (!(error instanceof ConnectError)) throw error;
      answer = isRetriable(error) ? 'unknown' : 'refused';
      this.#refused++;
    }
    if (answer === 'refused') return;
    const acknowledged = answer === 'acknowledged';
    const span = { startedAt: began, endedAt: performance.now(), acknowledged };
    const registers = this.#writes.get(name);
    for (const { config: configValue, target } of acknowledged ? [written] : perhaps) {
      if (configValue !== undefined) registers?.config.push({ value: configValue, ...span });
      if (target !== undefined) registers?.target.push({ value: target, ...span });
    }
  }

  async startAll(): Promise<void> {
    const { config } = this.#stores;
    for (const name of names) {
      await config.putConnectorConfig(name, 'source', configOf(name, 'last', 3), clock.now());
      await config.putTargetState(name, 'STARTED', clock.now());
    }
  }

  /** What users see that they asked for. */
  async desired(): Promise<Map<string, { config: string; target: string }>> {
    const found = new Map<string, { config: string; target: string }>();
    for (const name of names) {
      const connector = await this.#stores.config.getConnector(name);
      found.set(name, { config: connector?.config.marker ?? absent, target: connector?.targetState ?? absent });
    }
    return found;
  }

  forgotten(desired: Map<string, { config: string; target: string }>): string[] {
    return [...desired].flatMap(([name, { config, target }]) => {
      const writes = this.#writes.get(name);
      const faults = [
        forgottenWrite(absent, writes?.config ?? [], config),
        forgottenWrite(absent, writes?.target ?? [], target),
      ];
      return faults.filter((fault) => fault !== null).map((fault) => `${name}: ${fault}`);
    });
  }

  /** Until what is agrees with what is wanted. */
  async settle(): Promise<void> {
    const until = performance.now() + settleMs;
    for (;;) {
      const faults = (await Promise.all(names.map((name) => this.#disagreement(name)))).filter(
        (fault) => fault !== null,
      );
      if (faults.length === 0) return;
      if (performance.now() > until)
        throw new Error(`seed ${seed}: not settled after ${settleMs} ms: ${faults.join('; ')}`);
      await systemClock.sleep(200);
    }
  }

  async #disagreement(name: string): Promise<string | null> {
    const found = await this.#stores.config.getConnectorAndTasks(name, { evenDeleting: true });
    if (found === undefined) {
      const left = await this.#stores.config.getTasks(name);
      return left.length === 0 ? null : `${name} is gone and ${left.length} tasks are left`;
    }
    const { connector, tasks } = found;
    const held = tasks.filter(({ leaseOwner, leaseExpiresAt }) => leaseOwner !== null && leaseExpiresAt > clock.now());
    const seen =
      `${name}: ${connector.targetState}, is ${connector.state}, deleting ${connector.deleting}, version ` +
      `${connector.appliedVersion}/${connector.configVersion}, due ${connector.dueAt}, ` +
      tasks
        .map((task) => `${task.task}:${task.state}${task.revoked ? ' revoked' : ''} ${task.config.marker}`)
        .join(', ');
    if (connector.deleting || connector.appliedVersion !== connector.configVersion) return seen;
    const as = (state: string) =>
      connector.state === state && tasks.every((task) => task.state === state && task.revoked);
    switch (connector.targetState) {
      case 'STOPPED':
        return connector.state === 'STOPPED' && tasks.length === 0 ? null : seen;
      case 'PAUSED':
        return as('PAUSED') && held.length === 0 ? null : seen;
      case 'STARTED': {
        const wanted = Number(connector.config['tasks.max']);
        const running = tasks.every(
          (task) =>
            task.state === 'RUNNING' &&
            !task.revoked &&
            task.config.marker === connector.config.marker &&
            task.dueAt !== null,
        );
        return connector.state === 'RUNNING' && tasks.length === wanted && running ? null : seen;
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** Whatever a source offset says was produced lies on the topic (I3). */
  async expectNothingLost(): Promise<void> {
    const produced = new Set((await readTopic(kafka, topic)).map(({ value }) => value));
    let committed = 0;
    for (const name of names) {
      for (const { partition, offset } of (await this.#stores.offsets.listSourceOffsets(name, null)).items) {
        const { task } = JSON.parse(partition) as { task: number };
        const { n: last } = JSON.parse(offset ?? '{}') as { n: number };
        for (let n = 1; n <= last; n++) expect(produced).toContain(`${name}/${task}/${n}`);
        committed += last;
      }
    }
    expect(committed).toBeGreaterThan(0);
  }
}

function configOf(name: string, marker: string, tasksMax: number) {
  return {
    name,
    'connector.class': 'MonitorableSource',
    'tasks.max': String(tasksMax),
    topic,
    marker,
    // Here it is chance that kills.
    'drover.deaths.max': '1000',
    'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
  };
}

function mulberry32(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
