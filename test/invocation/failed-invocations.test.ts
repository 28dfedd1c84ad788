import { describe, expect, it } from 'vitest';
import { invocationOf } from '../../src/invocation/failed-invocations.ts';
import { parseCoordinatorInvocation } from '../../src/invocation/invocation.ts';

/** As Lambda describes it for its destinations. */
const notice = (requestPayload: unknown, condition = 'RetriesExhausted') => ({
  version: '1.0',
  timestamp: '2026-11-29T10:00:00.000Z',
  requestContext: {
    requestId: '6d1f2f6c-5d7b-4c0a-9d0e-0e6c7d1f2a3b',
    functionArn: 'arn:aws:lambda:us-east-1:111122223333:function:Drover-Task:$LATEST',
    condition,
    approximateInvokeCount: 1,
  },
  requestPayload,
  responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
  responsePayload: { errorType: 'Sandbox.Timedout', errorMessage: 'Task timed out after 120.00 seconds' },
});
const record = (message: unknown) => ({
  EventSource: 'aws:sns',
  EventVersion: '1.0',
  Sns: {
    Type: 'Notification',
    TopicArn: 'arn:aws:sns:us-east-1:111122223333:Drover-FailedInvocations',
    Message: typeof message === 'string' ? message : JSON.stringify(message),
  },
});
const event = (...messages: unknown[]) => ({ Records: messages.map(record) });
const parse = (given: unknown) => parseCoordinatorInvocation(given, new Map());
const task = { kind: 'task', connector: 'orders', task: 3 };

describe('what Lambda tells of invocations that have failed', () => {
  it('names the run, and by what it was asked for', () => {
    const told = event(
      notice({ ...task, invocation: 'one' }),
      notice({ kind: 'connector', connector: 'a', invocation: 'two' }),
      notice({ kind: 'probe', invocation: 'three' }),
    );
    expect(parse(told)).toEqual({
      kind: 'failed-invocations',
      runs: [
        { request: task, invocation: 'one' },
        { request: { kind: 'connector', connector: 'a' }, invocation: 'two' },
        { request: { kind: 'probe' }, invocation: 'three' },
      ],
      ticks: [],
    });
  });

  it('names the ticks of the coordinator', () => {
    const told = event(
      notice({ kind: 'tick' }),
      notice({ kind: 'sub-minute-tick', invocation: 'one', deaths: 2 }),
      notice({ kind: 'shard-tick', shard: 3, invocation: 'two' }),
      notice({ kind: 'tick' }, 'EventAgeExceeded'),
    );
    expect(parse(told)).toEqual({
      kind: 'failed-invocations',
      runs: [],
      ticks: [{ kind: 'tick' }, { kind: 'sub-minute-tick', deaths: 2 }, { kind: 'shard-tick', shard: 3 }],
    });
  });

  it('is nothing where it never ran, or was asked for by hand', () => {
    const aged = notice({ ...task, invocation: 'one' }, 'EventAgeExceeded');
    expect(parse(event(aged, notice(task)))).toEqual({ kind: 'failed-invocations', runs: [], ticks: [] });
    expect(invocationOf(task)).toBeUndefined();
    expect(invocationOf({ ...task, invocation: '' })).toBeUndefined();
  });

  it.each([
    ['a wake-up', event({ drover: { wake: ['a'] } }), ['a']],
    ['no JSON', event('Hello'), []],
    ['a notice without what it was asked', event({ requestContext: { condition: 'RetriesExhausted' } }), []],
    ['no records', { Records: [] }, []],
  ])('%s is none of it', (_what, given, connectors) => {
    expect(parse(given)).toEqual({ kind: 'wake-up', connectors });
  });

  it('is refused, naming the field, where the run is none', () => {
    const told = event(notice({ ...task, task: -1, invocation: 'one' }));
    expect(() => parse(told)).toThrow('task is no whole number');
  });
});
