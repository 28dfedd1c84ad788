import type { Herder } from '../herder/herder.ts';
import type { JsonValue } from './json-body.ts';
import type { Schema } from './json-schema.ts';
import type { Query } from './rest-request.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface RestDeps {
  readonly herder: Herder;
}

/** What a handler works with. */
export interface Call extends RestDeps {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly hasBody: boolean;
  /** Throws ConnectError `body.malformed` or `request.invalid` when there is none that could be read. */
  body(): JsonValue;
}

export interface Answer {
  /** The route's own status when left out. */
  readonly status?: number;
  /** Left out: no body. */
  readonly body?: unknown;
  /** Path of the resource that was created, below the API's base. */
  readonly location?: string;
  /** Parameters that ask for what comes behind this page; null or left out: nothing does. */
  readonly next?: Readonly<Record<string, string>> | null;
}

export type Handler = (call: Call) => Promise<Answer>;

export interface QueryParameter {
  readonly name: string;
  readonly doc: string;
  readonly schema: Schema;
}

export interface Route {
  readonly method: Method;
  /** `{task}` is an int32, any other placeholder text. */
  readonly path: string;
  readonly operation: string;
  readonly summary: string;
  /** Not for callers, and not in the document. */
  readonly internal?: boolean;
  readonly success: number;
  readonly handle: Handler;
  readonly query?: readonly QueryParameter[];
  /** With a body: its schema. A request without one is refused. */
  readonly body?: Schema;
  /** A request without one is not refused. */
  readonly bodyIsOptional?: boolean;
  /** Left out: no body. */
  readonly answer?: Schema;
  /** Further statuses that a caller may see, beyond those that every route has. */
  readonly statuses?: readonly number[];
}
