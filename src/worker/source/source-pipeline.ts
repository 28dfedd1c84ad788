import type { Settings } from '../../config/config-def.ts';
import { topicGroups } from '../../config/topic-creation-config.ts';
import { javaText } from '../../data/connect-text.ts';
import type { Schema } from '../../data/schema.ts';
import type { KafkaAdmin, KafkaClient } from '../../kafka/types.ts';
import { canonicalPartition } from '../../storage/source-offset-text.ts';
import { closeConverters, createConverters } from '../record/converters.ts';
import { DeadLetterQueue, deadLetterTarget } from '../record/dead-letter-queue.ts';
import { ErrorTolerance } from '../record/error-tolerance.ts';
import type { DeadLetter, Failure } from '../record/failure.ts';
import { createTransformationChain } from '../record/transformation-chain.ts';
import { Closers } from '../run/closers.ts';
import type { PluginRun } from '../run/plugin-run.ts';
import { SourceConversion } from './source-conversion.ts';
import { TopicCreation } from './topic-creation.ts';

/** What a source's records go through on their way to Kafka, whether they were polled or fed. */
export interface SourcePipeline {
  readonly kafka: KafkaClient;
  readonly producerOverrides: Settings;
  readonly conversion: SourceConversion;
  readonly topics: TopicCreation;
  readonly errors: ErrorTolerance;
  /** Of all this and what else the run opens. */
  readonly closers: Closers;
}

/** Converters, transformations, error policy, dead letters and topic creation of the connector's config. */
export async function openPipeline(run: PluginRun): Promise<SourcePipeline> {
  const { host, config } = run;
  const closers = new Closers();
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
    const conversion = new SourceConversion(chain, converters, errors, topics, sourceClass, () => host.clock.now());
    return { kafka, producerOverrides, conversion, topics, errors, closers };
  } catch (error) {
    await closers.close(true);
    throw error;
  }
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
