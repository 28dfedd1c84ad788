/**
 * us-east-1 on-demand list prices in US dollars, read 2026-09 to 2026-11 from public copies of AWS's price list, those of
 * CloudWatch 2026-11.
 * They are inputs: change them here (or pass your own) and print the page again.
 */
export interface Prices {
  readonly asOf: string;
  readonly lambdaArmPerGbSecond: number;
  readonly lambdaPerInvocation: number;
  readonly tableWriteUnit: number;
  readonly tableReadUnit: number;
  readonly schedulePerInvocation: number;
  readonly httpApiPerRequest: number;
  /** Of a standard queue, one request of up to 64 KB. */
  readonly sqsPerRequest: number;
  /** Of CloudWatch: logs of the standard class, as they come in. */
  readonly logsIngestedPerGb: number;
  /** A month, of compressed logs. */
  readonly logsStoredPerGb: number;
  /** A month, for each name and set of dimensions that is published; billed by the hour. */
  readonly metricPerMonth: number;
  readonly alarmPerMonth: number;
  /** Beyond the account's first three. */
  readonly dashboardPerMonth: number;
  readonly mskConnectPerMcuHour: number;
}

export const prices: Prices = {
  asOf: '2026-11',
  lambdaArmPerGbSecond: 0.0000133334,
  lambdaPerInvocation: 0.2 / 1e6,
  tableWriteUnit: 0.625 / 1e6,
  tableReadUnit: 0.125 / 1e6,
  schedulePerInvocation: 1 / 1e6,
  httpApiPerRequest: 1 / 1e6,
  sqsPerRequest: 0.4 / 1e6,
  logsIngestedPerGb: 0.5,
  logsStoredPerGb: 0.03,
  metricPerMonth: 0.3,
  alarmPerMonth: 0.1,
  dashboardPerMonth: 3,
  mskConnectPerMcuHour: 0.11,
};

export const hoursPerMonth = 730;
export const minutesPerMonth = hoursPerMonth * 60;
/** Lambda gives one vCPU at this memory. */
export const mbPerVcpu = 1769;
