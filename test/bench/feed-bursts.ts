/**
 * The stress of fed queues, whose figures are the page results/feeds-burst.md: the e2e test of queues with a real burst, its
 * environments killed in waves, and with Kafka away for minutes while messages arrive. `npm run bench:feed-bursts`, or
 * `node test/bench/feed-bursts.ts [messages of the burst, 0: none] [seconds without Kafka, 0: none]`. What a run does not
 * measure stands on the page as it was.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { machine } from './races/process-cpu.ts';

/** One line of the test. */
interface Figures {
  readonly kind: 'standard' | 'fifo' | 'away';
  readonly [figure: string]: number | string;
}
type Seen = Figures & { readonly date: string; readonly load: string };

const [messagesText = '100000', secondsText = '600'] = process.argv.slice(2);
const messages = Number(messagesText);
const seconds = Number(secondsText);
const results = join(import.meta.dirname, 'results');
const seenFile = join(import.meta.dirname, 'feeds', 'bursts.json');

async function runTest(): Promise<readonly Figures[]> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-bursts-'));
  const figures = join(folder, 'figures');
  const names = [...(messages > 0 ? ['a burst', 'FIFO'] : []), ...(seconds > 0 ? ['Kafka is away'] : [])];
  const vitest = spawn(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--project', 'e2e', 'test/e2e/queue-feed.test.ts', '-t', names.join('|')],
    {
      stdio: 'inherit',
      env: {
        ...process.env,
        DROVER_TEST_FIGURES: figures,
        ...(messages > 0 ? { DROVER_TEST_BURST: String(messages) } : {}),
        DROVER_TEST_AWAY: String(seconds),
      },
    },
  );
  const [code] = await once(vitest, 'exit');
  try {
    if (code !== 0) throw new Error('The test has failed: what it says stands above, and the page stays as it was');
    const lines = readFileSync(figures, 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line) as Figures);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const count = (number: number | string | undefined) => Number(number).toLocaleString('en-US');
const inSeconds = (ms: number | string | undefined) => `${Math.round(Number(ms) / 1000)} s`;

function burstRow({ kind, ...of }: Seen): string {
  const queue = kind === 'fifo' ? `FIFO, ${of.groups} groups` : 'standard';
  const order = kind === 'fifo' ? ', each group in its order' : '';
  return (
    `| ${queue} | ${count(of.messages)} | ${inSeconds(of.drainedMs)} | ${of.waves}, ${of.killed} | ${of.missing}${order} | ` +
    `${of.twice} | ${of.date}, ${of.load} |`
  );
}

function awayRow(of: Seen): string {
  return (
    `| ${of.seconds} s | ${count(of.messages)} | ${count(of.waiting)} | ${of.invocations} | ${of.environments} | ` +
    `${inSeconds(of.drainedMs)} | ${of.missing}, FIFO in its order | ${of.twice}, FIFO ${of.twiceOfFifo} | ${of.date}, ${of.load} |`
  );
}

function page(seen: readonly Seen[]): string {
  const bursts = seen.filter(({ kind }) => kind !== 'away');
  const away = seen.filter(({ kind }) => kind === 'away');
  return `# Fed queues under stress

Printed by \`npm run bench:feed-bursts -- [messages] [seconds without Kafka]\`, which runs
[test/e2e/queue-feed.test.ts](../../e2e/queue-feed.test.ts) on the deployed stack, where AWS is an emulator. Last on ${machine()}.
*Load* is the machine's average over the last minutes of a run.

## A burst, with kills

Every environment of the feed function is killed with SIGKILL in waves, while records arrive; at most 2000 messages wait at a time, since
the emulator takes 1.5 s to count a queue of 97,000 and brought one batch a second out of it. *Twice* is what a killed environment had
delivered and not told: ten messages of each at most.

| queue | messages | sent and on the topic after | waves, environments killed | missing | twice | run, load |
| --- | --- | --- | --- | --- | --- | --- |
${bursts.map(burstRow).join('\n')}

From the last record on the schedule's tick is the only invocation, for the minutes that the test looks at.

## Kafka away

Kafka is stopped while messages arrive, and goes on being away while ten a second go on arriving in a standard and in a FIFO queue. *Invocations* are
the events that were tried in vain, of both queues: each then rests, for 30 s, then for longer each time, five minutes at most.
*Back*: from the start of Kafka until both queues are empty.

| away | messages a queue | waiting at the end, both | invocations | most environments | back | missing | twice | run, load |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${away.map(awayRow).join('\n')}
`;
}

const kept = existsSync(seenFile) ? (JSON.parse(readFileSync(seenFile, 'utf8')) as readonly Seen[]) : [];
const measured = messages > 0 || seconds > 0 ? await runTest() : [];
const date = new Date().toISOString().slice(0, 10);
const load = loadavg()[2]!.toFixed(1);
const fresh = measured.map((figures): Seen => ({ ...figures, date, load }));
const isMeasured = ({ kind }: Seen) => fresh.some((one) => one.kind === kind);
const order = ['standard', 'fifo', 'away'];
const seen = [...kept.filter((one) => !isMeasured(one)), ...fresh].sort(
  (one, other) => order.indexOf(one.kind) - order.indexOf(other.kind),
);
writeFileSync(seenFile, `${JSON.stringify(seen, null, 2)}\n`);
writeFileSync(join(results, 'feeds-burst.md'), page(seen));
