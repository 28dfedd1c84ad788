import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { countCloudWatch } from './cloudwatch.ts';
import {
  busyMetricsMonth,
  busyVcpuHour,
  commitsPerRun,
  idleEventFedConnectorMonth,
  idlePolledConnectorMonth,
  type Measured,
  mskConnectMonth,
  oneBusyHourADayMonth,
  perGigabyte,
  perMillionRecords,
  platformMonth,
  watchingMonth,
} from './cost-model.ts';
import { type Prices, prices } from './prices.ts';

const dollars = (amount: number) =>
  amount === 0 ? '$0' : `$${amount < 0.01 ? amount.toPrecision(2) : amount.toFixed(3)}`;

export function renderCostPage(priceList: Prices, measured: Measured): string {
  const cloudWatch = countCloudWatch('installation', commitsPerRun());
  const perConnector = countCloudWatch('connector', commitsPerRun());
  const msk = mskConnectMonth(priceList);
  const busyDay = oneBusyHourADayMonth(priceList, measured, cloudWatch);
  const watching = watchingMonth(priceList, cloudWatch);
  const million = (side: 'source' | 'sink') => dollars(perMillionRecords(priceList, measured, cloudWatch, side));
  const gigabyte = (side: 'source' | 'sink') => dollars(perGigabyte(priceList, measured, cloudWatch, side));
  const namesOfConnector = perConnector.busySourceRun.metrics - cloudWatch.busySourceRun.metrics;
  const rows: [string, string, string][] = [
    ['one million records of 70 bytes, file source', million('source'), '–'],
    ['one million records of 70 bytes, file sink', million('sink'), '–'],
    ['one GB through a source (70-byte records)', gigabyte('source'), '–'],
    ['one GB through a sink (70-byte records)', gigabyte('sink'), '–'],
    [
      'one vCPU busy for an hour',
      dollars(busyVcpuHour(priceList, measured, cloudWatch)),
      dollars(priceList.mskConnectPerMcuHour),
    ],
    [
      'idle connector, looked at every minute, a month',
      dollars(idlePolledConnectorMonth(priceList, measured, cloudWatch)),
      dollars(msk),
    ],
    ['idle connector, woken by events, a month', dollars(idleEventFedConnectorMonth()), dollars(msk)],
    ['the installation with no connector, a month', dollars(platformMonth(priceList, measured)), '–'],
    [`its ${cloudWatch.alarms} alarms, a month (the first ten of an account are free)`, dollars(watching.alarms), '–'],
    ['its dashboard, a month (the first three are free, and `dashboard: false`)', dollars(watching.dashboard), '–'],
    [
      `its metrics, in a month in which records move all the time (${cloudWatch.busySourceRun.metrics} metrics; \`metrics: 'none'\`)`,
      dollars(busyMetricsMonth(priceList, cloudWatch)),
      '–',
    ],
    [
      `those of a connector by its name, in such a month (${namesOfConnector} metrics; only with \`metrics: 'connector'\`)`,
      dollars(namesOfConnector * priceList.metricPerMonth),
      '–',
    ],
    [
      'all of this with one busy vCPU-hour a day, a month',
      dollars(busyDay),
      `${dollars(msk)} (${(msk / busyDay).toFixed(1)}×)`,
    ],
  ];
  return [
    '# What it costs',
    '',
    `Printed by \`npm run bench:cost\` from the prices in \`prices.ts\` (us-east-1, ${priceList.asOf}, no free tier) and the`,
    `figures in \`measured.json\` (${measured.measuredAt}). Logs, metrics, alarms and the dashboard are counted on the synthesised`,
    'stack and on the lines that runs write. Network, Kafka itself and data transfer are left out on both sides; a metric is',
    'billed by the hour in which it is published, so an idle installation has none. Records that fail publish up to three more.',
    '',
    '| what | Drover | MSK Connect, one MCU |',
    '| --- | --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
    '',
  ].join('\n');
}

export function loadMeasured(): Measured {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'measured.json'), 'utf8')) as Measured;
}

if (import.meta.main) {
  const page = renderCostPage(prices, loadMeasured());
  writeFileSync(join(import.meta.dirname, 'COST.md'), page);
  process.stdout.write(page);
}
