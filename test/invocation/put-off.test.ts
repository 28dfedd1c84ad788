import {
  type ChangeMessageVisibilityBatchCommand,
  GetQueueUrlCommand,
  type SendMessageBatchCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { delayOf, SqsLaterQueue } from '../../src/invocation/put-off.ts';

const arn = 'arn:aws:sqs:eu-west-1:111122223333:buffer';
const url = 'https://sqs.eu-west-1.amazonaws.com/111122223333/buffer';

type Batch = SendMessageBatchCommand['input'];

/** A queue that notes what it is sent. `answer`: ids of a batch that it refuses, or why it does not answer. */
function noting(answer: (batch: Batch) => readonly string[] = () => []) {
  const batches: Batch[] = [];
  const asked: unknown[] = [];
  const send = async (command: unknown) => {
    if (command instanceof GetQueueUrlCommand) {
      asked.push(command.input);
      return { QueueUrl: url };
    }
    const { input } = command as SendMessageBatchCommand;
    batches.push(input);
    return { Failed: answer(input).map((Id) => ({ Id })) };
  };
  const later = new SqsLaterQueue(async () => ({ send }) as unknown as Pick<SQSClient, 'send'>);
  return { later, batches, asked };
}

const message = (id: string, more: object = {}) => ({
  messageId: id,
  body: `body of ${id}`,
  messageAttributes: {
    'drover.feed': { stringValue: 'hook:a', dataType: 'String', stringListValues: [], binaryListValues: [] },
    ...more,
  },
});
const putOffBefore = (times: number) => ({ 'drover.put-off': { stringValue: String(times), dataType: 'Number' } });

test('a message is put behind the others as it was, and told how often', async () => {
  const { later, batches, asked } = noting();
  const bytes = { binaryValue: Buffer.from([1, 255]).toString('base64'), dataType: 'Binary' };
  const event = [message('1', { bytes }), message('2', putOffBefore(3))];
  expect(await later.putOff(arn, event)).toEqual({ messages: 2, failed: [], error: null });
  expect(batches).toEqual([
    {
      QueueUrl: url,
      Entries: [
        {
          Id: '0',
          MessageBody: 'body of 1',
          DelaySeconds: 5,
          MessageAttributes: {
            'drover.feed': { DataType: 'String', StringValue: 'hook:a' },
            bytes: { DataType: 'Binary', BinaryValue: Buffer.from([1, 255]) },
            'drover.put-off': { DataType: 'Number', StringValue: '1' },
          },
        },
        {
          Id: '1',
          MessageBody: 'body of 2',
          DelaySeconds: 40,
          MessageAttributes: {
            'drover.feed': { DataType: 'String', StringValue: 'hook:a' },
            'drover.put-off': { DataType: 'Number', StringValue: '4' },
          },
        },
      ],
    },
  ]);
  await later.putOff(arn, [message('3')]);
  expect(asked).toEqual([{ QueueName: 'buffer', QueueOwnerAWSAccountId: '111122223333' }]);
});

test('longer each time, up to what SQS takes', () => {
  expect([0, 1, 2, 7, 8, 1000].map(delayOf)).toEqual([5, 10, 20, 640, 900, 900]);
});

test('so many in a request as SQS takes, by their number and by their bytes', async () => {
  const { later, batches } = noting();
  const large = { ...message('large'), body: 'x'.repeat(400_000) };
  const event = [...Array.from({ length: 12 }, (_, index) => message(String(index))), large, large, large];
  expect(await later.putOff(arn, event)).toMatchObject({ messages: 15, failed: [] });
  const sizes = batches.map(({ Entries }) => Entries!.length).sort((one, other) => other - one);
  expect(sizes).toEqual([10, 4, 1]);
});

test('what the queue does not take is given back alone, and why is told', async () => {
  const { later } = noting(({ Entries }) => (Entries!.length === 10 ? ['3'] : []));
  const event = Array.from({ length: 12 }, (_, index) => message(String(index)));
  const { messages, failed, error } = await later.putOff(arn, event);
  expect([messages, failed, error?.message]).toEqual([11, ['3'], 'The queue did not take 1 messages']);

  const away = noting(({ Entries }) => {
    if (Entries!.length === 2) throw new Error('SQS does not answer');
    return [];
  });
  expect(await away.later.putOff(arn, event)).toMatchObject({
    messages: 10,
    failed: ['10', '11'],
    error: new Error('SQS does not answer'),
  });
});

const received = (id: string, times: number) => ({
  ...message(id),
  receiptHandle: `handle of ${id}`,
  attributes: { ApproximateReceiveCount: String(times) },
});

test('what is given back is soon to be seen again, the first time', async () => {
  const { later, batches } = noting();
  const event = [...Array.from({ length: 11 }, (_, index) => received(String(index), 1)), received('again', 2)];
  await later.showSoon(arn, event);
  const sent = batches as unknown as ChangeMessageVisibilityBatchCommand['input'][];
  expect(sent.map(({ Entries }) => Entries?.length)).toEqual([10, 1]);
  expect(sent[1]).toEqual({
    QueueUrl: url,
    Entries: [{ Id: '0', ReceiptHandle: 'handle of 10', VisibilityTimeout: 10 }],
  });
  await later.showSoon(arn, [received('again', 2)]);
  expect(batches).toHaveLength(2);
});

test('where there is no way to the queue it is not tried again for a while', async () => {
  let [now, asked] = [0, 0];
  const send = async () => {
    asked++;
    throw new Error('no way');
  };
  const later = new SqsLaterQueue(
    async () => ({ send }) as unknown as Pick<SQSClient, 'send'>,
    () => now,
  );
  await later.showSoon(arn, [received('1', 1)]);
  await later.showSoon(arn, [received('2', 1)]);
  expect(asked).toBe(1);
  now = 600_000;
  await later.showSoon(arn, [received('3', 1)]);
  expect(asked).toBe(2);
});
