import type { SerializedValue } from '../../api/converter.ts';
import type { SourceRecord } from '../../api/record.ts';
import { ConnectError } from '../../errors.ts';
import type { KafkaHeader } from '../../kafka/types.ts';

/** Where in its life a record failed, named as Apache names it (KIP-298). */
export type Stage =
  | 'TASK_POLL'
  | 'TASK_PUT'
  | 'HEADER_CONVERTER'
  | 'KEY_CONVERTER'
  | 'VALUE_CONVERTER'
  | 'TRANSFORMATION'
  | 'KAFKA_PRODUCE'
  | 'KAFKA_CONSUME';

/** A record as it is (or, for a source, would have been) on its topic. */
export interface DeadLetter {
  readonly topic: string;
  readonly kafkaPartition: number | null;
  readonly kafkaOffset: number | null;
  readonly timestamp: number | null;
  readonly key: SerializedValue;
  readonly value: SerializedValue;
  readonly headers: readonly KafkaHeader[];
}

/** One failed step of one record. */
export interface Failure {
  readonly stage: Stage;
  /** The plugin at work, by its class name. */
  readonly executingClass: string;
  readonly error: unknown;
  /** How often this step of this record has failed, this time included. */
  readonly attempt: number;
  /** Epoch milliseconds of its first failure. */
  readonly failedAt: number;
  readonly record: SourceRecord | null;
  /** Sinks: the record as it was read. */
  readonly consumed: DeadLetter | null;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** How an error is named in dead letters: the Java class where there is one. */
export function errorClassName(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  if (!(error instanceof ConnectError)) return error.name;
  const name = error.javaClass;
  if (name.includes('.')) return name;
  if (name === 'ConfigException') return `org.apache.kafka.common.config.${name}`;
  const connectErrors = [
    'ConnectException',
    'DataException',
    'RetriableException',
    'SchemaBuilderException',
    'SchemaProjectorException',
    'NotFoundException',
    'AlreadyExistsException',
    'IllegalWorkerStateException',
  ];
  return connectErrors.includes(name)
    ? `org.apache.kafka.connect.errors.${name}`
    : `org.apache.kafka.common.errors.${name}`;
}
