import { describe, expect, it } from 'vitest';
import { droverSettingInfos } from '../../../src/herder/drover-settings.ts';
import { everyTick } from '../../../src/storage/due-index.ts';
import { idleBackOffMs, idleDueAt, retryDueAt, runLimits } from '../../../src/worker/run/run-limits.ts';
import { defaultWorkerSettings } from '../../../src/worker/worker-settings.ts';

const limits = runLimits({}, defaultWorkerSettings);

describe('L3: idle pauses', () => {
  it('double from the floor to the ceiling', () => {
    expect([1, 2, 3, 6, 7, 100].map((runs) => idleBackOffMs(limits, runs))).toEqual([
      1000, 2000, 4000, 32_000, 60_000, 60_000,
    ]);
  });

  it('are left to the scheduled tick from a minute on', () => {
    expect(idleDueAt(limits, 1, 5_000)).toBe(6_000);
    expect(idleDueAt(limits, 20, 5_000)).toBe(everyTick);
    const slow = runLimits({ 'drover.idle.ceiling.ms': '300000' }, defaultWorkerSettings);
    expect(idleDueAt(slow, 20, 5_000)).toBe(360_000);
  });

  it("take the connector's own floor, ceiling and limits before the installation's", () => {
    const own = runLimits({ 'drover.idle.floor.ms': '50', 'drover.run.max.records': '7' }, defaultWorkerSettings);
    expect(own).toMatchObject({ idleFloorMs: 50, maxRecords: 7, idleCeilingMs: 60_000 });
  });
});

it.each([
  ['drover.run.max.ms', '0', 1],
  ['drover.run.max.records', '0', 1],
  ['drover.run.max.bytes', '-1', 1],
  ['drover.run.linger.ms', '-1', 0],
  ['drover.idle.floor.ms', '-1', 1],
  ['drover.idle.ceiling.ms', '0', 1],
])('a config that would run without pause or end is refused: %s=%s', (name, value, least) => {
  const problem = `Invalid value ${value} for configuration ${name}: Value must be at least ${least}`;
  expect(() => runLimits({ [name]: value }, defaultWorkerSettings)).toThrow(problem);
  for (const type of ['source', 'sink'] as const) {
    expect(droverSettingInfos(type, { [name]: value }).map(({ value: { errors } }) => errors)).toEqual([[problem]]);
  }
});

describe('retries across runs', () => {
  it('back off to a quarter of a minute, and after many failures to the scheduled tick', () => {
    expect([1, 2, 4, 5, 20].map((failures) => retryDueAt(failures, 0))).toEqual([1000, 2000, 8000, 15_000, 15_000]);
    expect([21, 99].map((failures) => retryDueAt(failures, 0))).toEqual([everyTick, everyTick]);
  });
});
