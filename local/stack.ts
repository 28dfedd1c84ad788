import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootstrap, type DeployOptions, deploy, type StackOutputs, synthesise } from './deploy.ts';
import { emulatorName, emulatorPython, startEmulator } from './emulator.ts';
import { projectFolder } from './folders.ts';
import { javaContext } from './java-plugins.ts';
import { kafkaJars, kafkaName, startKafka } from './kafka.ts';
import { freePort, isPortFree } from './ports.ts';
import type { Step } from './progress.ts';
import { type RunnerOptions, runnerName, startRunner } from './runner.ts';
import { isRunning, type ServiceHandle, startService, stopService } from './service.ts';

export interface StackPorts {
  readonly kafka: number;
  readonly kafkaController: number;
  readonly aws: number;
  readonly rest: number;
}

/** What a port is for, and the variable that moves it. */
export const portVariables: Readonly<Record<keyof StackPorts, { what: string; variable: string }>> = {
  kafka: { what: 'Kafka', variable: 'DROVER_KAFKA_PORT' },
  kafkaController: { what: "Kafka's controller", variable: 'DROVER_KAFKA_CONTROLLER_PORT' },
  aws: { what: 'the AWS emulator', variable: 'DROVER_AWS_PORT' },
  rest: { what: 'the REST API', variable: 'DROVER_REST_PORT' },
};

/** Where the console is, unless it is told: here, or at any other port where something else listens. */
const consolePort = 8090;
export const consoleVariable = 'DROVER_CONSOLE_PORT';

/** What `stack.json` holds; there only while the stack is up. */
export interface LocalStack {
  /** Of the Connect REST API, for any client. */
  readonly restUrl: string;
  /** A page to look at it; only where it was asked for. */
  readonly consoleUrl?: string;
  /** The same API under API Gateway's own name, which not every client resolves. */
  readonly apiGatewayUrl: string;
  readonly bootstrapServers: string;
  /** Of every AWS service; any credentials do. */
  readonly awsEndpoint: string;
  readonly region: string;
  readonly tableName: string;
  readonly groupId: string;
  readonly mirrorTopics: { readonly configs: string; readonly offsets: string; readonly status: string };
  readonly functions: {
    readonly rest: string;
    readonly coordinator: string;
    readonly task: string;
    readonly mirror: string;
    readonly feed: string;
    /** Only with Java plugins. */
    readonly 'java-task'?: string;
  };
  readonly failuresQueueUrl: string;
  /** Event sources to try out, each a feed that waits for a connector whose config names it. */
  readonly playground: {
    readonly queueUrl: string;
    readonly fifoQueueUrl: string;
    /** Of DynamoDB, with a stream; its key is the text `id`. */
    readonly tableName: string;
    readonly kinesisStream: string;
    /** Name of a bus; all its events are of the feed `playground`. */
    readonly eventBus: string;
    /** Of SNS; its messages are of the feed `playground`. */
    readonly topicArn: string;
    /** `POST {hooksUrl}/{connector}`. */
    readonly hooksUrl: string;
    /** What is put under `in/` wakes the connector `orders-in`; sinks write under `out/`. */
    readonly bucket: string;
  };
  readonly ports: StackPorts;
  readonly services: readonly ServiceHandle[];
}

export interface StackOptions {
  /** Holds data, logs, `stack.json`; removed with all that is in it when the stack stops, but for `cache`. */
  readonly home: string;
  readonly ports: StackPorts;
  /** Null: where there is room. Not given: there is no console. */
  readonly console?: { readonly port: number | null };
  readonly region: string;
  /** Further context of cdk/app.ts: limits, for example. */
  readonly context?: Readonly<Record<string, string>>;
  /** Folders of Java plugins, each as an entry of a worker's `plugin.path`. Default: none, and no Java function. */
  readonly javaPlugins?: readonly string[];
  /** Whether there is a runner, for connectors with `drover.runner=always`. Default: no. */
  readonly runner?: boolean;
  /** Told about each step. */
  readonly step: Step;
}

