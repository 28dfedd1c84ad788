import { App, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test } from 'vitest';
import { Drover, type DroverProps } from '../../cdk/index.ts';
import { tableDefinition } from '../../src/storage/dynamodb/table.ts';
import { eventDeclarations } from '../../src/telemetry/events.ts';

const clusterArn = 'arn:aws:kafka:eu-west-1:111122223333:cluster/orders/0a1b2c3d-1';
const env = { account: '111122223333', region: 'eu-west-1' };
const plain: DroverProps = { bootstrapServers: ['b-1:9092'], security: { type: 'plaintext' } };

function synthesise(props: (stack: Stack) => DroverProps): { template: Template; stack: Stack; drover: Drover } {
  const stack = new Stack(new App(), 'Test', { env });
  const drover = new Drover(stack, 'Drover', props(stack));
  return { template: Template.fromStack(stack), stack, drover };
}

const full = synthesise(everything);

function everything(stack: Stack): DroverProps {
  return {
    bootstrapServers: ['b-1:9096'],
    security: { type: 'scram', secret: Secret.fromSecretCompleteArn(stack, 'Kafka', secretArn('kafka')) },
    vpc: new Vpc(stack, 'Vpc', { natGateways: 0 }) as IVpc,
    connectorSecrets: [Secret.fromSecretCompleteArn(stack, 'Connectors', secretArn('connectors'))],
  };
}

function secretArn(name: string): string {
  return `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}-AbCdEf`;
}

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
}

/** What a function's role may do: action → resources, logical ids shortened to the part we chose. */
function permissions(template: Template, roleId: string): Map<string, string[]> {
  const roles = template.findResources('AWS::IAM::Role');
  const role = Object.keys(roles).find((id) => id.startsWith(`Drover${roleId}`));
  if (role === undefined) throw new Error(`No role ${roleId}`);
  const inline: { PolicyDocument: { Statement: Statement[] } }[] = roles[role]?.Properties?.Policies ?? [];
  const attached = Object.values(template.findResources('AWS::IAM::Policy')).filter((policy) =>
    policy.Properties.Roles.some((one: { Ref?: string }) => one.Ref === role),
  );
  const statements = [
    ...inline.flatMap((policy) => policy.PolicyDocument.Statement),
    ...attached.flatMap((policy) => policy.Properties.PolicyDocument.Statement as Statement[]),
  ];
  const found = new Map<string, string[]>();
  for (const statement of statements) {
    expect(statement.Effect).toBe('Allow');
    for (const action of [statement.Action].flat()) {
      const resources = [statement.Resource].flat().map(shorten);
      found.set(action, [...new Set([...(found.get(action) ?? []), ...resources])].sort());
    }
  }
  return found;
}

function shorten(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  const text = JSON.stringify(resource);
  return text.replace(/Drover([A-Za-z]+?)[0-9A-F]{8}/g, '$1');
}

const actionsOf = (allowed: Map<string, string[]>, service: string) =>
  [...allowed.keys()].filter((action) => action.startsWith(`${service}:`)).sort();

const servicesOf = (allowed: Map<string, string[]>) =>
  [...new Set([...allowed.keys()].map((a) => a.split(':')[0]))].sort();

test('the rest function may use the table and its log, and nothing else', () => {
  const allowed = permissions(full.template, 'RestFunctionRole');
  expect(servicesOf(allowed)).toEqual(['dynamodb', 'logs']);
});

test('the coordinator may use the table, read its stream, report failures, and invoke the task function and itself', () => {
  const allowed = permissions(full.template, 'CoordinatorFunctionRole');
  expect(servicesOf(allowed)).toEqual(['dynamodb', 'lambda', 'logs', 'sqs']);
  expect(actionsOf(allowed, 'lambda')).toEqual(['lambda:InvokeFunction']);
  expect(allowed.get('lambda:InvokeFunction')).toEqual([
    '{"Fn::GetAtt":["CoordinatorFunction","Arn"]}',
    '{"Fn::GetAtt":["TaskFunction","Arn"]}',
  ]);
});

