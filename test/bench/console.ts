import { openBrowser } from '../support/browser.ts';
import { startLargeConsole } from '../support/large-console.ts';

/** How much processor time each task of the console's page takes, with 1,000 connectors and 10,000 runs: `npm run bench:console`. */
await using browser = await openBrowser();
await using large = await startLargeConsole(1000, 10_000);
const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  readonly args?: { readonly name?: string };
  /** Microseconds of the thread's own time: others on the machine do not count. */
  readonly tdur?: number;
}

async function measure(what: string, act: () => Promise<void>): Promise<void> {
  await browser.startTracing(page, { categories: ['toplevel', '__metadata'] });
  await act();
  await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 100)))');
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: TraceEvent[] };
  const main = new Set(
    traceEvents
      .filter(({ name, args }) => name === 'thread_name' && args?.name === 'CrRendererMain')
      .map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = traceEvents.flatMap(({ name, pid, tid, tdur = 0 }) =>
    /RunTask$/.test(name) && main.has(`${pid} ${tid}`) ? [tdur / 1000] : [],
  );
  const long = tasks.filter((ms) => ms > 50).length;
  process.stdout.write(`| ${what} | ${tasks.length} | ${long} | ${Math.max(0, ...tasks).toFixed(0)} ms |\n`);
}

const wheel = async (times: number) => {
  for (let time = 0; time < times; time++) await page.mouse.wheel(0, 700);
};
process.stdout.write('| | tasks | over 50 ms | longest |\n| --- | --- | --- | --- |\n');
await page.goto(`${large.url}/#/connectors`);
await page.locator('[role="row"].row').first().waitFor();
await page.mouse.move(600, 500);
await measure('connectors: scroll through all', () => wheel(70));
await measure('connectors: sort by lag', () => page.getByRole('button', { name: 'Lag' }).click());
await measure('connectors: type a search', () => page.getByRole('searchbox').pressSequentially('connector-01'));
await measure('pipeline: open', async () => {
  await page.goto(`${large.url}/#/pipeline`);
  await page.locator('svg a').first().waitFor();
});
await measure('runs: open', async () => {
  await page.goto(`${large.url}/#/runs`);
  await page.locator('canvas').waitFor();
});
await page.mouse.move(700, 500);
await measure('runs: scroll the lanes', () => wheel(12));
await measure('runs: point at runs', async () => {
  for (let x = 300; x < 1200; x += 15) await page.mouse.move(x, 480);
});
await measure('runs: only failed ones', () => page.getByRole('button', { name: 'Only failed or killed' }).click());
