import { functionLog } from '../../../local/function-logs.ts';
import type { LocalStack } from '../../../local/stack.ts';

/** What Lambda had to do for some events. */
export interface FedRuns {
  readonly invocations: number;
  readonly records: number;
  /** Of all invocations together. */
  readonly ranMs: number;
}

/** Null: nothing fed it, it polls. */
export async function fedRunsSince(stack: LocalStack, since: number, connector: string): Promise<FedRuns | null> {
  const ended = (await functionLog(stack, 'feed', since))
    .flatMap(({ message }) => message.split('\n'))
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { event?: string; connector?: string; durationMs?: number; records?: number })
    .filter((line) => line.event === 'run.ended' && line.connector === connector);
  if (ended.length === 0) return null;
  const total = (of: 'durationMs' | 'records') => ended.reduce((all, line) => all + (line[of] ?? 0), 0);
  return { invocations: ended.length, records: total('records'), ranMs: total('durationMs') };
}
