import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { adaptToEmulator } from '../../cdk/emulator.ts';
import { Drover, type IDrover } from '../../cdk/index.ts';

/** What the stack of connectors holds: see `synthesiseDeclaring`. */
export type Declare = (stack: Stack, parts: { readonly drover: Drover; readonly queue: Queue }) => void;

/** An app of its own, with a stack `Elsewhere` that declares connectors on the installation that is deployed. */
export function synthesiseElsewhere(
  { outdir, region, deployment }: Pick<DeclaringOptions, 'outdir' | 'region' | 'deployment'>,
  declare: (stack: Stack, drover: IDrover) => void,
): void {
  const app = new App({ outdir, context: { 'drover:deployment': deployment } });
  const stack = new Stack(app, 'Elsewhere', { env: { account: '000000000000', region } });
  declare(stack, Drover.fromStackName(stack, 'Drover', 'Installation'));
  app.synth();
}

export interface DeclaringOptions {
  readonly outdir: string;
  readonly bootstrapServers: string;
  readonly region: string;
  /** Begins the names of its topics too, so that it has the broker to itself. */
  readonly groupId: string;
  /** Names the deployment, for drift. */
  readonly deployment: string;
  /** Whether the functions are bundled: they need be once. */
  readonly bundled: boolean;
}

/**
 * An app of two stacks, as teams have it: `Installation` with Drover and a queue, and `Connectors`, which declares connectors
 * in it.
 */
export function synthesiseDeclaring(options: DeclaringOptions, declare: Declare): void {
  const { outdir, region, groupId, bootstrapServers, deployment, bundled } = options;
  const app = new App({
    outdir,
    context: {
      'drover:deployment': deployment,
      'aws:cdk:bundling-stacks': bundled ? ['**'] : [],
    },
  });
  const env = { account: '000000000000', region };
  const installation = new Stack(app, 'Installation', { env });
  const queue = new Queue(installation, 'Orders', { visibilityTimeout: Duration.seconds(30) });
  const drover = new Drover(installation, 'Connect', {
    bootstrapServers: [bootstrapServers],
    security: { type: 'plaintext' },
    auth: { type: 'none' },
    removalPolicy: RemovalPolicy.DESTROY,
    groupId,
    mirrorTopics: {
      configs: `${groupId}-configs`,
      offsets: `${groupId}-offsets`,
      status: `${groupId}-status`,
      replicationFactor: 1,
    },
    limits: { runsInFlight: 10, reserveConcurrency: true, run: Duration.seconds(10), runTimeout: Duration.seconds(20) },
    fileFolders: ['/tmp'],
  });
  drover.shareConnectors();
  new CfnOutput(installation, 'QueueUrl', { value: queue.queueUrl });
  new CfnOutput(installation, 'RestFunctionName', { value: drover.restFunction.functionName });
  adaptToEmulator(installation);
  const connectors = new Stack(app, 'Connectors', { env });
  declare(connectors, { drover, queue });
  app.synth();
}
