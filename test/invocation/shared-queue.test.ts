import { expect, test } from 'vitest';
import { isShared, joinAnswers, shareOut } from '../../src/invocation/shared-queue.ts';

const message = (messageId: string, key?: unknown) => ({
  messageId,
  body: '',
  messageAttributes: key === undefined ? {} : { 'drover.feed': { dataType: 'String', stringValue: key } },
});

test('each connector gets its messages in their order; what is for nobody stays together', () => {
  const Records = [
    message('1', 'hook:a'),
    message('2', 'hook:b'),
    message('3'),
    message('4', 'hook:a'),
    message('5', 'arn:aws:sqs:us-east-1:000000000000:orders'),
    message('6', 'hook:*'),
    message('7', 7),
    null,
  ];
  const parts = shareOut({ Records }, 'hook:*');
  expect(
    parts.map(({ key, event }) => [
      key,
      event.Records.map((record) => (record as { messageId: string } | null)?.messageId),
    ]),
  ).toEqual([
    ['hook:a', ['1', '4']],
    ['hook:b', ['2']],
    ['hook:*', ['3', '5', '6', '7', undefined]],
  ]);
});

test('their answers are one', () => {
  const answers = [
    { batchItemFailures: [{ itemIdentifier: '1' }] },
    { batchItemFailures: [] },
    undefined,
    { batchItemFailures: [{ itemIdentifier: '3' }] },
  ];
  expect(joinAnswers(answers)).toEqual({ batchItemFailures: [{ itemIdentifier: '1' }, { itemIdentifier: '3' }] });
});

test('a queue is shared that is declared by any ending; a hook whose name ends with a star is not', () => {
  const queue = 'arn:aws:sqs:us-east-1:000000000000:orders';
  expect(isShared(queue, 'hook:*')).toBe(true);
  expect(isShared(queue, queue)).toBe(false);
  expect(isShared(queue, 'sns:alerts')).toBe(false);
  expect(isShared('hook:a*', 'hook:a*')).toBe(false);
});
