import { describe, expect, it } from 'vitest';
import { restartDueAt, scheduledRun } from '../../src/invocation/run-plan.ts';
import { parseSchedule } from '../../src/invocation/schedule.ts';

const at = (text: string) => Date.parse(text);
const next = (schedule: string, now: string) => {
  const instant = parseSchedule(schedule).next(at(now));
  return instant === null ? null : new Date(instant).toISOString();
};

describe('schedule', () => {
  it.each([
    ['rate(5 minutes)', '2026-11-23T13:02:10Z', '2026-11-23T13:07:10.000Z'],
    ['rate(1 day)', '2026-11-23T13:02:10Z', '2026-11-24T13:02:10.000Z'],
    ['cron(0 8 * * ? *)', '2026-11-23T08:00:00Z', '2026-11-24T08:00:00.000Z'],
    ['cron(0/15 * * * ? *)', '2026-11-23T08:01:00Z', '2026-11-23T08:15:00.000Z'],
    // 23 November 2026 is a Monday: 2 with EventBridge, 1 with Unix.
    ['cron(30 9 ? * 2 *)', '2026-11-23T10:00:00Z', '2026-11-30T09:30:00.000Z'],
    ['cron(30 9 * * 1)', '2026-11-23T09:00:00Z', '2026-11-23T09:30:00.000Z'],
    ['cron(0 0 ? * MON-FRI *)', '2026-11-27T12:00:00Z', '2026-11-30T00:00:00.000Z'],
    ['cron(0 0 1 JAN,JUL ? *)', '2026-11-23T00:00:00Z', '2027-01-01T00:00:00.000Z'],
    ['cron(0 0 13 * 5)', '2026-11-14T00:00:00Z', '2026-11-20T00:00:00.000Z'],
    ['cron(0 0 29 2 ? *)', '2026-11-23T00:00:00Z', '2028-02-29T00:00:00.000Z'],
    ['cron(0 12 * * 7)', '2026-11-23T00:00:00Z', '2026-11-29T12:00:00.000Z'],
    ['at(2026-12-01T08:00:00)', '2026-11-23T00:00:00Z', '2026-12-01T08:00:00.000Z'],
    ['at(2026-12-01T08:00:00Z)', '2026-12-01T08:00:00Z', null],
    ['cron(0 0 1 1 ? 2020)', '2026-11-23T00:00:00Z', null],
    ['once', '2026-11-23T00:00:00Z', null],
  ])('%s after %s is %s', (schedule, now, expected) => {
    expect(next(schedule, now)).toBe(expected);
  });

  it.each([
    '',
    'daily',
    'rate(0 minutes)',
    'rate(five minutes)',
    'cron(* * *)',
    'cron(60 * * * *)',
    'cron(5-1 * * * *)',
    'cron(*/0 * * * *)',
    'cron(0 0 L * ? *)',
    'cron(0 0 ? * 0 *)',
    'at(tomorrow)',
  ])('refuses %j, naming the setting', (schedule) => {
    expect(() => parseSchedule(schedule)).toThrow(/drover\.schedule/);
  });
});

describe('run plan', () => {
  const enabled = { 'drover.restart.enabled': 'true' };
  const minutes = (failures: number, config: Record<string, string> = enabled) => {
    const dueAt = restartDueAt(config, failures, 0);
    return dueAt === null ? null : dueAt / 60_000;
  };

  it('leaves a failed task alone unless restarts are enabled', () => {
    expect(minutes(1, {})).toBeNull();
  });

  it('pauses n² + n minutes before the n-th restart, at most an hour', () => {
    expect([1, 2, 3, 7, 8, 100].map((failures) => minutes(failures))).toEqual([2, 6, 12, 56, 60, 60]);
  });

  it('gives up after as many restarts in a row as are configured', () => {
    const config = { ...enabled, 'drover.restart.max.attempts': '2' };
    expect([1, 2, 3].map((failures) => minutes(failures, config))).toEqual([2, 6, null]);
  });

  it('runs by the schedule where there is one', () => {
    expect(scheduledRun({}, 0)).toBeNull();
    expect(scheduledRun({ 'drover.schedule': 'rate(1 minute)' }, 5)).toEqual({ dueAt: 60_005 });
    expect(scheduledRun({ 'drover.schedule': 'once' }, 5)).toEqual({ dueAt: null });
  });
});
