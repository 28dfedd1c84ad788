import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CfnParameter, Duration, Fn, type Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Runtime } from 'aws-cdk-lib/aws-lambda';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { expect, test, vi } from 'vitest';
import type { DroverLimits, DroverProps, MirrorTopics } from '../../cdk/index.ts';
import { clusterArn, plain, secretArn, synthesise } from './synthesise.ts';

// The first to synthesise loads the CDK.
vi.setConfig({ testTimeout: 120_000 });

const iam = (arn: string) => ({ ...plain, security: { type: 'iam' as const, clusterArn: arn } });
const limits = (given: DroverLimits) => ({ ...plain, limits: given });
const topics = (given: MirrorTopics) => ({ ...plain, mirrorTopics: given });
const tableArn = 'arn:aws:dynamodb:eu-west-1:111122223333:table/own';

test.each<[string, DroverProps | ((stack: Stack) => DroverProps), RegExp]>([
  ['no broker', { ...plain, bootstrapServers: [] }, /^bootstrapServers .* at least one broker as host:port/],
  ['a broker without a port', { ...plain, bootstrapServers: ['b-1'] }, /^bootstrapServers .*"b-1" is not host:port/],
  ['a port beyond 65535', { ...plain, bootstrapServers: ['b-1:9092', 'b-2:90920'] }, /^bootstrapServers .*"b-2:90920"/],
  ['an empty group id', { ...plain, groupId: '' }, /^groupId .*non-empty/],
  ['no replica', topics({ replicationFactor: 0 }), /^mirrorTopics\.replicationFactor .*from 1 to 32767, or -1/],
  [
    'half a replica',
    topics({ replicationFactor: 1.5 }),
    /^mirrorTopics\.replicationFactor .*Not a number of type SHORT/,
  ],
  ['no partition', topics({ statusPartitions: 0 }), /^mirrorTopics\.statusPartitions .*or -1/],
  ['a topic name with a space', topics({ configs: 'my configs' }), /^mirrorTopics\.configs .*letters, digits/],
  [
    'one topic for two',
    topics({ status: 'connect-offsets' }),
    /^mirrorTopics\.status .*offset\.storage\.topic already/,
  ],
  [
    'a level that is none',
    { ...plain, environment: { 'drover.log.level': 'LOUD' } },
    /^environment\['drover\.log\.level'\] .*TRACE/,
  ],
  [
    'a setting that is none',
    { ...plain, environment: { 'drover.loglevel': 'INFO' } as never },
    /^environment\['drover\.loglevel'\] .*no setting/,
  ],
  ['a prop put wrong by environment', { ...plain, environment: { 'group.id': '' } }, /^environment\['group\.id'\] /],
  [
    'worker settings without effect',
    { ...plain, workerSettings: { 'plugin.path': '/opt' } },
    /^workerSettings .*plugin\.path/,
  ],
  [
    'worker settings that are no text',
    { ...plain, workerSettings: { 'key.converter': 1 } as never },
    /^workerSettings .*strings/,
  ],
  ['no run in flight', limits({ runsInFlight: 0 }), /^limits\.runsInFlight .*at least 1/],
  ['half a run in flight', limits({ runsInFlight: 2.5 }), /^limits\.runsInFlight .*Not a number of type INT/],
  ['a run of no length', limits({ run: Duration.millis(10) }), /^limits\.run .*at least 1000/],
  [
    'a run that outlasts its timeout',
    limits({ run: Duration.minutes(2), runTimeout: Duration.minutes(2) }),
    /^limits\.runTimeout must be longer/,
  ],
  [
    'a run of a quarter of an hour',
    limits({ run: Duration.minutes(15) }),
    /^limits\.runTimeout is 960 s: Lambda allows 900 s/,
  ],
  [
    'a timeout in parts of a second',
    limits({ runTimeout: Duration.millis(90_500) }),
    /^limits\.runTimeout is 90500 ms: it must be whole seconds/,
  ],
  ['a floor above the ceiling', limits({ idleFloor: Duration.minutes(2) }), /^limits\.idleFloor .*above/],
  ['a floor of nothing', limits({ idleFloor: Duration.millis(0) }), /^limits\.idleFloor .*at least 1/],
  ['too little memory', limits({ taskMemorySize: 64 }), /^limits\.taskMemorySize is 64: .*from 128 to 10240/],
  ['no request a second', { ...plain, throttle: { rate: 0 } }, /^throttle\.rate is 0/],
  ['an ARN of something else', iam('arn:aws:s3:::x'), /^security\.clusterArn is "arn:aws:s3:::x".*cluster\/NAME\/UUID/],
  [
    'an ARN that is not finished',
    iam('arn:aws:kafka:eu-west-1:111122223333:cluster/orders/…'),
    /^security\.clusterArn /,
  ],
  ['an ARN without an account', iam('arn:aws:kafka:eu-west-1::cluster/orders/0a1b2c3d-1'), /^security\.clusterArn /],
  [
    'a parameter that stands for a secret',
    (stack) => ({
      ...plain,
      connectorParameters: [
        StringParameter.fromStringParameterName(stack, 'Parameter', '/aws/reference/secretsmanager/kafka'),
      ],
    }),
    /^connectorParameters\[0\] is "\/aws\/reference\/secretsmanager\/kafka", which is a secret/,
  ],
  [
    'a secret that is not finished',
    (stack) => ({
      ...plain,
      security: {
        type: 'mtls',
        secret: Secret.fromSecretCompleteArn(stack, 'S', 'arn:aws:secretsmanager:eu-west-1:…:secret:x-AbCdEf'),
      },
    }),
    /^security\.secret is /,
  ],
  [
    'a secret of MSK without its key',
    (stack) => ({
      ...plain,
      security: { type: 'scram', secret: Secret.fromSecretCompleteArn(stack, 'S', secretArn('AmazonMSK_orders')) },
    }),
    /^security\.secret .*customer-managed key.*fromSecretAttributes/,
  ],
  [
    'a secret for connectors that is not finished',
    (stack) => ({ ...plain, connectorSecrets: [Secret.fromSecretCompleteArn(stack, 'S', `${secretArn('a b')}`)] }),
    /^connectorSecrets\[0\] is /,
  ],
  [
    'a topic that is a queue',
    (stack) => ({ ...plain, alarmTopic: Topic.fromTopicArn(stack, 'T', 'arn:aws:sns:eu-west-1:1:alarms') }),
    /^alarmTopic is /,
  ],
  [
    'a table without a stream',
    (stack) => ({ ...plain, table: Table.fromTableName(stack, 'T', 't-1') }),
    /^table has no stream/,
  ],
  [
    'a name for a table that is there',
    (stack) => ({
      ...plain,
      tableName: 'other',
      table: Table.fromTableAttributes(stack, 'T', {
        tableArn,
        tableStreamArn: `${tableArn}/stream/2026-01-01T00:00:00.000`,
      }),
    }),
    /^tableName names a table to create/,
  ],
  ['a table name with a space', { ...plain, tableName: 'my table' }, /^tableName is "my table"/],
  ['subnets without their VPC', { ...plain, vpcSubnets: {} }, /need vpc/],
  ['public subnets without their VPC', { ...plain, allowPublicSubnet: true }, /need vpc/],
  [
    'an issuer without https',
    { ...plain, auth: { type: 'jwt', issuer: 'issuer.example', audience: ['a'] } },
    /^auth\.issuer /,
  ],
  [
    'tokens for nobody',
    { ...plain, auth: { type: 'jwt', issuer: 'https://issuer.example', audience: [] } },
    /^auth\.audience is empty/,
  ],
  ['another language', { ...plain, runtime: Runtime.PYTHON_3_13 }, /^runtime is python3\.13: it must be Node 22/],
  ['an old Node', { ...plain, runtime: Runtime.NODEJS_18_X }, /^runtime is nodejs18\.x/],
  [
    'plugins that are not there',
    { ...plain, plugins: './no/plugins.ts' },
    /^plugins is "\.\/no\/plugins\.ts": there is no file \//,
  ],
  [
    'an environment over 4 kB',
    { ...plain, workerSettings: { 'value.converter.schema.registry.url': `http://${'r'.repeat(4000)}` } },
    /environment is 4\d{3} bytes, Lambda allows 4096.*DROVER_WORKER_SETTINGS/,
  ],
])('refused by the name of the prop, with what to change: %s', (_what, props, message) => {
  expect(() => synthesise(typeof props === 'function' ? props : () => props)).toThrow(message);
});

