import type { Admin, SASLOptions } from 'kafkajs';
import { ConnectError, RetriableError } from '../errors.ts';
import { kafkaError } from './errors.ts';
import { bearerToken, type KafkaSecurity } from './security.ts';
import type { ControlPlane, NewTopic } from './types.ts';

export interface ControlPlaneConfig {
  /** `host:port,host:port`. */
  readonly bootstrapServers: string;
  readonly security?: KafkaSecurity;
  /** Default: drover. */
  readonly clientId?: string;
  /** For a connection and for a request. Default: 10 000. */
  readonly timeoutMs?: number;
}

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

/** Over kafkajs, which is loaded and connected when first used, and connected again after `close`. */
export class KafkaJsControlPlane implements ControlPlane {
  readonly #config: ControlPlaneConfig;
  readonly #timeoutMs: number;
  #admin: Promise<Admin> | null = null;

  constructor(config: ControlPlaneConfig) {
    this.#config = config;
    this.#timeoutMs = config.timeoutMs ?? 10_000;
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
    const { bootstrapServers, security = { protocol: 'PLAINTEXT' }, clientId = 'drover' } = this.#config;
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
      connectionTimeout: this.#timeoutMs,
      requestTimeout: this.#timeoutMs,
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
            timeout: this.#timeoutMs,
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

  /** One request for each topic here too: kafkajs raises the first refusal and drops the answers beside it. */
  async describeTopicConfigs(topics: readonly string[]): Promise<Map<string, Map<string, string | null>>> {
    const described = new Map<string, Map<string, string | null>>();
    await Promise.all(
      topics.map(async (topic) => {
        const configs = await this.#use({ doing: 'read the configuration of', topic }, (admin) =>
          configsOf(admin, topic),
        );
        if (configs !== null) described.set(topic, configs);
      }),
    );
    return described;
  }

  async close(): Promise<void> {
    const admin = await this.#admin?.catch(() => null);
    this.#admin = null;
    await admin?.disconnect().catch(() => {});
  }
}

/** Null: there is no such topic. */
async function configsOf(admin: Admin, topic: string): Promise<Map<string, string | null> | null> {
  const { ConfigResourceTypes } = await loadKafkajs();
  try {
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: ConfigResourceTypes.TOPIC, name: topic }],
    });
    const entries = resources.flatMap(({ configEntries }) => configEntries);
    return new Map(entries.map(({ configName, configValue }) => [configName, configValue]));
  } catch (error) {
    if (translated(error, { doing: 'ask for', topic }).code === 'kafka.unknown_topic') return null;
    throw error;
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
