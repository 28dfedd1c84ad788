import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { EventBus, Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test, vi } from 'vitest';
import { Drover, eventBridgeSource } from '../../../cdk/index.ts';
import { env, plain, synthesise, withoutBundles } from '../../cdk/synthesise.ts';

vi.setConfig({ testTimeout: 240_000 });

const pattern = { source: ['shop'] };

test('what a rule of a bus matches goes through a queue, which feeds the function and can be held', () => {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => {
      eventBridgeSource(drover, { feed: 'orders', bus: new EventBus(stack, 'Bus'), pattern });
    },
  );
  template.hasResourceProperties('AWS::Events::Rule', {
    EventBusName: { Ref: Match.stringLikeRegexp('^Bus') },
    EventPattern: pattern,
    Targets: [
      {
        Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('EventBridgeordersQueue'), 'Arn'] },
        DeadLetterConfig: { Arn: Match.anyValue() },
        Input: Match.absent(),
        InputPath: Match.absent(),
        InputTransformer: Match.absent(),
      },
    ],
  });
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('EventBridgeordersQueue'), 'Arn'] },
    FunctionResponseTypes: ['ReportBatchItemFailures'],
  });
  template.hasResourceProperties('AWS::SQS::QueuePolicy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({
          Action: Match.arrayWith(['sqs:SendMessage']),
          Principal: { Service: 'events.amazonaws.com' },
        }),
      ]),
    },
  });
  const functions = Object.values(template.findResources('AWS::Lambda::Function'));
  const feedsOf = (what: string) =>
    JSON.stringify(
      functions.find(({ Properties }) => Properties.Description.includes(what))!.Properties.Environment.Variables
        .DROVER_FEEDS,
    );
  expect(feedsOf('REST API')).toContain('eventbridge:orders');
  expect(feedsOf('events of declared')).toContain('EventBridgeordersQueue');
  expect(feedsOf('dispatches')).toContain('mapping');
});

test('a rule that is there, with a schedule, gets a target more', () => {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => {
      const rule = new Rule(stack, 'Hourly', { schedule: Schedule.rate(Duration.hours(1)) });
      expect(eventBridgeSource(drover, { feed: 'hours', rule }).rule).toBe(rule);
    },
  );
  template.hasResourceProperties('AWS::Events::Rule', {
    ScheduleExpression: 'rate(1 hour)',
    Targets: [Match.anyValue()],
  });
});

test('what cannot be is refused with the fix', () => {
  const stack = new Stack(new App(withoutBundles), 'Test', { env });
  const drover = new Drover(stack, 'Drover', plain);
  for (const feed of ['', 'a b', 'a/b', 'x'.repeat(65)])
    expect(() => eventBridgeSource(drover, { feed, pattern })).toThrow('feed is');
  expect(() => eventBridgeSource(drover, { feed: 'a' })).toThrow('either pattern or rule');
  const rule = new Rule(stack, 'Rule', { eventPattern: pattern });
  expect(() => eventBridgeSource(drover, { feed: 'a', rule, pattern })).toThrow('either pattern or rule');
  expect(() => eventBridgeSource(drover, { feed: 'a', rule, bus: new EventBus(stack, 'Bus') })).toThrow(
    'bus goes with pattern',
  );
});

test('cdk-nag finds nothing in it', () => {
  const stack = new Stack(new App(withoutBundles), 'Nag', { env });
  const drover = new Drover(stack, 'Drover', plain);
  eventBridgeSource(drover, { feed: 'orders', pattern });
  const { violations } = new AwsSolutionsChecks().validateScope(drover);
  expect(violations.map(({ ruleName }) => ruleName)).toEqual([]);
});
