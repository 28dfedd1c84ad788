import { RetriableError } from '../../errors.ts';
import type { AppliedGeneration, Closing, GenerationStore, NewTask, RestingChange } from '../generation-store.ts';
import type { PositionChange, ReplayProgress, State, TaskItem } from '../items.ts';
import type { Lease } from '../lease-store.ts';
import type { RestingPosition, SourceOffsetEntry } from '../offset-backing-store.ts';
import { type Attributes, flag, N, number, S, text, yes } from './attributes.ts';
import {
  countDeaths,
  dueAttributes,
  exists,
  fence,
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
import {
  positionField,
  positionList,
  readPositionList,
  writeAssignment,
  writePositionChanges,
  writePositions,
  writeReplay,
  writeRestingPosition,
  writeSettings,
  writeTrace,
} from './item-codec.ts';
import { revocation } from './lease-store.ts';
import { emptiedSourceOffsets, sourceOffsetWrite } from './offset-store.ts';
import {
  connectorKey,
  connectorPk,
  historyPrefix,
  sinkPositionKey,
  sinkPositionOf,
  sinkPositionPrefix,
  taskKey,
  taskPrefix,
  topicPrefix,
} from './table.ts';
import { chunksOf, queryAll, type TableClient, type Write } from './table-client.ts';

/** Long after the last zombie: Lambda ends every run within 15 minutes. */
const tokenKeptSeconds = 7 * 24 * 3600;

/** What it takes to choose a task's write, read at once for all of them. */
const taskFacts = ['sk', 'fencingToken', 'leaseOwner', 'leaseExpiresAt', 'state', 'revoked'] as const;
/** And whether it is owed a closing run. */
const openFacts = [...taskFacts, 'closedFor', 'positions'] as const;

export class DynamoDbGenerationStore implements GenerationStore {
  readonly #table: TableClient;

  constructor(table: TableClient) {
    this.#table = table;
  }

  async revokeTasks(
    lease: Lease,
    tasks: readonly number[],
    state?: State,
    closing?: Closing & { now: number },
  ): Promise<void> {
    const name = lease.run.connector;
    const facts = closing === undefined ? taskFacts : openFacts;
    await this.#eachAsSeen(lease, tasks, facts, (task, row) => {
      const key = taskKey(name, task);
      const failed = text(row, 'state') === 'FAILED';
      const closes = closing?.tasks.includes(task) ? closing : null;
      const held = text(row, 'leaseOwner') !== null;
      const owed = closes !== null && number(row, 'closedFor') !== closes.version && (held || keepsStates(row));
      // What is open may have changed with a run that has begun or ended since.
      const asSeen = `attribute_${held ? '' : 'not_'}exists(#leaseOwner)`;
      return {
        kind: 'update',
        key,
        what: `the revocation of task ${name}-${task}`,
        set: {
          ...revocation(state),
          // A runner that dies leaves it due, as any other.
          ...dueAttributes(key, owed ? closes.now : null),
          watchedPk: undefined,
          restartRequested: undefined,
          ...(closes === null ? {} : { closingFor: owed ? N(closes.version) : undefined }),
          ...(owed ? { consecutiveFailures: N(0) } : {}),
          ...(state === undefined || failed ? {} : { state: S(state) }),
        },
        condition: `${exists} AND #state ${failed ? '=' : '<>'} :FAILED${closes === null ? '' : ` AND ${asSeen}`}`,
        values: { FAILED: S('FAILED') },
      };
    });
  }

  async startTasks(lease: Lease, tasks: readonly number[], now: number): Promise<void> {
    const name = lease.run.connector;
    await this.#eachAsSeen(lease, tasks, taskFacts, (task, row) => {
      const key = taskKey(name, task);
      const what = `the start of task ${name}-${task}`;
      const common = { kind: 'update' as const, key, what };
      if (text(row, 'state') === 'FAILED') {
        return {
          ...common,
          // It stays FAILED: a closing run that it is due for is no reason to run it.
          set: dueAttributes(key, null),
          remove: revocationAttributes,
          condition: `${exists} AND #state = :FAILED`,
          values: { FAILED: S('FAILED') },
        };
      }
      if (text(row, 'leaseOwner') !== null && flag(row, 'revoked')) {
        return {
          ...common,
          set: { restartRequested: yes, revokedTo: S('UNASSIGNED'), ...countDeaths(), ...dueAttributes(key, now) },
          condition: `attribute_exists(#leaseOwner) AND attribute_exists(#revoked)`,
        };
      }
      const held = text(row, 'leaseOwner') !== null;
      return {
        ...common,
        set: {
          ...(held ? {} : { state: S('UNASSIGNED'), trace: undefined }),
          watchedPk: undefined,
          ...countDeaths(),
          ...dueAttributes(key, now),
        },
        remove: revocationAttributes,
        condition: held
          ? `attribute_exists(#leaseOwner) AND attribute_not_exists(#revoked)`
          : `${exists} AND attribute_not_exists(#leaseOwner) AND #state <> :FAILED`,
        ...(held ? {} : { values: { FAILED: S('FAILED') } }),
      };
    });
  }

  /** Decides on what was read, writes on condition that it still holds, and looks again where it does not. */
  async #eachAsSeen(
    lease: Lease,
    tasks: readonly number[],
    facts: readonly string[],
    write: (task: number, row: Attributes) => Write,
  ) {
    let left = [...tasks];
    for (let attempt = 0; left.length > 0; attempt++) {
      if (attempt === 10) throw new RetriableError('The tasks change all the time', { code: 'storage.busy' });
      const rows = await this.#facts(lease.run.connector, facts);
      const again: number[] = [];
      const present = left.filter((task) => rows.has(task));
      for (let start = 0; start < present.length; start += 99) {
        const batch = present.slice(start, start + 99);
        const writes = batch.map((task) => write(task, rows.get(task) as Attributes));
        const outcome = await this.#table.transact([fence(lease), ...writes], `tasks of ${lease.run.connector}`);
        if (outcome.done) continue;
        if (outcome.refused[0] !== undefined) stillOurs(lease, outcome.refused[0]);
        again.push(...batch);
      }
      left = again;
    }
  }

  async #facts(connector: string, facts: readonly string[] = taskFacts): Promise<Map<number, Attributes>> {
    const rows = new Map<number, Attributes>();
    const range = { from: taskPrefix, to: `${taskPrefix}~` };
    for await (const items of queryAll(this.#table, connectorPk(connector), range, facts)) {
      for (const item of items) rows.set(Number((text(item, 'sk') ?? '').slice(taskPrefix.length)), item);
    }
    return rows;
  }

  async foldPositions(lease: Lease, task: TaskItem): Promise<void> {
    if (task.type !== 'sink') return;
    const stillAtRest: Write = {
      kind: 'check',
      key: taskKey(task.connector, task.task),
      condition: '#fencingToken = :token AND attribute_exists(#revoked)',
      values: { token: N(task.fencingToken) },
    };
    const byHand = await this.#positionsByHand(task.connector);
    const writes = positionList(task)
      .filter(({ topic, kafkaPartition }) => !byHand.has(positionField(topic, kafkaPartition)))
      .map((position) => ({
        ...restingWrite(task.connector, { topicId: null, byHand: false, gone: false, ...position }),
        condition: 'attribute_not_exists(#byHand)',
      }));
    for (let start = 0; start < writes.length; start += 98) {
      const chunk = writes.slice(start, start + 98);
      await this.#fenced(lease, [stillAtRest, ...chunk], `positions of ${task.connector}-${task.task}`);
    }
  }

  async #positionsByHand(connector: string): Promise<Set<string>> {
    const found = new Set<string>();
    const range = { from: sinkPositionPrefix, to: `${sinkPositionPrefix}\u{10ffff}` };
    for await (const items of queryAll(this.#table, connectorPk(connector), range, ['sk', 'byHand'])) {
      for (const item of items) {
        const { topic, kafkaPartition } = sinkPositionOf(text(item, 'sk') ?? '');
        if (flag(item, 'byHand')) found.add(positionField(topic, kafkaPartition));
      }
    }
    return found;
  }

  async settlePositions(
    lease: Lease,
    changes: readonly RestingChange[],
    told: { readonly positionChanges: readonly PositionChange[]; readonly groupReset: number | null },
  ): Promise<void> {
    const name = lease.run.connector;
    const writes = changes.flatMap(({ before, after }) => {
      const at = after ?? before;
      return at === null
        ? []
        : [{ ...(after === null ? removal(name, at) : restingWrite(name, after)), ...asRead(before) }];
    });
    const { groupReset } = told;
    const connector: Write = {
      kind: 'update',
      key: connectorKey(name),
      what: `connector ${name}`,
      set: {
        ...(groupReset === null ? {} : { groupResetAt: undefined }),
        ...(told.positionChanges.length === 0 ? {} : { positionChanges: writePositionChanges(told.positionChanges) }),
      },
      condition: groupReset === null ? tokenIsNewest : `${tokenIsNewest} AND #groupResetAt = :reset`,
      values: { ...tokenOf(lease), ...(groupReset === null ? {} : { reset: N(groupReset) }) },
    };
    const tells = groupReset !== null || told.positionChanges.length > 0;
    const chunks = writes.length === 0 && tells ? [[]] : chunksOf(writes);
    for (const [index, chunk] of chunks.entries()) {
      const first = tells && index === 0 ? connector : fence(lease);
      const outcome = await this.#table.transact([first, ...chunk], `positions of ${name}`);
      if (outcome.done) continue;
      if (outcome.refused[0] !== undefined) stillOurs(lease, outcome.refused[0]);
      throw new RetriableError(`Offsets of ${name} were changed by hand meanwhile`, { code: 'offsets.changed' });
    }
  }

  async putTasks(lease: Lease, generation: number, tasks: readonly NewTask[], now: number): Promise<void> {
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
          ...dueAttributes(key, now),
        },
        // The token grows here too: a run that lost its lease to time alone is fenced from now on.
        assign: ['#fencingToken = if_not_exists(#fencingToken, :floor) + :one'],
        remove: [...leaseAttributes, ...revocationAttributes, 'watchedPk', 'wokenAt', 'trace'],
        condition: isFree,
        values: { floor: N(floor), one: N(1), now: N(now) },
      };
    });
    for (const chunk of chunksOf(writes)) await this.#fenced(lease, chunk, `the tasks of ${name}`);
  }

  /** The newest token of what is deleted stays with the connector, as the floor for its next tasks. */
  async deleteTasks(lease: Lease, tasks: readonly number[], now: number): Promise<void> {
    const name = lease.run.connector;
    const rows = await this.#facts(name);
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
      this.#refused(lease, await this.#table.transact([raiseFloor, ...chunk], `the tasks of ${name}`));
    }
  }

  async putSourceOffsets(lease: Lease, offsets: readonly SourceOffsetEntry[]): Promise<void> {
    const writes = offsets.map((entry) => sourceOffsetWrite(lease.run.connector, entry));
    for (const chunk of chunksOf(writes)) await this.#fenced(lease, chunk, 'source offsets');
    const emptied = emptiedSourceOffsets(lease.run.connector, offsets);
    for (const chunk of chunksOf(emptied)) await this.#fenced(lease, chunk, 'source offsets');
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
    if ((await this.#facts(name)).size > 0) {
      throw new RetriableError(`Connector ${name} still has tasks`, { code: 'task.lease_held' });
    }
    for (const prefix of [historyPrefix, sinkPositionPrefix, topicPrefix]) {
      const range = { from: prefix, to: `${prefix}\u{10ffff}` };
      for await (const items of queryAll(this.#table, pk, range, ['pk', 'sk'])) {
        const deletions = items.map((item): Write => ({ kind: 'delete', key: { pk, sk: text(item, 'sk') ?? '' } }));
        for (const chunk of chunksOf(deletions)) await this.#fenced(lease, chunk, `connector ${name}`);
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

  async #fenced(lease: Lease, writes: readonly Write[], what: string): Promise<void> {
    this.#refused(lease, await this.#table.transact([fence(lease), ...writes], what));
  }

  #refused(lease: Lease, outcome: Awaited<ReturnType<TableClient['transact']>>): void {
    if (outcome.done) return;
    if (outcome.refused[0] !== undefined) stillOurs(lease, outcome.refused[0]);
    throw new RetriableError(`A task of ${lease.run.connector} still runs`, { code: 'task.lease_held' });
  }
}

const keepsStates = (row: Attributes) => readPositionList(row).some(({ state }) => state !== undefined);

const restingWrite = (connector: string, position: RestingPosition) => ({
  kind: 'put' as const,
  key: sinkPositionKey(connector, position.topic, position.kafkaPartition),
  what: `the position of ${position.topic}-${position.kafkaPartition}`,
  item: writeRestingPosition(position),
});

const removal = (connector: string, position: RestingPosition) => ({
  kind: 'delete' as const,
  key: sinkPositionKey(connector, position.topic, position.kafkaPartition),
});

/** On condition that nobody has changed it since. */
function asRead(position: RestingPosition | null): { condition: string; values?: Attributes } {
  if (position === null) return { condition: isNew };
  const byHand = position.byHand ? 'attribute_exists(#byHand)' : 'attribute_not_exists(#byHand)';
  if (position.offset === null) return { condition: `${exists} AND ${byHand} AND attribute_not_exists(#offset)` };
  return { condition: `#offset = :offset AND ${byHand}`, values: { offset: N(position.offset) } };
}
