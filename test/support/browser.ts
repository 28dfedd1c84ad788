import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** A real browser of this machine; `DROVER_TEST_BROWSER` names another one. */
export async function openBrowser(): Promise<Browser> {
  const given = process.env.DROVER_TEST_BROWSER;
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = given ?? names.flatMap((name) => folders.map((folder) => join(folder, name))).find(existsSync);
  if (found === undefined || !existsSync(found)) {
    throw new Error(
      `${given === undefined ? 'There is no Chromium on the path' : `There is no ${given}`}: install it ` +
        '(apt-get install chromium; .ci/run does), or name one with DROVER_TEST_BROWSER',
    );
  }
  // Of the tests' own pages only; in a container there is neither another user nor a large /dev/shm.
  return await chromium.launch({
    executablePath: found,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
}
