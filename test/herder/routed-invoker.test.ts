import { expect, test } from 'vitest';
import { RoutedInvoker } from '../../src/herder/routed-invoker.ts';
import type { Invoker, RunRequest } from '../../src/invocation/run-request.ts';
import type { ConnectorItem } from '../../src/storage/items.ts';
import { ManualClock } from '../support/manual-clock.ts';

function setup(configs: Map<string, string>, withRunner = false) {
  const taken: string[] = [];
  const clock = new ManualClock(0);
  const invoker = (name: string): Invoker => ({
    invoke: async (request: RunRequest) => {
      taken.push(`${name} ${request.kind === 'probe' ? 'probe' : request.connector}`);
    },
  });
  let reads = 0;
  const routed = new RoutedInvoker({
    tasks: invoker('task'),
    java: { invoker: invoker('java'), runs: (config) => config['connector.class'] === 'Java' },
    runner: withRunner ? invoker('runner') : null,
    configs: {
      getConnector: async (name) => {
        reads++;
        const className = configs.get(name);
        if (className === 'unreadable') throw new Error('The table does not answer');
        return className === undefined ? undefined : ({ config: configOf(className) } as unknown as ConnectorItem);
      },
    },
    clock,
  });
  return { routed, taken, clock, reads: () => reads };
}

/** `Java!`: one that asks for the runner. */
function configOf(text: string) {
  const className = text.replace('!', '');
  return { 'connector.class': className, ...(text === className ? {} : { 'drover.runner': 'always' }) };
}

test('each run goes where its connector can run; the probe and what is gone to the task function', async () => {
  const { routed, taken } = setup(
    new Map([
      ['a', 'Ts'],
      ['b', 'Java'],
    ]),
  );
  await routed.invoke({ kind: 'task', connector: 'a', task: 0 });
  await routed.invoke({ kind: 'task', connector: 'b', task: 7 });
  await routed.invoke({ kind: 'connector', connector: 'b' });
  await routed.invoke({ kind: 'connector', connector: 'gone' });
  await routed.invoke({ kind: 'probe' });
  expect(taken).toEqual(['task a', 'java b', 'java b', 'task gone', 'task probe']);
});

test('L2: the config is read once for the tasks that are dispatched together, and anew a second later', async () => {
  const configs = new Map([['a', 'Ts']]);
  const { routed, taken, clock, reads } = setup(configs);
  await Promise.all(Array.from({ length: 100 }, (_, task) => routed.invoke({ kind: 'task', connector: 'a', task })));
  expect(reads()).toBe(1);
  configs.set('a', 'Java');
  await clock.advanceTo(1000);
  await routed.invoke({ kind: 'task', connector: 'a', task: 0 });
  expect(taken.at(-1)).toBe('java a');
});

test('I6: what cannot be read is not dispatched, and asked for again', async () => {
  const configs = new Map([['a', 'unreadable']]);
  const { routed, taken } = setup(configs);
  await expect(routed.invoke({ kind: 'connector', connector: 'a' })).rejects.toThrow('does not answer');
  configs.set('a', 'Java');
  await routed.invoke({ kind: 'connector', connector: 'a' });
  expect(taken).toEqual(['java a']);
});

test('tasks of connectors that ask for it go to the runner; their own runs stay with the functions, which pause, stop and delete', async () => {
  const configs = new Map([
    ['a', 'Ts!'],
    ['b', 'Java!'],
    ['c', 'Ts'],
  ]);
  const { routed, taken } = setup(configs, true);
  for (const connector of ['a', 'b', 'c']) {
    await routed.invoke({ kind: 'task', connector, task: 0 });
    await routed.invoke({ kind: 'connector', connector });
  }
  expect(taken).toEqual(['runner a', 'task a', 'runner b', 'java b', 'task c', 'task c']);
});

test('without a runner they go where all go, and are told there what is missing', async () => {
  const { routed, taken } = setup(new Map([['b', 'Java!']]));
  await routed.invoke({ kind: 'task', connector: 'b', task: 0 });
  expect(taken).toEqual(['java b']);
});
