import { RetriableError } from '../../errors.ts';
import type { AppliedGeneration, Closing, DueAt, GenerationStore, NewTask } from '../generation-store.ts';
import type { ReplayProgress, State, TaskItem } from '../items.ts';
import type { Lease } from '../lease-store.ts';
import type { SourceOffsetEntry } from '../offset-backing-store.ts';
import { type Attributes, N, number, S, text, yes } from './attributes.ts';
import {
  countDeaths,
  dueAttributes,
  fruitful,
  isFree,
  isNew,
  keyOfRun,
  leaseAttributes,
  nameOfRun,
  notWoken,
  revocationAttributes,
  stillOurs,
  tokenIsNewest,
  tokenOf,
} from './conditions.ts';
import { requireDone, tasksAsSeen, writeFenced } from './fenced-writes.ts';
import {
  writeAssignment,
  writePositionChanges,
  writePositions,
  writeReplay,
  writeSettings,
  writeTrace,
} from './item-codec.ts';
import { emptiedSourceOffsets, sourceOffsetWrite } from './offset-store.ts';
import { foldPositions, settlePositions } from './resting-positions.ts';
import { connectorKey, connectorPk, historyPrefix, sinkPositionPrefix, taskKey, topicPrefix, under } from './table.ts';
import { chunksOf, queryAll, type TableClient, type Write } from './table-client.ts';
import { revokeTasks, startTasks } from './task-revocations.ts';

/** Long after the last zombie: Lambda ends every run within 15 minutes. */
const tokenKeptSeconds = 7 * 24 * 3600;

export class DynamoDbGenerationStore implements GenerationStore {
  readonly #table: TableClient;

  constructor(table: TableClient) {
    this.#table = table;
  }

