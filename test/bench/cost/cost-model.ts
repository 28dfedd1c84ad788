import type { CloudWatch } from './cloudwatch.ts';
import { hoursPerMonth, mbPerVcpu, minutesPerMonth, type Prices } from './prices.ts';

/**
 * What one run costs the table and Lambda, as measured (see measured.json for where each figure comes from).
 * Write units count the item and the index entries it moves; units of a transaction count twice, as AWS bills them.
 */
export interface Measured {
  readonly measuredAt: string;
  /** Whole-process CPU seconds for one million records of 70 bytes, file source with StringConverter. */
  readonly sourceCpuSecondsPerMillion: number;
  readonly sinkCpuSecondsPerMillion: number;
  readonly recordBytes: number;
  /** Wall milliseconds of a warm run that finds nothing. */
  readonly idleRunMs: number;
  readonly idleRunWriteUnits: number;
  readonly idleRunReadUnits: number;
  readonly commitWriteUnits: number;
  readonly runOverheadWriteUnits: number;
  readonly runOverheadReadUnits: number;
  /** Wall milliseconds of a scheduled tick. */
  readonly tickMs: number;
  readonly tickReadUnits: number;
}

export interface Assumptions {
  /** Seconds one run of a busy task lasts before it hands over. */
  readonly busyRunSeconds: number;
  readonly commitIntervalSeconds: number;
  /** Seconds the stream gathers changes before the mirror is invoked: the construct's maxBatchingWindow. */
  readonly mirrorWindowSeconds: number;
  /** Mirror invocations of an idle run that no other connector shares: its lease, taken and released within the window. */
  readonly idleMirrorBatches: number;
  readonly mirrorBatchMs: number;
  /** Seconds of the coordinator to hand one run out. */
  readonly dispatchSeconds: number;
  readonly taskMemoryMb: number;
  readonly coordinatorMemoryMb: number;
  readonly mirrorMemoryMb: number;
  /** Months that logs are kept: the construct's default retention. */
  readonly logMonths: number;
  /** What is left of a stored log once it is compressed. */
  readonly logCompression: number;
}

export const assumptions: Assumptions = {
  busyRunSeconds: 60,
  commitIntervalSeconds: 1,
  mirrorWindowSeconds: 1,
  idleMirrorBatches: 1,
  mirrorBatchMs: 20,
  dispatchSeconds: 0.05,
  taskMemoryMb: 1024,
  coordinatorMemoryMb: 512,
  mirrorMemoryMb: 512,
  logMonths: 1,
  logCompression: 0.2,
};

const gb = (mb: number) => mb / 1024;

function lambda(prices: Prices, memoryMb: number, seconds: number, invocations: number): number {
  return gb(memoryMb) * seconds * prices.lambdaArmPerGbSecond + invocations * prices.lambdaPerInvocation;
}

/** Commits of one run of a busy task. */
export function commitsPerRun(given: Assumptions = assumptions): number {
  return given.busyRunSeconds / given.commitIntervalSeconds;
}

/** Ingested and then kept. */
function logs(prices: Prices, bytes: number, given: Assumptions): number {
  return (bytes / 1e9) * (prices.logsIngestedPerGb + prices.logsStoredPerGb * given.logMonths * given.logCompression);
}

/** One vCPU kept busy for an hour by one task: Lambda, its commits, the hand-overs and the mirror. */
export function busyVcpuHour(
  prices: Prices,
  measured: Measured,
  cloudWatch: CloudWatch,
  given: Assumptions = assumptions,
): number {
  const runs = 3600 / given.busyRunSeconds;
  const commits = 3600 / given.commitIntervalSeconds;
  const mirrorBatches = 3600 / given.mirrorWindowSeconds;
  return (
    lambda(prices, mbPerVcpu, 3600, runs) +
    (commits * measured.commitWriteUnits + runs * measured.runOverheadWriteUnits) * prices.tableWriteUnit +
    runs * measured.runOverheadReadUnits * prices.tableReadUnit +
    lambda(prices, given.mirrorMemoryMb, (mirrorBatches * given.mirrorBatchMs) / 1000, mirrorBatches) +
    lambda(prices, given.coordinatorMemoryMb, runs * given.dispatchSeconds, runs) +
    logs(prices, runs * cloudWatch.busySourceRun.logBytes, given)
  );
}

/** The metrics that a busy source has published, where they are published all month: they are billed by the hour. */
export function busyMetricsMonth(prices: Prices, cloudWatch: CloudWatch): number {
  return cloudWatch.busySourceRun.metrics * prices.metricPerMonth;
}

