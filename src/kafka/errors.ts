import { legalTopicNames } from '../config/topic-name.ts';
import { ConnectError, FencedError, RetriableError } from '../errors.ts';

/** Kafka's error codes that Drover names; others are told by number. */
export const kafkaErrors = {
  UNKNOWN_SERVER_ERROR: -1,
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  BROKER_NOT_AVAILABLE: 8,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  OFFSET_METADATA_TOO_LARGE: 12,
  NETWORK_EXCEPTION: 13,
  COORDINATOR_LOAD_IN_PROGRESS: 14,
  COORDINATOR_NOT_AVAILABLE: 15,
  NOT_COORDINATOR: 16,
  INVALID_TOPIC: 17,
  RECORD_LIST_TOO_LARGE: 18,
  NOT_ENOUGH_REPLICAS: 19,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: 20,
  INVALID_REQUIRED_ACKS: 21,
  ILLEGAL_GENERATION: 22,
  INVALID_GROUP_ID: 24,
  UNKNOWN_MEMBER_ID: 25,
  REBALANCE_IN_PROGRESS: 27,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  INVALID_TIMESTAMP: 32,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  INVALID_REPLICATION_FACTOR: 38,
  INVALID_CONFIG: 40,
  NOT_CONTROLLER: 41,
  INVALID_REQUEST: 42,
  POLICY_VIOLATION: 44,
  OUT_OF_ORDER_SEQUENCE_NUMBER: 45,
  DUPLICATE_SEQUENCE_NUMBER: 46,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_TXN_STATE: 48,
  INVALID_PRODUCER_ID_MAPPING: 49,
  INVALID_TRANSACTION_TIMEOUT: 50,
  CONCURRENT_TRANSACTIONS: 51,
  TRANSACTION_COORDINATOR_FENCED: 52,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  OPERATION_NOT_ATTEMPTED: 55,
  KAFKA_STORAGE_ERROR: 56,
  UNKNOWN_PRODUCER_ID: 59,
  NON_EMPTY_GROUP: 68,
  GROUP_ID_NOT_FOUND: 69,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  OFFSET_NOT_AVAILABLE: 78,
  THROTTLING_QUOTA_EXCEEDED: 89,
  PRODUCER_FENCED: 90,
  INVALID_RECORD: 87,
  UNSTABLE_OFFSET_COMMIT: 88,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
  TRANSACTION_ABORTABLE: 120,
} as const;

const nameByCode = new Map<number, string>(Object.entries(kafkaErrors).map(([name, code]) => [code, name]));

function kafkaErrorName(code: number): string {
  return nameByCode.get(code) ?? `KAFKA_ERROR_${code}`;
}

/** The leader is elsewhere, or the cached metadata is old: refresh it, then send again. */
const staleMetadata: ReadonlySet<number> = new Set([3, 5, 6, 9, 56, 74, 75, 100, 103]);

/** The coordinator of a group or transaction moved or is loading: look it up again. */
const staleCoordinator: ReadonlySet<number> = new Set([14, 15, 16]);

const retriable: ReadonlySet<number> = new Set([
  ...staleMetadata,
  ...staleCoordinator,
  -1,
  2,
  7,
  8,
  13,
  19,
  20,
  27,
  41,
  51,
  78,
  88,
  89,
  120,
]);

const fenced: ReadonlySet<number> = new Set([47, 49, 52, 90]);

export function isStaleMetadata(code: number): boolean {
  return staleMetadata.has(code);
}

/** The topic or partition is not there, or not the one that was meant. */
export function isMissingTopic(error: unknown): boolean {
  if (!(error instanceof ConnectError)) return false;
  const { UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INCONSISTENT_TOPIC_ID } = kafkaErrors;
  const missing: readonly unknown[] = [UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INCONSISTENT_TOPIC_ID];
  return error.code === 'kafka.unknown_topic' || missing.includes(error.facts.kafkaCode);
}

export function isStaleCoordinator(code: number): boolean {
  return staleCoordinator.has(code);
}

export function isRetriableCode(code: number): boolean {
  return retriable.has(code);
}

export function isFencedCode(code: number): boolean {
  return fenced.has(code);
}

/** What the broker was asked about; names what the message and the fix point at. */
export interface ErrorSubject {
  /** What was being done, as "write to", "read from". */
  readonly doing: string;
  readonly topic?: string;
  readonly partition?: number;
  readonly group?: string;
  readonly transactionalId?: string;
  readonly detail?: string | null;
}

function nameOf(subject: ErrorSubject): string {
  if (subject.topic !== undefined) {
    return subject.partition === undefined
      ? `topic "${subject.topic}"`
      : `topic "${subject.topic}" partition ${subject.partition}`;
  }
  if (subject.group !== undefined) return `group "${subject.group}"`;
  if (subject.transactionalId !== undefined) return `transactional.id "${subject.transactionalId}"`;
  return 'the cluster';
}

interface Wording {
  readonly code: string;
  readonly javaClass: string;
  readonly say: (subject: ErrorSubject) => string;
}

