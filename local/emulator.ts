import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, pathWithNode } from './folders.ts';
import { type ServiceHandle, startService } from './service.ts';

export const emulatorName = 'AWS emulator';

/** The bucket-notification resource of the CDK runs on boto3, as it does in AWS. */
const packages = ['ministack==1.5.33', 'boto3==1.43.106'];

const run = promisify(execFile);

/** The emulator's own Python environment, made once per checkout. */
export async function emulatorPython(): Promise<string> {
  const folder = join(cacheFolder, 'python');
  const done = join(folder, packages.join('+').replaceAll('=', '-'));
  if (existsSync(done)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cacheFolder, { recursive: true });
  await attempt('python3', ['-m', 'venv', folder]);
  await attempt(join(folder, 'bin', 'python'), ['-m', 'pip', 'install', '--quiet', ...packages]);
  writeFileSync(`${done}.part`, '');
  renameSync(`${done}.part`, done);
  return folder;
}

async function attempt(command: string, args: readonly string[]): Promise<void> {
  await run(command, args).catch((error: { stderr?: string; message: string }) => {
    throw new Error(`${[command, ...args].join(' ')} failed:\n${(error.stderr || error.message).trim()}`);
  });
}

export interface EmulatorOptions {
  /** Its log and whatever it unpacks. */
  readonly folder: string;
  readonly port: number;
  readonly region: string;
  readonly onSpawn?: (service: ServiceHandle) => void;
}

/** What the CDK, the functions and any AWS client need to find the emulator. */
export function emulatorEnvironment(options: { port: number; region: string }): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${options.port}`,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: options.region,
    AWS_DEFAULT_REGION: options.region,
  };
}

/** AWS on this machine: Lambda functions run as processes of the node that runs this. */
export async function startEmulator(options: EmulatorOptions): Promise<ServiceHandle> {
  const python = await emulatorPython();
  const temporary = join(options.folder, 'tmp');
  mkdirSync(temporary, { recursive: true });
  // What it unpacks there is CommonJS, whatever the package around it says.
  writeFileSync(join(temporary, 'package.json'), '{"type":"commonjs"}');
  return await startService({
    onSpawn: options.onSpawn,
    name: emulatorName,
    command: join(python, 'bin', 'ministack'),
    args: [],
    env: {
      ...emulatorEnvironment(options),
      // Taken for a session's, it would not be the account that the stack is deployed to.
      AWS_SESSION_TOKEN: undefined,
      AWS_PROFILE: undefined,
      GATEWAY_PORT: String(options.port),
      BIND_HOST: '127.0.0.1',
      MINISTACK_REGION: options.region,
      LAMBDA_EXECUTOR: 'local',
      TMPDIR: temporary,
      PATH: pathWithNode(),
      PYTHONUNBUFFERED: '1',
    },
    logFile: join(options.folder, 'emulator.log'),
    ready: async () => {
      const answer = await fetch(`http://127.0.0.1:${options.port}/_ministack/health`, {
        signal: AbortSignal.timeout(1000),
      });
      if (!answer.ok) throw new Error(`The emulator answered ${answer.status}`);
    },
  });
}
