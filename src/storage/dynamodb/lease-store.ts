import { RetriableError } from '../../errors.ts';
import type { RunId } from '../../invocation/run-request.ts';
import type { ConnectorItem, State, TaskItem } from '../items.ts';
import type { AcquireResult, Lease, LeaseStore, RunOutcome } from '../lease-store.ts';
import { type Attributes, flag, N, nothing, number, S, text, yes } from './attributes.ts';
import {
  countDeaths,
  dueAttributes,
  exists,
  isDue,
  isFree,
  isRevoked,
  keyOf,
  keyOfRun,
  leaseAttributes,
  mayClose,
  mayStart,
  nameOfRun,
  notChangedSinceAcquired,
  notRevoked,
  notWoken,
  revocationAttributes,
  stillOurs,
  tokenIsNewest,
  tokenOf,
} from './conditions.ts';
import { counterAttributes, isGone, readConnector, readTask, writeTrace } from './item-codec.ts';
import { connectorKey, type Key, taskKey, watchedPk } from './table.ts';
import type { Outcome, TableClient, Update, Write } from './table-client.ts';

/** Taken back by the release; what a dead run leaves behind is read off the lease that it never gave up. */
const countRun = [
  '#openRuns = if_not_exists(#openRuns, :zero) + :one',
  '#fruitlessRuns = if_not_exists(#fruitlessRuns, :zero) + :one',
  '#lastDeathAt = if_not_exists(#leaseExpiresAt, if_not_exists(#lastDeathAt, :none))',
  '#lastDeathOwner = if_not_exists(#leaseOwner, if_not_exists(#lastDeathOwner, :none))',
];

/** A release that meets a change asked for meanwhile looks again; more often than this only a storm could make it. */
const maxReleaseAttempts = 8;

/** What one write does together with a release: other items, and more of the task's own. */
export interface BesideRelease {
  readonly writes: readonly Write[];
  readonly update: Pick<Update, 'set' | 'assign' | 'names' | 'values'>;
}

/** What an acquisition writes beside the lease, and how its item is read. */
interface Acquisition<Item> {
  readonly assign?: readonly string[];
  readonly remove?: readonly string[];
  readonly read: (item: Attributes) => Item;
  /** What the item is by it. */
  readonly taken?: Partial<Item>;
}

interface Holder {
  readonly owner: string;
  readonly now: number;
  readonly expiresAt: number;
  readonly invocation: string | undefined;
  readonly dueBy: number;
}

const nothingBeside: BesideRelease = { writes: [], update: {} };

export class DynamoDbLeaseStore implements LeaseStore {
  readonly #table: TableClient;
  readonly #newNonce: () => string;

  /** `newNonce` must not repeat: it tells a retried request from a second invocation with the same owner. */
  constructor(table: TableClient, newNonce: () => string) {
    this.#table = table;
    this.#newNonce = newNonce;
  }

