import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Duration, Stack } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  AwsLogDriver,
  Cluster,
  ContainerImage,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LinuxParameters,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement, type Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, type Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { environmentVariable, writeEnvironment } from '../src/environment.ts';
import { acknowledge, acknowledgeResource } from './acknowledged.ts';
import { bundleFunction } from './bundle.ts';
import type { FunctionsContext, Network } from './functions.ts';
import type { JavaDeployment } from './java.ts';

/** A container service that runs the tasks of connectors with `drover.runner=always`, for as long as they are wanted. */
export interface RunnerProps {
  /** Containers; tasks of one that is lost go on in the others. @default 1 */
  readonly count?: number;
  /** Tasks that a container runs at a time, each in a process of its own, in Java with a JVM beside it. @default 8 */
  readonly tasks?: number;
  /** Of a container, in MB, as Fargate offers it for `cpu`. @default 2048 */
  readonly memorySize?: number;
  /** Of a container, in units of which 1024 are a processor. @default 512 */
  readonly cpu?: number;
  /** Where the service runs, in the VPC of the construct. @default - one of its own */
  readonly cluster?: ICluster;
  /** Image with Node 22 or later as `node`, for the architecture of the functions. @default - Node 24 on Debian, from Docker's gallery at AWS */
  readonly baseImage?: string;
  /**
   * `'own'`: the construct makes the queue of runs alone, and you keep the runner's program running: on this machine
   * `npm start` does.
   * @default 'fargate'
   */
  readonly host?: 'fargate' | 'own';
}

const defaultImage = 'public.ecr.aws/docker/library/node:24-slim';
/** Runs that are told to end have until their leases are over; see drover.runner.lease.ms. */
const stopTimeout = Duration.seconds(60);

/** Runs on their way to a runner: what waits for longer is sent again by the next tick. */
export function createRunnerQueue(scope: Construct, encryptionKey: IKey | undefined): Queue {
  const queue = new Queue(scope, 'RunnerQueue', {
    ...(encryptionKey === undefined
      ? { encryption: QueueEncryption.SQS_MANAGED }
      : { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }),
    enforceSSL: true,
    retentionPeriod: Duration.minutes(1),
    visibilityTimeout: Duration.seconds(30),
  });
  acknowledge(queue, 'AwsSolutions-SQS3', 'What is lost here is due in the table, and sent again');
  return queue;
}

export interface RunnerContext {
  readonly queue: Queue;
  /** Whose work it takes: its role is the containers' too, so that what it is granted they are. */
  readonly taskFunction: LambdaFunction;
  readonly functions: FunctionsContext;
  readonly network: Network | undefined;
  readonly java: JavaDeployment | undefined;
}

export class Runner extends Construct {
  /** Undefined with `host: 'own'`. */
  readonly service: FargateService | undefined;
  /** Of runs on their way to a runner. */
  readonly queue: Queue;

  constructor(scope: Construct, id: string, props: RunnerProps, context: RunnerContext) {
    super(scope, id);
    const { queue, taskFunction } = context;
    this.queue = queue;
    // To hear of runs, and to ask for what a dead one has left.
    queue.grantConsumeMessages(taskFunction);
    queue.grantSendMessages(taskFunction);
    if ((props.host ?? 'fargate') === 'fargate') this.service = this.#createService(props, context);
  }

  /** A setting that was added later. */
  setVariable(name: string, value: string): void {
    this.service?.taskDefinition.defaultContainer?.addEnvironment(name, value);
  }

