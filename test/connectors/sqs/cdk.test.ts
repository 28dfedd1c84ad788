import { Duration } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { expect, test, vi } from 'vitest';
import { sqsSource } from '../../../cdk/index.ts';
import { plain, statementsOf, synthesise } from '../../cdk/synthesise.ts';

vi.setConfig({ testTimeout: 60_000 });

const visible = { visibilityTimeout: Duration.minutes(3) };

test('a queue is a feed: a function of its own, a mapping with partial failures, and rights on that queue alone', () => {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => sqsSource(drover, { queue: new Queue(stack, 'Orders', visible), maxConcurrency: 4 }),
  );
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    BatchSize: 10,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: 4 },
  });
  const feed = statementsOf(template, 'FeedFunctionRole').filter(({ Action }) =>
    [Action].flat().some((action) => action.startsWith('sqs:')),
  );
  expect(feed.map(({ Resource }) => JSON.stringify(Resource))).toEqual([expect.stringContaining('Orders')]);
  const coordinator = statementsOf(template, 'CoordinatorFunctionRole').filter(({ Action }) =>
    [Action].flat().includes('lambda:UpdateEventSourceMapping'),
  );
  expect(coordinator).toHaveLength(1);
  expect(JSON.stringify(coordinator)).toContain('event-source-mapping');
});

test('an installation without feeds has no function for them', () => {
  const { template } = synthesise(() => plain);
  expect(JSON.stringify(template.toJSON())).not.toContain('FeedFunction');
});

test.each([
  ['hides messages for 10 s', {}, { visibilityTimeout: Duration.seconds(10) }],
  ['batchSize is 11: it must be 1 to 10 without a maxBatchingWindow', { batchSize: 11 }, visible],
  ['batchSize is 11: it must be 1 to 10 for a FIFO queue', { batchSize: 11 }, { ...visible, fifo: true }],
  ['maxBatchingWindow is set for a FIFO queue', { maxBatchingWindow: Duration.seconds(1) }, { ...visible, fifo: true }],
  ['maxConcurrency is 1: it must be a whole number from 2 to 1000', { maxConcurrency: 1 }, visible],
])('AWS would refuse it, and so does the construct: %s', (message, props, queue) => {
  const attach = () =>
    synthesise(
      () => plain,
      (stack, drover) => sqsSource(drover, { queue: new Queue(stack, 'Orders', queue), ...props }),
    );
  expect(attach).toThrow(message);
});

test('more event sources than a function can be told are refused', () => {
  const declare = (count: number) =>
    synthesise(
      () => plain,
      (stack, drover) => {
        for (let one = 0; one < count; one++) sqsSource(drover, { queue: new Queue(stack, `Orders${one}`, visible) });
      },
    );
  expect(() => declare(20)).not.toThrow();
  expect(() => declare(30)).toThrow(/30 event sources are declared: .* deploy a second installation/);
});

test('a queue feeds once: declared twice it is refused', () => {
  const attach = () =>
    synthesise(
      () => plain,
      (stack, drover) => {
        const queue = new Queue(stack, 'Orders', visible);
        drover.feeds.declare({ key: queue.queueArn });
        sqsSource(drover, { queue });
      },
    );
  expect(attach).toThrow('declared twice');
});
