import type { SourceConnector } from '../../api/connector.ts';
import type { SourceOffset, SourcePartition } from '../../api/record.ts';
import type { OffsetStorageReader, SourceTask, TransactionContext } from '../../api/task.ts';
import { topicGroups } from '../../config/topic-creation-config.ts';
import { javaText } from '../../data/connect-text.ts';
import type { Schema } from '../../data/schema.ts';
import type { KafkaAdmin, KafkaClient } from '../../kafka/types.ts';
import { canonicalPartition, parseOffset } from '../../storage/source-offset-text.ts';
import { closeConverters, createConverters } from '../record/converters.ts';
import { DeadLetterQueue, deadLetterTarget } from '../record/dead-letter-queue.ts';
import { ErrorTolerance } from '../record/error-tolerance.ts';
import type { DeadLetter, Failure } from '../record/failure.ts';
import { createTransformationChain } from '../record/transformation-chain.ts';
import { Closers } from '../run/closers.ts';
import type { PluginRun } from '../run/plugin-run.ts';
import type { TaskRun } from '../run/task-run.ts';
import { exactlyOnce } from './exactly-once.ts';
import { SourceConversion } from './source-conversion.ts';
import { PlainDelivery, type SourceDelivery } from './source-delivery.ts';
import { TopicCreation } from './topic-creation.ts';
import { createTransactionalDelivery } from './transactional-start.ts';

export interface StartedSource {
  readonly task: SourceTask;
  readonly conversion: SourceConversion;
  readonly delivery: SourceDelivery;
  readonly errors: ErrorTolerance;
  /** Stops the task and lets go of what it used. After a failure, what goes wrong here is not told. */
  close(quietly: boolean): Promise<void>;
}

/** Puts the parts of a source run together, starts the task, and marks it RUNNING. */
export async function startSource(run: TaskRun, connector: SourceConnector): Promise<StartedSource> {
  const { host, config } = run;
  const closers = new Closers();
  const close = (quietly: boolean) => closers.close(quietly);
  try {
    const kafka = await host.kafka();
    const converters = await createConverters(host.plugins, config, host.settings.converterDefaults);
    closers.push(() => closeConverters(converters));
    const chain = await createTransformationChain(config, host.plugins);
    closers.push(() => chain.close());
    const producerOverrides = run.producerOverrides();
    const admin = kafka.adminWith(run.adminOverrides());
    const letters = await sourceDeadLetters(run, kafka, admin, closers);
    const errors = new ErrorTolerance(run, config, letters);
    const groups = host.settings.topicCreationEnable ? topicGroups(config) : [];
    const topics = new TopicCreation(run, admin, groups);
    const sourceClass = config['connector.class'] ?? '';
    const conversion = new SourceConversion(chain, converters, errors, topics, sourceClass, host.clock.now);

    const task = connector.createTask();
    const transactions = exactlyOnce(config);
    const delivery =
      transactions === null
        ? new PlainDelivery(run, task, topics, await kafka.producer(producerOverrides), errors)
        : await createTransactionalDelivery(run, task, topics, transactions, kafka, producerOverrides, errors);
    closers.push(() => delivery.close());

    closers.push(() => run.bounds.guard('stop', task.stop()));
    await run.bounds.guard(
      'start',
      task.start(run.taskConfig, {
        ...run.taskContext(),
        offsetStorageReader: offsetReader(run),
        ...transactionContextOf(delivery),
      }),
    );
    await run.reportRunning();
    run.report.step('started');
    return { task, conversion, delivery, errors, close };
  } catch (error) {
    await close(true);
    throw error;
  }
}

function transactionContextOf(delivery: SourceDelivery): { transactionContext?: TransactionContext } {
  return delivery.boundaries === null ? {} : { transactionContext: delivery.boundaries };
}

function offsetReader(run: PluginRun): OffsetStorageReader {
  const { offsets } = run.host.stores;
  const read = async (partitions: readonly SourcePartition[]): Promise<(SourceOffset | null)[]> => {
    const keys = partitions.map(canonicalPartition);
    const found = await offsets.readSourceOffsets(run.about.connector, [...new Set(keys)]);
    return keys.map((key) => {
      const text = found.get(key)?.offset;
      return text === undefined || text === null ? null : parseOffset(text);
    });
  };
  return { offsets: read, offset: async (partition) => (await read([partition]))[0] ?? null };
}

async function sourceDeadLetters(
  run: PluginRun,
  kafka: KafkaClient,
  admin: KafkaAdmin,
  closers: Closers,
): Promise<DeadLetterQueue | null> {
  const target = deadLetterTarget(run.config, 'source');
  if (target === null) return null;
  const producer = await kafka.producer(run.producerOverrides());
  closers.push(() => producer.close());
  const letters = new DeadLetterQueue(run, target, { admin, producer }, describeSourceLetter);
  await letters.start();
  return letters;
}

/** The record as the task gave it: it may not have got through a converter. */
function describeSourceLetter({ record }: Failure): DeadLetter | null {
  if (record === null) return null;
  return {
    topic: record.topic,
    kafkaPartition: record.kafkaPartition,
    kafkaOffset: null,
    timestamp: record.timestamp,
    key: plainBytes(record.keySchema, record.key),
    value: plainBytes(record.valueSchema, record.value),
    headers: [
      ...record.headers.map(({ key, schema, value }) => ({ key, value: plainBytes(schema, value) })),
      { key: 'drover.source.partition', value: canonicalPartition(record.sourcePartition) },
      { key: 'drover.source.offset', value: canonicalPartition(record.sourceOffset) },
    ],
  };
}

function plainBytes(schema: Schema | null, value: unknown): Uint8Array | string | null {
  if (value === null || value === undefined) return null;
  return value instanceof Uint8Array ? value : javaText(schema, value);
}
