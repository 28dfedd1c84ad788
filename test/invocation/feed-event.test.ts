import { describe, expect, it } from 'vitest';
import { parseFeedInvocation } from '../../src/invocation/feed-event.ts';

const record = (more: object) => ({
  Records: [
    { messageId: 'm1', ...more },
    { messageId: 'm2', ...more },
  ],
});

describe('an event for a feed', () => {
  it('of a queue names it, and is given back message by message', () => {
    const parsed = parseFeedInvocation(record({ eventSource: 'aws:sqs', eventSourceARN: 'arn:aws:sqs:eu-west-1:1:q' }));
    expect(parsed.waitsMs).toBeNull();
    expect(parsed.source).toBe('arn:aws:sqs:eu-west-1:1:q');
    expect(parsed.giveBack('held', new Error('paused'))).toEqual({
      batchItemFailures: [{ itemIdentifier: 'm1' }, { itemIdentifier: 'm2' }],
    });
  });

  it.each(['aws:dynamodb', 'aws:kinesis'])('of %s is given back whole', (eventSource) => {
    const parsed = parseFeedInvocation(record({ eventSource, eventSourceARN: 'arn:aws:x' }));
    expect(() => parsed.giveBack('held', new Error('connector q is PAUSED'))).toThrow('connector q is PAUSED');
  });

  const request = (rawPath: string, pathParameters?: object) => ({
    version: '2.0',
    rawPath,
    ...(pathParameters === undefined ? {} : { pathParameters }),
    requestContext: { http: { method: 'POST', path: rawPath } },
  });

  it.each([
    [request('/hooks/orders', { connector: 'orders' }), 'hook:orders'],
    [request('/hooks/or%20ders'), 'hook:or ders'],
    [request('/stage/hooks/orders/'), 'hook:orders'],
  ])('of an HTTP API names the connector', (event, source) => {
    expect(parseFeedInvocation(event).source).toBe(source);
  });

  it('of an HTTP API is answered with what its sender should do, and with nothing of the inside', () => {
    const { giveBack, waitsMs } = parseFeedInvocation(request('/hooks/orders'));
    // Before the gateway gives up.
    expect(waitsMs).toBeLessThanOrEqual(10_000);
    const secret = new Error('password of broker b-1');
    expect(giveBack('unclaimed', secret)).toMatchObject({ statusCode: 404 });
    for (const why of ['held', 'failed'] as const) {
      expect(giveBack(why, secret)).toMatchObject({ statusCode: 503, headers: { 'retry-after': '5' } });
      expect(JSON.stringify(giveBack(why, secret))).not.toContain('password');
    }
  });

  it.each([
    null,
    7,
    {},
    { Records: [] },
    record({}),
    record({ eventSource: 'aws:sqs' }),
    request('/hooks/'),
    request('/hooks/%E0'),
  ])('else is refused: %j', (event) => {
    expect(() => parseFeedInvocation(event)).toThrow('Not an event for a feed');
  });
});
