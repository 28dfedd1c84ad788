import { ConflictError } from '../../errors.ts';
import type { PositionChange, TaskCounters } from '../items.ts';
import type { Lease, RunOutcome } from '../lease-store.ts';
import type {
  CommitResult,
  HistoricOffset,
  LastCommit,
  OffsetBackingStore,
  OffsetChange,
  Page,
  RestingPosition,
  SinkPosition,
  SourceOffsetEntry,
} from '../offset-backing-store.ts';
import { type Attributes, N, number, S, text } from './attributes.ts';
import {
  dueAttributes,
  fruitful,
  isLive,
  isStopped,
  keyOfRun,
  nameOfRun,
  notRevoked,
  stillOurs,
  tokenIsNewest,
  tokenOf,
} from './conditions.ts';
import {
  counterAttributes,
  isGone,
  positionField,
  readPositionList,
  readRestingPosition,
  readSourceOffset,
  writePosition,
  writePositionChanges,
  writePositions,
  writeRestingPosition,
  writeSourceOffset,
} from './item-codec.ts';
import type { DynamoDbLeaseStore } from './lease-store.ts';
import { forgetOldChanges, historyWrites, readHistoryOf } from './offset-history.ts';
import {
  connectorKey,
  connectorPk,
  sinkPositionKey,
  sinkPositionPrefix,
  sourceOffsetKey,
  sourceOffsetPrefix,
  taskPrefix,
  under,
} from './table.ts';
import {
  type BatchWrite,
  chunksOf,
  maxWritesBesideFence,
  queryAll,
  type TableClient,
  type Update,
  type Write,
} from './table-client.ts';

/** One update's share of a sink commit: well within DynamoDB's 300 operators and 4 KB of expression. */
const positionsPerUpdate = 100;

export function sourceOffsetWrite(connector: string, entry: SourceOffsetEntry): BatchWrite {
  const key = sourceOffsetKey(connector, entry.key);
  if (entry.offset === null && entry.inTopic !== true) return { kind: 'delete', key };
  const what = `the offset of source partition ${entry.partition.slice(0, 200)}`;
  return { kind: 'put', key, what, item: writeSourceOffset(entry) };
}

/**
 * A deletion cannot say that its tombstone is on the topic already, so that the mirror would write it again, behind what
 * the source has written since: the item is emptied first, which tells it, and deleted in a second step. One that is left
 * over is as good as none.
 */
export function emptiedSourceOffsets(connector: string, entries: Iterable<SourceOffsetEntry>): BatchWrite[] {
  const deletions: BatchWrite[] = [];
  for (const { key, offset, inTopic } of entries) {
    if (offset === null && inTopic === true) deletions.push({ kind: 'delete', key: sourceOffsetKey(connector, key) });
  }
  return deletions;
}

export class DynamoDbOffsetBackingStore implements OffsetBackingStore {
  readonly #table: TableClient;
  readonly #leases: DynamoDbLeaseStore;
  readonly #newNonce: () => string;

  constructor(table: TableClient, leases: DynamoDbLeaseStore, newNonce: () => string) {
    this.#table = table;
    this.#leases = leases;
    this.#newNonce = newNonce;
  }

