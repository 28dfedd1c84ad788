import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { bundleFunction } from '../../cdk/bundle.ts';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import type { AnyPlugin } from '../../src/api/plugin.ts';
import type { EnvironmentSettings } from '../../src/config/environment-config.ts';
import { writeEnvironment } from '../../src/environment.ts';
import { createHerder } from '../../src/herder/create-herder.ts';
import { requestOf } from '../../src/herder/dispatch.ts';
import type { Herder } from '../../src/herder/herder.ts';
import { RoutedInvoker } from '../../src/herder/routed-invoker.ts';
import { RunnerQueue } from '../../src/invocation/runner-queue.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { createDynamoDbStores } from '../../src/storage/dynamodb/stores.ts';
import type { TaskItem } from '../../src/storage/items.ts';
import type { Stores } from '../../src/storage/stores.ts';
import { defaultWorkerSettings } from '../../src/worker/worker-settings.ts';
import { childrenOf } from '../support/processes.ts';
import { dynamoDbEndpoint, kafkaAddress } from '../support/service-addresses.ts';
import { createHarness, realKafka, uniqueName } from '../support/worker-harness.ts';
import { dynamoDbClient, newTable, tableRequests } from './storage/dynamodb-table.ts';

const region = 'eu-central-1';
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
export const runnerLeaseMs = 3000;

/** The runner's program, in a process group of its own, as a container. */
export interface RunnerProcess {
  readonly ended: Promise<number | null>;
  readonly log: readonly string[];
  /** Of the processes of its runs, who run something. */
  runs(): number[];
  /** With its runs, as a container that is lost. */
  kill(): void;
  stop(): void;
}

export interface RunnerLab extends AsyncDisposable {
  readonly stores: Stores;
  readonly herder: Herder;
  readonly kafka: KafkaClient;
  /** For files that connectors may name. */
  readonly folder: string;
  task(connector: string): Promise<TaskItem>;
  startRunner(): RunnerProcess;
}

/**
 * The runner as it is bundled, processes beside the table and Kafka. What the coordinator does with every tick, hand out what
 * is due, is done here, several times a second; what functions do is done in this process.
 */
export async function openRunnerLab(
  more: {
    /** Of the runner, beside those of any. */
    readonly settings?: EnvironmentSettings;
    /** Beside Drover's, of this process; of a jar: with `settings` by which the runner finds them. */
    readonly plugins?: readonly AnyPlugin[];
    readonly java?: boolean;
  } = {},
): Promise<RunnerLab> {
  const { plugins = [], java = false } = more;
  const folder = mkdtempSync(join(tmpdir(), 'drover-runner-'));
  const tableName = await newTable(dynamoDbClient());
  const sqs = new SQSClient({ endpoint: dynamoDbEndpoint(), region, credentials });
  const { QueueUrl: queueUrl } = await sqs.send(new CreateQueueCommand({ QueueName: uniqueName('runs') }));
  const bundle = join(folder, 'bundle');
  bundleFunction({ name: 'runner', outdir: bundle, java });
  const env = {
    ...process.env,
    ...writeEnvironment({
      'drover.table.name': tableName,
      'drover.runner.queue': queueUrl!,
      'drover.runner.lease.ms': String(runnerLeaseMs),
      'bootstrap.servers': kafkaAddress(),
      'offset.storage.replication.factor': '1',
      'drover.file.folders': folder,
      'drover.log.level': 'INFO',
      ...more.settings,
    }),
    AWS_REGION: region,
    AWS_ENDPOINT_URL: dynamoDbEndpoint(),
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  const stores = createDynamoDbStores({ requests: tableRequests(), tableName });
  const harness = createHarness({ kafka: realKafka(kafkaAddress()), stores, plugins, settings: { hasRunner: true } });
  const budget = () => ({ deadlineAt: Date.now() + 30_000, workerId: 'function' });
  const invoker = new RoutedInvoker({
    tasks: { invoke: async (request) => void (await harness.worker.run(request, budget())) },
    java: null,
    runner: new RunnerQueue({ queueUrl: queueUrl!, connect: async () => sqs }),
    configs: stores.config,
    clock: harness.clock,
  });
  const over = new AbortController();
  const ticking = (async () => {
    while (!over.signal.aborted) {
      const due = await stores.due.due(Date.now(), 100);
      await Promise.all(due.map(({ run }) => invoker.invoke(requestOf(run))));
      await harness.clock.sleep(300);
    }
  })();
  const herder = createHerder({
    configs: stores.config,
    statuses: stores.status,
    offsets: stores.offsets,
    cluster: stores.cluster,
    plugins: createRegistry(plugins),
    converterDefaults: defaultWorkerSettings.converterDefaults,
    clock: harness.clock,
    version: '4.3.0',
    commit: 'test',
    logLevel: 'INFO',
    hasRunner: true,
  });
  const kafka = await realKafka(kafkaAddress())();
  const started: RunnerProcess[] = [];
  const startRunner = (): RunnerProcess => {
    const log: string[] = [];
    const child = spawn(process.execPath, [join(bundle, 'dist', 'runner.mjs')], {
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const pid = child.pid!;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => log.push(String(data)));
    const runner = {
      ended: new Promise<number | null>((resolve) => child.once('exit', resolve)),
      log,
      runs: () => childrenOf(pid),
      kill: () => signal(-pid, 'SIGKILL'),
      stop: () => signal(pid, 'SIGTERM'),
    };
    started.push(runner);
    return runner;
  };
  return {
    stores,
    herder,
    kafka,
    folder,
    task: async (connector) => (await stores.config.getTask(connector, 0))!,
    startRunner,
    async [Symbol.asyncDispose]() {
      for (const runner of started) runner.kill();
      over.abort();
      await ticking;
      await harness.close();
      await kafka.close();
      sqs.destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone.
  }
}
