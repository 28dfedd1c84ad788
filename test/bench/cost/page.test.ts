import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  idleEventFedConnectorMonth,
  idlePolledConnectorMonth,
  mskConnectMonth,
  oneBusyHourADayMonth,
} from './cost-model.ts';
import { loadMeasured, renderCostPage } from './page.ts';
import { prices } from './prices.ts';

describe('the cost model', () => {
  it('adds up an idle month of 43,800 looks: two writes, two reads, a run and a mirror call each', () => {
    const measured = { ...loadMeasured(), idleRunMs: 100, idleRunWriteUnits: 2, idleRunReadUnits: 2 };
    const run = 0.1 * 0.0000133334 + 0.0000002;
    const table = 2 * 0.000000625 + 2 * 0.000000125;
    const mirror = 0.02 * 0.5 * 0.0000133334 + 0.0000002;
    expect(idlePolledConnectorMonth(prices, measured)).toBeCloseTo(43_800 * (run + table + mirror), 9);
    expect(idleEventFedConnectorMonth()).toBe(0);
  });

  it('charges an MCU for every hour of the month', () => {
    expect(mskConnectMonth(prices)).toBeCloseTo(80.3, 9);
  });

  it('meets its goals with the measured figures', () => {
    expect(idlePolledConnectorMonth(prices, loadMeasured())).toBeLessThanOrEqual(0.12);
    expect(oneBusyHourADayMonth(prices, loadMeasured())).toBeLessThanOrEqual(mskConnectMonth(prices) / 25);
  });

  it('has a page that is up to date; `npm run bench:cost` prints it anew', () => {
    const page = readFileSync(join(import.meta.dirname, 'COST.md'), 'utf8');
    expect(renderCostPage(prices, loadMeasured())).toBe(page);
  });
});
