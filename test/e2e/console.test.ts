import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser } from '../support/browser.ts';
import { type LargeConsole, startLargeConsole } from '../support/large-console.ts';

/** The page in a real browser, over an API that has more than any local stack holds. With a stack: cli.test.ts. */
let browser: Browser;
let large: LargeConsole;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

beforeAll(async () => {
  [browser, large] = await Promise.all([openBrowser(), startLargeConsole(1000, 10_000)]);
});

afterAll(async () => {
  await browser?.close();
  await large?.[Symbol.asyncDispose]();
});

/** A page whose every request and error is kept. */
async function open(size: { width: number; height: number }, colorScheme: 'light' | 'dark') {
  const page = await browser.newPage({ viewport: size, colorScheme });
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(`${large.url}/`)) faults.push(`asks ${request.url()}`);
  });
  return { page, faults };
}

async function show(page: Page, route: string): Promise<void> {
  await page.goto(`${large.url}/#/${route}`);
  await page.locator('main > *').first().waitFor();
  await page.locator('.loading').waitFor({ state: 'detached' });
}

const rowsShown = (page: Page) => page.locator('[role="row"].row').count();

test('1,000 connectors: only what is in sight is in the page, and each is found', async () => {
  const { page, faults } = await open({ width: 1280, height: 800 }, 'light');
  await show(page, 'connectors');
  await page.waitForSelector('[role="row"].row');
  expect(await page.locator('[role="table"]').getAttribute('aria-rowcount')).toBe('1001');
  expect(await rowsShown(page)).toBeLessThan(50);
  // By keys alone: to the last, and into it.
  await page.keyboard.press('/');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('End');
  await page.waitForSelector('text=connector-0999');
  expect(await rowsShown(page)).toBeLessThan(50);
  await page.getByRole('searchbox').fill('away');
  await page.locator('[role="table"][aria-rowcount="12"]').waitFor();
  await page.getByRole('searchbox').fill('connector-0500');
  await page.locator('[role="table"][aria-rowcount="2"]').waitFor();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForSelector('h1:text("connector-0500")');
  // The most behind come first, and with another click last.
  await page.goBack();
  await page.getByRole('button', { name: 'Lag' }).click();
  await page.locator('[role="row"].row').first().getByText('1,200', { exact: true }).waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

test('10,000 runs: a time line and a list, of which only what is in sight is in the page', async () => {
  const { page, faults } = await open({ width: 1280, height: 800 }, 'light');
  await show(page, 'runs');
  await page.waitForSelector('canvas');
  expect(await page.locator('canvas').getAttribute('aria-label')).toBe(
    '10000 runs of 200 tasks in the last 60 minutes; of 199 tasks the last runs found nothing',
  );
  expect(await rowsShown(page)).toBeLessThan(50);
  await page.getByRole('button', { name: 'Only failed or killed' }).click();
  await page.waitForSelector('canvas[aria-label^="67 runs"]');
  await page.locator('.runs .rows').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.waitForSelector('section[aria-label="The run that was chosen"]');
  expect(faults).toEqual([]);
  await page.close();
});

test('a key that no declaration names is told in the form as any other', async () => {
  const { page, faults } = await open({ width: 1280, height: 800 }, 'light');
  await show(page, 'new/FileStreamSource');
  await page.getByRole('textbox', { name: 'A key that is not listed' }).fill('drover.shedule');
  await page.getByRole('button', { name: 'Add' }).click();
  await page.getByText('There is no setting drover.shedule').waitFor();
  await page.getByText('2 settings need a look: file, drover.shedule').waitFor();
  expect(faults).toEqual([]);
  await page.close();
});

const routes = [
  'connectors',
  'pipeline',
  'runs',
  'new',
  'new/FileStreamSource',
  'connectors/connector-0005',
  'connectors/connector-0001/config',
  'connectors/connector-0001/offsets',
  'connectors/connector-0001/dead-letters',
  'connectors/none',
];

test.each([
  ['wide and light', { width: 1280, height: 800 }, 'light'],
  ['narrow and dark', { width: 390, height: 844 }, 'dark'],
] as const)('axe finds nothing serious on any page, %s; no page asks anybody else', async (_how, size, scheme) => {
  const { page, faults } = await open(size, scheme);
  const found: string[] = [];
  for (const route of routes) {
    await show(page, route);
    // Beside the policy of the page, which lets no script of a test in by a tag.
    await page.evaluate(axe);
    const violations = await page.evaluate(async () => {
      const { run } = (globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }).axe;
      return (await run()).violations;
    });
    for (const { id, impact, nodes } of violations) {
      if (impact === 'serious' || impact === 'critical') found.push(`${route}: ${id} ${nodes[0]?.html}`);
    }
    // Nothing is wider than the page, but for what scrolls by itself.
    const over = (await page.evaluate('document.documentElement.scrollWidth - innerWidth')) as number;
    if (over > 0) found.push(`${route}: ${over} pixels too wide`);
  }
  expect(found).toEqual([]);
  expect(faults.filter((fault) => !/404/.test(fault))).toEqual([]);
  await page.close();
});

interface Violation {
  readonly id: string;
  readonly impact: string;
  readonly nodes: readonly { readonly html: string }[];
}
