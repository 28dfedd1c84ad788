import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { emulatorEnvironment } from './emulator.ts';
import { binFolder, pathWithNode, projectFolder } from './folders.ts';

export interface DeployOptions {
  readonly folder: string;
  readonly awsPort: number;
  readonly region: string;
  readonly bootstrapServers: string;
  /** Further context of cdk/app.ts. */
  readonly context?: Readonly<Record<string, string>>;
}

/** What the stack tells about itself; see cdk/app.ts. */
export interface StackOutputs {
  readonly RestUrl: string;
  readonly ApiId: string;
  readonly TableName: string;
  readonly RestFunctionName: string;
  readonly CoordinatorFunctionName: string;
  readonly TaskFunctionName: string;
  readonly MirrorFunctionName: string;
  readonly FailuresQueueUrl: string;
  readonly FeedFunctionName: string;
  /** Only with Java plugins. */
  readonly JavaFunctionName?: string;
  readonly HooksApiId: string;
  readonly PlaygroundEventBus: string;
  readonly PlaygroundTopicArn: string;
  readonly PlaygroundQueueUrl: string;
  readonly PlaygroundFifoQueueUrl: string;
  readonly PlaygroundTableName: string;
  readonly PlaygroundKinesisStream: string;
  readonly PlaygroundBucketName: string;
}

const account = '000000000000';
const stackName = 'Drover';

/** Turns the app into a template with its bundles. Needs no emulator. */
export async function synthesise(options: DeployOptions): Promise<void> {
  const context = {
    stackName,
    bootstrapServers: options.bootstrapServers,
    security: 'plaintext',
    auth: 'none',
    replicationFactor: '1',
    // The emulator starts a process for each run at a time.
    reserveConcurrency: 'true',
    removalPolicy: 'destroy',
    // As a Java worker on this machine: any file.
    fileFolders: '/',
    emulator: 'true',
    playground: 'true',
    ...options.context,
  };
  const flags = Object.entries(context).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  await cdk(options, ['synth', '--quiet', '--output', join(options.folder, 'cdk.out'), ...flags]);
}

/** What every AWS account needs once before the CDK can deploy to it. Needs no app. */
export async function bootstrap(options: DeployOptions): Promise<void> {
  await cdk(options, ['bootstrap', `aws://${account}/${options.region}`], options.folder);
}

export async function deploy(options: DeployOptions): Promise<StackOutputs> {
  const outputsFile = join(options.folder, 'outputs.json');
  await cdk(options, [
    'deploy',
    stackName,
    '--app',
    join(options.folder, 'cdk.out'),
    '--require-approval',
    'never',
    '--method',
    'direct',
    '--outputs-file',
    outputsFile,
  ]);
  const outputs: Record<string, StackOutputs> = JSON.parse(readFileSync(outputsFile, 'utf8'));
  const found = outputs[stackName];
  if (found === undefined) throw new Error(`cdk deploy wrote no outputs of ${stackName}`);
  return found;
}

async function cdk(options: DeployOptions, args: readonly string[], cwd = projectFolder): Promise<void> {
  const env = {
    ...process.env,
    ...emulatorEnvironment({ port: options.awsPort, region: options.region }),
    AWS_SESSION_TOKEN: undefined,
    AWS_PROFILE: undefined,
    CDK_DEFAULT_ACCOUNT: account,
    CDK_DEFAULT_REGION: options.region,
    CDK_DISABLE_VERSION_CHECK: '1',
    PATH: pathWithNode(),
    CI: '1',
  };
  const all = [...args, '--no-color', '--no-notices', '--no-telemetry'];
  await promisify(execFile)(join(binFolder, 'cdk'), all, { cwd, env, maxBuffer: 1 << 26 }).catch(
    (error: { stdout?: string; stderr?: string; message: string }) => {
      const said = `${error.stdout ?? ''}${error.stderr ?? ''}`.trim() || error.message;
      throw new Error(`cdk ${args[0]} failed:\n${said.split('\n').slice(-40).join('\n')}`);
    },
  );
}
