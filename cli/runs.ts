import { gistOf } from '../src/errors.ts';
import { costOfRun } from '../src/telemetry/run-cost.ts';
import type { Run } from './answers.ts';
import type { LogLine } from './logs.ts';
import { oneLine } from './output.ts';

const results: Readonly<Record<string, string>> = {
  'run.ended': 'ended',
  'run.failed': 'failed',
  'run.died': 'died',
  'run.cut': 'cut',
  'run.fenced': 'fenced',
};

/** Events that tell of a run. */
export const runEvents = Object.keys(results);

/** `memoryMb`: of the function that ran it; null: nobody knows, and the cost is not told. */
export function runOf({ at, fields }: Pick<LogLine, 'at' | 'fields'>, memoryMb: number | null = null): Run {
  const of = fields ?? {};
  const number = (value: unknown) => (typeof value === 'number' ? value : null);
  const durationMs = number(of.durationMs);
  const figures = {
    records: number(of.records),
    bytes: number(of.bytes),
    commits: number(of.commits),
    emptyRuns: number(of.emptyRuns),
  };
  const { records, commits, emptyRuns } = figures;
  return {
    startedAt: new Date(at - (durationMs ?? 0)).toISOString(),
    endedAt: new Date(at).toISOString(),
    connector: String(of.connector),
    task: of.task === undefined ? String(of.connector) : `${of.connector}/${of.task}`,
    result:
      of.event === 'run.failed' && of.retriable === true ? 'will be tried again' : (results[String(of.event)] ?? ''),
    durationMs,
    ...figures,
    cost:
      memoryMb === null || durationMs === null
        ? null
        : costOfRun({ durationMs, records: records ?? 0, commits: commits ?? 0, emptyRuns: emptyRuns ?? 0 }, memoryMb),
    error: of.event === 'run.ended' ? null : oneLine(whyOf(of)),
  };
}

function whyOf({ error, message, trace }: NonNullable<LogLine['fields']>): string {
  const told = String(error ?? message ?? '');
  return typeof trace === 'string' ? gistOf(trace, told) : told;
}

/** A run that failed behind records that it moved has two lines, one why it failed and one what it moved. */
export function joinRuns(runs: readonly Run[]): Run[] {
  const joined: Run[] = [];
  const failures = new Map<string, number>();
  for (const run of runs) {
    const key = `${run.task} ${run.startedAt}`;
    const index = failures.get(key);
    if (run.error === null && index !== undefined) {
      const { result, error } = joined[index]!;
      joined[index] = { ...run, result, error };
      continue;
    }
    if (run.error !== null && run.durationMs !== null) failures.set(key, joined.length);
    joined.push(run);
  }
  return joined;
}