const proxyName = 'REST address';
const consoleName = 'Console';

const stackFile = (home: string) => join(home, 'stack.json');
const servicesFile = (home: string) => join(home, 'run', 'services.json');
const runFolder = (home: string) => join(home, 'run');

/**
 * Kafka, the emulator and in it the real stack. What is up already stays, with all that it holds: it is deployed to
 * again, and what has ended beside it is started. Ends what it has started when a start from nothing fails.
 */
export async function startStack(given: StackOptions): Promise<LocalStack> {
  const { home, ports, step, javaPlugins = [], runner = false } = given;
  const context = { ...given.context, ...(runner ? { runner: 'own' } : {}) };
  const withJava = async (): Promise<StackOptions> => ({
    ...given,
    context: { ...context, ...(await javaContext(runFolder(home), javaPlugins)) },
  });
  const before = readStack(home);
  const lost = before === null ? null : whyLost(before, given);
  if (before !== null && lost === null) return await renewStack(await withJava(), before);
  if (lost === null) await stopStack(home);
  else
    await step(`${lost}: start anew, without what the stack held (connectors, topics, objects)`, () => stopStack(home));
  await checkPorts(ports, given.console?.port ?? null);
  const services: ServiceHandle[] = [];
  const onSpawn = noting(home, services);
  const run = runFolder(home);
  mkdirSync(run, { recursive: true });
  try {
    await step('Fetch Kafka and the AWS emulator', () => Promise.all([kafkaJars(), emulatorPython()]));
    const options =
      javaPlugins.length === 0
        ? { ...given, context }
        : await step('Build the host of Java plugins, look at the plugins', withJava);
    await step('Start Kafka and the AWS emulator, cdk bootstrap, cdk synth', () =>
      settled([
        startKafka({ folder: join(run, 'kafka'), port: ports.kafka, controllerPort: ports.kafkaController, onSpawn }),
        startEmulator({ folder: join(run, 'aws'), port: ports.aws, region: given.region, onSpawn }).then(() =>
          bootstrap(deployOptions(options)),
        ),
        synthesise(deployOptions(options)),
      ]),
    );
    const outputs = await step('cdk deploy', () => deploy(deployOptions(options)));
    return await startBeside(options, outputs, services, onSpawn);
  } catch (error) {
    await stopStack(home);
    throw error;
  }
}

/** Whether `startStack` would keep what is up. */
export function isStackUp(options: Pick<StackOptions, 'home' | 'ports'>): boolean {
  const before = readStack(options.home);
  return before !== null && whyLost(before, options) === null;
}

/** Everything is in the emulator's memory; Kafka finds its own on the disk. */
function whyLost({ ports }: LocalStack, options: Pick<StackOptions, 'home' | 'ports'>): string | null {
  const emulator = readServices(options.home).find(({ name }) => name === emulatorName);
  if (emulator === undefined || !isRunning(emulator)) return 'The AWS emulator has ended';
  return samePorts(ports, options.ports) ? null : 'The stack that is up has other ports';
}

async function renewStack(options: StackOptions, before: LocalStack): Promise<LocalStack> {
  const { home, ports, step } = options;
  const isKept = ({ name }: ServiceHandle) =>
    // A runner is of the code that it was started with.
    name !== runnerName && (name !== consoleName || isConsole(options, before.consoleUrl));
  const running = readServices(home).filter(isRunning);
  const services = running.filter(isKept);
  await Promise.all(running.filter((service) => !isKept(service)).map((service) => stopService(service)));
  const onSpawn = noting(home, services);
  if (!services.some(({ name }) => name === kafkaName)) {
    const { kafka: port, kafkaController: controllerPort } = ports;
    await step('Start Kafka again: it had ended', () =>
      startKafka({ folder: join(runFolder(home), 'kafka'), port, controllerPort, onSpawn }),
    );
  }
  const outputs = await step('Deploy the stack again (it is up)', async () => {
    await synthesise(deployOptions(options));
    return await deploy(deployOptions(options));
  });
  return await startBeside(options, outputs, services, onSpawn, before.consoleUrl);
}

