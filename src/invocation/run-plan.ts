import { defineConfig, type Settings } from '../config/config-def.ts';
import { parseConfig } from '../config/parse-config.ts';
import { atLeast, lambda } from '../config/validators.ts';
import { ConfigError } from '../errors.ts';
import { parseSchedule } from './schedule.ts';

/** When tasks of a connector run again on their own: settings that Connect does not have. */
export const planSettings = defineConfig({
  'drover.restart.enabled': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'Restart a task that has FAILED, after a pause of n² + n minutes (at most 60) for the n-th restart in a row.',
  },
  'drover.restart.max.attempts': {
    type: 'INT',
    default: -1,
    validator: atLeast(-1),
    importance: 'LOW',
    doc: 'Restarts in a row after which a task stays FAILED; -1: no limit. A run that succeeds starts the count anew.',
  },
  'drover.schedule': {
    type: 'STRING',
    default: null,
    validator: lambda('a schedule', (_name, value) => scheduleProblem(value)),
    importance: 'MEDIUM',
    doc:
      'When the tasks run, instead of whenever there may be something to do: rate(5 minutes), cron(0 8 * * ? *) with ' +
      'the fields of EventBridge or the five of Unix, at(2026-12-01T08:00:00Z), or once. Times are UTC. A new or changed ' +
      'task runs at once, drains what there is, and then waits for the schedule.',
  },
});

function scheduleProblem(value: unknown): string | undefined {
  if (value === null) return undefined;
  try {
    parseSchedule(String(value));
    return undefined;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.slice(error.message.indexOf(': ') + 2);
  }
}

const minuteMs = 60_000;
const longestPauseMinutes = 60;

/** When a task that FAILED is started again, for the `attempt`-th time in a row; null: it stays FAILED. */
export function restartDueAt(config: Settings, attempt: number, now: number): number | null {
  const plan = parseConfig(planSettings, config);
  if (!plan['drover.restart.enabled']) return null;
  if (plan['drover.restart.max.attempts'] >= 0 && attempt > plan['drover.restart.max.attempts']) return null;
  return now + Math.min(longestPauseMinutes, attempt ** 2 + attempt) * minuteMs;
}

/** Null: no schedule, the back-off decides. Else when the next run is; `dueAt` null: there is none. */
export function scheduledRun(config: Settings, now: number): { readonly dueAt: number | null } | null {
  const text = parseConfig(planSettings, config)['drover.schedule'];
  return text === null ? null : { dueAt: parseSchedule(text).next(now) };
}
