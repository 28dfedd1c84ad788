/** What one invocation of the task function is asked to do. It carries no state: all of that is in the table. */
export type RunRequest =
  | { readonly kind: 'task'; readonly connector: string; readonly task: number }
  | { readonly kind: 'connector'; readonly connector: string }
  | { readonly kind: 'probe' };

/** What the schedule sends to the coordinator (`tick`), and it to itself. */
export interface TickRequest {
  readonly kind: 'tick' | 'sub-minute-tick';
}

/** Identifies what a lease is held for: a task, or with `task: null` the connector itself. */
export interface RunId {
  readonly connector: string;
  readonly task: number | null;
}

/** Asynchronous, at least once, possibly duplicated: the lease makes a repeated dispatch harmless (I1). */
export interface Invoker {
  invoke(request: RunRequest): Promise<void>;
}
