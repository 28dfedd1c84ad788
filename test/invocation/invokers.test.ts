import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import type { AsyncInvokes } from '../../src/invocation/async-invokes.ts';
import { invocationOf } from '../../src/invocation/failed-invocations.ts';
import { InProcessInvoker } from '../../src/invocation/in-process.ts';
import { parseTaskInvocation } from '../../src/invocation/invocation.ts';
import { LambdaInvoker } from '../../src/invocation/lambda.ts';
import type { RunRequest } from '../../src/invocation/run-request.ts';

const failure = (name: string) => Object.assign(new Error('no'), { name });
const task = (n: number): RunRequest => ({ kind: 'task', connector: 'a', task: n });

/** Calls wait until they are let go, each with what it shall answer. */
function heldCalls() {
  const calls: { functionName: string; payload: string; answer: (with_?: Error) => void }[] = [];
  const invokes: AsyncInvokes = {
    invoke: (functionName, payload) =>
      new Promise((resolve, reject) => {
        calls.push({ functionName, payload, answer: (error) => (error === undefined ? resolve() : reject(error)) });
      }),
  };
  return { calls, invokes };
}

const turns = async () => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};

const until = async (done: () => boolean) => {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
};

describe('run requests to Lambda', () => {
  it('are asynchronous invokes that carry the request', async () => {
    const { calls, invokes } = heldCalls();
    const invoked = new LambdaInvoker({ functionName: 'task', invokes }).invoke(task(3));
    await until(() => calls.length === 1);
    const { functionName, payload } = calls[0]!;
    expect(functionName).toBe('task');
    expect(parseTaskInvocation(JSON.parse(payload))).toEqual(task(3));
    expect(invocationOf(JSON.parse(payload))).toMatch(/^[0-9a-f-]{36}$/);
    calls[0]?.answer();
    await invoked;
  });

  it('L5: keep within the concurrency given, and all get their turn', async () => {
    const { calls, invokes } = heldCalls();
    const invoker = new LambdaInvoker({ functionName: 'task', invokes, concurrency: 3 });
    const all = Promise.all(Array.from({ length: 10 }, (_, n) => invoker.invoke(task(n))));
    let answered = 0;
    while (answered < 10) {
      await until(() => calls.length > answered);
      await turns();
      expect(calls.length - answered).toBeLessThanOrEqual(3);
      calls[answered++]?.answer();
    }
    await all;
  });

  it('are sent again when Lambda throttles, and given up with an error that may be retried', async () => {
    const slept: number[] = [];
    const clock: Clock = { now: () => 0, sleep: async (ms) => void slept.push(ms) };
    const errors = [failure('TooManyRequestsException'), failure('TooManyRequestsException')];
    const invokes: AsyncInvokes = {
      invoke: async () => {
        const error = errors.shift();
        if (error !== undefined) throw error;
      },
    };
    const invoker = new LambdaInvoker({ functionName: 'task', invokes, clock });
    await invoker.invoke(task(0));
    expect(slept).toEqual([200, 400]);
    errors.push(...new Array(5).fill(failure('TooManyRequestsException')));
    await expect(invoker.invoke(task(0))).rejects.toMatchObject({ code: 'invocation.unavailable', retriable: true });
    errors.push(failure('AccessDeniedException'));
    await expect(invoker.invoke(task(0))).rejects.toMatchObject({ code: 'invocation.refused', retriable: false });
  });
});

describe('run requests in process', () => {
  it('are accepted at once, run in turn, and their failures are told', async () => {
    const started: number[] = [];
    const ends: (() => void)[] = [];
    const failed: unknown[] = [];
    const invoker = new InProcessInvoker(
      async (request) => {
        const { task: n } = request as { task: number };
        started.push(n);
        await new Promise<void>((resolve) => ends.push(resolve));
        if (n === 1) throw new Error('one');
      },
      { concurrency: 2, onError: (_, request) => failed.push(request) },
    );
    for (let n = 0; n < 4; n++) await invoker.invoke(task(n));
    expect(started).toEqual([0, 1]);
    ends[0]?.();
    await turns();
    expect(started).toEqual([0, 1, 2]);
    const idle = invoker.idle();
    ends[1]?.();
    await turns();
    for (const end of ends) end();
    await turns();
    for (const end of ends) end();
    await idle;
    expect(started).toEqual([0, 1, 2, 3]);
    expect(failed).toEqual([task(1)]);
  });
});
