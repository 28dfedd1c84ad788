import type { Settings } from '../../config/config-def.ts';
import { ConflictError, NotFoundError, RetriableError } from '../../errors.ts';
import type { ConfigBackingStore } from '../config-backing-store.ts';
import { everyTick } from '../due-index.ts';
import type { ConnectorItem, ConnectorType, TargetState, TaskItem } from '../items.ts';
import type { Page } from '../offset-backing-store.ts';
import { type Attributes, flag, N, number, S, text, yes } from './attributes.ts';
import { countDeaths, dueAttributes, exists, isFree, isLive, isNotLive, notRevoked } from './conditions.ts';
import { isGone, readConnector, readTask, writeSettings } from './item-codec.ts';
import { revocation } from './lease-store.ts';
import { connectorKey, connectorOf, connectorPk, type Key, listPk, stateSk, taskKey, taskPrefix } from './table.ts';
import { inParallel, queryAll, type TableClient } from './table-client.ts';

const notFound = (name: string) => new NotFoundError('connector.not_found', `Connector ${name} not found`);

const nextVersion = '#configVersion = if_not_exists(#configVersion, :zero) + :one';
const counting = { zero: N(0), one: N(1) };

export class DynamoDbConfigBackingStore implements ConfigBackingStore {
  readonly #table: TableClient;
  readonly #newNonce: () => string;

  constructor(table: TableClient, newNonce: () => string) {
    this.#table = table;
    this.#newNonce = newNonce;
  }

