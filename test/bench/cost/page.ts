import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inWaiting, type RunCost } from '../../../src/telemetry/run-cost.ts';
import { defaultWorkerSettings } from '../../../src/worker/worker-settings.ts';
import { arrivalsOf, waitedFor } from '../../support/stream-cost.ts';
import { type MeasuredBatch, readBatches } from '../feeds/measured-batches.ts';
import { type CloudWatch, countCloudWatch } from './cloudwatch.ts';
import {
  busyMetricsMonth,
  busyVcpuHour,
  commitsPerRun,
  furtherRun,
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
import { fedMillion, idleQueueMonth, javaMillion, javaMonth, type PolledByJava } from './fed-cost.ts';
import { hoursPerMonth, type Prices, prices } from './prices.ts';

const dollars = (amount: number) =>
  amount === 0 ? '$0' : `$${amount < 0.01 ? amount.toPrecision(2) : amount.toFixed(3)}`;

const titles: Readonly<Record<MeasuredBatch['kind'], string>> = {
  sqs: 'SQS',
  webhook: 'webhook, answered after the acknowledgement',
  eventbridge: 'EventBridge',
  sns: 'SNS',
  dynamodb: 'DynamoDB stream',
  kinesis: 'Kinesis',
};

/** Messages of a day for which a month is reckoned. */
const messagesADay = [0, 10_000, 1_000_000, 10_000_000];
const daysPerMonth = hoursPerMonth / 24;

function fedPart(
  priceList: Prices,
  cloudWatch: CloudWatch,
  batches: readonly MeasuredBatch[],
  java: PolledByJava,
): string[] {
  if (batches.length === 0) return [];
  const ofJava = javaMillion(priceList, java);
  const queue = batches.filter(({ kind }) => kind === 'sqs');
  const perMillion = (batch: MeasuredBatch) => fedMillion(priceList, batch, cloudWatch);
  const idle = idleQueueMonth(priceList);
  const months = messagesADay.map((day) => {
    const millions = (day * daysPerMonth) / 1e6;
    const drover = queue.map((batch) => dollars(idle + millions * perMillion(batch)));
    return [day.toLocaleString('en-US'), ...drover, dollars(javaMonth(priceList, java, millions * 1e6))];
  });
  return [
    '## Fed by events',
    '',
    'One million messages of about 120 bytes, by what brings them and how many are in an event; beside it a connector of Java that polls',
    'a queue. Drover: Lambda at 1024 MB, which is less than a vCPU, the table, the log, and what the way to it costs: the requests to a',
    'queue, the HTTP API. What the source costs without Drover is left out on both sides (sends, publications, shards). CPU and times are',
    `those of [feed batches](../results/feed-batches.md) (${[...new Set(batches.map(({ measuredAt }) => measuredAt))].join(', ')}), Java's CPU that of [feeds](../results/feeds.md),`,
    `${java.cpuMsAMessage} ms a message on a whole vCPU, at which one MCU takes ${Math.floor(1000 / java.cpuMsAMessage)} messages a second; it is paid for when none come.`,
    '',
    '| event source | messages in an event | a million, Drover | a million, Java kept busy all the time |',
    '| --- | --- | --- | --- |',
    ...batches.map(
      (batch) =>
        `| ${titles[batch.kind]} | ${batch.size} | ${dollars(perMillion(batch))} | ${batch.kind === 'sqs' ? `${dollars(ofJava)} (${(ofJava / perMillion(batch)).toFixed(1)}×)` : '–'} |`,
    ),
    '',
    `A month of a queue, by messages a day; of it ${dollars(idle)} are Lambda's own looks at it, which there are none of while the queue is held,`,
    'nor for streams and webhooks. Lambda brings up to 10 messages at once, and more where its mapping has a batching window.',
    '',
    `| messages a day | ${queue.map(({ size }) => `Drover, ${size} in an event`).join(' | ')} | MSK Connect, one MCU |`,
    `| --- | ${queue.map(() => '---').join(' | ')} | --- |`,
    ...months.map((row) => `| ${row.join(' | ')} |`),
    '',
  ];
}

/** What a run cost on 2026-11-23, when each that moved something stayed half a second for more. */
const before: RunCost = { gbMs: 1.333e-8, run: 6.8e-6, emptyRun: 4.3e-6, commit: 2.5e-6 };
const lingerBefore = 500;
const fixedLingers = [0, 25, 50, 100, 200, 350, 500, 1000, 2000, 5000];
const hourMs = 3_600_000;
const repeated = (gapMs: number, times: number) => Array.from({ length: times }, () => gapMs);

const streams: readonly { readonly what: string; readonly gapsMs: readonly number[]; readonly woken: boolean }[] = [
  { what: 'one record a minute, which the tick looks for', gapsMs: [60_000], woken: false },
  { what: 'one record a minute, which wakes its connector', gapsMs: [60_000], woken: true },
  { what: 'a hundred records a second', gapsMs: [10], woken: false },
  { what: 'bursty: fifty records in a second each half minute', gapsMs: [...repeated(20, 49), 30_000], woken: true },
];

/** How irregular the pauses are: so many parts of each, on top of a half. */
const irregular = [0.3, 0.6, 0.5, 0.9, 0.1];

function streamsPart(priceList: Prices, measured: Measured): string[] {
  const now: RunCost = {
    gbMs: priceList.lambdaArmPerGbSecond / 1000,
    run: furtherRun(priceList, measured, false),
    emptyRun: furtherRun(priceList, measured, true),
    commit: measured.commitWriteUnits * priceList.tableWriteUnit,
  };
  const { taskMemoryMb } = defaultWorkerSettings;
  const msk = dollars(mskConnectMonth(priceList));
  const rows = streams.map(({ what, gapsMs, woken }) => {
    const stream = { woken, arrivals: arrivalsOf(gapsMs, irregular, hourMs) };
    const month = (cost: RunCost, lingerMs: number | null) =>
      (waitedFor(stream, lingerMs, inWaiting(cost, taskMemoryMb)) * cost.gbMs * taskMemoryMb * hoursPerMonth) / 1024;
    const cheapest = Math.min(...fixedLingers.map((lingerMs) => month(now, lingerMs)));
    return [what, month(before, lingerBefore), month(now, null), cheapest].map((cell) =>
      typeof cell === 'number' ? dollars(cell) : cell,
    );
  });
  return [
    '## By the rhythm of a stream',
    '',
    'A source for a month in which records come as an hour of it is reckoned here: its runs, their requests and commits, the mirror, and',
    `the time for which runs stay. *Before* is 2026-11-23, when each run that moved something stayed for ${lingerBefore} ms; *now* a run stays as`,
    'long as what it knows of the stream says that waiting is cheaper than another run (src/worker/run/linger.ts); beside it the cheapest of ten fixed waits.',
    '',
    '| what comes | before | now | cheapest fixed wait | MSK Connect, one MCU |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row.join(' | ')} | ${msk} |`),
    '',
  ];
}

export function renderCostPage(
  priceList: Prices,
  measured: Measured,
  batches: readonly MeasuredBatch[] = readBatches(),
  java: PolledByJava = loadJava(),
): string {
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
    ["the same of a queue, which Lambda's own poller looks at", dollars(idleQueueMonth(priceList)), dollars(msk)],
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
    ...streamsPart(priceList, measured),
    ...fedPart(priceList, cloudWatch, batches, java),
  ].join('\n');
}

/** Of the last `npm run bench:feeds`. */
export function loadJava(): PolledByJava {
  const feeds = readFileSync(join(import.meta.dirname, '../results/feeds.md'), 'utf8');
  const cpu = /^\| Java Connect, which polls a queue \|.*\| ([\d.]+) \| \d+ \| \d+ \|$/m.exec(feeds)?.[1];
  if (cpu === undefined) throw new Error('results/feeds.md has no CPU of Java a message: run bench:feeds');
  return { cpuMsAMessage: Number(cpu) };
}

export function loadMeasured(): Measured {
  return JSON.parse(readFileSync(join(import.meta.dirname, 'measured.json'), 'utf8')) as Measured;
}

if (import.meta.main) {
  const page = renderCostPage(prices, loadMeasured());
  writeFileSync(join(import.meta.dirname, 'COST.md'), page);
  process.stdout.write(page);
}
