import { ConnectError } from '../errors.ts';

/**
 * How long a task that this invocation goes on with is left to it: others are not started for it, and where this process dies
 * before it has taken the lease, they are.
 */
export const takenUpWithinMs = 1000;

/** What one invocation of the task function is asked to do. It carries no state: all of that is in the table. */
export type RunRequest =
  | { readonly kind: 'task'; readonly connector: string; readonly task: number }
  | { readonly kind: 'connector'; readonly connector: string }
  | { readonly kind: 'probe' };

/** A run, and the name by which it was asked for: what it holds in the table bears it. */
export interface InvokedRun {
  readonly request: RunRequest;
  readonly invocation: string;
}

/** What the schedule sends to the coordinator (`tick`), and it to itself. */
export type TickRequest = (
  | { readonly kind: 'tick' | 'sub-minute-tick' }
  /** Of one shard of what is due. */
  | { readonly kind: 'shard-tick'; readonly shard: number }
) & {
  /** How many before it, each asked for in place of the last, have failed; absent: none. */
  readonly deaths?: number;
};

/** Identifies what a lease is held for: a task, or with `task: null` the connector itself. */
export interface RunId {
  readonly connector: string;
  readonly task: number | null;
}

/** Asynchronous, at least once, possibly duplicated: the lease makes a repeated dispatch harmless (I1). */
export interface Invoker {
  invoke(request: RunRequest): Promise<void>;
}

const invalid = (why: string) => new ConnectError('invocation.invalid', `Not a run request: ${why}`);

const invalidTick = (why: string) => new ConnectError('invocation.invalid', `Not a tick: ${why}`);

/** By these the coordinator, and who tells it of what has failed, know a tick. */
export const tickKinds: readonly TickRequest['kind'][] = ['tick', 'sub-minute-tick', 'shard-tick'];

/** Null: it is none. Throws ConnectError `invocation.invalid`, naming the field. */
export function parseTickRequest({ kind, shard, deaths }: Readonly<Record<string, unknown>>): TickRequest | null {
  const known = tickKinds.find((each) => each === kind);
  if (known === undefined) return null;
  if (deaths !== undefined && !isCount(deaths)) throw invalidTick('deaths is no whole number');
  const before = deaths === undefined ? {} : { deaths };
  if (known !== 'shard-tick') return { kind: known, ...before };
  if (!isCount(shard)) throw invalidTick('"shard" is a whole number from 0');
  return { kind: known, shard, ...before };
}

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;

/** Throws ConnectError `invocation.invalid`, naming the field. */
export function parseRunRequest({ kind, connector, task }: Readonly<Record<string, unknown>>): RunRequest {
  if (kind === 'probe') return { kind };
  if (kind !== 'task' && kind !== 'connector') throw invalid(`kind is ${JSON.stringify(kind)}`);
  if (typeof connector !== 'string') throw invalid('connector is no string');
  if (kind === 'connector') return { kind, connector };
  if (!isCount(task)) throw invalid('task is no whole number');
  return { kind, connector, task };
}
