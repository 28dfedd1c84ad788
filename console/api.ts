import type { DeadLetter } from '../cli/answers.ts';
import { isRecord, type Json, parseJson, printJson } from '../cli/json.ts';

export interface Letters {
  /** Null: the connector has no dead letter queue; `key` is the setting that gives it one. */
  readonly topic: string | null;
  readonly key: string;
  readonly letters: readonly DeadLetter[];
}

export interface InstallationFacts {
  readonly restUrl: string;
  readonly version: string;
  readonly reachesKafka: boolean;
}

export interface TaskReport {
  readonly id: number;
  readonly state: string;
  readonly running: boolean;
  readonly last_run_at: string | null;
  readonly next_due_at: string | null;
  readonly watched: boolean;
  readonly runs: number;
  readonly empty_runs: number;
  readonly records: number;
  readonly bytes: number;
  readonly consecutive_failures: number;
  readonly lag: { readonly records: number | null; readonly seconds: number | null };
}

export interface Replay {
  readonly requested_at: string;
  readonly topic: string | null;
  readonly done_at: string | null;
  readonly replayed: number;
  readonly left: number;
  readonly error: string | null;
}

export interface ConnectorReport {
  readonly tasks: readonly TaskReport[];
  readonly replay: Replay | null;
  readonly settled: boolean;
}

export interface RunStatus {
  readonly state: string;
  readonly worker_id: string;
  readonly trace?: string;
}

export interface ConnectorStatus {
  readonly connector: RunStatus;
  readonly tasks: readonly (RunStatus & { readonly id: number })[];
}

export interface ConnectorInfo {
  readonly name: string;
  readonly type: string;
  readonly config: Readonly<Record<string, string | null>>;
}

export interface OffsetEntry {
  readonly partition: Json;
  readonly offset: Json;
}

export interface OffsetChange {
  readonly changed_at: string;
  readonly before: readonly OffsetEntry[];
  readonly after: readonly OffsetEntry[];
}

export interface Plugin {
  readonly class: string;
  readonly type: string;
  readonly version: string;
}

export interface ConfigValue {
  readonly definition: {
    readonly name: string;
    readonly type: string;
    readonly required: boolean;
    readonly default_value: string | null;
    readonly importance: string;
    readonly documentation: string;
    readonly group: string | null;
    readonly order_in_group: number;
    readonly display_name: string;
  };
  readonly value: {
    readonly name: string;
    readonly value: string | null;
    readonly recommended_values: readonly string[];
    readonly errors: readonly string[];
    readonly visible: boolean;
  };
}

export interface Validation {
  readonly error_count: number;
  readonly groups: readonly string[];
  readonly configs: readonly ConfigValue[];
}

export class ApiError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const token = document.querySelector<HTMLMetaElement>('meta[name="drover-token"]')?.content ?? '';

async function call(method: string, path: string, parse: (text: string) => Json, body?: unknown): Promise<Json> {
  const answer = await fetch(path, {
    method,
    headers: { 'x-drover-console': token, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: printJson(body, 0) }),
  }).catch(() => {
    throw new ApiError(0, 'The console does not answer: is drover console, or the local stack, still up?');
  });
  const text = await answer.text();
  let said: Json = null;
  try {
    said = text === '' ? null : parse(text);
  } catch {
    throw new ApiError(answer.status, `The answer is no JSON (${answer.status})`);
  }
  if (answer.ok) return said;
  const message = isRecord(said) && typeof said.message === 'string' ? said.message : `It answers ${answer.status}`;
  throw new ApiError(answer.status, message);
}

/** What the console's server works out: no figure in it is larger than a double tells, and there may be many. */
export const ask = async <T>(path: string): Promise<T> => (await call('GET', `/ask/${path}`, JSON.parse)) as T;

/** Kafka Connect's own API, and what Drover adds to it. */
export const api = async <T>(method: string, path: string, body?: unknown): Promise<T> =>
  (await call(method, `/api${path}`, parseJson, body)) as T;

export const pathOf = (name: string, more = '') => `/connectors/${encodeURIComponent(name)}${more}`;
