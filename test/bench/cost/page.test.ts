import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCost } from '../../../src/telemetry/run-cost.ts';
import type { MeasuredBatch } from '../feeds/measured-batches.ts';
import { countCloudWatch } from './cloudwatch.ts';
import {
  commitsPerRun,
  furtherRun,
  idleEventFedConnectorMonth,
  idlePolledConnectorMonth,
  mskConnectMonth,
  oneBusyHourADayMonth,
  platformMonth,
  watchingMonth,
} from './cost-model.ts';
import { fedMillion, idleQueueMonth, javaMillion, javaMonth } from './fed-cost.ts';
import { loadMeasured, renderCostPage } from './page.ts';
import { prices } from './prices.ts';

const cloudWatch = countCloudWatch('installation', commitsPerRun());

describe('the cost model', () => {
  it('adds up an idle month of 43,800 looks: two writes, two reads, a run and a mirror call each', () => {
    const measured = { ...loadMeasured(), idleRunMs: 100, idleRunWriteUnits: 2, idleRunReadUnits: 2 };
    const run = 0.1 * 0.0000133334 + 0.0000002;
    const table = 2 * 0.000000625 + 2 * 0.000000125;
    const mirror = 0.02 * 0.5 * 0.0000133334 + 0.0000002;
    expect(idlePolledConnectorMonth(prices, measured, cloudWatch)).toBeCloseTo(43_800 * (run + table + mirror), 9);
    expect(idleEventFedConnectorMonth()).toBe(0);
  });

  it('charges an MCU for every hour of the month', () => {
    expect(mskConnectMonth(prices)).toBeCloseTo(80.3, 9);
  });

  it('meets its goals with the measured figures', () => {
    expect(idlePolledConnectorMonth(prices, loadMeasured(), cloudWatch)).toBeLessThanOrEqual(0.11);
    expect(oneBusyHourADayMonth(prices, loadMeasured(), cloudWatch)).toBeLessThanOrEqual(mskConnectMonth(prices) / 10);
  });

  it('counts what CloudWatch bills: nothing for a connector that is idle, whoever looks', () => {
    const idle = { logBytes: 0, metrics: 0 };
    expect(cloudWatch.idleRun).toEqual(idle);
    expect(countCloudWatch('connector', 60).idleRun).toEqual(idle);
    expect(countCloudWatch('none', 60).busySourceRun.metrics).toBe(0);
    // record-total and byte-total.
    expect(cloudWatch.busySourceRun.metrics).toBe(2);
    // Those and two of commits, in all and by name.
    expect(countCloudWatch('connector', 60).busySourceRun.metrics).toBe(8);
    expect(cloudWatch.dashboards).toBe(1);
    expect(watchingMonth(prices, { ...cloudWatch, alarms: 8 }).alarms).toBeCloseTo(0.8, 9);
  });

  it('adds a line and a metric of each idle run to the month, if there were any', () => {
    const chatty = { ...cloudWatch, idleRun: { logBytes: 1000, metrics: 1 } };
    const more =
      idlePolledConnectorMonth(prices, loadMeasured(), chatty) -
      idlePolledConnectorMonth(prices, loadMeasured(), cloudWatch);
    expect(more).toBeCloseTo(0.3 + 0.0438 * (0.5 + 0.03 * 0.2), 9);
  });

  it('is what runs decide by whether they stay: each figure within a tenth', () => {
    const within = (ours: number, worked: number) => expect(Math.abs(ours / worked - 1)).toBeLessThan(0.1);
    within(runCost.gbMs, prices.lambdaArmPerGbSecond / 1000);
    within(runCost.run, furtherRun(prices, loadMeasured(), false));
    within(runCost.emptyRun, furtherRun(prices, loadMeasured(), true));
    within(runCost.commit, loadMeasured().commitWriteUnits * prices.tableWriteUnit);
  });

  it('adds up a million fed messages: Lambda at its part of a vCPU, the table, the log, and the way to it', () => {
    const batch: MeasuredBatch = {
      ...{ kind: 'sqs', size: 100, messages: 1, cpuMsAnInvocation: 4, ranMs: 10 },
      ...{ tableReads: 2, tableWrites: 1, measuredAt: '' },
    };
    const silent = { feedEvent: { logBytes: 0, metrics: 0 } };
    const event = (0.006 + 0.004 * (1769 / 1024)) * 0.0000133334 + 0.0000002;
    const table = 2 * 0.000000125 + 0.000000625 + 2 * (0.5 * 0.02 * 0.0000133334 + 0.0000002);
    const queue = 1e6 * 0.2 * 0.0000004;
    expect(fedMillion(prices, batch, silent)).toBeCloseTo(1e4 * (event + table) + queue, 9);
    const logged = { feedEvent: { logBytes: 500, metrics: 0 } };
    expect(fedMillion(prices, batch, logged) - fedMillion(prices, batch, silent)).toBeCloseTo(0.005 * 0.506, 9);
    // A message alone is received and deleted alone; a request of HTTP, and an event that a rule puts into a queue.
    const alone = (kind: MeasuredBatch['kind']) => fedMillion(prices, { ...batch, kind, size: 1 }, silent);
    expect(alone('sqs') - alone('kinesis')).toBeCloseTo(0.8, 9);
    expect(alone('webhook') - alone('dynamodb')).toBeCloseTo(1, 9);
    expect(alone('eventbridge') - alone('sns')).toBeCloseTo(0.4, 9);
  });

  it('adds up what polling costs: a vCPU by the message when it is always busy, else by the month', () => {
    const java = { cpuMsAMessage: 3.6 };
    expect(javaMillion(prices, java)).toBeCloseTo(0.11 + 0.44, 9);
    expect(javaMonth(prices, java, 0)).toBeCloseTo(80.3, 9);
    expect(javaMonth(prices, java, 2e6)).toBeCloseTo(80.3 + 0.88, 9);
    // Five long polls of twenty seconds: 657,000 requests.
    expect(idleQueueMonth(prices)).toBeCloseTo(0.2628, 9);
  });

  it('README says what the page says', () => {
    const readme = readFileSync(join(import.meta.dirname, '..', '..', '..', 'README.md'), 'utf8').replace(/\s+/g, ' ');
    const cents = (amount: number) => `$${amount.toFixed(2)}`;
    const idle = idlePolledConnectorMonth(prices, loadMeasured(), cloudWatch);
    const { alarms, dashboard } = watchingMonth(prices, cloudWatch);
    const installation = platformMonth(prices, loadMeasured()) + alarms + dashboard;
    expect(readme).toContain(`costs ${cents(idle)} a month`);
    expect(readme).toContain(`${cents(installation)} a month`);
  });

  it('has a page that is up to date; `npm run bench:cost` prints it anew', () => {
    const page = readFileSync(join(import.meta.dirname, 'COST.md'), 'utf8');
    expect(renderCostPage(prices, loadMeasured())).toBe(page);
  });
});