  #createService(props: RunnerProps, context: RunnerContext): FargateService {
    const { network, taskFunction, functions, java } = context;
    if (network === undefined) throw new Error('runner needs vpc: its containers run in one');
    const role = taskFunction.role as Role;
    role.assumeRolePolicy!.addStatements(
      new PolicyStatement({
        actions: ['sts:AssumeRole'],
        principals: [new ServicePrincipal('ecs-tasks.amazonaws.com')],
      }),
    );
    const { logRetention: retention, removalPolicy, encryptionKey } = functions;
    const logGroup = new LogGroup(this, 'Log', {
      retention,
      removalPolicy,
      ...(encryptionKey === undefined ? {} : { encryptionKey }),
    });
    const isArm = (functions.architecture ?? Architecture.ARM_64).name === Architecture.ARM_64.name;
    const definition = new FargateTaskDefinition(this, 'Task', {
      cpu: props.cpu ?? 512,
      memoryLimitMiB: props.memorySize ?? 2048,
      taskRole: role,
      runtimePlatform: {
        cpuArchitecture: isArm ? CpuArchitecture.ARM64 : CpuArchitecture.X86_64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
    });
    acknowledgeResource(definition.obtainExecutionRole(), '*', 'ecr:GetAuthorizationToken knows no resource');
    definition.addContainer('Runner', {
      image: ContainerImage.fromAsset(imageFolder(this, props, functions, java), {
        platform: isArm ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64,
      }),
      logging: new AwsLogDriver({ logGroup, streamPrefix: 'runner' }),
      environment: {
        ...functions.environment,
        AWS_REGION: Stack.of(this).region,
        ...(java === undefined ? {} : writeEnvironment(java.hostSettings)),
        [environmentVariable('drover.runner.tasks.max')]: String(props.tasks ?? 8),
      },
      stopTimeout,
      // What a run's process leaves behind, a JVM for example, is somebody's to bury.
      linuxParameters: new LinuxParameters(this, 'Linux', { initProcessEnabled: true }),
    });
    acknowledge(definition, 'AwsSolutions-ECS2', 'Its variables are settings: secrets are named in them, not held');
    const cluster = props.cluster ?? (this.#createCluster(network.vpc) as ICluster);
    return new FargateService(this, 'Service', {
      cluster,
      taskDefinition: definition,
      desiredCount: props.count ?? 1,
      securityGroups: network.securityGroups,
      ...(network.vpcSubnets === undefined ? {} : { vpcSubnets: network.vpcSubnets }),
      // Two at a time are safe, and a deployment leaves no gap.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { rollback: true },
    });
  }

  #createCluster(vpc: IVpc): Cluster {
    const cluster = new Cluster(this, 'Cluster', { vpc });
    acknowledge(cluster, 'AwsSolutions-ECS4', 'Drover tells what runs do by metrics of its own');
    return cluster;
  }
}

/** What the image is built of: the bundle, and Java with the plugins, where the functions have them. */
function imageFolder(
  scope: Construct,
  { baseImage = defaultImage }: RunnerProps,
  functions: FunctionsContext,
  java: JavaDeployment | undefined,
): string {
  const folder = mkdtempSync(join(tmpdir(), 'drover-runner-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const lines = [`FROM ${baseImage}`, 'COPY --chown=node:node bundle /drover'];
  // `cdk ls` and the like do without.
  if (Stack.of(scope).bundlingRequired) {
    bundleFunction({
      name: 'runner',
      outdir: join(folder, 'bundle'),
      java: java !== undefined,
      ...(functions.pluginsModule === undefined ? {} : { pluginsModule: resolve(functions.pluginsModule) }),
      nodeVersion: functions.runtime.name.match(/\d+/)?.[0] ?? '24',
    });
    if (java?.pack !== undefined) {
      const packed = java.pack();
      mkdirSync(join(folder, 'java'));
      for (const [part, from] of Object.entries(packed)) {
        const to = part === 'manifest' ? 'java-plugins.json' : part;
        cpSync(from, join(folder, 'java', to), { recursive: true, verbatimSymlinks: true });
      }
      lines.push('COPY java /opt/drover-java');
    }
  }
  lines.push('WORKDIR /drover', 'USER node', 'ENTRYPOINT ["node", "--enable-source-maps", "dist/runner.mjs"]');
  writeFileSync(join(folder, 'Dockerfile'), `${lines.join('\n')}\n`);
  return folder;
}