export function perMillionRecords(
  prices: Prices,
  measured: Measured,
  cloudWatch: CloudWatch,
  side: 'source' | 'sink',
  given: Assumptions = assumptions,
): number {
  const cpuSeconds = side === 'source' ? measured.sourceCpuSecondsPerMillion : measured.sinkCpuSecondsPerMillion;
  return (busyVcpuHour(prices, measured, cloudWatch, given) * cpuSeconds) / 3600;
}

export function perGigabyte(
  prices: Prices,
  measured: Measured,
  cloudWatch: CloudWatch,
  side: 'source' | 'sink',
  given: Assumptions = assumptions,
): number {
  return (perMillionRecords(prices, measured, cloudWatch, side, given) * 1e9) / (measured.recordBytes * 1e6);
}

/** What one more run costs that moves something, `empty` one that does not: what a run that stays may save (src/worker/run/linger.ts). */
export function furtherRun(
  prices: Prices,
  measured: Measured,
  empty: boolean,
  given: Assumptions = assumptions,
): number {
  const writes = measured.runOverheadWriteUnits + (empty ? 0 : measured.commitWriteUnits);
  return (
    lambda(prices, given.taskMemoryMb, measured.idleRunMs / 1000, 1) +
    lambda(prices, given.coordinatorMemoryMb, given.dispatchSeconds, 1) +
    lambda(prices, given.mirrorMemoryMb, given.mirrorBatchMs / 1000, 1) +
    writes * prices.tableWriteUnit +
    measured.runOverheadReadUnits * prices.tableReadUnit
  );
}

/** A connector that is looked at once a minute and finds nothing. The tick itself is shared: see `platformMonth`. */
export function idlePolledConnectorMonth(
  prices: Prices,
  measured: Measured,
  cloudWatch: CloudWatch,
  given: Assumptions = assumptions,
): number {
  const mirrorBatches = minutesPerMonth * given.idleMirrorBatches;
  return (
    lambda(prices, given.mirrorMemoryMb, (mirrorBatches * given.mirrorBatchMs) / 1000, mirrorBatches) +
    lambda(prices, given.taskMemoryMb, (minutesPerMonth * measured.idleRunMs) / 1000, minutesPerMonth) +
    minutesPerMonth * measured.idleRunWriteUnits * prices.tableWriteUnit +
    minutesPerMonth * measured.idleRunReadUnits * prices.tableReadUnit +
    logs(prices, minutesPerMonth * cloudWatch.idleRun.logBytes, given) +
    cloudWatch.idleRun.metrics * prices.metricPerMonth
  );
}

/** A connector that only events wake costs nothing while there are none. */
export function idleEventFedConnectorMonth(): number {
  return 0;
}

/** What the installation costs with no connector at all: the minute tick. What watches it is in `watchingMonth`. */
export function platformMonth(prices: Prices, measured: Measured, given: Assumptions = assumptions): number {
  return (
    minutesPerMonth * prices.schedulePerInvocation +
    lambda(prices, given.coordinatorMemoryMb, (minutesPerMonth * measured.tickMs) / 1000, minutesPerMonth) +
    minutesPerMonth * measured.tickReadUnits * prices.tableReadUnit
  );
}

/** Its alarms and its dashboard, in an account that has used up what is free. */
export function watchingMonth(prices: Prices, cloudWatch: CloudWatch): { alarms: number; dashboard: number } {
  return {
    alarms: cloudWatch.alarms * prices.alarmPerMonth,
    dashboard: cloudWatch.dashboards * prices.dashboardPerMonth,
  };
}

/** One busy vCPU-hour a day, minute-polled for the rest of it. */
export function oneBusyHourADayMonth(prices: Prices, measured: Measured, cloudWatch: CloudWatch): number {
  const busyHours = hoursPerMonth / 24;
  const { alarms, dashboard } = watchingMonth(prices, cloudWatch);
  return (
    busyHours * busyVcpuHour(prices, measured, cloudWatch) +
    busyMetricsMonth(prices, cloudWatch) / 24 +
    (idlePolledConnectorMonth(prices, measured, cloudWatch) * 23) / 24 +
    platformMonth(prices, measured) +
    alarms +
    dashboard
  );
}

export function mskConnectMonth(prices: Prices, mcus = 1): number {
  return prices.mskConnectPerMcuHour * hoursPerMonth * mcus;
}
