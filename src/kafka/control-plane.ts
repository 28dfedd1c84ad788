import type { Admin, SASLOptions } from 'kafkajs';
import { ConnectError, RetriableError } from '../errors.ts';
import type { ClusterSettings } from './cluster.ts';
import { kafkaError, kafkaErrors } from './errors.ts';
import { bearerToken } from './security.ts';
import type { NewTopic } from './types.ts';

/**
 * kafkajs 2.2 sets a timer to minus the current time whenever it has nothing to wait for, and Node warns about it on
 * stderr. Nobody can act on that one warning; every other goes through.
 */
function muteNegativeTimer(): void {
  const emit = process.emitWarning.bind(process) as (...args: unknown[]) => void;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (typeof warning === 'string' && /^-\d{13} is a negative number/.test(warning)) return;
    emit(warning, ...rest);
  };
}

let kafkajs: Promise<typeof import('kafkajs')> | undefined;

function loadKafkajs(): Promise<typeof import('kafkajs')> {
  kafkajs ??= import('kafkajs').then((module) => {
    muteNegativeTimer();
    return module.default ?? module;
  });
  return kafkajs;
}

interface ProtocolError {
  readonly name?: string;
  readonly code?: number;
  readonly message: string;
  readonly type?: string;
  readonly errors?: readonly (ProtocolError & { readonly topic?: string })[];
}

/** What needs the cluster's controller, over kafkajs; it is loaded and connected only when first used. */
export class ControlPlane {
  readonly #settings: ClusterSettings;
  #admin: Promise<Admin> | null = null;

  constructor(settings: ClusterSettings) {
    this.#settings = settings;
  }

  #connected(): Promise<Admin> {
    this.#admin ??= this.#open().catch((error: unknown) => {
      this.#admin = null;
      throw error;
    });
    return this.#admin;
  }

  async #open(): Promise<Admin> {
    const { Kafka, logLevel } = await loadKafkajs();
    const { bootstrapServers, security, clientId, requestTimeoutMs, connectTimeoutMs } = this.#settings;
    const sasl = security.protocol.startsWith('SASL') ? security.sasl : undefined;
    const token = sasl && bearerToken(sasl);
    let saslOptions: SASLOptions | undefined;
    if (token) {
      saslOptions = { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await token() }) };
    } else if (sasl && sasl.mechanism !== 'OAUTHBEARER' && sasl.mechanism !== 'AWS_MSK_IAM') {
      const { username, password } = sasl;
      if (sasl.mechanism === 'PLAIN') saslOptions = { mechanism: 'plain', username, password };
      else if (sasl.mechanism === 'SCRAM-SHA-256') saslOptions = { mechanism: 'scram-sha-256', username, password };
      else saslOptions = { mechanism: 'scram-sha-512', username, password };
    }
    const tls = security.tls ?? {};
    const kafka = new Kafka({
      clientId,
      brokers: bootstrapServers.split(',').map((one) => one.trim().replace(/^[A-Za-z_0-9]+:\/\//, '')),
      connectionTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      logLevel: logLevel.NOTHING,
      retry: { initialRetryTime: 50, retries: 5, maxRetryTime: 1000 },
      ...(security.protocol.endsWith('SSL')
        ? {
            ssl: {
              ...(tls.ca === undefined ? {} : { ca: tls.ca }),
              ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
              ...(tls.key === undefined ? {} : { key: tls.key }),
              ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
              ...(tls.checkServerName === false ? { checkServerIdentity: () => undefined } : {}),
            },
          }
        : {}),
      ...(saslOptions ? { sasl: saslOptions } : {}),
    });
    const admin = kafka.admin();
    try {
      await admin.connect();
    } catch (error) {
      throw translated(error, { doing: 'reach' });
    }
    return admin;
  }

  async #use<T>(subject: { doing: string; topic?: string }, work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = await this.#connected();
    try {
      return await work(admin);
    } catch (error) {
      const ours = translated(error, subject);
      if (ours.retriable) {
        this.#admin = null;
        admin.disconnect().catch(() => {});
      }
      throw ours;
    }
  }

  /** One request for each topic, so that one topic's refusal is not another's. */
  async createTopics(topics: readonly NewTopic[]): Promise<Map<string, boolean>> {
    const created = new Map<string, boolean>();
    await Promise.all(
      topics.map(async ({ topic, partitions, replicationFactor, configs }) => {
        const done = await this.#use({ doing: 'create', topic }, (admin) =>
          admin.createTopics({
            waitForLeaders: false,
            timeout: this.#settings.requestTimeoutMs,
            topics: [
              {
                topic,
                numPartitions: partitions,
                replicationFactor,
                configEntries: Object.entries(configs).map(([name, value]) => ({ name, value })),
              },
            ],
          }),
        );
        created.set(topic, done);
      }),
    );
    return created;
  }

  async describeTopicConfigs(topics: readonly string[]): Promise<Map<string, Map<string, string | null>>> {
    const described = new Map<string, Map<string, string | null>>();
    if (topics.length === 0) return described;
    const answer = await this.#use({ doing: 'read the configuration of' }, async (admin) => {
      const { ConfigResourceTypes } = await loadKafkajs();
      return admin.describeConfigs({
        includeSynonyms: false,
        resources: topics.map((name) => ({ type: ConfigResourceTypes.TOPIC, name })),
      });
    });
    for (const resource of answer.resources) {
      if (resource.errorCode === kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION) continue;
      if (resource.errorCode !== kafkaErrors.NONE) {
        throw kafkaError(resource.errorCode, { doing: 'read the configuration of', topic: resource.resourceName });
      }
      described.set(
        resource.resourceName,
        new Map(resource.configEntries.map(({ configName, configValue }) => [configName, configValue])),
      );
    }
    return described;
  }

  async createPartitions(topic: string, count: number): Promise<void> {
    await this.#use({ doing: 'add partitions to', topic }, (admin) =>
      admin.createPartitions({ topicPartitions: [{ topic, count }] }),
    );
  }

  async close(): Promise<void> {
    const admin = await this.#admin?.catch(() => null);
    this.#admin = null;
    await admin?.disconnect().catch(() => {});
  }
}

function translated(error: unknown, subject: { doing: string; topic?: string }): ConnectError {
  if (error instanceof ConnectError) return error;
  let current: unknown = error;
  for (let depth = 0; depth < 6 && current instanceof Error; depth++) {
    const candidate = current as Error & ProtocolError;
    const inner = candidate.errors?.[0] ?? (typeof candidate.code === 'number' ? candidate : undefined);
    if (inner && typeof inner.code === 'number') {
      return kafkaError(inner.code, { ...subject, detail: inner.message });
    }
    if (candidate.name === 'KafkaJSSASLAuthenticationError') {
      return new ConnectError('kafka.authentication_failed', `The broker refused the log-in: ${candidate.message}`, {
        cause: error,
        javaClass: 'SaslAuthenticationException',
      });
    }
    current = current.cause;
  }
  return new RetriableError(
    `Could not ${subject.doing} ${subject.topic ? `topic "${subject.topic}"` : 'the cluster'}: ${error instanceof Error ? error.message : String(error)}`,
    {
      cause: error,
      code: 'kafka.unreachable',
    },
  );
}