test('what the deployment fills in is let through', () => {
  const { template } = synthesise((stack) => {
    const parameter = (id: string, type = 'String') => new CfnParameter(stack, id, { type });
    return {
      bootstrapServers: Fn.split(',', Fn.importValue('Brokers')),
      security: { type: 'iam', clusterArn: Fn.importValue('ClusterArn') },
      groupId: parameter('Group').valueAsString,
      tableName: parameter('Table').valueAsString,
      mirrorTopics: {
        configs: parameter('Configs').valueAsString,
        replicationFactor: parameter('Replicas', 'Number').valueAsNumber,
      },
      limits: { runsInFlight: parameter('Runs', 'Number').valueAsNumber, reserveConcurrency: true },
      auth: { type: 'jwt', issuer: parameter('Issuer').valueAsString, audience: [parameter('Audience').valueAsString] },
    };
  });
  template.hasResourceProperties('AWS::Lambda::Function', {
    Handler: 'dist/task.handler',
    ReservedConcurrentExecutions: { Ref: 'Runs' },
    Environment: {
      Variables: Match.objectLike({
        DROVER_GROUP_ID: { Ref: 'Group' },
        DROVER_CONFIG_STORAGE_TOPIC: { Ref: 'Configs' },
        DROVER_CONFIG_STORAGE_REPLICATION_FACTOR: { Ref: 'Replicas' },
        DROVER_RUNS_IN_FLIGHT_MAX: { Ref: 'Runs' },
      }),
    },
  });
});