/** What of this is not there yet: the REST address, the runner, the console. */
async function startBeside(
  options: StackOptions,
  outputs: StackOutputs,
  services: readonly ServiceHandle[],
  onSpawn: (service: ServiceHandle) => void,
  consoleBefore?: string,
): Promise<LocalStack> {
  const { step } = options;
  const isThere = (wanted: string) => services.some(({ name }) => name === wanted);
  if (!isThere(proxyName)) await startProxy(options, outputs, onSpawn);
  if (options.runner === true) {
    await step('Start the runner', () => startRunner(runnerOptions(options, outputs, onSpawn)));
  }
  if (options.console === undefined) return writeStack(options, outputs, services);
  if (isThere(consoleName)) return writeStack(options, outputs, services, consoleBefore);
  const port = options.console.port ?? ((await isPortFree(consolePort)) ? consolePort : await freePort());
  const consoleUrl = `http://127.0.0.1:${port}`;
  // It finds the stack by this file.
  writeStack(options, outputs, services, consoleUrl);
  await startConsole(options, port, onSpawn);
  return writeStack(options, outputs, services, consoleUrl);
}

/** Noted as soon as they are there: a start that is cut short leaves nothing that stop does not know. */
function noting(home: string, services: ServiceHandle[]): (service: ServiceHandle) => void {
  return (service) => {
    services.push(service);
    writeJson(servicesFile(home), services);
  };
}

/** Ends what `startStack` started, a start that was cut short included, and removes its data; false: nothing was there. */
export async function stopStack(home: string): Promise<boolean> {
  const services = readServices(home);
  const stopped = await Promise.all(services.map((service) => stopService(service)));
  rmSync(stackFile(home), { force: true });
  rmSync(runFolder(home), { recursive: true, force: true });
  return stopped.some(Boolean);
}

export function readStack(home: string): LocalStack | null {
  return readJson<LocalStack>(stackFile(home));
}

function readServices(home: string): readonly ServiceHandle[] {
  return readJson<ServiceHandle[]>(servicesFile(home)) ?? [];
}

async function checkPorts(ports: StackPorts, console: number | null): Promise<void> {
  const taken: string[] = [];
  if (console !== null && !(await isPortFree(console))) {
    taken.push(`  port ${console}, for the console: end what uses it, or choose another with ${consoleVariable}`);
  }
  for (const name of Object.keys(portVariables) as (keyof StackPorts)[]) {
    const { what, variable } = portVariables[name];
    if (!(await isPortFree(ports[name]))) {
      taken.push(`  port ${ports[name]}, for ${what}: end what uses it, or choose another with ${variable}`);
    }
  }
  if (taken.length > 0) throw new Error(`Something else listens where the local stack would:\n${taken.join('\n')}`);
}

function startProxy(
  options: StackOptions,
  { ApiId, RestFunctionName, HooksApiId }: StackOutputs,
  onSpawn: (service: ServiceHandle) => void,
): Promise<ServiceHandle> {
  const { ports, home } = options;
  return startService({
    onSpawn,
    name: proxyName,
    command: process.execPath,
    args: [
      join(projectFolder, 'local', 'rest-proxy.ts'),
      String(ports.rest),
      String(ports.aws),
      ApiId,
      RestFunctionName,
      HooksApiId,
    ],
    logFile: join(runFolder(home), 'rest-proxy.log'),
    ready: () => fetch(`http://127.0.0.1:${ports.rest}/`, { signal: AbortSignal.timeout(20_000) }),
  });
}

