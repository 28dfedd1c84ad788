import type { DeadLetter } from '../cli/answers.ts';
import { isRecord, type Json, parseJson, printJson } from '../cli/json.ts';
import type { Shape } from '../src/rest/json-schema.ts';
import type * as schema from '../src/rest/schemas.ts';

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

export type TaskReport = ConnectorReport['tasks'][number];
export type ConnectorReport = Shape<typeof schema.connectorReport>;
export type Replay = NonNullable<ConnectorReport['replay']>;
export type ConnectorStatus = Shape<typeof schema.connectorStatus>;
export type RunStatus = ConnectorStatus['connector'];
export type ConnectorInfo = Shape<typeof schema.connectorInfo>;
export type OffsetEntry = Shape<typeof schema.offset>;
export type OffsetChange = Shape<typeof schema.offsetChange>;
export type Plugin = Shape<typeof schema.pluginInfos>[number];
export type Validation = Shape<typeof schema.configInfos>;
/** A setting, and what is to be said of its value; what no declaration names has no definition. */
export type CheckedValue = Validation['configs'][number];
/** A setting that is declared. */
export type ConfigValue = CheckedValue & { readonly definition: NonNullable<CheckedValue['definition']> };

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
