import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectFolder } from '../../local/folders.ts';
import { call, status } from '../../local/rest-client.ts';
import { openBrowser } from './browser.ts';
import { until } from './until.ts';

/**
 * The console's pictures of the docs, taken of the local stack (`npm start`, then `npm run docs:pictures`): it makes connectors
 * that do well, are paused and have failed, and deletes them when each page is taken at both sizes.
 */
const { restUrl, consoleUrl } = JSON.parse(readFileSync(process.argv[2] ?? '.local/stack.json', 'utf8')) as {
  restUrl: string;
  consoleUrl: string;
};
const sizes = [
  ['', { width: 1280, height: 800 }],
  ['-phone', { width: 390, height: 844 }],
] as const;

const folder = mkdtempSync(join(tmpdir(), 'drover-pictures-'));
const strings = { 'value.converter': 'org.apache.kafka.connect.storage.StringConverter' };
const json = {
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
};
const source = {
  'connector.class': 'FileStreamSource',
  file: join(folder, 'orders.txt'),
  topic: 'shop-orders',
  ...strings,
};
const sink = { 'connector.class': 'FileStreamSink', file: join(folder, 'out.txt'), topics: 'shop-orders', ...json };
const configs: Readonly<Record<string, object>> = {
  'shop-orders': source,
  'shop-invoices': { ...source, topic: 'shop-invoices' },
  'shop-archive': {
    ...sink,
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': 'shop-archive-dead',
    'errors.deadletterqueue.topic.replication.factor': '1',
    'errors.deadletterqueue.context.headers.enable': 'true',
  },
  'shop-warehouse': { ...sink, file: join(folder, 'warehouse.txt') },
};
const names = Object.keys(configs);

const orders = Array.from({ length: 400 }, (_, id) =>
  id === 120 ? `${id};12.50;EUR` : JSON.stringify({ id, amount: 12.5 + id, currency: 'EUR' }),
);
writeFileSync(join(folder, 'orders.txt'), orders.map((line) => `${line}\n`).join(''));

const taskState = async (name: string) => (await status(restUrl, name)).tasks[0]?.state;
try {
  for (const [name, config] of Object.entries(configs)) {
    const state = name === 'shop-invoices' ? 'PAUSED' : 'RUNNING';
    await call(restUrl, 'POST', '/connectors', { name, config, initial_state: state });
  }
  const archive = () => readFileSync(sink.file, { encoding: 'utf8', flag: 'a+' });
  await until('the archive is written', () => archive().includes('id=399'), { withinMs: 180_000 });
  await until('the warehouse has failed', async () => (await taskState('shop-warehouse')) === 'FAILED', {
    withinMs: 180_000,
  });
  // Offsets that were set by hand, and are to be taken back.
  await call(restUrl, 'PUT', '/connectors/shop-archive/stop');
  await until('it has stopped', async () => (await taskState('shop-archive')) === undefined, { withinMs: 180_000 });
  await call(restUrl, 'PATCH', '/connectors/shop-archive/offsets', {
    offsets: [{ partition: { kafka_topic: 'shop-orders', kafka_partition: 0 }, offset: { kafka_offset: 100 } }],
  });

  const pages: readonly (readonly [picture: string, route: string, shows: string])[] = [
    ['connectors', 'connectors', '[role="row"].row'],
    ['pipeline', 'pipeline', 'svg a'],
    ['runs', 'runs', 'canvas'],
    ['new', 'new/FileStreamSource', 'form.config'],
    ['connector', 'connectors/shop-warehouse', 'h1:text("shop-warehouse")'],
    ['offsets', 'connectors/shop-archive/offsets', 'section[aria-label="Changes by hand"]'],
    ['dead-letters', 'connectors/shop-archive/dead-letters', 'details.letter summary'],
  ];
  const target = join(projectFolder, 'docs', 'console');
  mkdirSync(target, { recursive: true });
  await using browser = await openBrowser();
  for (const [suffix, viewport] of sizes) {
    const page = await browser.newPage({ viewport, colorScheme: 'light' });
    page.setDefaultTimeout(120_000);
    for (const [picture, route, shows] of pages) {
      await page.goto(`${consoleUrl}/#/${route}`);
      await page.reload();
      await page.locator(shows).first().waitFor();
      await page.locator('.loading').waitFor({ state: 'detached' });
      if (picture === 'dead-letters') await page.locator(shows).first().click();
      await page.screenshot({ path: join(target, `${picture}${suffix}.png`) });
    }
    await page.close();
  }
} finally {
  for (const name of names) await call(restUrl, 'DELETE', `/connectors/${name}`).catch(() => {});
  rmSync(folder, { recursive: true, force: true });
}