  revokeTasks(
    lease: Lease,
    tasks: readonly number[],
    state?: State,
    closing?: Closing & { now: number },
  ): Promise<void> {
    return revokeTasks(this.#table, lease, tasks, state, closing);
  }

  startTasks(lease: Lease, tasks: readonly number[], now: number, dueAt: DueAt = () => now): Promise<void> {
    return startTasks(this.#table, lease, tasks, now, dueAt);
  }

  foldPositions(lease: Lease, task: TaskItem): Promise<void> {
    return foldPositions(this.#table, lease, task);
  }

  settlePositions(...[lease, changes, told]: Parameters<GenerationStore['settlePositions']>): Promise<void> {
    return settlePositions(this.#table, lease, changes, told);
  }

  async putTasks(
    lease: Lease,
    generation: number,
    tasks: readonly NewTask[],
    now: number,
    dueAt: DueAt = () => now,
  ): Promise<void> {
    const name = lease.run.connector;
    const connector = stillOurs(lease, await this.#table.get(connectorKey(name)));
    const floor = number(connector, 'tokenFloor') ?? 0;
    const writes = tasks.map((task): Write => {
      const key = taskKey(name, task.task);
      return {
        kind: 'update',
        key,
        what: `the config of task ${name}-${task.task}`,
        set: {
          type: S(text(connector, 'type') ?? ''),
          config: writeSettings(task.config),
          assignment: writeAssignment(task.assignment),
          positions: writePositions(task.positions),
          generation: N(generation),
          state: S('UNASSIGNED'),
          workerId: S(text(connector, 'workerId') ?? ''),
          consecutiveFailures: N(0),
          consecutiveEmptyRuns: N(0),
          restartAttempts: N(0),
          ...countDeaths(),
          ...dueAttributes(key, dueAt(task.task)),
        },
        // The token grows here too: a run that lost its lease to time alone is fenced from now on.
        assign: ['#fencingToken = if_not_exists(#fencingToken, :floor) + :one'],
        remove: [...leaseAttributes, ...revocationAttributes, 'watchedPk', 'wokenAt', 'trace'],
        condition: isFree,
        values: { floor: N(floor), one: N(1), now: N(now) },
      };
    });
    for (const chunk of chunksOf(writes)) await writeFenced(this.#table, lease, chunk, `the tasks of ${name}`);
  }

  /** The newest token of what is deleted stays with the connector, as the floor for its next tasks. */
  async deleteTasks(lease: Lease, tasks: readonly number[], now: number): Promise<void> {
    const name = lease.run.connector;
    const rows = await tasksAsSeen(this.#table, name, ['sk', 'fencingToken']);
    const present = tasks.filter((task) => rows.has(task));
    if (present.length === 0) return;
    const connector = stillOurs(lease, await this.#table.get(connectorKey(name), ['fencingToken', 'tokenFloor']));
    const tokens = present.map((task) => number(rows.get(task) as Attributes, 'fencingToken') ?? 0);
    const floor = tokens.reduce((most, token) => Math.max(most, token), number(connector, 'tokenFloor') ?? 0);
    const raiseFloor: Write = {
      kind: 'update',
      key: connectorKey(name),
      what: `connector ${name}`,
      set: { tokenFloor: N(floor) },
      condition: tokenIsNewest,
      values: tokenOf(lease),
    };
    const deletions = present.map(
      (task): Write => ({
        kind: 'delete',
        key: taskKey(name, task),
        condition: `${isNew} OR (${isFree} AND #fencingToken <= :floor)`,
        values: { now: N(now), floor: N(floor) },
      }),
    );
    for (const chunk of chunksOf(deletions)) {
      requireDone(lease, await this.#table.transact([raiseFloor, ...chunk], `the tasks of ${name}`));
    }
  }

  async putSourceOffsets(lease: Lease, offsets: readonly SourceOffsetEntry[]): Promise<void> {
    const writes = offsets.map((entry) => sourceOffsetWrite(lease.run.connector, entry));
    for (const chunk of chunksOf(writes)) await writeFenced(this.#table, lease, chunk, 'source offsets');
    const emptied = emptiedSourceOffsets(lease.run.connector, offsets);
    for (const chunk of chunksOf(emptied)) await writeFenced(this.#table, lease, chunk, 'source offsets');
  }

  async putReplay(lease: Lease, replay: ReplayProgress): Promise<{ changed: boolean }> {
    const outcome = await this.#table.update({
      key: keyOfRun(lease),
      what: `the replay of the dead letters of ${nameOfRun(lease)}`,
      set: { replay: writeReplay(replay), ...fruitful },
      condition: `${tokenIsNewest} AND attribute_exists(#leaseOwner)`,
      values: tokenOf(lease),
    });
    const row = outcome.done ? (outcome.before ?? {}) : stillOurs(lease, outcome.row);
    // Without a lease: this write was taken when it was first sent, and the run has ended since.
    return { changed: !outcome.done || number(row, 'configVersion') !== number(row, 'runningVersion') };
  }

  async applyGeneration(lease: Lease, applied: AppliedGeneration, dueAt: number | null): Promise<void> {
    const key = keyOfRun(lease);
    const update = {
      key,
      what: `the generation of connector ${nameOfRun(lease)}`,
      set: {
        generation: N(applied.generation),
        taskCount: N(applied.taskCount),
        appliedVersion: N(applied.appliedVersion),
        ...(applied.configHash === undefined ? {} : { appliedConfigHash: S(applied.configHash) }),
        state: S(applied.state),
        trace: writeTrace(applied.trace),
        workerId: S(applied.workerId),
        ...(applied.groupSettled === undefined ? {} : { groupSettled: applied.groupSettled ? yes : undefined }),
        ...(applied.positionChanges === undefined
          ? {}
          : { positionChanges: writePositionChanges(applied.positionChanges) }),
        ...countDeaths(applied.deaths),
      },
      remove: [...leaseAttributes, 'wokenAt'],
    };
    const first = await this.#table.update({
      ...update,
      set: { ...update.set, ...dueAttributes(key, dueAt) },
      condition: `${tokenIsNewest} AND attribute_exists(#leaseOwner) AND #configVersion = :applied AND ${notWoken}`,
      values: { ...tokenOf(lease), applied: N(applied.appliedVersion) },
    });
    if (first.done) return;
    const row = stillOurs(lease, first.row);
    if (text(row, 'leaseOwner') === null) return;
    // Changed or woken meanwhile: due as that was asked for.
    const wokenAt = number(row, 'wokenAt');
    const changed = number(row, 'configVersion') !== applied.appliedVersion;
    const second = await this.#table.update({
      ...update,
      set: { ...update.set, ...(changed ? {} : dueAttributes(key, wokenAt ?? dueAt)) },
      condition: tokenIsNewest,
      values: tokenOf(lease),
    });
    if (!second.done) stillOurs(lease, second.row);
  }

  async removeConnector(lease: Lease, now: number): Promise<boolean> {
    const name = lease.run.connector;
    const pk = connectorPk(name);
    if ((await tasksAsSeen(this.#table, name, ['sk', 'fencingToken'])).size > 0) {
      throw new RetriableError(`Connector ${name} still has tasks`, { code: 'task.lease_held' });
    }
    for (const prefix of [historyPrefix, sinkPositionPrefix, topicPrefix]) {
      const range = under(prefix);
      for await (const items of queryAll(this.#table, pk, range, ['pk', 'sk'])) {
        const deletions = items.map((item): Write => ({ kind: 'delete', key: { pk, sk: text(item, 'sk') ?? '' } }));
        for (const chunk of chunksOf(deletions)) await writeFenced(this.#table, lease, chunk, `connector ${name}`);
      }
    }
    const connector = stillOurs(lease, await this.#table.get(connectorKey(name)));
    const kept = ['fencingToken', 'tokenFloor', 'configVersion', 'generation'] as const;
    const item: Attributes = { gone: yes, ttl: N(Math.floor(now / 1000) + tokenKeptSeconds) };
    for (const attribute of kept) if (connector[attribute] !== undefined) item[attribute] = connector[attribute];
    const outcome = await this.#table.transact(
      [
        {
          kind: 'put',
          key: connectorKey(name),
          what: `connector ${name}`,
          item,
          condition: `${tokenIsNewest} AND attribute_exists(#deleting)`,
          values: tokenOf(lease),
        },
      ],
      `connector ${name}`,
    );
    if (outcome.done) return true;
    stillOurs(lease, outcome.refused[0]);
    // Created anew: its due time stands, the lease goes.
    const released = await this.#table.update({
      key: connectorKey(name),
      what: `connector ${name}`,
      set: countDeaths(),
      remove: leaseAttributes,
      condition: tokenIsNewest,
      values: tokenOf(lease),
    });
    if (!released.done) stillOurs(lease, released.row);
    return false;
  }
}
