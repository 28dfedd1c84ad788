import type { FedOffset, FedProgress, FeedClaim, FeedStore } from '../feed-store.ts';
import { feedSetting } from '../feed-store.ts';
import type { TaskCounters } from '../items.ts';
import type { Lease } from '../lease-store.ts';
import { type Attributes, flag, N, number, S, text, yes } from './attributes.ts';
import { exists, fence, notRevoked, stillOurs } from './conditions.ts';
import { counterAttributes, isGone, readTask, writeTrace } from './item-codec.ts';
import { sourceOffsetWrite } from './offset-store.ts';
import { claimKey, connectorKey, feedKeyOf, taskKey } from './table.ts';
import { chunksOf, type TableClient, type Update, type Write } from './table-client.ts';

const isMine = '#connector = :connector';
const isMineOrNobodys = `(attribute_not_exists(#connector) OR ${isMine})`;

export const readClaim = (item: Attributes): FeedClaim => ({
  key: feedKeyOf(text(item, 'pk') ?? ''),
  connector: text(item, 'connector'),
  open: flag(item, 'open'),
  unclaimedAt: number(item, 'unclaimedAt'),
  restsUntil: number(item, 'restsUntil'),
  reservedUntil: number(item, 'reservedUntil'),
  rests: number(item, 'rests') ?? 0,
});

const noRest = { restsUntil: undefined, rests: undefined };

const what = (key: string) => `the claim of ${key}`;

export class DynamoDbFeedStore implements FeedStore {
  readonly #table: TableClient;

  constructor(table: TableClient) {
    this.#table = table;
  }