const wordings: Readonly<Record<number, Wording>> = {
  1: {
    code: 'kafka.offset_out_of_range',
    javaClass: 'OffsetOutOfRangeException',
    say: (s) => `the wanted offset of ${nameOf(s)} is no longer, or not yet, in the log`,
  },
  2: {
    code: 'kafka.corrupt_message',
    javaClass: 'CorruptRecordException',
    say: (s) => `the broker found the records for ${nameOf(s)} corrupt`,
  },
  3: {
    code: 'kafka.unknown_topic',
    javaClass: 'UnknownTopicOrPartitionException',
    say: (s) =>
      `${nameOf(s)} does not exist. Create it, set topic.creation.default.partitions and ` +
      'topic.creation.default.replication.factor on the source connector, or allow auto.create.topics.enable on the broker',
  },
  10: {
    code: 'kafka.record_too_large',
    javaClass: 'RecordTooLargeException',
    say: (s) => `a record is larger than max.message.bytes of ${nameOf(s)} allows. Raise that, or send smaller records`,
  },
  17: {
    code: 'kafka.invalid_topic',
    javaClass: 'InvalidTopicException',
    say: (s) => `${nameOf(s)} is not a legal topic name (${legalTopicNames})`,
  },
  29: {
    code: 'kafka.not_authorized',
    javaClass: 'TopicAuthorizationException',
    say: (s) =>
      `the Kafka user may not ${s.doing} ${nameOf(s)}. Grant it ${s.doing.startsWith('read') ? 'READ and DESCRIBE' : 'WRITE, DESCRIBE and, for auto-creation, CREATE'} on the topic`,
  },
  30: {
    code: 'kafka.not_authorized',
    javaClass: 'GroupAuthorizationException',
    say: (s) => `the Kafka user may not ${s.doing} ${nameOf(s)}. Grant it READ on the group`,
  },
  31: {
    code: 'kafka.not_authorized',
    javaClass: 'ClusterAuthorizationException',
    say: (s) => `the Kafka user may not ${s.doing} ${nameOf(s)}. Grant it IDEMPOTENT_WRITE (and CREATE) on the cluster`,
  },
  32: {
    code: 'kafka.invalid_timestamp',
    javaClass: 'InvalidTimestampException',
    say: (s) => `a record's timestamp is outside what ${nameOf(s)} accepts (message.timestamp.before/after.max.ms)`,
  },
  38: {
    code: 'kafka.invalid_replication_factor',
    javaClass: 'InvalidReplicationFactorException',
    say: (s) =>
      `the cluster has too few brokers for the replication factor that ${nameOf(s)} is to have, or that is none`,
  },
  44: {
    code: 'kafka.policy_violation',
    javaClass: 'PolicyViolationException',
    say: (s) => `the broker's policy refuses to ${s.doing} ${nameOf(s)}`,
  },
  50: {
    code: 'kafka.transaction_timeout',
    javaClass: 'InvalidTxnTimeoutException',
    say: (s) =>
      `the broker lets no transaction of ${nameOf(s)} be open for so long. Raise its transaction.max.timeout.ms, or set ` +
      'producer.override.transaction.timeout.ms on the connector',
  },
  53: {
    code: 'kafka.not_authorized',
    javaClass: 'TransactionalIdAuthorizationException',
    say: (s) => `the Kafka user may not use ${nameOf(s)}. Grant it WRITE and DESCRIBE on the transactional id`,
  },
  68: {
    code: 'kafka.group_not_empty',
    javaClass: 'GroupNotEmptyException',
    say: (s) => `${nameOf(s)} has active members. Stop its consumers first`,
  },
  69: {
    code: 'kafka.group_not_found',
    javaClass: 'GroupIdNotFoundException',
    say: (s) => `${nameOf(s)} does not exist`,
  },
  87: {
    code: 'kafka.invalid_record',
    javaClass: 'InvalidRecordException',
    say: (s) =>
      `the broker refuses a record for ${nameOf(s)}; a compacted topic (cleanup.policy=compact) takes no record without a key`,
  },
};

/** A broker's error code as one of Drover's errors: retriable, fenced, or final with what to do about it. */
export function kafkaError(code: number, subject: ErrorSubject): ConnectError {
  const name = kafkaErrorName(code);
  const detail = subject.detail ? ` (${subject.detail})` : '';
  const facts: Record<string, unknown> = { kafkaCode: code, kafkaError: name };
  if (subject.topic !== undefined) facts.topic = subject.topic;
  if (subject.partition !== undefined) facts.partition = subject.partition;
  if (fenced.has(code)) {
    return new FencedError(`A newer producer has taken over ${nameOf(subject)}: ${name}${detail}`, facts);
  }
  const wording = wordings[code];
  const text = wording ? wording.say(subject) : `the broker answered ${name}`;
  const message = `Could not ${subject.doing} ${nameOf(subject)}: ${text}${wording ? ` [${name}]` : ''}${detail}`;
  if (retriable.has(code)) return new RetriableError(message, { code: wording?.code ?? 'kafka.retriable', facts });
  return new ConnectError(wording?.code ?? `kafka.${name.toLowerCase()}`, message, {
    facts,
    ...(wording ? { javaClass: wording.javaClass } : { javaClass: 'KafkaException' }),
  });
}

/** What to do where the broker did not make a topic with the replication factor of `setting`; empty where it was not that. */
export function replicationFix(error: unknown, setting: string): string {
  if (!(error instanceof ConnectError) || error.code !== wordings[38]!.code) return '';
  return `. Set ${setting}=1, or to as many brokers as there are at most, or to -1 for the broker's default; or make the topic by hand`;
}

/** The same as `kafkaError`, but final where waiting has already been tried: the topic that nobody created. */
export function missingTopic(topic: string, waitedMs: number): ConnectError {
  const wording = wordings[kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION]!;
  return new ConnectError(wording.code, `After ${waitedMs} ms: ${wording.say({ doing: 'write to', topic })}`, {
    javaClass: wording.javaClass,
    facts: { topic },
  });
}
