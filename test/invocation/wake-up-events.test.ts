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
    [
      'an SNS message in the envelope in which a topic puts it on a queue',
      { Records: [{ body: JSON.stringify({ Type: 'Notification', Message: JSON.stringify(wake('a')) }) }] },
      ['a'],
    ],
    ['the same name twice', { ...wake('a', 'a'), detail: wake('a') }, ['a']],
    ['names that are none', { drover: { wake: [1, null, 'a'] } }, ['a']],
    ['nothing', null, []],
    ['a list', [wake('a')], []],
    ['a schedule of its own', { source: 'aws.events', detail: {} }, []],
  ])('finds the names in %s', (_where, event, names) => {
    expect(namesToWake(event, new Map())).toEqual(names);
  });

  const [queue, topic] = ['arn:aws:sqs:eu-west-1:111122223333:bell', 'arn:aws:sns:eu-west-1:111122223333:ring'];
  const sources = new Map([
    [queue, ['a', 'b']],
    [topic, ['c']],
  ]);

  it.each<[string, unknown, string[]]>([
    ['a queue', { Records: [{ eventSourceARN: queue, body: 'anything' }] }, ['a', 'b']],
    [
      'a queue whose messages name others',
      { Records: [{ eventSourceARN: queue, body: JSON.stringify(wake('x')) }] },
      ['a', 'b', 'x'],
    ],
    ['a topic', { Records: [{ EventSource: 'aws:sns', Sns: { TopicArn: topic, Message: 'anything' } }] }, ['c']],
    ['a queue that stands for nobody', { Records: [{ eventSourceARN: `${queue}-2`, body: 'anything' }] }, []],
    [
      'a message that only tells of a queue',
      { Records: [{ body: JSON.stringify({ Records: [{ eventSourceARN: queue }] }) }] },
      [],
    ],
    ['no record', { Records: [null, 'x'] }, []],
  ])('finds the names that %s stands for', (_what, event, names) => {
    expect(namesToWake(event, sources)).toEqual(names);
  });
});