  async acquireTask(
    connector: string,
    task: number,
    owner: string,
    now: number,
    expiresAt: number,
    invocation?: string,
    dueBy = now,
  ) {
    const key = taskKey(connector, task);
    const free = `${exists} AND ${isFree} AND ${isDue}`;
    const run = { connector, task };
    const holder = { owner, now, expiresAt, invocation, dueBy };
    const started = await this.#acquire<TaskItem>(key, run, holder, `${free} AND ${mayStart}`, {
      remove: revocationAttributes,
      read: readTask,
      taken: { revoked: false, restartRequested: false, closingFor: null },
    });
    if (started.granted || started.reason !== 'revoked' || started.item?.closingFor == null) return started;
    return this.#acquire<TaskItem>(key, run, holder, `${free} AND ${mayClose}`, { read: readTask });
  }

  async acquireConnector(connector: string, owner: string, now: number, expiresAt: number, invocation?: string) {
    const key = connectorKey(connector);
    const condition = `${exists} AND ${isFree} AND ${isDue}`;
    const run = { connector, task: null };
    const assign = ['#runningVersion = #configVersion'];
    const holder = { owner, now, expiresAt, invocation, dueBy: now };
    return this.#acquire<ConnectorItem>(key, run, holder, condition, { assign, read: readConnector });
  }

  async #acquire<Item extends TaskItem | ConnectorItem>(
    key: Key,
    run: Lease['run'],
    { owner, now, expiresAt, invocation, dueBy }: Holder,
    condition: string,
    { assign = [], remove = [], read, taken }: Acquisition<Item>,
  ): Promise<AcquireResult<Item>> {
    const nonce = this.#newNonce();
    const outcome = await this.#table.update({
      key,
      what: `the lease of ${run.connector}`,
      assign: ['#fencingToken = #fencingToken + :one', ...countRun, ...assign],
      set: {
        leaseOwner: S(owner),
        leaseExpiresAt: N(expiresAt),
        leaseNonce: S(nonce),
        leaseInvocation: invocation === undefined ? undefined : S(invocation),
        // Who waits for it to fall due need not any more.
        ...(dueBy === now ? {} : dueAttributes(key, now)),
      },
      remove: ['wokenAt', ...remove],
      condition,
      values: { zero: N(0), one: N(1), now: N(now), dueBy: N(dueBy), none: nothing },
    });
    if (outcome.done) {
      const before = outcome.before as Attributes;
      const fencingToken = (number(before, 'fencingToken') ?? 0) + 1;
      const lease = { run, owner, fencingToken, expiresAt, generation: number(before, 'generation') ?? 0 };
      const item = read(before);
      const died = item.leaseOwner === null ? null : { at: item.leaseExpiresAt, workerId: item.leaseOwner };
      const held: Item = {
        ...item,
        leaseOwner: owner,
        leaseInvocation: invocation ?? null,
        leaseExpiresAt: expiresAt,
        ...(dueBy === now ? {} : { dueAt: now }),
        fencingToken,
        openRuns: item.openRuns + 1,
        fruitlessRuns: item.fruitlessRuns + 1,
        lastDeath: died ?? item.lastDeath,
        ...taken,
      };
      return { granted: true, lease, item: held, takeover: died !== null, died };
    }
    const row = outcome.row;
    if (row === null || isGone(row)) return { granted: false, reason: 'gone', item: null };
    const item = read(row);
    if (text(row, 'leaseNonce') === nonce) {
      // The request was taken, its answer was lost, and the SDK sent it again. Whose lease it was is lost with it.
      const { fencingToken } = item;
      const lease = { run, owner, fencingToken, expiresAt, generation: number(row, 'generation') ?? 0 };
      return { granted: true, lease, item, takeover: true, died: null };
    }
    if (item.leaseOwner !== null && item.leaseExpiresAt > now) return { granted: false, reason: 'held', item };
    if (isRevoked(row) && !flag(row, 'restartRequested')) return { granted: false, reason: 'revoked', item };
    return { granted: false, reason: 'not-due', item };
  }

  async expire(run: RunId, invocation: string, at: number): Promise<boolean> {
    const outcome = await this.#table.update({
      key: keyOf(run),
      what: `the lease of ${run.connector}`,
      set: { leaseExpiresAt: N(at) },
      condition: `attribute_exists(#leaseOwner) AND #leaseInvocation = :invocation AND #leaseExpiresAt > :at`,
      values: { invocation: S(invocation), at: N(at) },
    });
    return outcome.done;
  }

  async renew(lease: Lease, expiresAt: number): Promise<{ revoked: boolean }> {
    const outcome = await this.#table.update({
      key: keyOfRun(lease),
      what: `the lease of ${nameOfRun(lease)}`,
      set: { leaseExpiresAt: N(expiresAt) },
      condition: `${tokenIsNewest} AND attribute_exists(#leaseOwner)`,
      values: tokenOf(lease),
    });
    if (outcome.done) return { revoked: outcome.before !== null && isRevoked(outcome.before) };
    return { revoked: isRevoked(stillOurs(lease, outcome.row)) };
  }

  /**
   * First as the run says, on condition that nothing was asked for meanwhile. A refusal returns the row that says what
   * was asked for, and the second write does that, on condition that it still stands. What is `beside` is done with
   * whichever of them is taken.
   */
  async release(lease: Lease, outcome: RunOutcome, beside: BesideRelease = nothingBeside): Promise<void> {
    const key = keyOfRun(lease);
    const what = `the end of a run of ${nameOfRun(lease)}`;
    const quiet = lease.run.task === null ? notChangedSinceAcquired : notRevoked;
    const report = {
      state: S(outcome.state),
      trace: writeTrace(outcome.trace),
      workerId: S(outcome.workerId),
      ...counterAttributes(outcome.counters ?? {}),
      ...countDeaths(outcome.deaths),
      ...(outcome.rhythm === undefined ? {} : { rhythm: S(outcome.rhythm) }),
    };
    const watched = outcome.watched === true ? S(watchedPk(key)) : undefined;

    let refused = await this.#together(beside, {
      key,
      what,
      set: { ...report, ...dueAttributes(key, outcome.dueAt), watchedPk: watched },
      remove: leaseAttributes,
      condition: `${tokenIsNewest} AND attribute_exists(#leaseOwner) AND ${quiet} AND ${notWoken}`,
      values: tokenOf(lease),
    });
    for (let attempt = 0; !refused.done; attempt++) {
      const row = stillOurs(lease, refused.row);
      if (text(row, 'leaseOwner') === null) return;
      if (attempt === maxReleaseAttempts) throw new RetriableError(`Could not write ${what}`, { code: 'storage.busy' });
      const meanwhile = this.#releaseMeanwhile(lease, key, row, report, outcome);
      refused = await this.#together(beside, { key, what, ...meanwhile });
    }
  }

  async #together({ writes, update: more }: BesideRelease, update: Update): Promise<Outcome> {
    const whole: Update = {
      ...update,
      ...more,
      set: { ...more.set, ...update.set },
      values: { ...more.values, ...update.values },
    };
    if (writes.length === 0) return this.#table.update(whole);
    const outcome = await this.#table.transact([{ kind: 'update', ...whole }, ...writes], update.what);
    // Only the release has a condition.
    return outcome.done ? { done: true, before: null } : { done: false, row: outcome.refused[0] ?? null };
  }

  #releaseMeanwhile(
    lease: Lease,
    key: Key,
    row: Attributes,
    report: Record<string, Attributes[string] | undefined>,
    outcome: RunOutcome,
  ) {
    const released = [...leaseAttributes, 'wokenAt', 'watchedPk'];
    const ours = `${tokenIsNewest} AND attribute_exists(#leaseOwner)`;
    if (!isRevoked(row)) {
      // Changed or woken: due as that was asked for, unless the run failed for good.
      const wokenAt = number(row, 'wokenAt');
      const changed = lease.run.task === null && number(row, 'configVersion') !== number(row, 'runningVersion');
      const due = changed
        ? {}
        : dueAttributes(key, outcome.state === 'FAILED' ? outcome.dueAt : (wokenAt ?? outcome.dueAt));
      return {
        set: { ...report, ...due },
        remove: released,
        condition: lease.run.task === null ? ours : `${ours} AND ${notRevoked}`,
        values: tokenOf(lease),
      };
    }
    if (flag(row, 'restartRequested')) {
      const state = text(row, 'revokedTo') ?? 'UNASSIGNED';
      return {
        set: { ...report, ...countDeaths(), state: S(state), trace: undefined },
        remove: [...released, ...revocationAttributes],
        condition: `${ours} AND attribute_exists(#restartRequested)`,
        values: tokenOf(lease),
      };
    }
    const state = outcome.state === 'FAILED' ? 'FAILED' : (text(row, 'revokedTo') ?? outcome.state);
    const closingFor = number(row, 'closingFor');
    const closeAt = closingFor === null ? null : (outcome.closeAt ?? null);
    const isClosed = closingFor !== null && closeAt === null;
    return {
      set: {
        ...report,
        state: S(state),
        ...dueAttributes(key, closeAt),
        ...(isClosed ? { closingFor: undefined, closedFor: N(closingFor) } : {}),
      },
      remove: released,
      condition: `${ours} AND attribute_exists(#revoked) AND attribute_not_exists(#restartRequested) AND ${
        closingFor === null ? 'attribute_not_exists(#closingFor)' : '#closingFor = :closingFor'
      }`,
      values: { ...tokenOf(lease), ...(closingFor === null ? {} : { closingFor: N(closingFor) }) },
    };
  }

  /** While running, fenced; one that was revoked keeps the state that its revocation named. */
  async reportState(lease: Lease, state: State, trace: string | null, workerId: string): Promise<void> {
    const outcome = await this.#table.update({
      key: keyOfRun(lease),
      what: `the status of ${nameOfRun(lease)}`,
      set: { state: S(state), trace: writeTrace(trace), workerId: S(workerId) },
      condition: `${tokenIsNewest} AND ${notRevoked}`,
      values: tokenOf(lease),
    });
    if (!outcome.done) stillOurs(lease, outcome.row);
  }
}

export const revocation = (to: State | undefined) => ({
  revoked: yes,
  ...(to === undefined ? {} : { revokedTo: S(to) }),
});
