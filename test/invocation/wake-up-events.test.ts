import { describe, expect, it } from 'vitest';
import { namesToWake } from '../../src/invocation/wake-up-events.ts';

const wake = (...names: string[]) => ({ drover: { wake: names } });

describe('namesToWake', () => {
  it.each<[string, unknown, string[]]>([
    ['the event itself', wake('a', 'b'), ['a', 'b']],
    ['an EventBridge detail', { 'detail-type': 'x', detail: wake('a') }, ['a']],
    ['an SQS body', { Records: [{ body: JSON.stringify(wake('a')) }, { body: 'not JSON' }] }, ['a']],
    [
      'an SQS attribute',
      { Records: [{ body: '{}', messageAttributes: { 'drover.wake': { stringValue: 'a, b' } } }] },
      ['a', 'b'],
    ],
    [
      'an S3 notification id',
      { Records: [{ eventSource: 'aws:s3', s3: { configurationId: 'drover.wake:a,b', object: { key: 'k' } } }] },
      ['a', 'b'],
    ],
    ['somebody else’s S3 notification', { Records: [{ s3: { configurationId: 'tf-s3-lambda' } }] }, []],
    [
      'an S3 event inside an SNS message inside an SQS message',
      {
        Records: [{ body: JSON.stringify({ Records: [{ Sns: { Message: JSON.stringify(wake('deep')) } }] }) }],
      },
      ['deep'],
    ],
    ['the same name twice', { ...wake('a', 'a'), detail: wake('a') }, ['a']],
    ['names that are none', { drover: { wake: [1, null, 'a'] } }, ['a']],
    ['nothing', null, []],
    ['a list', [wake('a')], []],
    ['a schedule of its own', { source: 'aws.events', detail: {} }, []],
  ])('finds the names in %s', (_where, event, names) => {
    expect(namesToWake(event)).toEqual(names);
  });
});
