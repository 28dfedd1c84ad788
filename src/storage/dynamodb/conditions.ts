import { FencedError } from '../../errors.ts';
import type { RunId } from '../../invocation/run-request.ts';
import type { Deaths } from '../deaths.ts';
import type { Lease } from '../lease-store.ts';
import { type Attributes, flag, N, number } from './attributes.ts';
import { connectorKey, duePk, type Key, taskKey } from './table.ts';
import type { Write } from './table-client.ts';

/** Conditions of writes, by name. What they compare with stands beside them in `values`. */
export const exists = 'attribute_exists(#pk)';
export const isNew = 'attribute_not_exists(#pk)';
/** A connector that is there, as its users see it. */
export const isLive = 'attribute_exists(#pk) AND attribute_not_exists(#gone) AND attribute_not_exists(#deleting)';
/** No such connector, or one that is on its way out. */
export const isNotLive = '(attribute_not_exists(#pk) OR attribute_exists(#gone) OR attribute_exists(#deleting))';
export const isFree = '(attribute_not_exists(#leaseOwner) OR #leaseExpiresAt <= :now)';
export const isDue = '#dueAt <= :dueBy';
export const mayStart = '(attribute_not_exists(#revoked) OR attribute_exists(#restartRequested))';
/** Revoked, and owed a closing run. */
export const mayClose = '(attribute_exists(#revoked) AND attribute_exists(#closingFor))';
export const tokenIsNewest = '#fencingToken = :token';
export const notRevoked = 'attribute_not_exists(#revoked)';
/** Nobody asked for another run since this one began. */
export const notWoken = 'attribute_not_exists(#wokenAt)';
export const notChangedSinceAcquired = '#configVersion = #runningVersion';
/** Offsets may be changed by hand. */
export const isStopped =
  '(attribute_not_exists(#pk) OR attribute_exists(#gone) OR (#targetState = :STOPPED AND #taskCount = :zero))';

export const keyOf = ({ connector, task }: RunId): Key =>
  task === null ? connectorKey(connector) : taskKey(connector, task);

export const keyOfRun = ({ run }: Lease): Key => keyOf(run);

export const nameOfRun = ({ run }: Lease) => (run.task === null ? run.connector : `${run.connector}-${run.task}`);

export const tokenOf = (lease: Lease): Attributes => ({ token: N(lease.fencingToken) });

/** The fence as one item of a transaction. */
export const fence = (lease: Lease): Write => ({
  kind: 'check',
  key: keyOfRun(lease),
  condition: tokenIsNewest,
  values: tokenOf(lease),
});

/** Says that this refusal means a newer run (or none at all) has the item; returns the row when the token is still good. */
export function stillOurs(lease: Lease, row: Attributes | null | undefined): Attributes {
  if (row === null || row === undefined || number(row, 'fencingToken') !== lease.fencingToken) {
    throw new FencedError(`The lease of ${nameOfRun(lease)} was lost: a newer run has it`, {
      ...lease.run,
      fencingToken: lease.fencingToken,
      newestToken: row === null || row === undefined ? null : number(row, 'fencingToken'),
    });
  }
  return row;
}

export const isRevoked = (row: Attributes) => flag(row, 'revoked');

/** Puts an item on the due index; null takes it off. */
export const dueAttributes = (key: Key, dueAt: number | null) =>
  dueAt === null ? { dueAt: undefined, duePk: undefined } : { dueAt: N(dueAt), duePk: { S: duePk(key) } };

/** All that a revocation has written. */
export const revocationAttributes = ['revoked', 'revokedTo', 'restartRequested', 'closingFor', 'closedFor'];

export const leaseAttributes = ['leaseOwner', 'leaseExpiresAt', 'leaseNonce', 'leaseInvocation'];

/** Begins the count of runs without an end anew, or from these. */
export const countDeaths = (deaths?: Deaths) => ({
  openRuns: deaths === undefined ? undefined : N(deaths.inRow),
  fruitlessRuns: deaths === undefined ? undefined : N(deaths.fruitless),
});

/** Something was committed: whatever kills the task, it gets on. */
export const fruitful = { fruitlessRuns: undefined };
