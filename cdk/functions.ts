import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetHashType, DockerImage, type Duration, type RemovalPolicy } from 'aws-cdk-lib';
import { type ISecurityGroup, type IVpc, SecurityGroup, type SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  ApplicationLogLevel,
  Architecture,
  Code,
  type ILayerVersion,
  Function as LambdaFunction,
  LoggingFormat,
  type Runtime,
  SystemLogLevel,
} from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { acknowledgeResource } from './acknowledged.ts';
import { bundleFunction, type FunctionName, handlerOf } from './bundle.ts';
import { servicePrincipal } from './service-principal.ts';

const functionsFolder = join(dirname(fileURLToPath(import.meta.url)), '..', 'functions');

export interface FunctionsContext {
  readonly environment: Readonly<Record<string, string>>;
  readonly pluginsModule?: string | undefined;
  /** Undefined: there are no Java plugins. */
  readonly java?: { readonly layers: readonly ILayerVersion[] } | undefined;
  readonly runtime: Runtime;
  readonly architecture?: Architecture | undefined;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
  /** Of the log groups. */
  readonly encryptionKey?: IKey | undefined;
}

export interface Network {
  readonly vpc: IVpc;
  readonly vpcSubnets?: SubnetSelection | undefined;
  readonly allowPublicSubnet?: boolean | undefined;
  readonly securityGroups: ISecurityGroup[];
}

export interface FunctionSettings {
  readonly description: string;
  readonly timeout: Duration;
  readonly memorySize: number;
  readonly reservedConcurrentExecutions?: number;
  readonly environment?: Readonly<Record<string, string>>;
  readonly network?: Network | undefined;
  /** Beside those of all functions. */
  readonly layers?: readonly ILayerVersion[];
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
    ...(context.encryptionKey === undefined ? {} : { encryptionKey: context.encryptionKey }),
  });
  const role = new Role(scope, `${id}Role`, {
    assumedBy: servicePrincipal(scope, 'lambda.amazonaws.com'),
    description: `What Drover's ${name} function may do`,
  });
  // Not inside the role: the policy of a key may name the role, and the log group the key.
  role.addToPolicy(
    new PolicyStatement({ actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logGroup.logGroupArn] }),
  );
  if (settings.network !== undefined) {
    role.addToPolicy(networkInterfaces());
    acknowledgeResource(role, '*', 'The network interfaces of a function in a VPC have no narrower resource');
  }
  const network = settings.network;
  const layers = [...(context.java?.layers ?? []), ...(settings.layers ?? [])];
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
    // Lambda's own lines about each run that went well would be most of the log. Drover's lines are JSON already, and which
    // of them are written is told at run time (`/admin/loggers`).
    loggingFormat: LoggingFormat.JSON,
    systemLogLevelV2: SystemLogLevel.WARN,
    applicationLogLevelV2: ApplicationLogLevel.TRACE,
    environment: { ...context.environment, ...settings.environment },
    ...(layers.length === 0 ? {} : { layers }),
    ...(settings.reservedConcurrentExecutions === undefined
      ? {}
      : { reservedConcurrentExecutions: settings.reservedConcurrentExecutions }),
    ...(network === undefined
      ? {}
      : {
          vpc: network.vpc,
          ...(network.vpcSubnets === undefined ? {} : { vpcSubnets: network.vpcSubnets }),
          securityGroups: network.securityGroups,
          ...(network.allowPublicSubnet === undefined ? {} : { allowPublicSubnet: network.allowPublicSubnet }),
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

/** Bundled when the CDK wants the files: `cdk ls` and the like do without. */
function bundled(name: FunctionName, context: FunctionsContext): Code {
  const nodeVersion = context.runtime.name.match(/\d+/)?.[0] ?? '24';
  const pluginsModule = context.pluginsModule === undefined ? undefined : resolve(context.pluginsModule);
  const what: BundledFunction = {
    name,
    nodeVersion,
    ...(pluginsModule === undefined ? {} : { pluginsModule }),
    ...(context.java === undefined ? {} : { java: true }),
  };
  return Code.fromAsset(functionsFolder, {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never used: what cannot be bundled here cannot be bundled elsewhere.
      image: DockerImage.fromRegistry('scratch'),
      // Tells the CDK apart what it would else take for the same asset.
      environment: { what: JSON.stringify(what) },
      local: {
        tryBundle(outdir) {
          cpSync(bundleOnce(what), outdir, { recursive: true });
          return true;
        },
      },
    },
  });
}

interface BundledFunction {
  readonly name: FunctionName;
  readonly nodeVersion: string;
  readonly pluginsModule?: string;
  readonly java?: true;
}

function bundleOnce(what: BundledFunction) {
  const key = JSON.stringify(what);
  let folder = bundles.get(key);
  if (folder === undefined) {
    const outdir = mkdtempSync(join(tmpdir(), `drover-${what.name}-`));
    process.once('exit', () => rmSync(outdir, { recursive: true, force: true }));
    bundleFunction({ ...what, outdir });
    bundles.set(key, outdir);
    folder = outdir;
  }
  return folder;
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