  async createConnector(name: string, type: ConnectorType, config: Settings, targetState: TargetState, now: number) {
    const key = connectorKey(name);
    const nonce = this.#newNonce();
    const outcome = await this.#table.update({
      key,
      what: `the config of connector ${name}`,
      set: {
        type: S(type),
        config: writeSettings(config),
        targetState: S(targetState),
        state: S('UNASSIGNED'),
        workerId: S(''),
        appliedVersion: N(0),
        restarts: N(0),
        listPk: S(listPk),
        createdBy: S(nonce),
        ...countDeaths(),
        ...dueAttributes(key, now),
      },
      // What its namesake left behind goes on growing; tasks that it still has are the next connector run's to replace.
      assign: [
        nextVersion,
        '#fencingToken = if_not_exists(#fencingToken, :zero)',
        '#generation = if_not_exists(#generation, :zero)',
        '#taskCount = if_not_exists(#taskCount, :zero)',
      ],
      remove: [
        'deleting',
        'gone',
        'ttl',
        'trace',
        'restartRequest',
        'replayRequestedAt',
        'replay',
        'groupSettled',
        'groupResetAt',
        'positionChanges',
        'lastDeathAt',
        'lastDeathOwner',
      ],
      condition: isNotLive,
      values: counting,
    });
    if (!outcome.done && text(outcome.row ?? {}, 'createdBy') !== nonce) {
      throw new ConflictError('connector.exists', `Connector ${name} already exists`);
    }
  }

  async putConnectorConfig(name: string, type: ConnectorType, config: Settings, now: number) {
    const key = connectorKey(name);
    for (let attempt = 0; attempt < 5; attempt++) {
      const { done } = await this.#table.update({
        key,
        what: `the config of connector ${name}`,
        set: { type: S(type), config: writeSettings(config), ...countDeaths(), ...dueAttributes(key, now) },
        assign: [nextVersion],
        condition: isLive,
        values: counting,
      });
      if (done) return { created: false };
      try {
        await this.createConnector(name, type, config, 'STARTED', now);
        return { created: true };
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
      }
    }
    throw new RetriableError(`Connector ${name} is created and deleted all the time`, { code: 'storage.busy' });
  }

  async replaceConnectorConfig(
    name: string,
    configVersion: number,
    type: ConnectorType,
    config: Settings,
    now: number,
  ): Promise<boolean> {
    const key = connectorKey(name);
    const { done } = await this.#table.update({
      key,
      what: `the config of connector ${name}`,
      set: { type: S(type), config: writeSettings(config), ...countDeaths(), ...dueAttributes(key, now) },
      assign: [nextVersion],
      condition: `${isLive} AND #configVersion = :readVersion`,
      values: { ...counting, readVersion: N(configVersion) },
    });
    return done;
  }

  async putTargetState(name: string, targetState: TargetState, now: number): Promise<void> {
    const key = connectorKey(name);
    const { done } = await this.#table.update({
      key,
      what: `the target state of connector ${name}`,
      set: { targetState: S(targetState), ...countDeaths(), ...dueAttributes(key, now) },
      assign: [nextVersion],
      condition: isLive,
      values: counting,
    });
    if (!done) throw notFound(name);
  }

  async deleteConnector(name: string, now: number): Promise<void> {
    const key = connectorKey(name);
    const { done } = await this.#table.update({
      key,
      what: `the deletion of connector ${name}`,
      set: { deleting: yes, ...dueAttributes(key, now) },
      assign: [nextVersion],
      remove: ['listPk'],
      condition: isLive,
      values: counting,
    });
    if (!done) throw notFound(name);
  }

  async requestRestart(
    name: string,
    what: { connector: boolean; tasks: readonly number[]; includeTasks?: boolean; onlyFailed?: boolean },
    now: number,
  ): Promise<void> {
    const asked = what.includeTasks !== undefined || what.onlyFailed !== undefined;
    const key = connectorKey(name);
    const restart = {
      set: { state: S('RESTARTING'), trace: undefined, ...countDeaths(), ...dueAttributes(key, now) },
      assign: [nextVersion, '#restarts = if_not_exists(#restarts, :zero) + :one'],
    };
    const request = {
      M: { includeTasks: { BOOL: what.includeTasks ?? false }, onlyFailed: { BOOL: what.onlyFailed ?? false } },
    };
    if (what.connector || asked) {
      const { done } = await this.#table.update({
        key,
        what: `a restart of connector ${name}`,
        set: { ...(what.connector ? restart.set : {}), restartRequest: asked ? request : undefined },
        assign: what.connector ? restart.assign : [],
        condition: isLive,
        ...(what.connector ? { values: counting } : {}),
      });
      if (!done) throw notFound(name);
    } else if ((await this.getConnector(name)) === undefined) throw notFound(name);
    for (const task of what.tasks) await this.#restartTask(name, task, now);
  }

  /**
   * Free: due now. Running: asked to let go and to start anew. Revoked by the connector's run: left alone, that run
   * decides what comes next.
   */
  async #restartTask(name: string, task: number, now: number): Promise<void> {
    const key = taskKey(name, task);
    const due = dueAttributes(key, now);
    const what = `a restart of task ${name}-${task}`;
    for (let attempt = 0; attempt < 5; attempt++) {
      const free = await this.#table.update({
        key,
        what,
        set: {
          state: S('RESTARTING'),
          trace: undefined,
          watchedPk: undefined,
          consecutiveFailures: N(0),
          restartAttempts: N(0),
          ...countDeaths(),
          ...due,
        },
        condition: `${exists} AND ${isFree} AND ${notRevoked}`,
        values: { now: N(now) },
      });
      if (free.done || (free.row !== null && flag(free.row, 'revoked'))) return;
      if (free.row === null) throw new NotFoundError('task.not_found', `Task ${name}-${task} not found`);
      const held = await this.#table.update({
        key,
        what,
        set: {
          state: S('RESTARTING'),
          ...revocation('RESTARTING'),
          restartRequested: yes,
          ...countDeaths(),
          ...due,
        },
        condition: `${exists} AND #leaseExpiresAt > :now AND ${notRevoked}`,
        values: { now: N(now) },
      });
      if (held.done) return;
    }
    throw new RetriableError(`Could not write ${what}`, { code: 'storage.busy' });
  }

  async requestReplay(name: string, target: string | null, now: number): Promise<void> {
    const key = connectorKey(name);
    const { done } = await this.#table.update({
      key,
      what: `a replay of the dead letters of connector ${name}`,
      set: {
        replayTarget: target === null ? undefined : S(target),
        replayRequestedAt: N(now),
        ...countDeaths(),
        ...dueAttributes(key, now),
      },
      assign: [nextVersion, '#replays = if_not_exists(#replays, :zero) + :one'],
      condition: isLive,
      values: counting,
    });
    if (!done) throw notFound(name);
  }

  async markTaskDue(connector: string, task: number, now: number): Promise<boolean> {
    return (
      (await this.#markDue(taskKey(connector, task), `a wake-up of ${connector}-${task}`, now, notRevoked)) !== null
    );
  }

  async wakeTask(connector: string, task: number, now: number): Promise<'free' | 'running' | null> {
    return this.#markDue(taskKey(connector, task), `a wake-up of ${connector}-${task}`, now, notRevoked, everyTick);
  }

  async markConnectorDue(connector: string, now: number): Promise<boolean> {
    return (await this.#markDue(connectorKey(connector), `a wake-up of ${connector}`, now, isLive)) !== null;
  }

  /** A running one is told by `wokenAt`, which its release turns into a due time: no wake-up falls between the two. */
  async #markDue(key: Key, what: string, now: number, mayRun: string, dueAt = now): Promise<'free' | 'running' | null> {
    const wanted = `${exists} AND ${mayRun} AND NOT #state IN (:FAILED, :PAUSED, :STOPPED)`;
    const values = { now: N(now), FAILED: S('FAILED'), PAUSED: S('PAUSED'), STOPPED: S('STOPPED') };
    const free = await this.#table.update({
      key,
      what,
      set: { ...dueAttributes(key, dueAt), watchedPk: undefined },
      condition: `${wanted} AND ${isFree}`,
      values,
    });
    if (free.done) return 'free';
    if (free.row === null || (number(free.row, 'leaseExpiresAt') ?? 0) <= now) return null;
    const held = await this.#table.update({
      key,
      what,
      set: { wokenAt: N(now) },
      condition: `${wanted} AND #leaseExpiresAt > :now`,
      values,
    });
    return held.done ? 'running' : null;
  }

  async getConnector(name: string, options: { evenDeleting?: boolean } = {}): Promise<ConnectorItem | undefined> {
    return visible(await this.#table.get(connectorKey(name)), options.evenDeleting);
  }

  async listConnectorNames(after: string | null, limit?: number): Promise<Page<string>> {
    const { items, next } = await this.#table.queryIndex('connectors', listPk, {
      ...(after === null ? {} : { behind: connectorKey(after) }),
      ...(limit === undefined ? {} : { limit }),
    });
    const names = items.map((item) => connectorOf(text(item, 'pk') ?? ''));
    return { items: names, next: next === null ? null : (names.at(-1) ?? null) };
  }

  async getTasks(connector: string): Promise<TaskItem[]> {
    const tasks: TaskItem[] = [];
    for await (const items of queryAll(this.#table, connectorPk(connector), {
      from: taskPrefix,
      to: `${taskPrefix}~`,
    })) {
      tasks.push(...items.map(readTask));
    }
    return tasks;
  }

  async getTask(connector: string, task: number): Promise<TaskItem | undefined> {
    const item = await this.#table.get(taskKey(connector, task));
    return item === null ? undefined : readTask(item);
  }

  async getTasksOf(tasks: readonly { readonly connector: string; readonly task: number }[]): Promise<TaskItem[]> {
    return (await this.#table.getMany(tasks.map(({ connector, task }) => taskKey(connector, task)))).map(readTask);
  }

  async getConnectorAndTasks(name: string, options: { evenDeleting?: boolean } = {}) {
    const items: Attributes[] = [];
    for await (const page of queryAll(this.#table, connectorPk(name), { from: stateSk, to: `${taskPrefix}~` })) {
      items.push(...page);
    }
    const [first, ...rest] = items;
    if (first === undefined || text(first, 'sk') !== stateSk) return undefined;
    const connector = visible(first, options.evenDeleting);
    return connector === undefined ? undefined : { connector, tasks: rest.map(readTask) };
  }

  /**
   * By the hundred items a request, as most have one task. How many tasks there are stands in the connector's item; where
   * that is about to change they are read together.
   */
  async getConnectorsAndTasks(names: readonly string[]) {
    const found = new Map<string, { connector: ConnectorItem; tasks: TaskItem[] }>();
    const items = new Map<string, Attributes>();
    const get = async (keys: readonly Key[]) => {
      for (const item of await this.#table.getMany(keys)) items.set(`${text(item, 'pk')} ${text(item, 'sk')}`, item);
    };
    const itemOf = ({ pk, sk }: Key) => items.get(`${pk} ${sk}`) ?? null;
    await get(names.flatMap((name) => [connectorKey(name), taskKey(name, 0)]));
    const live = names.flatMap((name) => visible(itemOf(connectorKey(name))) ?? []);
    const isSettled = ({ appliedVersion, configVersion }: ConnectorItem) => appliedVersion >= configVersion;
    const keysOf = ({ name, taskCount }: ConnectorItem) =>
      Array.from({ length: taskCount }, (_, task) => taskKey(name, task));
    await get(live.filter(isSettled).flatMap((connector) => keysOf(connector).slice(1)));
    const changing: string[] = [];
    for (const connector of live) {
      const tasks = keysOf(connector)
        .map(itemOf)
        .filter((item) => item !== null);
      if (!isSettled(connector) || tasks.length < connector.taskCount) changing.push(connector.name);
      else found.set(connector.name, { connector, tasks: tasks.map(readTask) });
    }
    await inParallel(readsAtOnce, changing, async (name) => {
      const read = await this.getConnectorAndTasks(name);
      if (read !== undefined) found.set(name, read);
    });
    return found;
  }
}

/** Of connectors that are read by themselves. */
const readsAtOnce = 32;

function visible(item: Attributes | null, evenDeleting = false): ConnectorItem | undefined {
  if (item === null || isGone(item)) return undefined;
  const connector = readConnector(item);
  return connector.deleting && !evenDeleting ? undefined : connector;
}
