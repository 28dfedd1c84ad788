import { ConnectError } from '../errors.ts';
import { type FailedInvocations, failedInvocationsOf } from './failed-invocations.ts';
import { isFields } from './fields.ts';
import { parseRunRequest, parseTickRequest, type RunRequest, type TickRequest } from './run-request.ts';
import { type StreamRecord, streamRecordsOf } from './table-stream.ts';
import { namesToWake } from './wake-up-events.ts';

/**
 * Asks the task function to take over a Java cluster's connectors, once, by hand:
 * `{"kind":"import","start":"stopped"}`, or `"as-was"`; topics other than Drover's own are named by `configs` and
 * `offsets`. The Java workers must be down, else both run the same connectors.
 */
export interface ImportRequest {
  readonly kind: 'import';
  readonly start: 'stopped' | 'as-was';
  readonly configs: string | null;
  readonly offsets: string | null;
  /** Only these; null: all. */
  readonly connectors: readonly string[] | null;
  /** The cluster's `group.id`; null: no Connect cluster of these brokers may have workers. */
  readonly group: string | null;
  /** Whether workers that are there stand in no way. */
  readonly whileRunning: boolean;
  /** Only tells what it finds. */
  readonly dryRun: boolean;
}

/** All that the task function is invoked for. */
export type TaskInvocation = RunRequest | ImportRequest;

/** All that the mirror is invoked for; `{"kind":"project"}` by hand, to write all of the table to the topics. */
export type MirrorInvocation =
  | { readonly kind: 'project' }
  | { readonly kind: 'table-stream'; readonly records: readonly StreamRecord[] };

/** All that the coordinator is invoked for. */
export type CoordinatorInvocation =
  | TickRequest
  | { readonly kind: 'table-stream'; readonly records: readonly StreamRecord[] }
  | ({ readonly kind: 'failed-invocations' } & FailedInvocations)
  | { readonly kind: 'wake-up'; readonly connectors: readonly string[] };

const invalid = (why: string) => new ConnectError('invocation.invalid', why);

/** Throws ConnectError `invocation.invalid`, naming the field. */
export function parseTaskInvocation(event: unknown): TaskInvocation {
  if (typeof event !== 'object' || event === null) throw invalid('Not a run request: it is no object');
  const fields = event as Readonly<Record<string, unknown>>;
  return fields.kind === 'import' ? parseImport(fields) : parseRunRequest(fields);
}

function parseImport(fields: Readonly<Record<string, unknown>>): ImportRequest {
  const { start, configs, offsets, connectors = null, group, whileRunning, dryRun } = fields;
  if (start !== 'stopped' && start !== 'as-was') throw invalid('An import needs "start": "stopped" or "as-was"');
  if (connectors !== null && !isListOfNames(connectors)) {
    throw invalid('"connectors" of an import is a list of their names');
  }
  return {
    kind: 'import',
    start,
    configs: nameIn(configs, '"configs" of an import is the name of a topic'),
    offsets: nameIn(offsets, '"offsets" of an import is the name of a topic'),
    connectors,
    group: nameIn(group, '"group" of an import is the group.id of the cluster'),
    whileRunning: flagIn(whileRunning, 'whileRunning'),
    dryRun: flagIn(dryRun, 'dryRun'),
  };
}

const isListOfNames = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string');

function nameIn(value: unknown, otherwise: string): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(otherwise);
}

function flagIn(value: unknown, field: string): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false;
  throw invalid(`"${field}" of an import is true or false`);
}

/** Throws ConnectError `invocation.invalid`. */
export function parseMirrorInvocation(event: unknown): MirrorInvocation {
  if (typeof event === 'object' && event !== null && 'kind' in event && event.kind === 'project')
    return { kind: 'project' };
  const records = streamRecordsOf(event);
  if (records === null) throw invalid('Neither an event of the table\'s stream nor {"kind":"project"}');
  return { kind: 'table-stream', records };
}

/** What is nobody's event wakes nobody: a rule or a bucket may send more than Drover's. `wakeSources`: see `namesToWake`. */
export function parseCoordinatorInvocation(
  event: unknown,
  wakeSources: ReadonlyMap<string, readonly string[]>,
): CoordinatorInvocation {
  const tick = isFields(event) ? parseTickRequest(event) : null;
  if (tick !== null) return tick;
  const records = streamRecordsOf(event);
  if (records !== null) return { kind: 'table-stream', records };
  const failed = failedInvocationsOf(event);
  return failed === null
    ? { kind: 'wake-up', connectors: namesToWake(event, wakeSources) }
    : { kind: 'failed-invocations', ...failed };
}