function runnerOptions(
  { home, ports, region, javaPlugins = [], context = {} }: StackOptions,
  { JavaFunctionName, TaskFunctionName }: StackOutputs,
  onSpawn: (service: ServiceHandle) => void,
): RunnerOptions {
  return {
    folder: join(runFolder(home), 'runner'),
    aws: { port: ports.aws, region },
    likeFunction: JavaFunctionName ?? TaskFunctionName,
    java: javaPlugins.length > 0,
    pluginsModule: context.plugins,
    onSpawn,
  };
}

function startConsole(
  { home }: StackOptions,
  port: number,
  onSpawn: (service: ServiceHandle) => void,
): Promise<ServiceHandle> {
  return startService({
    onSpawn,
    name: consoleName,
    command: process.execPath,
    args: [join(projectFolder, 'cli', 'main.ts'), 'console', '--port', String(port)],
    // Of this stack, whatever else the shell names.
    env: { DROVER_HOME: home, DROVER_URL: '', DROVER_STACK: '' },
    logFile: join(runFolder(home), 'console.log'),
    ready: () => fetch(`http://127.0.0.1:${port}/`, { signal: AbortSignal.timeout(20_000) }),
  });
}

function isConsole({ console }: StackOptions, url: string | undefined): boolean {
  if (console === undefined) return url === undefined;
  return url !== undefined && (console.port === null || url.endsWith(`:${console.port}`));
}

function deployOptions(options: StackOptions): DeployOptions {
  return {
    folder: runFolder(options.home),
    awsPort: options.ports.aws,
    region: options.region,
    bootstrapServers: `127.0.0.1:${options.ports.kafka}`,
    context: options.context ?? {},
  };
}

function writeStack(
  options: StackOptions,
  outputs: StackOutputs,
  services: readonly ServiceHandle[],
  consoleUrl?: string,
): LocalStack {
  const { ports, region, home } = options;
  const stack: LocalStack = {
    restUrl: `http://127.0.0.1:${ports.rest}`,
    ...(consoleUrl === undefined ? {} : { consoleUrl }),
    apiGatewayUrl: outputs.RestUrl,
    bootstrapServers: `127.0.0.1:${ports.kafka}`,
    awsEndpoint: `http://127.0.0.1:${ports.aws}`,
    region,
    tableName: outputs.TableName,
    groupId: options.context?.groupId ?? 'drover',
    mirrorTopics: { configs: 'connect-configs', offsets: 'connect-offsets', status: 'connect-status' },
    functions: {
      rest: outputs.RestFunctionName,
      coordinator: outputs.CoordinatorFunctionName,
      task: outputs.TaskFunctionName,
      mirror: outputs.MirrorFunctionName,
      feed: outputs.FeedFunctionName,
      ...(outputs.JavaFunctionName === undefined ? {} : { 'java-task': outputs.JavaFunctionName }),
    },
    failuresQueueUrl: outputs.FailuresQueueUrl,
    playground: {
      queueUrl: outputs.PlaygroundQueueUrl,
      fifoQueueUrl: outputs.PlaygroundFifoQueueUrl,
      tableName: outputs.PlaygroundTableName,
      kinesisStream: outputs.PlaygroundKinesisStream,
      eventBus: outputs.PlaygroundEventBus,
      topicArn: outputs.PlaygroundTopicArn,
      bucket: outputs.PlaygroundBucketName,
      hooksUrl: `http://127.0.0.1:${ports.rest}/hooks`,
    },
    ports,
    services,
  };
  writeJson(stackFile(home), stack);
  return stack;
}

function samePorts(one: StackPorts, other: StackPorts): boolean {
  return (Object.keys(one) as (keyof StackPorts)[]).every((name) => one[name] === other[name]);
}

/** Like Promise.all, but fails only when all have ended, so that nothing is started behind a failure's back. */
async function settled(work: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
}

function writeJson(file: string, value: unknown): void {
  writeFileSync(`${file}.part`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${file}.part`, file);
}

function readJson<T>(file: string): T | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch {
    throw new Error(`${file} cannot be read as JSON: end what it tells of, if anything, and remove it`);
  }
}
