import type { ConnectorItem, RunDeath } from '../../storage/items.ts';
import type { Lease } from '../../storage/lease-store.ts';
import type { RunHost } from './run-host.ts';

/** What is known of a run of a connector itself, and what it has done. */
export interface ConnectorRun {
  readonly host: RunHost;
  readonly item: ConnectorItem;
  readonly lease: Lease;
  /** The run before this one, if it ended without a word. */
  readonly died: RunDeath | null;
  readonly endsAt: number;
  readonly workerId: string;
  /** This invocation goes on with the first task that the run makes due. */
  readonly goesOn: boolean;
  /** The first task that this run has made due. */
  started: number | null;
  /** Plugin code may still be running. */
  tainted: boolean;
}

export const numbersOf = (tasks: readonly { readonly task: number }[]) => tasks.map(({ task }) => task);
