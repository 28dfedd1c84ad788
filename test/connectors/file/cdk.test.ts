import { App, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { type IVpc, SecurityGroup, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { AccessPoint, FileSystem } from 'aws-cdk-lib/aws-efs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { expect, test, vi } from 'vitest';
import { Drover, type DroverProps, fileSink, fileSource } from '../../../cdk/index.ts';
import { env, plain, statementsOf, synthesise, withoutBundles } from '../../cdk/synthesise.ts';

vi.setConfig({ testTimeout: 60_000 });

function inVpc(stack: Stack): DroverProps {
  const vpc = new Vpc(stack, 'Vpc', {
    natGateways: 0,
    subnetConfiguration: [{ name: 'Brokers', subnetType: SubnetType.PRIVATE_ISOLATED }],
  });
  return { ...plain, vpc: vpc as IVpc };
}

function accessPointIn(stack: Stack, id = 'Files'): AccessPoint {
  const fileSystem = new FileSystem(stack, id, {
    vpc: stack.node.findChild('Vpc') as IVpc,
    vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
    removalPolicy: RemovalPolicy.RETAIN,
  });
  return fileSystem.addAccessPoint('Connectors', { posixUser: { uid: '1000', gid: '1000' } });
}

const mountPath = '/mnt/orders';

function mounted(attach: (drover: Drover, stack: Stack) => void, props: Partial<DroverProps> = {}) {
  const { template } = synthesise(
    (stack) => ({ ...inVpc(stack), ...props }),
    (stack, drover) => attach(drover, stack),
  );
  const efs = statementsOf(template, 'TaskFunctionRole').filter(({ Action }) =>
    [Action].flat().some((action) => action.startsWith('elasticfilesystem:')),
  );
  return { template, actions: efs.flatMap(({ Action }) => Action).sort(), efs };
}

test('a source reads a mounted file system: the task function alone mounts it, is let in and may not write', () => {
  const { template, actions, efs } = mounted((drover, stack) =>
    fileSource(drover, { accessPoint: accessPointIn(stack), mountPath }),
  );
  const mounts = Object.values(template.findResources('AWS::Lambda::Function')).flatMap(
    ({ Properties }) => Properties.FileSystemConfigs ?? [],
  );
  expect(mounts).toEqual([{ Arn: expect.anything(), LocalMountPath: mountPath }]);
  expect(JSON.stringify(mounts)).toMatch(/:access-point\/.*FilesConnectors/);
  template.hasResource('AWS::Lambda::Function', {
    Properties: { FileSystemConfigs: Match.anyValue(), Description: Match.stringLikeRegexp('worker') },
    DependsOn: Match.arrayWith([Match.stringLikeRegexp('^FilesEfsMountTarget')]),
  });
  template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
    FromPort: 2049,
    GroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^FilesEfsSecurityGroup'), 'GroupId'] },
    SourceSecurityGroupId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^DroverKafkaClients'), 'GroupId'] },
  });
  expect(actions).toEqual(['elasticfilesystem:ClientMount']);
  expect(JSON.stringify(efs)).toMatch(/"Resource":\{"Fn::GetAtt":\["Files[^"]*","Arn"\]\}/);
  expect(JSON.stringify(efs)).toMatch(/"elasticfilesystem:AccessPointArn":.*FilesConnectors/);
});

test('configs may name its files, in every function that reads or checks them, beside those of the props', () => {
  const { template } = mounted(
    (drover, stack) => fileSource(drover, { accessPoint: accessPointIn(stack), mountPath }),
    { fileFolders: ['/tmp'] },
  );
  const variables = { Environment: { Variables: { DROVER_FILE_FOLDERS: '/tmp,/mnt/orders' } } };
  template.resourcePropertiesCountIs('AWS::Lambda::Function', variables, 4);
});

test('a sink may write, and shares the mount with a source', () => {
  const { template, actions } = mounted((drover, stack) => {
    const accessPoint = accessPointIn(stack);
    fileSource(drover, { accessPoint, mountPath });
    fileSink(drover, { accessPoint, mountPath });
  });
  expect(new Set(actions)).toEqual(new Set(['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite']));
  template.resourcePropertiesCountIs(
    'AWS::Lambda::Function',
    { Environment: { Variables: { DROVER_FILE_FOLDERS: mountPath } } },
    4,
  );
});

test('a file system of another stack is mounted too', () => {
  const { template } = mounted((drover, stack) => {
    const fileSystem = FileSystem.fromFileSystemAttributes(stack, 'Elsewhere', {
      fileSystemId: 'fs-0123456789abcdef0',
      securityGroup: SecurityGroup.fromSecurityGroupId(stack, 'Group', 'sg-0123456789abcdef0'),
    });
    const accessPoint = AccessPoint.fromAccessPointAttributes(stack, 'Point', {
      accessPointId: 'fsap-0123456789abcdef0',
      fileSystem,
    });
    fileSink(drover, { accessPoint, mountPath });
  });
  template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
    GroupId: 'sg-0123456789abcdef0',
    FromPort: 2049,
  });
  template.resourcePropertiesCountIs('AWS::Lambda::Function', { FileSystemConfigs: Match.anyValue() }, 1);
});

test('what Lambda would refuse is refused with the fix', () => {
  const stack = new Stack(new App(withoutBundles), 'Test', { env });
  const props = inVpc(stack);
  const accessPoint = accessPointIn(stack);
  const alone = new Drover(stack, 'Alone', plain);
  expect(() => fileSource(alone, { accessPoint, mountPath })).toThrow('give Drover the prop vpc');
  const drover = new Drover(stack, 'Drover', props);
  for (const path of ['/data', '/mnt/', '/mnt/a/b', 'mnt/a', '/mnt/a b']) {
    expect(() => fileSource(drover, { accessPoint, mountPath: path }), path).toThrow(`mountPath is "${path}"`);
  }
  fileSource(drover, { accessPoint, mountPath });
  expect(() => fileSource(drover, { accessPoint, mountPath: '/mnt/other' })).toThrow(
    /\/mnt\/other would be a second mount beside \/mnt\/orders.*the same accessPoint/,
  );
  expect(() => fileSink(drover, { accessPoint: accessPointIn(stack, 'More'), mountPath })).toThrow('a second mount');
  expect(() => drover.allowFiles('data')).toThrow('allowFiles holds "data": give absolute paths');
});

test('cdk-nag finds nothing in a mount', () => {
  const stack = new Stack(new App(withoutBundles), 'Nag', { env });
  const drover = new Drover(stack, 'Drover', inVpc(stack));
  fileSink(drover, { accessPoint: accessPointIn(stack), mountPath });
  const { violations } = new AwsSolutionsChecks().validateScope(drover);
  expect(violations.map(({ ruleName }) => ruleName)).toEqual([]);
});