test('the task function may use the table and its secrets, and read no stream', () => {
  const allowed = permissions(full.template, 'TaskFunctionRole');
  expect(servicesOf(allowed)).toEqual(['dynamodb', 'ec2', 'logs', 'secretsmanager', 'sqs']);
  expect(actionsOf(allowed, 'dynamodb')).not.toContain('dynamodb:GetRecords');
  expect(allowed.get('secretsmanager:GetSecretValue')).toEqual([secretArn('connectors'), secretArn('kafka')]);
  expect(actionsOf(allowed, 'sqs')).toEqual(['sqs:GetQueueAttributes', 'sqs:GetQueueUrl', 'sqs:SendMessage']);
});

test('the mirror reads the table and its stream, and writes nothing but facts about the cluster', () => {
  const allowed = permissions(full.template, 'MirrorFunctionRole');
  const writes = actionsOf(allowed, 'dynamodb').filter((action) => /Put|Update|Delete|Write/.test(action));
  expect(writes).toEqual(['dynamodb:PutItem', 'dynamodb:UpdateItem']);
  full.template.hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: {
      Statement: Match.arrayWith([
        Match.objectLike({
          Action: ['dynamodb:UpdateItem', 'dynamodb:PutItem'],
          Condition: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['CLUSTER'] } },
        }),
      ]),
    },
  });
  expect(allowed.get('secretsmanager:GetSecretValue')).toEqual([secretArn('kafka')]);
});

test('no function may do everything, or anything to every table', () => {
  for (const name of ['Rest', 'Coordinator', 'Task', 'Mirror']) {
    for (const [action, resources] of permissions(full.template, `${name}FunctionRole`)) {
      expect(action).not.toContain('*');
      const wide = resources.filter((resource) => resource.includes('*'));
      // EC2 knows no resource for the network interfaces of a function, ListStreams none for a stream.
      if (!action.startsWith('ec2:') && action !== 'dynamodb:ListStreams')
        expect({ action, wide }).toEqual({ action, wide: [] });
    }
  }
});

test('with IAM, the functions that talk to Kafka reach the topics of the named cluster only', () => {
  const { template } = synthesise(() => ({ ...plain, security: { type: 'iam', clusterArn } }));
  for (const name of ['Task', 'Mirror']) {
    const allowed = permissions(template, `${name}FunctionRole`);
    expect(allowed.get('kafka-cluster:WriteData')).toEqual([
      'arn:aws:kafka:eu-west-1:111122223333:topic/orders/0a1b2c3d-1/*',
    ]);
  }
  expect(actionsOf(permissions(template, 'RestFunctionRole'), 'kafka-cluster')).toEqual([]);
});

test('only the functions that talk to Kafka are in the VPC', () => {
  const functions = Object.entries(full.template.findResources('AWS::Lambda::Function'));
  const inside = functions.filter(([, resource]) => resource.Properties.VpcConfig !== undefined).map(([id]) => id);
  expect(inside.map((id) => id.replace(/^Drover|[0-9A-F]{8}$/g, '')).sort()).toEqual([
    'MirrorFunction',
    'TaskFunction',
  ]);
});

test('all functions run on arm64 and Node 24 unless told otherwise', () => {
  full.template.allResourcesProperties('AWS::Lambda::Function', { Architectures: ['arm64'], Runtime: 'nodejs24.x' });
});

test('the table has the keys, indexes, stream and recovery that the storage room wants', () => {
  full.template.hasResourceProperties('AWS::DynamoDB::Table', {
    BillingMode: 'PAY_PER_REQUEST',
    StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
    TimeToLiveSpecification: { AttributeName: tableDefinition.timeToLive, Enabled: true },
    GlobalSecondaryIndexes: Match.arrayWith(
      Object.keys(tableDefinition.indexes).map((name) => Match.objectLike({ IndexName: name })),
    ),
  });
});

test('L2: the coordinator is woken by what became due and is free, not by what each tick looks at anyhow', () => {
  const mappings = full.template.findResources('AWS::Lambda::EventSourceMapping');
  const patterns = Object.values(mappings).flatMap((mapping) =>
    (mapping.Properties.FilterCriteria.Filters as { Pattern: string }[]).map(({ Pattern }) => JSON.parse(Pattern)),
  );
  expect(patterns).toContainEqual({
    dynamodb: { NewImage: { dueAt: { N: [{ 'anything-but': ['1'] }] }, leaseOwner: { S: [{ exists: false }] } } },
  });
});

test('the table stays when the stack goes, unless told otherwise', () => {
  full.template.hasResource('AWS::DynamoDB::Table', { DeletionPolicy: 'Retain' });
});

