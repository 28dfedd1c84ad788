import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test, vi } from 'vitest';
import { Drover, webhooks } from '../../../cdk/index.ts';
import { env, permissions, plain, synthesise, withoutBundles } from '../../cdk/synthesise.ts';

vi.setConfig({ testTimeout: 240_000 });

const templateWith = (props?: Parameters<typeof webhooks>[1]) =>
  synthesise(
    () => plain,
    (_stack, drover) => {
      webhooks(drover, props);
    },
  ).template;

const variablesOf = (template: Template, description: string): Record<string, unknown> => {
  const found = Object.values(template.findResources('AWS::Lambda::Function')).filter(({ Properties }) =>
    String(Properties.Description).includes(description),
  );
  expect(found).toHaveLength(1);
  return found[0]!.Properties.Environment.Variables;
};

test('an HTTP API of its own, of which each method of one path comes to the feed function, throttled, with a log and no CORS', () => {
  const template = templateWith({ throttle: { rate: 7, burst: 9 } });
  template.resourceCountIs('AWS::ApiGatewayV2::Api', 2);
  template.hasResourceProperties('AWS::ApiGatewayV2::Api', {
    Description: 'Webhooks of Drover',
    CorsConfiguration: Match.absent(),
  });
  template.hasResourceProperties('AWS::ApiGatewayV2::Route', {
    RouteKey: 'ANY /hooks/{connector}',
    AuthorizationType: 'NONE',
  });
  template.hasResourceProperties('AWS::ApiGatewayV2::Stage', {
    DefaultRouteSettings: { ThrottlingRateLimit: 7, ThrottlingBurstLimit: 9 },
    AccessLogSettings: { Format: Match.not(Match.stringLikeRegexp('header|authorization')) },
  });
  // The management API is as closed as it was.
  template.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: '$default', AuthorizationType: 'AWS_IAM' });
  template.resourceCountIs('AWS::SQS::Queue', 1);
  expect(JSON.stringify(variablesOf(template, 'REST API'))).toContain('hook:*');
});

test('with a buffer: a queue that the feed function alone may fill and that feeds it again, and where the undeliverable goes', () => {
  const template = templateWith({ buffer: true });
  template.hasResourceProperties('AWS::SQS::Queue', {
    VisibilityTimeout: 180,
    MessageRetentionPeriod: 14 * 86_400,
    RedrivePolicy: { maxReceiveCount: 1000, deadLetterTargetArn: Match.anyValue() },
    SqsManagedSseEnabled: true,
  });
  template.hasResourceProperties('AWS::Lambda::EventSourceMapping', {
    BatchSize: 10,
    FunctionResponseTypes: ['ReportBatchItemFailures'],
    ScalingConfig: { MaximumConcurrency: 10 },
  });
  expect([...permissions(template, 'FeedFunctionRole').keys()]).toContain('sqs:SendMessage');
  expect([...permissions(template, 'TaskFunctionRole').keys()]).not.toContain('sqs:SendMessage');
  for (const name of ['events of declared', 'one bounded run']) {
    expect(variablesOf(template, name)).toHaveProperty('DROVER_WEBHOOK_BUFFER_URL');
  }
  template.hasResourceProperties('AWS::CloudWatch::Alarm', {
    AlarmDescription: Match.stringLikeRegexp('hook:\\* could not be delivered'),
    MetricName: 'ApproximateNumberOfMessagesVisible',
    Threshold: 1,
    TreatMissingData: 'notBreaching',
  });
  // Its messages are for several connectors: it is not held for one that is paused.
  expect(JSON.stringify(variablesOf(template, 'dispatches'))).not.toContain('mapping');
});

test('a buffer of its own: a queue and a mapping that is held for its connector alone, beside the shared one or without', () => {
  const template = templateWith({ ownBuffers: ['orders'] });
  // Those of failures, and its own two.
  template.resourceCountIs('AWS::SQS::Queue', 3);
  const rest = JSON.stringify(variablesOf(template, 'REST API'));
  expect(rest).toContain('hook:*');
  expect(rest).toContain('hook:orders');
  for (const name of ['events of declared', 'one bounded run']) {
    const variables = variablesOf(template, name);
    expect(JSON.stringify(variables.DROVER_WEBHOOK_OWN_BUFFERS)).toContain('hook:orders');
    expect(variables).not.toHaveProperty('DROVER_WEBHOOK_BUFFER_URL');
  }
  expect(JSON.stringify(variablesOf(template, 'dispatches'))).toMatch(/hook:orders[^}]*mapping/);
  expect([...permissions(template, 'FeedFunctionRole').keys()]).toContain('sqs:SendMessage');
  templateWith({ buffer: true, ownBuffers: ['orders', 'team/returns'] }).resourceCountIs('AWS::SQS::Queue', 7);
});

test('what AWS would refuse is refused with the fix', () => {
  const stack = new Stack(new App(withoutBundles), 'Test', { env });
  const drover = (id: string) => new Drover(stack, id, plain);
  expect(() => webhooks(drover('A'), { throttle: { rate: 0 } })).toThrow('throttle.rate is 0');
  expect(() => webhooks(drover('B'), { buffer: { visibilityTimeout: Duration.seconds(5) } })).toThrow(
    'visibilityTimeout is 5 s',
  );
  expect(() => webhooks(drover('F'), { ownBuffers: ['a', 'a'] })).toThrow('ownBuffers names a twice');
  expect(() => webhooks(drover('G'), { ownBuffers: [...'abcdefghi'] })).toThrow('8 at most');
  expect(() => webhooks(drover('C'), { buffer: { maxConcurrency: 1 } })).toThrow('maxConcurrency is 1');
  const twice = drover('D');
  webhooks(twice);
  expect(() => webhooks(twice)).toThrow('Webhooks');
});

test('cdk-nag finds nothing in it', () => {
  const stack = new Stack(new App(withoutBundles), 'Nag', { env });
  const drover = new Drover(stack, 'Drover', plain);
  webhooks(drover, { buffer: true });
  const { violations } = new AwsSolutionsChecks().validateScope(drover);
  expect(violations.map(({ ruleName }) => ruleName)).toEqual([]);
});
