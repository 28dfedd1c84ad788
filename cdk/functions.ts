import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AssetHashType, type Duration, Fn, type RemovalPolicy, Token } from 'aws-cdk-lib';
import { type ISecurityGroup, type IVpc, SecurityGroup, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Code, Function as LambdaFunction, type Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledgeResource } from './acknowledged.ts';
import { bundleFunction, type FunctionName, handlerOf } from './bundle.ts';

export interface FunctionsContext {
  readonly environment: Readonly<Record<string, string>>;
  readonly pluginsModule?: string | undefined;
  readonly runtime: Runtime;
  readonly architecture?: Architecture | undefined;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
}

export interface Network {
  readonly vpc: IVpc;
  readonly vpcSubnets?: SubnetSelection | undefined;
  readonly securityGroups: ISecurityGroup[];
}

export interface FunctionSettings {
  readonly description: string;
  readonly timeout: Duration;
  readonly memorySize: number;
  readonly reservedConcurrentExecutions?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly network?: Network | undefined;
}

/** One function with its bundle, its log group and a role that may write that log and nothing more. */
export function createFunction(
  scope: Construct,
  id: string,
  name: FunctionName,
  context: FunctionsContext,
  settings: FunctionSettings,
): LambdaFunction {
  const logGroup = new LogGroup(scope, `${id}Log`, {
    retention: context.logRetention,
    removalPolicy: context.removalPolicy,
  });
  const statements = [
    new PolicyStatement({ actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] }),
  ];
  const role = new Role(scope, `${id}Role`, {
    assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
    description: `What Drover's ${name} function may do`,
    inlinePolicies: { run: new PolicyDocument({ statements }) },
  });
  if (settings.network !== undefined) {
    role.addToPolicy(networkInterfaces());
    acknowledgeResource(role, '*', 'The network interfaces of a function in a VPC have no narrower resource');
  }
  const network = settings.network;
  return new LambdaFunction(scope, id, {
    description: settings.description,
    code: bundled(name, context),
    handler: handlerOf(name),
    runtime: context.runtime,
    architecture: context.architecture ?? Architecture.ARM_64,
    timeout: settings.timeout,
    memorySize: settings.memorySize,
    role,
    logGroup,
    environment: { ...context.environment, ...settings.environment },
    ...(settings.reservedConcurrentExecutions === undefined
      ? {}
      : { reservedConcurrentExecutions: settings.reservedConcurrentExecutions }),
    ...(network === undefined
      ? {}
      : {
          vpc: network.vpc,
          ...(network.vpcSubnets === undefined ? {} : { vpcSubnets: network.vpcSubnets }),
          securityGroups: network.securityGroups,
        }),
  });
}

export function createSecurityGroup(scope: Construct, vpc: IVpc): SecurityGroup {
  return new SecurityGroup(scope, 'KafkaClients', {
    vpc,
    description: 'Drover functions that talk to Kafka: let it in at the brokers',
    allowAllOutbound: true,
  });
}

/** Folders by what went into them: an app with several stacks bundles once. */
const bundles = new Map<string, string>();

function bundled(name: FunctionName, context: FunctionsContext): Code {
  const nodeVersion = context.runtime.name.match(/\d+/)?.[0] ?? '24';
  const key = JSON.stringify([name, context.pluginsModule, nodeVersion]);
  let outdir = bundles.get(key);
  if (outdir === undefined) {
    const folder = mkdtempSync(join(tmpdir(), `drover-${name}-`));
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
    bundleFunction({ name, outdir: folder, pluginsModule: context.pluginsModule, nodeVersion });
    bundles.set(key, folder);
    outdir = folder;
  }
  return Code.fromAsset(outdir, { assetHashType: AssetHashType.SOURCE });
}

/** Lambda attaches its functions to a VPC in the name of their role; these actions know no narrower resource. */
function networkInterfaces(): PolicyStatement {
  return new PolicyStatement({
    actions: [
      'ec2:CreateNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:DeleteNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ],
    resources: ['*'],
  });
}

/** Lets a function use the topics, groups and transactional ids of the cluster `arn:…:cluster/NAME/UUID`. */
export function permitMsk(fn: LambdaFunction, clusterArn: string): void {
  if (!Token.isUnresolved(clusterArn) && !/^arn:[^:]+:kafka:[^:]+:[^:]+:cluster\/[^/]+\/.+/.test(clusterArn)) {
    throw new Error(
      `security.clusterArn is "${clusterArn}"; it must be the ARN of an MSK cluster: ` +
        'arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID',
    );
  }
  const halves = Fn.split(':cluster/', clusterArn, 2);
  const permit = (actions: readonly string[], resource: string) =>
    fn.addToRolePolicy(
      new PolicyStatement({ actions: actions.map((action) => `kafka-cluster:${action}`), resources: [resource] }),
    );
  permit(['Connect', 'DescribeCluster', 'WriteDataIdempotently'], clusterArn);
  for (const [kind, actions] of Object.entries(mskActions)) {
    const every = `${Fn.select(0, halves)}:${kind}/${Fn.select(1, halves)}/*`;
    permit(actions, every);
    acknowledgeResource(fn.role!, every, 'Connectors name their topics and groups when they are created');
  }
}

const mskActions: Readonly<Record<string, readonly string[]>> = {
  topic: ['CreateTopic', 'DescribeTopic', 'DescribeTopicDynamicConfiguration', 'ReadData', 'WriteData'],
  group: ['DescribeGroup', 'AlterGroup', 'DeleteGroup'],
  'transactional-id': ['DescribeTransactionalId', 'AlterTransactionalId'],
};
