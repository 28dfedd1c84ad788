import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { BombReport } from '../../support/bomb-child.ts';

/** Hostile bytes cost one record, never the process: each bomb is an error that errors.tolerance can skip. */
test('no bomb exhausts a heap of 96 MB, and good records are read after each', { timeout: 240_000 }, async () => {
  const child = fork(join(import.meta.dirname, '../../support/bomb-child.ts'), [], {
    execArgv: ['--max-old-space-size=96', '--disable-warning=ExperimentalWarning'],
  });
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`The process ended with ${code ?? signal} before it had told anything`);
  });
  const [reports] = (await Promise.race([once(child, 'message'), ended])) as [BombReport[]];
  // One that outlived the test would hold the runner's pipes, and so its end.
  child.kill('SIGKILL');
  await ended.catch(() => {});
  expect(reports.length).toBeGreaterThan(10);
  const wrong = reports.filter(({ name, outcome, goodAfterwards }) => {
    // A header that is no list is a text, as in Java.
    const expected = name.startsWith('header') ? 'no error' : 'DataException';
    return outcome !== expected || !goodAfterwards;
  });
  expect(wrong).toEqual([]);
});
