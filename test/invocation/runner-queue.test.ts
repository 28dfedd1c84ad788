import {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { expect, test } from 'vitest';
import { RunnerQueue } from '../../src/invocation/runner-queue.ts';

const queueUrl = 'https://sqs.eu-west-1.amazonaws.com/111122223333/runs';

/** A queue in memory, of the three requests that are sent to it. */
function memoryQueue({ keeps = false } = {}) {
  const bodies: string[] = [];
  const hidden: (number | undefined)[] = [];
  const send = async (command: unknown) => {
    if (command instanceof SendMessageCommand) bodies.push(command.input.MessageBody!);
    if (command instanceof ReceiveMessageCommand) {
      const most = command.input.MaxNumberOfMessages!;
      hidden.push(command.input.VisibilityTimeout);
      return { Messages: bodies.slice(0, most).map((Body, index) => ({ Body, ReceiptHandle: String(index) })) };
    }
    if (command instanceof DeleteMessageBatchCommand) {
      if (keeps) throw new Error('It does not answer');
      for (const { ReceiptHandle } of command.input.Entries!.toReversed()) bodies.splice(Number(ReceiptHandle), 1);
    }
    return {};
  };
  const queue = new RunnerQueue({ queueUrl, connect: async () => ({ send }) as unknown as Pick<SQSClient, 'send'> });
  return { queue, bodies, hidden };
}

const { signal } = new AbortController();

test('a run comes out as it went in, once, with a name of its own', async () => {
  const { queue, bodies } = memoryQueue();
  const request = { kind: 'task', connector: 'ä b', task: 3 } as const;
  await queue.invoke(request);
  await queue.invoke(request);
  const received = await queue.receive(5, signal);
  expect(received.map((one) => one.request)).toEqual([request, request]);
  expect(new Set(received.map(({ invocation }) => invocation)).size).toBe(2);
  expect(bodies).toEqual([]);
  expect(await queue.receive(5, signal)).toEqual([]);
});

test('no more than asked for, and never more than SQS gives', async () => {
  const { queue } = memoryQueue();
  for (let task = 0; task < 13; task++) await queue.invoke({ kind: 'task', connector: 'a', task });
  expect((await queue.receive(2, signal)).length).toBe(2);
  expect((await queue.receive(50, signal)).length).toBe(10);
});

test('what is no run is taken away, and what cannot be taken away is given out all the same', async () => {
  const { queue, bodies } = memoryQueue({ keeps: true });
  bodies.push('no JSON', '{"kind":"task","invocation":"x"}', '{"kind":"task","connector":"a","task":0}', '[]');
  await queue.invoke({ kind: 'task', connector: 'b', task: 0 });
  expect((await queue.receive(9, signal)).map(({ request }) => request)).toEqual([
    { kind: 'task', connector: 'b', task: 0 },
  ]);
});

test('who has no room takes away what nobody needs, and leaves the rest for others to see', async () => {
  const { queue, bodies, hidden } = memoryQueue();
  bodies.push('no JSON');
  for (const task of [0, 1, 2]) await queue.invoke({ kind: 'task', connector: 'a', task });
  const left = await queue.sift(async ({ request }) => request.kind === 'task' && request.task === 1, signal);
  expect(left).toBe(1);
  expect(bodies.map((body) => JSON.parse(body).task)).toEqual([1]);
  expect(hidden).toEqual([0]);
});

test('I6: a queue that does not take a run says so, and what is due stays due', async () => {
  const send = async () => {
    throw new Error('no network');
  };
  const queue = new RunnerQueue({ queueUrl, connect: async () => ({ send }) as unknown as Pick<SQSClient, 'send'> });
  await expect(queue.invoke({ kind: 'task', connector: 'a', task: 0 })).rejects.toMatchObject({
    code: 'invocation.unavailable',
    retriable: true,
  });
});
