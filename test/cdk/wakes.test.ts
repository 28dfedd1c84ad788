import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test, vi } from 'vitest';
import { Drover, wakeOnObjects, wakeOnQueue, wakeOnRule, wakeOnTopic } from '../../cdk/index.ts';
import { readEnvironment } from '../../src/environment.ts';
import { namesToWake } from '../../src/invocation/wake-up-events.ts';
import { env, permissions, plain, synthesise, withoutBundles } from './synthesise.ts';

vi.setConfig({ testTimeout: 60_000 });

const coordinator = { 'Fn::GetAtt': [Match.stringLikeRegexp('CoordinatorFunction'), 'Arn'] };

/** What the coordinator gets from rules: each rule's constant input, read as the coordinator reads it. */
function wokenByRules(template: Template): string[][] {
  return Object.values(template.findResources('AWS::Events::Rule'))
    .flatMap(({ Properties }) => Properties.Targets as { Input?: string }[])
    .flatMap(({ Input }) => (Input === undefined ? [] : [namesToWake(JSON.parse(Input), new Map())]))
    .filter((names) => names.length > 0);
}

test('a rule wakes the connectors that are listed, and it alone may invoke the coordinator for it', () => {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => {
      const rule = new Rule(stack, 'Hourly', { schedule: Schedule.rate(Duration.hours(1)) });
      wakeOnRule(drover, { rule, wakes: ['orders-in', 'a,b'] });
    },
  );
  expect(wokenByRules(template)).toEqual([['orders-in', 'a,b']]);
  template.hasResourceProperties('AWS::Lambda::Permission', {
    Principal: 'events.amazonaws.com',
    FunctionName: coordinator,
    SourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Hourly'), 'Arn'] },
  });
});

test('new objects of a bucket wake connectors, those under a prefix alone where one is given', () => {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => {
      const bucket = new Bucket(stack, 'Orders');
      wakeOnObjects(drover, { bucket, wakes: ['orders-in'] });
      wakeOnObjects(drover, { bucket, wakes: ['invoices-in'], prefix: 'invoices/' });
      wakeOnObjects(drover, { bucket, wakes: ['ledger-in'], prefix: 'invoices/' });
    },
  );
  expect(wokenByRules(template).sort()).toEqual([['invoices-in'], ['ledger-in'], ['orders-in']]);
  const bucket = { name: [{ Ref: Match.stringLikeRegexp('^Orders') }] };
  template.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: { source: ['aws.s3'], 'detail-type': ['Object Created'], detail: { bucket, object: Match.absent() } },
  });
  template.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: { detail: { bucket, object: { key: [{ prefix: 'invoices/' }] } } },
  });
  // A burst of objects is one queue's, of which the coordinator takes ten at a time, twice at once.
  template.resourceCountIs('AWS::Lambda::EventSourceMapping', 3);
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('WakesBell'), 'Arn'] },
    BatchSize: 10,
    ScalingConfig: { MaximumConcurrency: 2 },
  });
  template.hasResourceProperties('Custom::S3BucketNotifications', {
    NotificationConfiguration: { EventBridgeConfiguration: {} },
  });
});

test('a queue that names connectors is read by the coordinator, which may do with it what reading needs', () => {
  const before = permissions(synthesise(() => plain).template, 'CoordinatorFunctionRole');
  const { template } = synthesise(
    () => plain,
    (stack, drover) => {
      wakeOnQueue(drover, { queue: new Queue(stack, 'Bell', { visibilityTimeout: Duration.minutes(2) }) });
    },
  );
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    EventSourceArn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Bell'), 'Arn'] },
    FunctionName: { Ref: Match.stringLikeRegexp('CoordinatorFunction') },
  });
  const after = permissions(template, 'CoordinatorFunctionRole');
  const added = [...after].flatMap(([action, resources]) =>
    resources.filter((one) => !before.get(action)?.includes(one)).map((one) => [action, one.includes('Bell')]),
  );
  expect(added.sort()).toEqual([
    ['sqs:ChangeMessageVisibility', true],
    ['sqs:DeleteMessage', true],
    ['sqs:GetQueueAttributes', true],
    ['sqs:GetQueueUrl', true],
    ['sqs:ReceiveMessage', true],
  ]);
});

