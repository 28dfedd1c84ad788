import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { droverVersion } from '../src/version.ts';

test('the version that the API shows is the one of the package', () => {
  const { version }: { version: string } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  );
  expect(droverVersion).toBe(version);
});
