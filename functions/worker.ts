import { tuneGarbageCollection } from '../src/worker/garbage-collection.ts';
import { createWorker } from '../src/worker/worker.ts';
import { defaultWorkerSettings } from '../src/worker/worker-settings.ts';
import { configProviders } from './config-providers.ts';
import { clock, environment, home, stores, telemetry } from './function-context.ts';
import { connectKafka } from './kafka.ts';
import { loadPlugins } from './plugins.ts';

tuneGarbageCollection();

export const plugins = loadPlugins();

/** The worker of the functions that run plugins. */
export const worker = createWorker({
  stores,
  kafka: connectKafka,
  plugins,
  settings: {
    ...defaultWorkerSettings,
    groupId: environment['group.id'],
    offsetsTopic: environment['offset.storage.topic'],
    offsetsTopicPartitions: environment['offset.storage.partitions'],
    offsetsTopicReplicationFactor: environment['offset.storage.replication.factor'],
    converterDefaults: environment.converterDefaults,
    topicCreationEnable: environment['topic.creation.enable'],
    topicTrackingEnable: environment['topic.tracking.enable'],
    runMaxMs: environment['drover.run.max.ms'],
    runLingerMs: environment['drover.run.linger.ms'],
    taskMemoryMb: Number(process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE) || defaultWorkerSettings.taskMemoryMb,
    idleFloorMs: environment['drover.idle.floor.ms'],
    idleCeilingMs: environment['drover.idle.ceiling.ms'],
    overridePolicy: environment.overridePolicy,
    connectorHosts: environment['drover.connector.hosts'],
    hasRunner: environment['drover.runner.queue'] !== null,
    runtimeApi: process.env.AWS_LAMBDA_RUNTIME_API ?? null,
    feeds: environment.feeds,
    home,
  },
  telemetry,
  clock,
  configProviders: configProviders(),
});
