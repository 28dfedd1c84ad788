import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { call, status } from '../../local/rest-client.ts';
import { type DeployedStack, deployStack } from '../support/deployed-stack.ts';
import { deathsIn, mortalClass } from '../support/mortal-plugins.ts';
import { until } from '../support/until.ts';

/** Each death costs the function's timeout and the wait for the next tick: short runs, and few deaths until FAILED. */
const limits = { runSeconds: '2', runTimeoutSeconds: '6', taskMemorySize: '512' };
const most = 2;
const longest = 360_000;

let stack: DeployedStack;

beforeAll(async () => {
  stack = await deployStack({ ...limits, plugins: join(import.meta.dirname, '../support/mortal-plugins.ts') });
});

afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
});

interface Report {
  readonly tasks: readonly {
    readonly next_due_at: string | null;
    readonly deaths: {
      readonly in_row: number;
      readonly without_commit: number;
      readonly last_worker_id: string | null;
    };
  }[];
}
const report = (name: string) => call<Report>(stack.restUrl, 'GET', `/drover/connectors/${name}`);

test('L1: functions killed at their timeout, or gone by their own hand, are told, given up, and come back on a restart', {
  timeout: longest,
}, async () => {
  const ways = ['deadline', 'exit'];
  const file = (name: string, what: string) => join(stack.folder, `${name}.${what}`);
  for (const death of ways) {
    const config = {
      'connector.class': mortalClass,
      'tasks.max': '1',
      topic: death,
      death,
      tally: file(death, 'tally'),
      cure: file(death, 'cure'),
      'drover.deaths.max': String(most),
    };
    await call(stack.restUrl, 'POST', '/connectors', { name: death, config });
  }
  for (const name of ways) {
    await until(
      `the first death of ${name} in its status`,
      async () =>
        (await status(stack.restUrl, name)).tasks.some(({ trace }) => trace?.includes('ended without a word')),
      { withinMs: longest },
    );
  }
  for (const name of ways) {
    const failed = await until(
      `${name} is FAILED`,
      async () => (await status(stack.restUrl, name)).tasks.find(({ state }) => state === 'FAILED'),
      { withinMs: longest },
    );
    expect(failed.trace).toMatch(/given up after 2 runs without a commit.*2 times in a row/);
    expect((await report(name)).tasks[0]).toMatchObject({
      next_due_at: null,
      deaths: { in_row: most, without_commit: most, last_worker_id: expect.stringContaining(stack.functions.task) },
    });
    expect(deathsIn(file(name, 'tally'))).toBe(most);
  }
  for (const name of ways) {
    writeFileSync(file(name, 'cure'), '');
    await call(stack.restUrl, 'POST', `/connectors/${name}/tasks/0/restart`);
    await until(`${name} runs`, async () =>
      (await status(stack.restUrl, name)).tasks.some(({ state, trace }) => state === 'RUNNING' && trace === undefined),
    );
    await until(`the count of ${name} is over`, async () => (await report(name)).tasks[0]?.deaths.in_row === 0);
  }
});
