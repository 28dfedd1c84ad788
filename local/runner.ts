import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetFunctionConfigurationCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { bundleFunction } from '../cdk/bundle.ts';
import { emulatorEnvironment } from './emulator.ts';
import { type ServiceHandle, startService } from './service.ts';

export const runnerName = 'Runner';

export interface RunnerOptions {
  /** For its bundle and its log. */
  readonly folder: string;
  readonly aws: { readonly port: number; readonly region: string };
  /** Of the function whose settings it has. */
  readonly likeFunction: string;
  readonly java: boolean;
  readonly pluginsModule: string | undefined;
  readonly onSpawn: (service: ServiceHandle) => void;
}

/** The runner as a process of this machine, where the construct makes a container. Resolves when it listens. */
export async function startRunner(options: RunnerOptions): Promise<ServiceHandle> {
  const { folder, aws, likeFunction, java, pluginsModule, onSpawn } = options;
  bundleFunction({
    name: 'runner',
    outdir: join(folder, 'bundle'),
    java,
    ...(pluginsModule === undefined ? {} : { pluginsModule }),
  });
  const logFile = join(folder, 'runner.log');
  return startService({
    name: runnerName,
    command: process.execPath,
    args: ['--enable-source-maps', join(folder, 'bundle', 'dist', 'runner.mjs')],
    env: { ...emulatorEnvironment(aws), ...(await variablesOf(likeFunction, aws)) },
    logFile,
    ready: async () => {
      if (!readFileSync(logFile, 'utf8').includes('drover.runner')) throw new Error('It does not listen yet');
    },
    onSpawn,
  });
}

async function variablesOf(FunctionName: string, { port, region }: RunnerOptions['aws']) {
  const lambda = new LambdaClient({
    endpoint: `http://127.0.0.1:${port}`,
    region,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
  lambda.destroy();
  return Environment?.Variables ?? {};
}