  async getClaims(keys: readonly string[]): Promise<FeedClaim[]> {
    return (await this.#table.getMany(keys.map(claimKey))).map(readClaim);
  }

  async claim(lease: Lease, key: string): ReturnType<FeedStore['claim']> {
    const me = S(lease.run.connector);
    const refused = await this.#change(lease, {
      key: claimKey(key),
      what: what(key),
      set: { connector: me, unclaimedAt: undefined, reservedUntil: undefined },
      condition: isMineOrNobodys,
      values: { connector: me },
    });
    if (refused === null) return { granted: true };
    const holder = text(refused, 'connector') ?? '';
    if (await this.#holds(holder, key)) return { granted: false, holder };
    const left = await this.#change(lease, {
      key: claimKey(key),
      what: what(key),
      set: { connector: me, open: undefined, unclaimedAt: undefined, reservedUntil: undefined, ...noRest },
      condition: isMine,
      values: { connector: S(holder) },
    });
    // Somebody else was faster: whoever it is, this one asks again.
    return left === null ? { granted: true } : { granted: false, holder: text(left, 'connector') ?? holder };
  }

  /** A claim without its task was left by a run that died on its way to let go, or is about to write the task. */
  async #holds(connector: string, key: string): Promise<boolean> {
    const [item, task] = await Promise.all([
      this.#table.get(connectorKey(connector)),
      this.#table.get(taskKey(connector, 0)),
    ]);
    if (item === null || isGone(item)) return false;
    if (task !== null && readTask(task).config[feedSetting] === key) return true;
    return text(item, 'leaseOwner') !== null;
  }

  async reserve(key: string, connector: string, now: number, until: number): Promise<string> {
    const outcome = await this.#table.update({
      key: claimKey(key),
      what: what(key),
      set: { connector: S(connector), reservedUntil: N(until), unclaimedAt: undefined },
      condition:
        'attribute_not_exists(#connector) OR (attribute_exists(#reservedUntil) AND (#connector = :connector OR #reservedUntil <= :now))',
      values: { connector: S(connector), now: N(now) },
    });
    return outcome.done || outcome.row === null ? connector : (text(outcome.row, 'connector') ?? connector);
  }

  async release(lease: Lease, key: string): Promise<void> {
    const connector = S(lease.run.connector);
    await this.#write(lease, { kind: 'delete', key: claimKey(key), condition: isMine, values: { connector } });
  }

  async setOpen(lease: Lease, key: string, open: boolean): Promise<void> {
    const connector = S(lease.run.connector);
    await this.#change(lease, {
      key: claimKey(key),
      what: what(key),
      set: { open: open ? yes : undefined, ...noRest },
      condition: isMine,
      values: { connector },
    });
  }

  async fail(key: string, connector: string, generation: number, trace: string, workerId: string): Promise<boolean> {
    const { done } = await this.#table.transact(
      [
        {
          kind: 'update',
          key: claimKey(key),
          what: what(key),
          set: { open: undefined, ...noRest },
          condition: isMine,
          values: { connector: S(connector) },
        },
        {
          kind: 'update',
          key: taskKey(connector, 0),
          what: `the status of ${connector}-0`,
          set: { state: S('FAILED'), trace: writeTrace(trace), workerId: S(workerId) },
          condition: `#generation = :generation AND #state = :running AND ${notRevoked}`,
          values: { generation: N(generation), running: S('RUNNING') },
        },
      ],
      `the status of ${connector}-0`,
    );
    return done;
  }

  async rest(key: string, connector: string, rests: number, now: number, until: number): Promise<void> {
    await this.#table.update({
      key: claimKey(key),
      what: what(key),
      set: { restsUntil: N(until), rests: N(rests) },
      condition: `${isMine} AND (attribute_not_exists(#restsUntil) OR #restsUntil <= :now)`,
      values: { connector: S(connector), now: N(now) },
    });
  }

  async endRest(key: string, connector: string): Promise<void> {
    await this.#table.update({
      key: claimKey(key),
      what: what(key),
      set: noRest,
      condition: isMine,
      values: { connector: S(connector) },
    });
  }

  async noteUnclaimed(key: string, now: number): Promise<void> {
    await this.#table.update({
      key: claimKey(key),
      what: what(key),
      set: { unclaimedAt: N(now) },
      condition: 'attribute_not_exists(#connector)',
    });
  }

  async addProgress(
    connector: string,
    { runs, records, bytes, succeeded, lag }: FedProgress,
    now: number,
  ): Promise<void> {
    const behind: Partial<TaskCounters> = lag === null ? {} : { lagSeconds: lag.seconds, lagSecondsLeft: lag.left };
    const sum = (name: string) => `#${name} = if_not_exists(#${name}, :zero) + :${name}`;
    await this.#table.update({
      key: taskKey(connector, 0),
      what: `the counters of ${connector}-0`,
      set: counterAttributes({ lastRunAt: now, ...(succeeded ? { lastSuccessAt: now } : {}), ...behind }),
      assign: ['runs', 'records', 'bytes'].map(sum),
      condition: exists,
      values: { zero: N(0), runs: N(runs), records: N(records), bytes: N(bytes) },
    });
  }

  async commitOffsets(connector: string, offsets: readonly FedOffset[]): Promise<boolean> {
    const writes = offsets.map(({ entry, before }): Write => {
      const write = sourceOffsetWrite(connector, entry);
      return before === null
        ? { ...write, condition: 'attribute_not_exists(#offset)' }
        : { ...write, condition: '#offset = :before', values: { before: S(before) } };
    });
    for (const chunk of chunksOf(writes)) {
      if (!(await this.#table.transact(chunk, `offsets of connector ${connector}`)).done) return false;
    }
    return true;
  }

  /** Null: done; else the item as it is. */
  async #change(lease: Lease, update: Update): Promise<Attributes | null> {
    return this.#write(lease, { kind: 'update', ...update });
  }

  async #write(lease: Lease, write: Write): Promise<Attributes | null> {
    const outcome = await this.#table.transact([fence(lease), write], what(write.key.pk));
    if (outcome.done) return null;
    const [fenced, refused] = outcome.refused;
    if (fenced !== undefined) stillOurs(lease, fenced);
    return refused ?? {};
  }
}
