import type { SinkConnector } from '../../api/connector.ts';
import type { SinkRecord } from '../../api/record.ts';
import type { ErrantRecordReporter, SinkTask, SinkTaskContext, TopicPartition } from '../../api/task.ts';
import { consumerConfig } from '../../config/client-config.ts';
import type { Settings } from '../../config/config-def.ts';
import { isSet, parseConfig } from '../../config/parse-config.ts';
import { sinkRunSettings } from '../../config/run-settings.ts';
import { ConnectError } from '../../errors.ts';
import type { Fetcher, FetchOptions, KafkaAdmin, KafkaClient } from '../../kafka/types.ts';
import { closeConverters, createConverters } from '../record/converters.ts';
import { DeadLetterQueue, deadLetterTarget } from '../record/dead-letter-queue.ts';
import { ErrorTolerance } from '../record/error-tolerance.ts';
import type { DeadLetter, Failure } from '../record/failure.ts';
import { createTransformationChain } from '../record/transformation-chain.ts';
import { Closers } from '../run/closers.ts';
import type { PluginRun } from '../run/plugin-run.ts';
import type { TaskRun } from '../run/task-run.ts';
import { requireTopicNames } from './partition-assignment.ts';
import { SinkConversion } from './sink-conversion.ts';
import { consumerGroup, SinkGroup } from './sink-group.ts';
import { SinkGroupCopy } from './sink-group-copy.ts';
import type { SinkPositions } from './sink-positions.ts';
import { startPositions } from './sink-start-positions.ts';

/** What a sink task asked for through its context, taken up between two puts. */
export interface SinkRequests {
  commit: boolean;
  /** Milliseconds before the next try of a failed put; null: the runtime's own back-off. */
  timeoutMs: number | null;
}

export interface StartedSink {
  readonly task: SinkTask;
  readonly positions: SinkPositions;
  readonly requests: SinkRequests;
  readonly conversion: SinkConversion;
  readonly errors: ErrorTolerance;
  readonly admin: KafkaAdmin;
  readonly group: SinkGroup;
  readonly groupCopy: SinkGroupCopy;
  readonly fetcher: Fetcher;
  readonly fetchOptions: Omit<FetchOptions, 'maxWaitMs'>;
  /** Halve a batch that put fails on, down to the records at fault. */
  readonly bisects: boolean;
  close(quietly: boolean): Promise<void>;
}

const sinkTaskClass = 'org.apache.kafka.connect.sink.SinkTask';

/** Puts the parts of a sink run together, starts the task, opens its partitions, and marks it RUNNING. */
export async function startSink(run: TaskRun, connector: SinkConnector): Promise<StartedSink> {
  const { host, config } = run;
  const closers = new Closers();
  const close = (quietly: boolean) => closers.close(quietly);
  try {
    requireTopicNames(config);
    const kafka = await host.kafka();
    const converters = await createConverters(host.plugins, config, host.settings.converterDefaults);
    closers.push(() => closeConverters(converters));
    const chain = await createTransformationChain(config, host.plugins);
    closers.push(() => chain.close());
    const errors = new ErrorTolerance(run, config, await sinkDeadLetters(run, kafka, closers));
    const bisects = errors.toleratesAll && parseConfig(sinkRunSettings, config)['drover.errors.bisect.enable'];
    const overrides = run.consumerOverrides();
    const conversion = new SinkConversion(converters, chain, errors, {
      maxPutRecords: parseConfig(consumerConfig, overrides)['max.poll.records'],
      keepsOriginals: errors.reports,
      now: host.clock.now,
    });
    const { admin } = kafka;
    const group = new SinkGroup(admin, consumerGroup(run.about.connector, config));
    const positions = await startPositions(run, admin, group);
    const groupCopy = new SinkGroupCopy(run, admin, group, positions);
    const fetcher = await kafka.fetcher(overrides);
    closers.push(() => fetcher.close());

    const task = connector.createTask();
    const requests: SinkRequests = { commit: false, timeoutMs: null };
    const assignment = positions.all.map(({ topic, partition }) => ({ topic, partition }));
    closers.push(() => run.bounds.guard('stop', task.stop()));
    const reporter = errors.reports ? errantRecordReporter(run, errors, conversion) : null;
    await run.bounds.guard(
      'start',
      task.start(run.taskConfig, sinkContext(run, positions, requests, assignment, reporter)),
    );
    if (task.close !== undefined) closers.push(() => run.bounds.guard('close', task.close!(assignment)));
    if (task.open !== undefined) await run.bounds.guard('open', task.open(assignment, positions.kept()));
    await run.reportRunning();
    run.report.step('started');
    const fetchOptions = fetchOptionsOf(overrides);
    return {
      task,
      positions,
      requests,
      conversion,
      errors,
      admin,
      group,
      groupCopy,
      fetcher,
      fetchOptions,
      bisects,
      close,
    };
  } catch (error) {
    await close(true);
    throw error;
  }
}

