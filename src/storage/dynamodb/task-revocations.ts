import { RetriableError } from '../../errors.ts';
import type { Closing, DueAt } from '../generation-store.ts';
import type { State } from '../items.ts';
import type { Lease } from '../lease-store.ts';
import { type Attributes, flag, N, number, S, text, yes } from './attributes.ts';
import { countDeaths, dueAttributes, exists, fence, revocationAttributes, stillOurs } from './conditions.ts';
import { tasksAsSeen } from './fenced-writes.ts';
import { readPositionList } from './item-codec.ts';
import { revocation } from './lease-store.ts';
import { taskKey } from './table.ts';
import type { TableClient, Write } from './table-client.ts';

/* How tasks are brought to rest and started again, each by what it is at now. */

/** What it takes to choose a task's write, read at once for all of them. */
const taskFacts = ['sk', 'leaseOwner', 'state', 'revoked'] as const;
/** And whether it is owed a closing run. */
const openFacts = [...taskFacts, 'closedFor', 'positions'] as const;

export async function revokeTasks(
  table: TableClient,
  lease: Lease,
  tasks: readonly number[],
  state?: State,
  closing?: Closing & { now: number },
): Promise<void> {
  const name = lease.run.connector;
  const facts = closing === undefined ? taskFacts : openFacts;
  await eachAsSeen(table, lease, tasks, facts, (task, row) => {
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

export async function startTasks(
  table: TableClient,
  lease: Lease,
  tasks: readonly number[],
  now: number,
  dueAt: DueAt,
): Promise<void> {
  const name = lease.run.connector;
  await eachAsSeen(table, lease, tasks, taskFacts, (task, row) => {
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
        ...dueAttributes(key, held ? now : dueAt(task)),
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
async function eachAsSeen(
  table: TableClient,
  lease: Lease,
  tasks: readonly number[],
  facts: readonly string[],
  write: (task: number, row: Attributes) => Write,
) {
  let left = [...tasks];
  for (let attempt = 0; left.length > 0; attempt++) {
    if (attempt === 10) throw new RetriableError('The tasks change all the time', { code: 'storage.busy' });
    const rows = await tasksAsSeen(table, lease.run.connector, facts);
    const again: number[] = [];
    const present = left.filter((task) => rows.has(task));
    for (let start = 0; start < present.length; start += 99) {
      const batch = present.slice(start, start + 99);
      const writes = batch.map((task) => write(task, rows.get(task) as Attributes));
      const outcome = await table.transact([fence(lease), ...writes], `tasks of ${lease.run.connector}`);
      if (outcome.done) continue;
      if (outcome.refused[0] !== undefined) stillOurs(lease, outcome.refused[0]);
      again.push(...batch);
    }
    left = again;
  }
}

const keepsStates = (row: Attributes) => readPositionList(row).some(({ state }) => state !== undefined);
