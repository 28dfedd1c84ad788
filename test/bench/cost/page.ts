import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  busyVcpuHour,
  idleEventFedConnectorMonth,
  idlePolledConnectorMonth,
  type Measured,
  mskConnectMonth,
  oneBusyHourADayMonth,
  perGigabyte,
  perMillionRecords,
  platformMonth,
} from './cost-model.ts';
import { type Prices, prices } from './prices.ts';

const dollars = (amount: number) =>
  amount === 0 ? '$0' : `$${amount < 0.01 ? amount.toPrecision(2) : amount.toFixed(3)}`;

export function renderCostPage(priceList: Prices, measured: Measured): string {
  const msk = mskConnectMonth(priceList);
  const busyDay = oneBusyHourADayMonth(priceList, measured);
  const rows: [string, string, string][] = [
    ['one million records of 70 bytes, file source', dollars(perMillionRecords(priceList, measured, 'source')), '–'],
    ['one million records of 70 bytes, file sink', dollars(perMillionRecords(priceList, measured, 'sink')), '–'],
    ['one GB through a source (70-byte records)', dollars(perGigabyte(priceList, measured, 'source')), '–'],
    ['one GB through a sink (70-byte records)', dollars(perGigabyte(priceList, measured, 'sink')), '–'],
    ['one vCPU busy for an hour', dollars(busyVcpuHour(priceList, measured)), dollars(priceList.mskConnectPerMcuHour)],
    [
      'idle connector, looked at every minute, a month',
      dollars(idlePolledConnectorMonth(priceList, measured)),
      dollars(msk),
    ],
    ['idle connector, woken by events, a month', dollars(idleEventFedConnectorMonth()), dollars(msk)],
    ['the installation with no connector, a month', dollars(platformMonth(priceList, measured)), '–'],
    ['one busy vCPU-hour a day, a month', dollars(busyDay), `${dollars(msk)} (${(msk / busyDay).toFixed(1)}×)`],
  ];
  return [
    '# What it costs',
    '',
    `Printed by \`npm run bench:cost\` from the prices in \`prices.ts\` (us-east-1, ${priceList.asOf}, no free tier) and the`,
    `figures in \`measured.json\` (${measured.measuredAt}). Network, Kafka itself and data transfer are left out on both sides.`,
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
