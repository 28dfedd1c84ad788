import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { emulatorEnvironment } from '../../local/emulator.ts';
import { startKafka } from '../../local/kafka.ts';
import { freePort } from '../../local/ports.ts';
import { silentStep } from '../../local/progress.ts';
import { type ServiceHandle, stopService } from '../../local/service.ts';
import { type LocalStack, type StackOptions, startStack, stopStack } from '../../local/stack.ts';
import { childrenOf, isEnvironmentOf, jvmsOf } from './processes.ts';

/** The real stack in an emulator of its own beside a broker of its own, on ports that nobody uses. */
export interface DeployedStack extends LocalStack {
  /** Files in it are gone when the test is over. */
  readonly folder: string;
  stopBroker(): Promise<void>;
  startBroker(): Promise<void>;
  /** As `npm start` does it where the stack is up. */
  startAgain(): Promise<LocalStack>;
  /** Process ids of the environments that a function has now. */
  environmentsOf(functionName: string): number[];
  /** Of the JVMs that those of the Java function have. */
  jvms(): number[];
  /** For clients of the AWS SDK. */
  readonly aws: {
    readonly region: string;
    readonly endpoint: string;
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  };
  [Symbol.asyncDispose](): Promise<void>;
}

export async function deployStack(
  context: Readonly<Record<string, string>> = {},
  more: Pick<StackOptions, 'javaPlugins'> = {},
): Promise<DeployedStack> {
  const home = mkdtempSync(join(tmpdir(), 'drover-e2e-'));
  const ports = { kafka: 0, kafkaController: 0, aws: 0, rest: 0 };
  for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort();
  const region = 'us-east-1';
  const options: StackOptions = { home, ports, region, context, step: silentStep, ...more };
  const stack = await startStack(options);
  let broker: ServiceHandle | null = stack.services.find(({ name }) => name === 'Kafka') ?? null;
  const emulator = stack.services.find(({ name }) => name === 'AWS emulator');
  const stopBroker = async () => {
    if (broker !== null) await stopService(broker);
    broker = null;
  };
  const environment = emulatorEnvironment({ port: ports.aws, region });
  const environmentsOf = (functionName: string) =>
    childrenOf(emulator?.pid ?? 0).filter((pid) => isEnvironmentOf(pid, functionName));
  return {
    ...stack,
    folder: home,
    stopBroker,
    startBroker: async () => {
      broker ??= await startKafka({
        folder: join(home, 'run', 'kafka'),
        port: ports.kafka,
        controllerPort: ports.kafkaController,
      });
    },
    startAgain: () => startStack(options),
    environmentsOf,
    jvms: () => environmentsOf(stack.functions['java-task'] ?? '').flatMap(jvmsOf),
    aws: {
      region,
      endpoint: stack.awsEndpoint,
      credentials: {
        accessKeyId: environment.AWS_ACCESS_KEY_ID ?? '',
        secretAccessKey: environment.AWS_SECRET_ACCESS_KEY ?? '',
      },
    },
    [Symbol.asyncDispose]: async () => {
      await stopBroker();
      await stopStack(home);
      rmSync(home, { recursive: true, force: true });
    },
  };
}
