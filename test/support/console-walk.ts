import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { openBrowser } from './browser.ts';
import { until } from './until.ts';

/** What somebody does in the console, by its buttons and fields alone; answers what the page has complained of. */
export async function walkConsole(url: string, folder: string): Promise<string[]> {
  await using browser = await openBrowser();
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(90_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  const [from, to] = [join(folder, 'walk-in.txt'), join(folder, 'walk-out.txt')];
  const lines = Array.from({ length: 20 }, (_, index) => (index === 7 ? 'no JSON' : `{"id":${index}}`));
  writeFileSync(from, lines.map((line) => `${line}\n`).join(''));

  // Create: the form says what is missing, and what is wrong.
  await page.goto(url);
  await page.getByRole('link', { name: 'New connector' }).first().click();
  await page.getByRole('link', { name: /^FileStreamSource/ }).click();
  await page.getByText('settings need a look').waitFor();
  await fill(page, { 'Name of the connector': 'walk-in', file: from, topic: 'walked' });
  await further(page, 'value.converter', 'org.apache.kafka.connect.storage.StringConverter');
  await create(page);
  await page.getByRole('heading', { name: 'walk-in' }).waitFor();
  await page.getByRole('heading', { name: 'Task 0' }).waitFor();

  // One that breaks on a record.
  await page.goto(`${url}/#/new/FileStreamSink`);
  await fill(page, { 'Name of the connector': 'walk-out', file: to, topics: 'walked' });
  await further(page, 'value.converter', 'org.apache.kafka.connect.json.JsonConverter');
  await further(page, 'value.converter.schemas.enable', 'false');
  await create(page);
  await page
    .getByRole('alert')
    .getByText('no JSON')
    .or(page.getByRole('alert').getByText('Tolerance'))
    .first()
    .waitFor();

  // Repaired: what cannot be read goes to a dead letter queue.
  await page.getByRole('link', { name: 'Config' }).click();
  for (const [key, value] of Object.entries({
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': 'walked-dead',
    'errors.deadletterqueue.topic.replication.factor': '1',
    'errors.deadletterqueue.context.headers.enable': 'true',
  })) {
    await page.getByRole('searchbox', { name: 'Search settings' }).fill(key);
    const field = page.locator(`[id="setting ${key}"]`);
    await field.waitFor();
    if ((await page.locator(`select[id="setting ${key}"]`).count()) > 0) await field.selectOption(value);
    else await field.fill(value);
  }
  await page.getByRole('button', { name: 'Change config…' }).click();
  await agree(page, 'Change');
  await until(
    'all others have come out',
    () => readFileSync(to, { encoding: 'utf8', flag: 'a+' }).split('\n').length === 20,
  );

  // The dead letter, with where it came from, and back again: it is no better, and dies once more.
  await page.goto(`${url}/#/connectors/walk-out/dead-letters`);
  await page.getByText('1 dead letter in walked-dead').waitFor();
  await page.locator('summary').click();
  await page.locator('pre', { hasText: 'no JSON' }).waitFor();
  await page.getByText('walked, partition 0, offset 7').waitFor();
  await page.getByRole('button', { name: 'Replay all…' }).click();
  await agree(page, 'Replay');
  await page.getByText('The last replay put 1 back').waitFor();

  // Offsets change while it is stopped; the change is taken back.
  await page.getByRole('link', { name: 'Offsets' }).click();
  await page.getByRole('button', { name: 'Stop to change…' }).click();
  await agree(page, 'Stop');
  const offset = page.getByRole('textbox', { name: 'walked, partition 0' });
  await offset.waitFor();
  const before = await offset.inputValue();
  await offset.fill('x');
  await page.getByText('It must be a whole number').waitFor();
  await offset.fill('3');
  await page.getByRole('button', { name: 'Change 1 offset…' }).click();
  await agree(page, 'Change offsets');
  await page.getByRole('region', { name: 'Changes by hand' }).waitFor();
  await until('it is there', async () => (await offset.inputValue()) === '3');
  await page.getByRole('button', { name: 'Undo the last change…' }).click();
  await agree(page, 'Undo');
  await until('it is as it was', async () => (await offset.inputValue()) === before);
  await page.getByRole('button', { name: 'Resume…' }).click();
  await agree(page, 'Resume');
  appendFileSync(from, '{"id":"last"}\n');

  // Its runs, and the picture.
  await page.getByRole('link', { name: 'Runs' }).last().click();
  await page.locator('.runs [role="row"].row', { hasText: 'failed' }).first().waitFor();
  await page.goto(`${url}/#/pipeline`);
  await page.locator('svg a', { hasText: 'walk-out' }).waitFor();

  // Deleted only when its name is typed.
  for (const name of ['walk-in', 'walk-out']) {
    await page.goto(`${url}/#/connectors/${name}`);
    await page.getByRole('button', { name: 'Delete…' }).click();
    await page.getByRole('dialog').getByRole('textbox').fill(name);
    await agree(page, 'Delete');
    await page.getByRole('link', { name }).waitFor({ state: 'detached' });
  }
  return faults;
}

async function fill(page: Page, values: Readonly<Record<string, string>>): Promise<void> {
  for (const [label, value] of Object.entries(values)) {
    await page
      .getByLabel(label, { exact: true })
      .or(page.locator(`[id="setting ${label}"]`))
      .first()
      .fill(value);
  }
}

async function further(page: Page, key: string, value: string): Promise<void> {
  await page.getByRole('searchbox', { name: 'Search settings' }).fill(key);
  const field = page.locator(`[id="setting ${key}"]`);
  if ((await field.count()) === 0) {
    await page.getByLabel('A key that is not listed').fill(key);
    await page.getByRole('button', { name: 'Add' }).click();
  }
  await field.fill(value);
  await page.getByRole('searchbox', { name: 'Search settings' }).fill('');
}

async function create(page: Page): Promise<void> {
  await page.getByText('Everything is as it should be.').waitFor();
  await page.getByRole('button', { name: 'Create connector…' }).click();
  await agree(page, 'Create');
}

async function agree(page: Page, verb: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: verb, exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
}
