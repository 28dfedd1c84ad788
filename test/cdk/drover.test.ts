import { App, Fn, Stack } from 'aws-cdk-lib';
import { Match, type Template } from 'aws-cdk-lib/assertions';
import type { IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { type IVpc, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { AccountRootPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { AwsSolutionsChecks } from 'cdk-nag';
import { describe, expect, test, vi } from 'vitest';
import { type ApiAuth, Drover, type DroverProps } from '../../cdk/index.ts';
import { readEnvironment } from '../../src/environment.ts';
import { tableDefinition } from '../../src/storage/dynamodb/table.ts';
import { eventDeclarations } from '../../src/telemetry/events.ts';
import { clusterArn, env, permissions, plain, secretArn, synthesise, withoutBundles } from './synthesise.ts';

vi.setConfig({ testTimeout: 30_000 });

const full = synthesise(everything);

function everything(stack: Stack): DroverProps {
  return {
    bootstrapServers: ['b-1:9096'],
    security: { type: 'scram', secret: Secret.fromSecretCompleteArn(stack, 'Kafka', secretArn('kafka')) },
    vpc: new Vpc(stack, 'Vpc', { natGateways: 0 }) as IVpc,
    connectorSecrets: [Secret.fromSecretCompleteArn(stack, 'Connectors', secretArn('connectors'))],
  };
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
  expect(servicesOf(allowed)).toEqual(['dynamodb', 'lambda', 'logs', 'sns']);
  expect(actionsOf(allowed, 'lambda')).toEqual(['lambda:InvokeFunction']);
  expect(allowed.get('lambda:InvokeFunction')).toEqual([
    '{"Fn::GetAtt":["CoordinatorFunction","Arn"]}',
    '{"Fn::GetAtt":["TaskFunction","Arn"]}',
  ]);
});

test('the task function may use the table and its secrets, and read no stream', () => {
  const allowed = permissions(full.template, 'TaskFunctionRole');
  expect(servicesOf(allowed)).toEqual(['dynamodb', 'ec2', 'logs', 'secretsmanager', 'sns']);
  // Lambda tells of failed invocations in the name of the function.
  expect(actionsOf(allowed, 'sns')).toEqual(['sns:Publish']);
  expect(actionsOf(allowed, 'dynamodb')).not.toContain('dynamodb:GetRecords');
  expect(allowed.get('secretsmanager:GetSecretValue')).toEqual([secretArn('connectors'), secretArn('kafka')]);
});

const variablesOf = (template: Template, id: string): Record<string, string> =>
  Object.entries(template.findResources('AWS::Lambda::Function')).find(([name]) => name.startsWith(`Drover${id}`))?.[1]
    .Properties.Environment.Variables;

test('connectors may use what is listed and no more: secrets, parameters, folders, plugins', {
  timeout: 60_000,
}, () => {
  const { template } = synthesise((stack) => ({
    ...everything(stack),
    connectorParameters: [
      StringParameter.fromStringParameterName(stack, 'One', '/db/user'),
      StringParameter.fromSecureStringParameterAttributes(stack, 'Two', { parameterName: '/db/password' }),
    ],
    fileFolders: ['/mnt/data', '/tmp'],
    connectorHosts: ['b-1.orders.example', '*.registries.example'],
    offeredPlugins: { deny: ['org.apache.kafka.connect.file.*'] },
  }));
  for (const name of ['TaskFunction', 'RestFunction']) {
    expect(variablesOf(template, name)).toMatchObject({
      DROVER_CONNECTOR_SECRETS: secretArn('connectors'),
      DROVER_CONNECTOR_PARAMETERS: '/db/user,/db/password',
      DROVER_FILE_FOLDERS: '/mnt/data,/tmp',
      DROVER_PLUGINS_DENY: 'org.apache.kafka.connect.file.*',
    });
  }
  const parameters = permissions(template, 'TaskFunctionRole').get('ssm:GetParameter') ?? [];
  expect(parameters.map((resource) => /parameter(\/.*?)"/.exec(resource)?.[1])).toEqual(['/db/password', '/db/user']);
  expect(permissions(template, 'RestFunctionRole').get('ssm:GetParameter')).toBeUndefined();
  const bare = variablesOf(synthesise(() => plain).template, 'TaskFunction');
  expect(Object.keys(bare).filter((name) => /CONNECTOR|FOLDERS|PLUGINS/.test(name))).toEqual([]);
});

test("connectors are not given the installation's own secret, nor a folder that is none", () => {
  expect(() =>
    synthesise((stack) => {
      const props = everything(stack);
      const own = Secret.fromSecretCompleteArn(stack, 'Again', secretArn('kafka'));
      return { ...props, connectorSecrets: [...(props.connectorSecrets ?? []), own] };
    }),
  ).toThrow(/connectorSecrets lists the secret of security/);
  expect(() => synthesise(() => ({ ...plain, fileFolders: ['data'] }))).toThrow(/fileFolders holds "data"/);
  expect(() => synthesise(() => ({ ...plain, connectorHosts: ['http://b'] }))).toThrow(
    /^connectorHosts is refused: .*"http:\/\/b" is not a host/,
  );
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

describe('with IAM of MSK', () => {
  const arn = (kind: string, rest: string) => `arn:aws:kafka:eu-west-1:111122223333:${kind}/orders/0a1b2c3d-1${rest}`;
  const { template } = synthesise(() => ({
    ...plain,
    groupId: 'shop',
    mirrorTopics: { offsets: 'shop-offsets' },
    environment: { 'status.storage.topic': 'shop-status' },
    security: { type: 'iam', clusterArn },
  }));

  test('the mirror may write its three topics, and use no group and no transactional id', () => {
    const allowed = permissions(template, 'MirrorFunctionRole');
    const topics = ['connect-configs', 'shop-offsets', 'shop-status'].map((topic) => arn('topic', `/${topic}`));
    expect(Object.fromEntries([...allowed].filter(([action]) => action.startsWith('kafka-cluster:')))).toEqual({
      'kafka-cluster:Connect': [clusterArn],
      'kafka-cluster:DescribeCluster': [clusterArn],
      'kafka-cluster:WriteDataIdempotently': [clusterArn],
      'kafka-cluster:CreateTopic': topics,
      'kafka-cluster:DescribeTopic': topics,
      'kafka-cluster:DescribeTopicDynamicConfiguration': topics,
      'kafka-cluster:WriteData': topics,
    });
  });

  test('the task function may use the topics and groups of that cluster, and its own transactional ids', () => {
    const allowed = permissions(template, 'TaskFunctionRole');
    expect(allowed.get('kafka-cluster:ReadData')).toEqual([arn('topic', '/*')]);
    expect(allowed.get('kafka-cluster:WriteData')).toEqual([arn('topic', '/*')]);
    expect(allowed.get('kafka-cluster:AlterGroup')).toEqual([arn('group', '/*')]);
    expect(allowed.get('kafka-cluster:AlterTransactionalId')).toEqual([arn('transactional-id', '/shop-*')]);
  });

  test.each(['Rest', 'Coordinator'])('the %s function may do nothing there', (name) => {
    expect(actionsOf(permissions(template, `${name}FunctionRole`), 'kafka-cluster')).toEqual([]);
  });
});

test('every role is assumed by its service for this account only', () => {
  const roles = Object.entries(full.template.findResources('AWS::IAM::Role'));
  const own = roles.filter(([id]) => id.startsWith('Drover'));
  expect(own.length).toBe(5);
  for (const [id, role] of own) {
    const [statement, ...more] = role.Properties.AssumeRolePolicyDocument.Statement;
    expect({ id, condition: statement.Condition, more }).toEqual({
      id,
      condition: { StringEquals: { 'aws:SourceAccount': '111122223333' } },
      more: [],
    });
  }
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

describe('the REST API', () => {
  const accessLog = (template: typeof full.template) => {
    const [stage] = Object.values(template.findResources('AWS::ApiGatewayV2::Stage'));
    return JSON.parse(stage!.Properties.AccessLogSettings.Format) as Record<string, string>;
  };

  test('is throttled, as much as the app says', () => {
    const throttle = (rate: number, burst: number) => ({
      DefaultRouteSettings: { ThrottlingRateLimit: rate, ThrottlingBurstLimit: burst },
    });
    full.template.hasResourceProperties('AWS::ApiGatewayV2::Stage', throttle(50, 100));
    const { template } = synthesise(() => ({ ...plain, throttle: { rate: 7 } }));
    template.hasResourceProperties('AWS::ApiGatewayV2::Stage', throttle(7, 100));
  });

  test('is granted as a whole: whatever method and path IAM sees for its one route', () => {
    const { stack, drover, template } = synthesise(
      () => plain,
      (stack, drover) => {
        drover.grantApiAccess(new Role(stack, 'Caller', { assumedBy: new AccountRootPrincipal() }));
      },
    );
    template.resourceCountIs('AWS::ApiGatewayV2::Route', 1);
    template.hasResourceProperties('AWS::ApiGatewayV2::Route', { RouteKey: '$default' });
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [
          {
            Effect: 'Allow',
            Action: 'execute-api:Invoke',
            Resource: {
              'Fn::Join': [
                '',
                [
                  'arn:',
                  { Ref: 'AWS::Partition' },
                  ':execute-api:eu-west-1:111122223333:',
                  stack.resolve(drover.api.apiId),
                  '/*',
                ],
              ],
            },
          },
        ],
      },
    });
  });

  test('logs who called, as the authorisation knows the caller', () => {
    expect(accessLog(full.template)).toMatchObject({ caller: '$context.identity.userArn' });
    const withAuth = (auth: (stack: Stack) => ApiAuth) =>
      accessLog(synthesise((stack) => ({ ...plain, auth: auth(stack) })).template);
    const jwt = withAuth(() => ({ type: 'jwt', issuer: 'https://issuer.example', audience: ['drover'] }));
    expect(jwt).toMatchObject({
      caller: '$context.authorizer.claims.sub',
      client: '$context.authorizer.claims.client_id',
      authorizerError: '$context.authorizer.error',
    });
    const authorizer = (stack: Stack) =>
      new HttpLambdaAuthorizer(
        'Own',
        lambda.Function.fromFunctionName(stack, 'F', 'authorise'),
      ) as IHttpRouteAuthorizer;
    expect(withAuth((stack) => ({ type: 'authorizer', authorizer: authorizer(stack) })).caller).toBe(
      '$context.authorizer.principalId',
    );
    const named = (stack: Stack): ApiAuth => ({
      type: 'authorizer',
      authorizer: authorizer(stack),
      callerProperty: 'user',
    });
    expect(withAuth(named).caller).toBe('$context.authorizer.user');
  });
});

test('L5: runs in flight are bounded by the reserved concurrency of the task function, where the app asks for it', () => {
  const { template } = synthesise(() => ({ ...plain, limits: { runsInFlight: 7, reserveConcurrency: true } }));
  template.hasResourceProperties('AWS::Lambda::Function', {
    Handler: 'dist/task.handler',
    ReservedConcurrentExecutions: 7,
    Environment: { Variables: Match.objectLike({ DROVER_RUNS_IN_FLIGHT_MAX: '7' }) },
  });
});

test('an account without concurrency to reserve can deploy', () => {
  full.template.allResourcesProperties('AWS::Lambda::Function', { ReservedConcurrentExecutions: Match.absent() });
});

test('the queue of failures gets what nothing brings back: wake-ups from outside and changes for the mirror', () => {
  const configs = Object.values(full.template.findResources('AWS::Lambda::EventInvokeConfig'));
  const toldTo = (destination: string) =>
    configs
      .filter((config) => JSON.stringify(config.Properties.DestinationConfig.OnFailure).includes(destination))
      .map((config) => JSON.stringify(config.Properties.FunctionName));
  expect(configs).toHaveLength(2);
  expect(toldTo('FailedTicks')).toEqual([expect.stringContaining('CoordinatorFunction')]);
  expect(toldTo('FailedInvocations')).toEqual([expect.stringContaining('TaskFunction')]);
  const readers = Object.values(full.template.findResources('AWS::SNS::Subscription'))
    .map(({ Properties }) => Properties)
    .filter(({ TopicArn }) => JSON.stringify(TopicArn).includes('FailedTicks'));
  // Unfiltered and as it is to the queue; to the coordinator nothing that came from here, or they would go round.
  expect(readers.find(({ Protocol }) => Protocol === 'sqs')).toMatchObject({ RawMessageDelivery: true });
  expect(readers.find(({ Protocol }) => Protocol === 'sqs')).not.toHaveProperty('FilterPolicy');
  expect(readers.find(({ Protocol }) => Protocol === 'lambda')).toMatchObject({
    FilterPolicyScope: 'MessageBody',
    FilterPolicy: {
      requestPayload: { kind: ['tick', 'sub-minute-tick', 'shard-tick'] },
      requestContext: { condition: ['RetriesExhausted'] },
    },
  });
  const mappings = Object.values(full.template.findResources('AWS::Lambda::EventSourceMapping'));
  const failing = mappings.filter((mapping) => mapping.Properties.DestinationConfig !== undefined);
  expect(failing.map((mapping) => JSON.stringify(mapping.Properties.FunctionName))).toEqual([
    expect.stringContaining('MirrorFunction'),
  ]);
  // In order, until Kafka takes it: neither tries nor age make Lambda pass over a change, only the stream's own day.
  expect(failing[0]!.Properties).toMatchObject({ MaximumRetryAttempts: -1, StartingPosition: 'TRIM_HORIZON' });
  expect(failing[0]!.Properties.MaximumRecordAgeInSeconds ?? -1).toBe(-1);
  expect(failing[0]!.Properties).not.toHaveProperty('BisectBatchOnFunctionError');
  // An event of a backlog goes after a minute: the tick has dispatched the run again by then.
  for (const config of configs) expect(config.Properties.MaximumEventAgeInSeconds).toBe(60);
});

test('public subnets may be said to be meant', () => {
  const inPublic = (allowPublicSubnet?: boolean) =>
    synthesise((stack) => ({
      ...plain,
      vpc: new Vpc(stack, 'Vpc', { natGateways: 0 }) as IVpc,
      vpcSubnets: { subnetType: SubnetType.PUBLIC },
      ...(allowPublicSubnet === undefined ? {} : { allowPublicSubnet }),
    }));
  expect(() => inPublic()).toThrow(/allowPublicSubnet/);
  inPublic(true).template.hasResourceProperties('AWS::Lambda::Function', {
    Handler: 'dist/task.handler',
    VpcConfig: { SubnetIds: Match.arrayWith([{ Ref: Match.stringLikeRegexp('PublicSubnet') }]) },
  });
});

test('a named table is not replaced by an empty one when the construct gets another id', () => {
  const named = (id: string) =>
    synthesise(() => ({ ...plain, tableName: 'drover-prod' }), undefined, id).template.findResources(
      'AWS::DynamoDB::Table',
    );
  const [before, after] = [named('Drover'), named('Renamed')];
  // Another logical id under the same physical name: CloudFormation creates before it deletes, and refuses.
  expect(Object.keys(before)).not.toEqual(Object.keys(after));
  for (const table of [...Object.values(before), ...Object.values(after)]) {
    expect(table.Properties.TableName).toBe('drover-prod');
  }
});

test('an alarm tells of a task that stays FAILED, by the event that the worker logs', () => {
  expect(Object.keys(eventDeclarations)).toContain('run.failed');
  full.template.hasResourceProperties('AWS::Logs::MetricFilter', {
    FilterPattern: '{ ($.event = "run.failed") && ($.retriable IS FALSE) }',
  });
  full.template.hasResourceProperties('AWS::CloudWatch::Alarm', { MetricName: 'failed-runs', Threshold: 1 });
});

test('metrics are those of the installation unless asked otherwise, and the dashboard shows them', () => {
  const variables = (template: typeof full.template, metrics: unknown) =>
    template.allResourcesProperties('AWS::Lambda::Function', {
      Environment: { Variables: Match.objectLike({ DROVER_METRICS: metrics }) },
    });
  const graphs = (template: typeof full.template) =>
    JSON.stringify(template.findResources('AWS::CloudWatch::Dashboard')).match(/record-total/g) ?? [];
  variables(full.template, Match.absent());
  expect(readEnvironment({ DROVER_TABLE_NAME: 't', DROVER_BOOTSTRAP_SERVERS: 'b-1:9092' })['drover.metrics']).toBe(
    'installation',
  );
  expect(graphs(full.template)).toHaveLength(1);
  const each = synthesise(() => ({ ...plain, metrics: 'connector' })).template;
  variables(each, 'connector');
  expect(graphs(each)).toHaveLength(1);
  expect(graphs(synthesise(() => ({ ...plain, metrics: 'none' })).template)).toEqual([]);
});

test('an app may do without the dashboard', () => {
  const { template, drover } = synthesise(() => ({ ...plain, dashboard: false }));
  template.resourceCountIs('AWS::CloudWatch::Dashboard', 0);
  expect(drover.dashboard).toBeUndefined();
  expect(drover.alarms.length).toBeGreaterThan(0);
});

test('Lambda writes lines of its own only about what went wrong, and lets all of ours through', () => {
  full.template.allResourcesProperties('AWS::Lambda::Function', {
    LoggingConfig: Match.objectLike({ LogFormat: 'JSON', SystemLogLevel: 'WARN', ApplicationLogLevel: 'TRACE' }),
  });
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

test.each<[string, (stack: Stack) => DroverProps]>([
  ['IAM', () => ({ ...plain, security: { type: 'iam', clusterArn } })],
  [
    'IAM of a cluster known at deployment',
    () => ({ ...plain, security: { type: 'iam', clusterArn: Fn.importValue('Arn') } }),
  ],
  ['everything', everything],
  [
    'a key of the app',
    (stack) => ({ ...everything(stack), encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }) }),
  ],
])('cdk-nag finds nothing that is not explained: %s', (_what, props) => {
  const stack = new Stack(new App(withoutBundles), 'Nag', { env });
  const drover = new Drover(stack, 'Drover', props(stack));
  const report = new AwsSolutionsChecks().validateScope(drover);
  const found = report.violations.map(({ ruleName, violatingResources }) => ({
    ruleName,
    resources: violatingResources.map(({ resourceLogicalId }) => resourceLogicalId),
  }));
  expect(found).toEqual([]);
});
