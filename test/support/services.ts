import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator } from '../../local/emulator.ts';
import { startJavaConnect } from '../../local/java-connect.ts';
import { startKafka } from '../../local/kafka.ts';
import { freePort } from '../../local/ports.ts';
import { type ServiceHandle, signalService, stopService } from '../../local/service.ts';
import { kafkaAddress } from './service-addresses.ts';

/** By default what a record's own timestamp says is older than a week goes, half a minute behind a broker's start and every five minutes. */
const keepsAll = { 'log.retention.ms': '-1' };

/**
 * Real services for the projects integration, parity, crash and e2e. As their globalSetup this starts Kafka and the
 * AWS emulator, whose tables the tests use, once per test run, unless `DROVER_TEST_KAFKA` (host:port) and `DROVER_TEST_DYNAMODB` (URL) name some that run
 * already; the tests find them through the functions below.
 */
export default async function setup(): Promise<() => Promise<void>> {
  const started: ServiceHandle[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'drover-test-'));
  const endAll = () => {
    for (const service of started) signalService(service, 'SIGKILL');
  };
  process.once('exit', endAll);
  const stop = async () => {
    await Promise.all(started.map((service) => stopService(service)));
    process.removeListener('exit', endAll);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    // The projects' setups run one after the other in one process: the first to come starts them for all.
    if (process.env.DROVER_TEST_KAFKA === undefined) {
      const port = await freePort();
      const controllerPort = await freePort();
      started.push(await startKafka({ folder: join(folder, 'kafka'), port, controllerPort, settings: keepsAll }));
      process.env.DROVER_TEST_KAFKA = `127.0.0.1:${port}`;
    }
    if (process.env.DROVER_TEST_DYNAMODB === undefined) {
      const port = await freePort();
      started.push(await startEmulator({ folder: join(folder, 'aws'), port, region: 'eu-central-1' }));
      process.env.DROVER_TEST_DYNAMODB = `http://127.0.0.1:${port}`;
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
}

export { dynamoDbEndpoint, kafkaAddress } from './service-addresses.ts';

/** A broker of a test's own, to be stopped, frozen or killed. Its address and data stay through stop and start. */
export interface PrivateBroker {
  readonly bootstrapServers: string;
  start(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** Connections stay open and nothing is answered, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Ends it and removes its data. */
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startPrivateBroker(settings: Readonly<Record<string, string>> = {}): Promise<PrivateBroker> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-broker-'));
  // A killed broker is let in again only when its old session has run out.
  const quickReturn = { 'broker.session.timeout.ms': '2000', 'broker.heartbeat.interval.ms': '500' };
  const all = { ...keepsAll, ...quickReturn, ...settings };
  const options = { folder, port: await freePort(), controllerPort: await freePort(), settings: all, maxHeapMb: 512 };
  let service: ServiceHandle | null = await startKafka(options);
  const end = async (signal: NodeJS.Signals) => {
    if (service === null) return;
    signalService(service, 'SIGCONT');
    signalService(service, signal);
    await stopService(service);
    service = null;
  };
  return {
    bootstrapServers: `127.0.0.1:${options.port}`,
    start: async () => {
      service ??= await startKafka(options);
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => service && signalService(service, 'SIGSTOP'),
    thaw: () => service && signalService(service, 'SIGCONT'),
    [Symbol.asyncDispose]: async () => {
      await end('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export interface JavaConnectPeer {
  /** Of its REST API, without a slash at the end. */
  readonly url: string;
  readonly topics: { readonly configs: string; readonly offsets: string; readonly status: string };
  /** As `kill -9`: it commits nothing more, and its group learns of it by its silence. */
  kill(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Apache's own worker beside the shared broker; takes about ten seconds to come up. */
export async function startJavaConnectPeer(
  options: {
    bootstrapServers?: string;
    groupId?: string;
    topicPrefix?: string;
    settings?: Readonly<Record<string, string>>;
    /** Folders of jars, each a plugin. */
    plugins?: readonly string[];
  } = {},
): Promise<JavaConnectPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-connect-'));
  const port = await freePort();
  const groupId = options.groupId ?? `peer-${port}-${Date.now()}`;
  const topicPrefix = options.topicPrefix ?? `${groupId}-`;
  const service = await startJavaConnect({
    folder,
    port,
    groupId,
    topicPrefix,
    bootstrapServers: options.bootstrapServers ?? kafkaAddress(),
    settings: options.settings ?? {},
    plugins: options.plugins ?? [],
  });
  return {
    url: `http://127.0.0.1:${port}`,
    topics: { configs: `${topicPrefix}configs`, offsets: `${topicPrefix}offsets`, status: `${topicPrefix}status` },
    kill: async () => {
      signalService(service, 'SIGKILL');
      await stopService(service);
    },
    [Symbol.asyncDispose]: async () => {
      await stopService(service);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