test('the API asks for signed requests unless told otherwise', () => {
  full.template.allResourcesProperties('AWS::ApiGatewayV2::Route', { AuthorizationType: 'AWS_IAM' });
  const jwt = synthesise(() => ({
    ...plain,
    auth: { type: 'jwt', issuer: 'https://issuer.example', audience: ['drover'], scopes: ['connect'] },
  })).template;
  jwt.allResourcesProperties('AWS::ApiGatewayV2::Route', {
    AuthorizationType: 'JWT',
    AuthorizationScopes: ['connect'],
  });
});

test('L5: runs in flight are bounded by the reserved concurrency of the task function', () => {
  const { template } = synthesise(() => ({ ...plain, limits: { runsInFlight: 7 } }));
  template.hasResourceProperties('AWS::Lambda::Function', {
    Handler: 'dist/task.handler',
    ReservedConcurrentExecutions: 7,
  });
});

test('an alarm tells of a task that stays FAILED, by the event that the worker logs', () => {
  expect(Object.keys(eventDeclarations)).toContain('run.failed');
  full.template.hasResourceProperties('AWS::Logs::MetricFilter', {
    FilterPattern: '{ ($.event = "run.failed") && ($.retriable IS FALSE) }',
  });
  full.template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'failed-runs', Threshold: 1 });
});

test('an alarm tells of one task whose runs die again and again, by the metric that the worker logs', () => {
  const deathsOf = (namespace: string) => ({
    Namespace: namespace,
    MetricName: 'run-deaths-in-a-row',
    Dimensions: Match.absent(),
    Statistic: 'Maximum',
    Threshold: 2,
    ComparisonOperator: 'GreaterThanOrEqualToThreshold',
    TreatMissingData: 'notBreaching',
  });
  const { template } = synthesise(() => ({ ...plain, groupId: 'shop & co' }));
  template.hasResourceProperties('AWS::CloudWatch::Alarm', deathsOf('Drover/shop___co'));
  const own = synthesise(() => ({ ...plain, groupId: 'a', environment: { 'group.id': 'b' } }));
  own.template.hasResourceProperties('AWS::CloudWatch::Alarm', deathsOf('Drover/b'));
  synthesise(() => plain).template.hasResourceProperties('AWS::CloudWatch::Alarm', deathsOf('Drover/drover'));
});

test('a table of the app is used as it is', () => {
  const { template } = synthesise((stack) => ({
    ...plain,
    table: Table.fromTableAttributes(stack, 'Own', {
      tableArn: 'arn:aws:dynamodb:eu-west-1:111122223333:table/own',
      tableStreamArn: 'arn:aws:dynamodb:eu-west-1:111122223333:table/own/stream/2026-01-01T00:00:00.000',
    }),
  }));
  template.resourceCountIs('AWS::DynamoDB::Table', 0);
  template.allResourcesProperties('AWS::Lambda::Function', {
    Environment: { Variables: Match.objectLike({ DROVER_TABLE_NAME: 'own' }) },
  });
});

test.each<[string, (stack: Stack) => DroverProps, RegExp]>([
  ['no broker', () => ({ ...plain, bootstrapServers: [] }), /bootstrapServers is empty/],
  [
    'an ARN of something else',
    () => ({ ...plain, security: { type: 'iam', clusterArn: 'arn:aws:s3:::x' } }),
    /clusterArn/,
  ],
  ['a table without a stream', (stack) => ({ ...plain, table: Table.fromTableName(stack, 'T', 't') }), /no stream/],
  ['subnets without their VPC', () => ({ ...plain, vpcSubnets: {} }), /need vpc/],
])('refused with what to change: %s', (_what, props, message) => {
  expect(() => synthesise(props)).toThrow(message);
});

test.each<[string, (stack: Stack) => DroverProps]>([
  ['IAM', () => ({ ...plain, security: { type: 'iam', clusterArn } })],
  ['everything', everything],
])('cdk-nag finds nothing that is not explained: %s', (_what, props) => {
  const app = new App();
  const stack = new Stack(app, 'Nag', { env });
  const drover = new Drover(stack, 'Drover', props(stack));
  const report = new AwsSolutionsChecks().validateScope(drover);
  const found = report.violations.map(({ ruleName, violatingResources }) => ({
    ruleName,
    resources: violatingResources.map(({ resourceLogicalId }) => resourceLogicalId),
  }));
  expect(found).toEqual([]);
});
