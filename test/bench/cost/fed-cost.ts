import type { MeasuredBatch } from '../feeds/measured-batches.ts';
import type { CloudWatch } from './cloudwatch.ts';
import { type Assumptions, assumptions } from './cost-model.ts';
import { hoursPerMonth, mbPerVcpu, minutesPerMonth, type Prices } from './prices.ts';

/** What the polling of Java's connector has taken (results/feeds.md). */
export interface PolledByJava {
  readonly cpuMsAMessage: number;
}

const million = 1_000_000;

/** Of SQS: what Lambda's poller and Java's source ask at once at most. */
const messagesARequest = 10;
/** Lambda looks at a queue that is empty by so many long polls at a time, each of so many seconds. */
const idlePolls = 5;
const idlePollSeconds = 20;

/** Requests to a queue that a message costs beside the event itself, and what brings it there. */
function ofTheSource(prices: Prices, { kind, size }: Pick<MeasuredBatch, 'kind' | 'size'>): number {
  const together = Math.min(size, messagesARequest);
  // Received and deleted.
  const throughQueue = (2 / together) * prices.sqsPerRequest;
  switch (kind) {
    case 'webhook':
      return prices.httpApiPerRequest;
    case 'eventbridge':
      // The rule puts each event into the queue.
      return prices.sqsPerRequest + throughQueue;
    case 'sqs':
    case 'sns':
      return throughQueue;
    case 'dynamodb':
    case 'kinesis':
      // Lambda reads streams at no price.
      return 0;
  }
}

/** Beside what the source costs without Drover: its queue's sends, its shards, its publications. */
export function fedMillion(
  prices: Prices,
  batch: MeasuredBatch,
  { feedEvent }: Pick<CloudWatch, 'feedEvent'>,
  given: Assumptions = assumptions,
): number {
  // Lambda gives less than a vCPU at this memory: what was computed takes longer there.
  const waited = Math.max(0, batch.ranMs - batch.cpuMsAnInvocation);
  const ranSeconds = (waited + batch.cpuMsAnInvocation * (mbPerVcpu / given.taskMemoryMb)) / 1000;
  // A change of the table may be told to the mirror and the coordinator, each by an invocation.
  const told =
    2 *
    ((given.mirrorMemoryMb / 1024) * (given.mirrorBatchMs / 1000) * prices.lambdaArmPerGbSecond +
      prices.lambdaPerInvocation);
  const event =
    (given.taskMemoryMb / 1024) * ranSeconds * prices.lambdaArmPerGbSecond +
    prices.lambdaPerInvocation +
    batch.tableReads * prices.tableReadUnit +
    batch.tableWrites * (prices.tableWriteUnit + told) +
    (feedEvent.logBytes / 1e9) *
      (prices.logsIngestedPerGb + prices.logsStoredPerGb * given.logMonths * given.logCompression);
  return (million / batch.size) * event + million * ofTheSource(prices, batch);
}

/** Java's worker kept busy, one MCU being one vCPU: ten messages a request, each deleted by itself. */
export function javaMillion(prices: Prices, { cpuMsAMessage }: PolledByJava): number {
  const hours = (million * cpuMsAMessage) / 1000 / 3600;
  return hours * prices.mskConnectPerMcuHour + million * (1 / messagesARequest + 1) * prices.sqsPerRequest;
}

/** Java's worker is paid for whether messages come or not. */
export function javaMonth(prices: Prices, java: PolledByJava, messages: number): number {
  const requests =
    (messages / million) * (javaMillion(prices, java) - javaMillion({ ...prices, sqsPerRequest: 0 }, java));
  return prices.mskConnectPerMcuHour * hoursPerMonth + requests;
}

/** What Lambda's looks at a queue cost that is empty all month; none while it is held, nor for a stream or a webhook. */
export function idleQueueMonth(prices: Prices): number {
  return ((minutesPerMonth * 60) / idlePollSeconds) * idlePolls * prices.sqsPerRequest;
}