  /**
   * Fence, counters and offsets in one transaction. It asks for the task not to be revoked; where that alone refuses
   * it, the offsets are committed all the same and the caller told.
   */
  async commitSourceOffsets(
    lease: Lease,
    offsets: readonly SourceOffsetEntry[],
    progress: Partial<TaskCounters>,
    tail?: readonly SinkPosition[],
  ): Promise<CommitResult> {
    const { connector } = lease.run;
    const entries = newestByKey(offsets);
    const counters =
      lease.run.task === null ? {} : { ...counterAttributes(progress), ...(entries.size > 0 ? fruitful : {}) };
    const writes = [...entries.values()].map((entry) => sourceOffsetWrite(connector, entry));
    const chunks = writes.length === 0 ? [[]] : chunksOf(writes);
    let revoked = false;
    for (const [index, chunk] of chunks.entries()) {
      // The tail goes last: until every offset is in the table, a takeover finds the others by it.
      const isLast = index === chunks.length - 1;
      const set = isLast && tail !== undefined ? { ...counters, positions: writePositions(tail) } : counters;
      revoked = (await this.#commit(lease, set, chunk, revoked)) || revoked;
    }
    const emptied = emptiedSourceOffsets(connector, entries.values());
    for (const chunk of chunksOf(emptied)) await this.#commit(lease, {}, chunk, true);
    return { revoked };
  }

  async #commit(lease: Lease, set: Update['set'] & {}, writes: readonly Write[], revoked: boolean): Promise<boolean> {
    const what = `a commit of ${nameOfRun(lease)}`;
    const condition = revoked ? tokenIsNewest : `${tokenIsNewest} AND ${notRevoked}`;
    if (writes.length === 0) {
      const outcome = await this.#table.update({
        key: keyOfRun(lease),
        what,
        set,
        condition,
        values: tokenOf(lease),
      });
      if (outcome.done) return revoked;
      stillOurs(lease, outcome.row);
    } else {
      const fenced: Write =
        Object.keys(set).length === 0
          ? { kind: 'check', key: keyOfRun(lease), condition, values: tokenOf(lease) }
          : { kind: 'update', key: keyOfRun(lease), what, set, condition, values: tokenOf(lease) };
      const outcome = await this.#table.transact([fenced, ...writes], what);
      if (outcome.done) return revoked;
      stillOurs(lease, outcome.refused[0]);
    }
    await this.#commit(lease, set, writes, true);
    return true;
  }

  /** One update for up to 100 partitions: fence, counters, positions. */
  async commitSinkPositions(
    lease: Lease,
    positions: readonly SinkPosition[],
    progress: Partial<TaskCounters>,
    changes?: readonly PositionChange[],
  ): Promise<CommitResult> {
    let revoked = false;
    // Where a run begins to read is written without progress.
    const gotOn = positions.length > 0 && progress.records !== undefined;
    for (let start = 0; start === 0 || start < positions.length; start += positionsPerUpdate) {
      const { assign, names, values } = setPositions(positions.slice(start, start + positionsPerUpdate));
      const update: Update = {
        key: keyOfRun(lease),
        what: `a commit of ${nameOfRun(lease)}`,
        set: {
          ...counterAttributes(progress),
          ...(gotOn ? fruitful : {}),
          ...(changes === undefined ? {} : { positionChanges: writePositionChanges(changes) }),
        },
        assign,
        names,
        values: { ...values, ...tokenOf(lease) },
      };
      const first = await this.#table.update({ ...update, condition: `${tokenIsNewest} AND ${notRevoked}` });
      if (first.done) continue;
      stillOurs(lease, first.row);
      revoked = true;
      const second = await this.#table.update({ ...update, condition: tokenIsNewest });
      if (!second.done) stillOurs(lease, second.row);
    }
    return { revoked };
  }

  async commitAndRelease(lease: Lease, commit: LastCommit, outcome: RunOutcome): Promise<void> {
    const { offsets = [], positions = [], changes } = commit;
    const writes = [...newestByKey(offsets).values()].map((entry) => sourceOffsetWrite(lease.run.connector, entry));
    const chunks = chunksOf(writes);
    const last = chunks.pop() ?? [];
    let revoked = false;
    for (const chunk of chunks) revoked = (await this.#commit(lease, {}, chunk, revoked)) || revoked;
    const inFront = Math.floor(Math.max(0, positions.length - 1) / positionsPerUpdate) * positionsPerUpdate;
    if (inFront > 0) await this.commitSinkPositions(lease, positions.slice(0, inFront), {});
    await this.#leases.release(lease, outcome, {
      writes: last,
      update: {
        ...setPositions(positions.slice(inFront)),
        ...(changes === undefined ? {} : { set: { positionChanges: writePositionChanges(changes) } }),
      },
    });
  }

  async readSourceOffsets(connector: string, keys: readonly string[]): Promise<Map<string, SourceOffsetEntry>> {
    const found = new Map<string, SourceOffsetEntry>();
    const wanted = [...new Set(keys)].map((key) => sourceOffsetKey(connector, key));
    for (const item of await this.#table.getMany(wanted)) {
      const entry = readSourceOffset(item);
      if (entry.offset !== null) found.set(entry.key, entry);
    }
    return found;
  }

  async listSourceOffsets(connector: string, after: string | null): Promise<Page<SourceOffsetEntry>> {
    const range = under(sourceOffsetPrefix);
    const { items, next } = await this.#table.queryPage(connectorPk(connector), range, { after });
    return { items: items.map(readSourceOffset).filter(({ offset }) => offset !== null), next };
  }

  /** What rests with the connector, overlaid by what its tasks have committed since. */
  async readSinkPositions(connector: string): Promise<SinkPosition[]> {
    const pk = connectorPk(connector);
    const found = new Map<string, SinkPosition>();
    const put = (position: SinkPosition) => found.set(positionField(position.topic, position.kafkaPartition), position);
    // The tasks first: a generation that folds its positions in between is then seen at rest.
    const tasks: Attributes[] = [];
    const range = under(taskPrefix);
    for await (const items of queryAll(this.#table, pk, range, ['type', 'generation', 'positions']))
      tasks.push(...items);
    const generationOf = (item: Attributes) => number(item, 'generation') ?? 0;
    // In the middle of a change of generations two tasks may hold a partition: the newer one's word counts.
    const live = tasks
      .filter((item) => text(item, 'type') === 'sink')
      .sort((a, b) => generationOf(a) - generationOf(b))
      .flatMap(readPositionList);
    for (const position of (await this.readRestingPositions(connector)).flatMap(visible)) put(position);
    for (const position of live) put(position);
    return [...found.values()];
  }

  async readRestingPositions(connector: string): Promise<RestingPosition[]> {
    const found: RestingPosition[] = [];
    const range = under(sinkPositionPrefix);
    for await (const items of queryAll(this.#table, connectorPk(connector), range)) {
      found.push(...items.map(readRestingPosition));
    }
    return found;
  }

  async alterSourceOffsets(connector: string, offsets: readonly SourceOffsetEntry[], now: number): Promise<void> {
    // What was in the topic once, and comes back from the history, is not its newest record any more.
    const wanted = newestByKey(offsets.map(({ key, partition, offset }) => ({ key, partition, offset })));
    const were = await this.readSourceOffsets(connector, [...wanted.keys()]);
    const before = [...wanted.values()].map((entry) => were.get(entry.key) ?? { ...entry, offset: null });
    // A Java task finds its offset by the bytes of its partition: the text that it wrote itself stays.
    const after = [...wanted.values()].map((entry) => ({
      ...entry,
      partition: were.get(entry.key)?.partition ?? entry.partition,
    }));
    await this.#byHand(
      connector,
      after.map((entry) => sourceOffsetWrite(connector, entry)),
      { changedAt: now, before, after },
    );
  }

  async alterSinkPositions(
    connector: string,
    positions: readonly { topic: string; kafkaPartition: number; offset: bigint | null }[],
    now: number,
  ): Promise<void> {
    const wanted = new Map(positions.map((given) => [positionField(given.topic, given.kafkaPartition), given]));
    const resting = await this.readRestingPositions(connector);
    const were = new Map(resting.flatMap(visible).map((at) => [positionField(at.topic, at.kafkaPartition), at.offset]));
    const states = new Map(resting.map((at) => [positionField(at.topic, at.kafkaPartition), at.state]));
    const before = [...wanted].map(([field, given]) => ({ ...given, offset: were.get(field) ?? null }));
    const writes = [...wanted.values()].map(({ topic, kafkaPartition, offset }): BatchWrite => {
      const state = states.get(positionField(topic, kafkaPartition));
      const kept = state === undefined || offset === null ? {} : { state };
      const byHand = { topic, kafkaPartition, offset, topicId: null, byHand: true, gone: false, ...kept };
      const key = sinkPositionKey(connector, topic, kafkaPartition);
      return {
        kind: 'put',
        key,
        what: `the position of ${topic}-${kafkaPartition}`,
        item: writeRestingPosition(byHand),
      };
    });
    const change = { changedAt: now, before, after: [...wanted.values()] };
    await this.#byHand(connector, writes, change, await this.#sinkGuard(connector, now, {}));
  }

  async resetOffsets(connector: string, now: number): Promise<void> {
    const before: HistoricOffset[] = [];
    let after: string | null = null;
    do {
      const page: Page<SourceOffsetEntry> = await this.listSourceOffsets(connector, after);
      before.push(...page.items);
      after = page.next;
    } while (after !== null);
    const deletions = before.map(
      (entry): BatchWrite => ({ kind: 'delete', key: sourceOffsetKey(connector, (entry as SourceOffsetEntry).key) }),
    );
    for (const at of await this.readRestingPositions(connector)) {
      before.push(...visible(at).map(({ topic, kafkaPartition, offset }) => ({ topic, kafkaPartition, offset })));
      deletions.push({ kind: 'delete', key: sinkPositionKey(connector, at.topic, at.kafkaPartition) });
    }
    const guard = await this.#sinkGuard(connector, now, { groupResetAt: N(now) });
    await this.#byHand(connector, deletions, { changedAt: now, before, after: [] }, guard);
  }

  /** Makes a sink due with the change, so that its next run tells the consumer group; null: there is no such sink. */
  async #sinkGuard(connector: string, now: number, set: Attributes): Promise<Write | null> {
    const key = connectorKey(connector);
    const row = await this.#table.get(key, ['type', 'gone']);
    if (row === null || isGone(row) || text(row, 'type') !== 'sink') return null;
    return {
      kind: 'update',
      key,
      what: `connector ${connector}`,
      set: { ...set, wokenAt: N(now), ...dueAttributes(key, now) },
      condition: `${isLive} AND #targetState = :STOPPED AND #taskCount = :zero`,
      values: { STOPPED: S('STOPPED'), zero: N(0) },
    };
  }

  /** What was there is written first: whatever ends the change half way, it can be undone. */
  async #byHand(
    connector: string,
    writes: readonly BatchWrite[],
    change: OffsetChange,
    sinkGuard: Write | null = null,
  ): Promise<void> {
    const guard: Write = sinkGuard ?? {
      kind: 'check',
      key: connectorKey(connector),
      condition: isStopped,
      values: { STOPPED: S('STOPPED'), zero: N(0) },
    };
    const guarded = async (chunk: readonly Write[]) => {
      const outcome = await this.#table.transact([guard, ...chunk], `offsets of connector ${connector}`);
      if (outcome.done) return;
      throw new ConflictError('connector.not_stopped', `Connector ${connector} is not stopped: its offsets stay`);
    };
    if (writes.length === 0) return guarded([]);
    const history = historyWrites(connector, change, this.#newNonce().slice(0, 8));
    if (writes.length + history.length <= maxWritesBesideFence) {
      for (const chunk of chunksOf([...history, ...writes])) await guarded(chunk);
    } else {
      // Too many for one transaction: transactions in a row would take minutes for 100,000. Guarded before and after.
      await guarded([]);
      await this.#table.writeMany(history, `the history of connector ${connector}`);
      await this.#table.writeMany(writes, `offsets of connector ${connector}`);
      await guarded([]);
    }
    await forgetOldChanges(this.#table, connector);
  }

  history(connector: string): Promise<readonly OffsetChange[]> {
    return readHistoryOf(this.#table, connector);
  }
}

/** Their clauses of an update. */
function setPositions(positions: readonly SinkPosition[]) {
  const names: Record<string, string> = {};
  const values: Attributes = {};
  const assign: string[] = [];
  positions.forEach((position, index) => {
    names[`p${index}`] = positionField(position.topic, position.kafkaPartition);
    values[`p${index}`] = writePosition(position);
    assign.push(`#positions.#p${index} = :p${index}`);
  });
  return { names, values, assign };
}

/** As users see it. */
const visible = ({ topic, kafkaPartition, offset, topicId, gone, state }: RestingPosition): SinkPosition[] =>
  offset === null || gone
    ? []
    : [
        {
          topic,
          kafkaPartition,
          offset,
          ...(topicId === null ? {} : { topicId }),
          ...(state === undefined ? {} : { state }),
        },
      ];

/** The last of several for one source partition wins, as in Java. */
const newestByKey = (offsets: readonly SourceOffsetEntry[]) => new Map(offsets.map((entry) => [entry.key, entry]));