function sinkContext(
  run: TaskRun,
  positions: SinkPositions,
  requests: SinkRequests,
  assignment: readonly TopicPartition[],
  errantRecordReporter: ErrantRecordReporter | null,
): SinkTaskContext {
  const assigned = ({ topic, partition }: TopicPartition) => {
    const position = positions.find(topic, partition);
    if (position !== undefined) return position;
    throw new ConnectError(
      'sink.not_assigned',
      `SinkTasks may not change partitions that are not assigned to them: ${topic}-${partition}`,
      { javaClass: 'IllegalWorkerStateException' },
    );
  };
  return {
    ...run.taskContext(),
    assignment,
    errantRecordReporter,
    offset(partition, kafkaOffset) {
      assigned(partition).seek(kafkaOffset);
    },
    pause(...partitions) {
      for (const partition of partitions) assigned(partition).paused = true;
    },
    resume(...partitions) {
      for (const partition of partitions) assigned(partition).paused = false;
    },
    timeout(ms) {
      requests.timeoutMs = ms;
    },
    requestCommit() {
      requests.commit = true;
    },
  };
}

/** KIP-610: what the task itself found wrong. The promise waits for the dead letter queue. */
function errantRecordReporter(
  run: PluginRun,
  errors: ErrorTolerance,
  conversion: SinkConversion,
): ErrantRecordReporter {
  return {
    async report(record, error) {
      errors.fail(putFailure(run, conversion, record, error));
      await errors.deadLetters?.flushSoon();
    },
  };
}

export function putFailure(run: PluginRun, conversion: SinkConversion, record: SinkRecord, error: unknown): Failure {
  return {
    stage: 'TASK_PUT',
    executingClass: sinkTaskClass,
    error,
    attempt: 1,
    failedAt: run.host.clock.now(),
    record: null,
    consumed: conversion.originalOf(record) ?? unknownOriginal(record),
  };
}

/** A record that the task made itself: where it came from is still known. */
function unknownOriginal(record: SinkRecord): DeadLetter {
  return {
    topic: record.originalTopic,
    kafkaPartition: record.originalKafkaPartition,
    kafkaOffset: record.originalKafkaOffset,
    timestamp: record.timestamp,
    key: bytesOf(record.key),
    value: bytesOf(record.value),
    headers: [],
  };
}

const bytesOf = (value: unknown) =>
  value === null || value === undefined || value instanceof Uint8Array ? (value ?? null) : String(value);

async function sinkDeadLetters(run: PluginRun, kafka: KafkaClient, closers: Closers): Promise<DeadLetterQueue | null> {
  const target = deadLetterTarget(run.config, 'sink');
  if (target === null) return null;
  const producer = await kafka.producer(run.producerOverrides());
  closers.push(() => producer.close());
  const admin = kafka.adminWith(run.adminOverrides());
  const letters = new DeadLetterQueue(run, target, { admin, producer }, (failure) => failure.consumed);
  await letters.start();
  return letters;
}

/** Bounds of one fetch; the consumer's own names, and its defaults but for the total, which bounds a run's memory. */
function fetchOptionsOf(overrides: Settings): Omit<FetchOptions, 'maxWaitMs'> {
  const parsed = parseConfig(consumerConfig, overrides);
  return {
    minBytes: parsed['fetch.min.bytes'],
    maxBytes: isSet(overrides, 'fetch.max.bytes') ? parsed['fetch.max.bytes'] : 8 << 20,
    maxPartitionBytes: parsed['max.partition.fetch.bytes'],
    isolationLevel: parsed['isolation.level'],
  };
}
