import { ConnectError } from '../errors.ts';
import type { RunRequest } from './run-request.ts';

const invalid = (why: string) => new ConnectError('invocation.invalid', `Not a run request: ${why}`);

/** Outside data → RunRequest, once. Throws ConnectError `invocation.invalid`, naming the field. */
export function parseRunRequest(event: unknown): RunRequest {
  if (typeof event !== 'object' || event === null) throw invalid('it is no object');
  const { kind, connector, task } = event as Record<string, unknown>;
  if (kind === 'probe') return { kind };
  if (kind !== 'task' && kind !== 'connector') throw invalid(`kind is ${JSON.stringify(kind)}`);
  if (typeof connector !== 'string') throw invalid('connector is no string');
  if (kind === 'connector') return { kind, connector };
  if (!Number.isInteger(task) || (task as number) < 0) throw invalid('task is no whole number');
  return { kind, connector, task: task as number };
}