test.each<[string, DroverProps | ((stack: Stack) => DroverProps)]>([
  [
    'brokers with a protocol and an IPv6 address',
    { ...plain, bootstrapServers: ['PLAINTEXT://b-1:9092', '[2001:db8::1]:9092'] },
  ],
  ['a serverless cluster', iam('arn:aws:kafka:us-gov-west-1:111122223333:cluster/a_b/1f2e-4a-s3')],
  ['a cluster in China', iam(clusterArn.replace('arn:aws:kafka:eu-west-1', 'arn:aws-cn:kafka:cn-north-1'))],
  [
    'a secret of MSK with its key',
    (stack) => ({
      ...plain,
      security: {
        type: 'scram',
        secret: Secret.fromSecretAttributes(stack, 'S', {
          secretCompleteArn: secretArn('AmazonMSK_orders'),
          encryptionKey: Key.fromKeyArn(
            stack,
            'K',
            'arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9',
          ),
        }),
      },
    }),
  ],
  ['the longest run', limits({ run: Duration.seconds(840), runTimeout: Duration.minutes(15) })],
])('taken: %s', (_what, props) => {
  expect(() => synthesise(typeof props === 'function' ? props : () => props)).not.toThrow();
});

test('plugins are found from where the app runs', () => {
  const folder = mkdtempSync(join(process.cwd(), 'node_modules', '.drover-plugins-'));
  try {
    writeFileSync(join(folder, 'plugins.ts'), 'export default [];');
    const relative = folder.slice(process.cwd().length + 1);
    expect(() => synthesise(() => ({ ...plain, plugins: `./${relative}/plugins.ts` }))).not.toThrow();
    expect(() => synthesise(() => ({ ...plain, plugins: join(tmpdir(), 'plugins-that-are-not.ts') }))).toThrow(
      /plugins is/,
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
