import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { SubscriptionFilter, Topic } from 'aws-cdk-lib/aws-sns';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test, vi } from 'vitest';
import { Drover, snsSource } from '../../../cdk/index.ts';
import { env, plain, synthesise, withoutBundles } from '../../cdk/synthesise.ts';

vi.setConfig({ testTimeout: 240_000 });

test('the messages of a topic go through a queue, which feeds the function and can be held', () => {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => {
      const filterPolicy = { kind: SubscriptionFilter.stringFilter({ allowlist: ['order'] }) };
      snsSource(drover, {
        feed: 'alerts',
        topic: new Topic(stack, 'Topic'),
        filterPolicy,
        maxBatchingWindow: Duration.seconds(2),
      });
    },
  );
  template.hasResourceProperties('AWS::SNS::Subscription', {
    Protocol: 'sqs',
    FilterPolicy: { kind: ['order'] },
    RawMessageDelivery: false,
  });
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    BatchSize: 1000,
    MaximumBatchingWindowInSeconds: 2,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
  });
});

test('those of a FIFO topic go through a FIFO queue, with a FIFO queue for the undeliverable', () => {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => {
      snsSource(drover, {
        feed: 'alerts',
        topic: new Topic(stack, 'Topic', { fifo: true, topicName: 'a' }),
        raw: true,
      });
    },
  );
  const queues = Object.values(template.findResources('AWS::SQS::Queue')).filter(
    ({ Properties }) => Properties.FifoQueue === true,
  );
  expect(queues).toHaveLength(2);
  template.hasResourceProperties('AWS::SNS::Subscription', { RawMessageDelivery: true });
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    BatchSize: 10,
    MaximumBatchingWindowInSeconds: Match.absent(),
    ScalingConfig: { MaximumConcurrency: 10 },
  });
});

test('what cannot be is refused with the fix', () => {
  const stack = new Stack(new App(withoutBundles), 'Test', { env });
  const drover = new Drover(stack, 'Drover', plain);
  const fifo = new Topic(stack, 'Topic', { fifo: true, topicName: 'a' });
  expect(() => snsSource(drover, { feed: 'a b', topic: fifo })).toThrow('feed is "a b"');
  expect(() => snsSource(drover, { feed: 'a', topic: fifo, maxBatchingWindow: Duration.seconds(1) })).toThrow(
    'maxBatchingWindow is set for a FIFO queue',
  );
});

test('cdk-nag finds nothing in it', () => {
  const stack = new Stack(new App(withoutBundles), 'Nag', { env });
  const drover = new Drover(stack, 'Drover', plain);
  snsSource(drover, { feed: 'alerts', topic: new Topic(stack, 'Topic') });
  const { violations } = new AwsSolutionsChecks().validateScope(drover);
  expect(violations.map(({ ruleName }) => ruleName)).toEqual([]);
});