test('a topic that names connectors invokes the coordinator', () => {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => wakeOnTopic(drover, { topic: new Topic(stack, 'Bell') }),
  );
  const topic = { Ref: Match.stringLikeRegexp('^Bell') };
  template.hasResourceProperties('AWS::SNS::Subscription', {
    Protocol: 'lambda',
    TopicArn: topic,
    Endpoint: coordinator,
  });
  template.hasResourceProperties('AWS::Lambda::Permission', { Principal: 'sns.amazonaws.com', SourceArn: topic });
});

test('everything on a queue or topic wakes the connectors that are listed for it', () => {
  const { template } = synthesise(
    () => plain,
    (stack, drover) => {
      const queue = new Queue(stack, 'Bell', { visibilityTimeout: Duration.minutes(2) });
      wakeOnQueue(drover, { queue, wakes: ['orders-in', 'a,b'] });
      wakeOnTopic(drover, { topic: new Topic(stack, 'Ring'), wakes: ['orders-in'] });
      const topic = Topic.fromTopicArn(stack, 'Known', 'arn:aws:sns:eu-west-1:111122223333:known');
      wakeOnTopic(drover, { topic, wakes: ['invoices-in'] });
    },
  );
  const written = Object.values(template.findResources('AWS::Lambda::Function'))
    .map(({ Properties }) => Properties.Environment?.Variables?.DROVER_WAKE_SOURCES)
    .filter((value) => value !== undefined);
  expect(written).toHaveLength(1); // The coordinator's.
  // As CloudFormation would put it together.
  const arnOf = (part: { Ref?: string; 'Fn::GetAtt'?: string[] }) => part.Ref ?? part['Fn::GetAtt']?.join('.') ?? '';
  const text = written[0]['Fn::Join'][1].map((part: string | object) =>
    typeof part === 'string' ? part : arnOf(part),
  );
  const { wakeSources } = readEnvironment({
    DROVER_TABLE_NAME: 'drover',
    DROVER_BOOTSTRAP_SERVERS: 'b-1:9092',
    DROVER_WAKE_SOURCES: text.join(''),
  });
  const idOf = (type: string) => Object.keys(template.findResources(type)).filter((id) => /^(Bell|Ring)/.test(id))[0];
  expect([...wakeSources]).toEqual([
    [`${idOf('AWS::SQS::Queue')}.Arn`, ['orders-in', 'a,b']],
    [idOf('AWS::SNS::Topic'), ['orders-in']],
    ['arn:aws:sns:eu-west-1:111122223333:known', ['invoices-in']],
  ]);
});

test('what would wake nobody, or be refused at deployment, is refused with the fix', () => {
  const stack = new Stack(new App(withoutBundles), 'Test', { env });
  const drover = new Drover(stack, 'Drover', plain);
  const rule = new Rule(stack, 'Rule', { schedule: Schedule.rate(Duration.hours(1)) });
  const bucket = new Bucket(stack, 'Bucket');
  const queue = new Queue(stack, 'Queue', { visibilityTimeout: Duration.minutes(2) });
  const topic = new Topic(stack, 'Topic');
  for (const wakes of [[], ['a', ' ']]) {
    expect(() => wakeOnRule(drover, { rule, wakes })).toThrow('wakes must name the connectors');
    expect(() => wakeOnObjects(drover, { bucket, wakes })).toThrow('wakes must name the connectors');
    expect(() => wakeOnQueue(drover, { queue, wakes })).toThrow('wakes must name the connectors');
    expect(() => wakeOnTopic(drover, { topic, wakes })).toThrow('wakes must name the connectors');
  }
  const short = new Queue(stack, 'Short');
  expect(() => wakeOnQueue(drover, { queue: short })).toThrow(
    /Test\/Short hides messages for 30 s.*visibilityTimeout of 75 s/,
  );
});

test('cdk-nag finds nothing in what wakes', () => {
  const stack = new Stack(new App(withoutBundles), 'Nag', { env });
  const drover = new Drover(stack, 'Drover', plain);
  wakeOnObjects(drover, { bucket: new Bucket(stack, 'Orders'), wakes: ['orders-in'] });
  wakeOnQueue(drover, { queue: new Queue(stack, 'Bell', { visibilityTimeout: Duration.minutes(2) }) });
  wakeOnTopic(drover, { topic: new Topic(stack, 'Ring') });
  const { violations } = new AwsSolutionsChecks().validateScope(drover);
  const found = violations.map(({ ruleName, violatingResources }) => [
    ruleName,
    violatingResources.map(({ resourceLogicalId }) => resourceLogicalId),
  ]);
  expect(found).toEqual([]);
});
