import { type Clock, systemClock } from '../clock.ts';
import { type BootstrapServer, parseBootstrapServers } from '../config/bootstrap-servers.ts';
import { ConfigError, ConnectError, isRetriable, RetriableError } from '../errors.ts';
import type { RetryPolicy } from './client-settings.ts';
import { BrokerConnection, type ConnectionSettings } from './connection.ts';
import { isStaleCoordinator, kafkaError, kafkaErrors } from './errors.ts';
import { ProducerIds } from './producer-ids.ts';
import { findCoordinatorCall } from './protocol/coordinator.ts';
import { type BrokerAddress, type MetadataResponse, metadataCall } from './protocol/metadata.ts';
import type { ApiCall } from './protocol/request.ts';
import { bearerToken, type KafkaSecurity } from './security.ts';

export interface ClusterSettings {
  /** `host:port,host:port`. */
  readonly bootstrapServers: string;
  readonly security: KafkaSecurity;
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly metadataMaxAgeMs: number;
  /** A connection unused for longer is replaced: its far end may be gone without a word, after a frozen environment. */
  readonly connectionsMaxIdleMs: number;
  readonly clock?: Clock;
}

/** How a question is asked again where nobody says otherwise. */
export const patient: RetryPolicy = { timeoutMs: 30_000, retries: 0x7fffffff, backoffMs: 10, backoffMaxMs: 1000 };

/** Connections of one kind of use: requests of different lanes never wait behind each other. */
export interface Lane {
  readonly name: string;
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly maxInFlight: number;
}

/** Where the partitions of a topic are led. `leaders[p]` -1: nobody leads p now. */
export interface TopicLeaders {
  readonly topic: string;
  readonly topicId: string | null;
  readonly partitions: number;
  readonly leaders: Int32Array;
  readonly epochs: Int32Array;
  readonly loadedAt: number;
}

function parseServers(list: string): readonly BootstrapServer[] {
  const servers = parseBootstrapServers(list);
  if (typeof servers !== 'string') return servers;
  throw new ConfigError(`bootstrap.servers: "${servers}" is not host:port`, { key: 'bootstrap.servers' });
}

/** Brokers, leaders and coordinators as last heard, and the connections to them. Outlives a run. */
export class Cluster {
  readonly settings: ClusterSettings;
  readonly clock: Clock;
  readonly controlLane: Lane;
  readonly producerIds = new ProducerIds();
  readonly #bootstrap: readonly BootstrapServer[];
  readonly #tls: ConnectionSettings['tls'];
  readonly #sasl: ConnectionSettings['sasl'];
  readonly #connections = new Map<string, BrokerConnection>();
  readonly #opening = new Map<string, Promise<BrokerConnection>>();
  readonly #brokers = new Map<number, BrokerAddress>();
  readonly #topics = new Map<string, TopicLeaders>();
  readonly #coordinators = new Map<string, number>();
  readonly #slots = new Set<number>();
  #clusterId: string | null = null;
  #closed = false;

  constructor(settings: ClusterSettings) {
    this.settings = settings;
    this.clock = settings.clock ?? systemClock;
    this.#bootstrap = parseServers(settings.bootstrapServers);
    if (this.#bootstrap.length === 0) {
      throw new ConfigError('bootstrap.servers names no broker', { key: 'bootstrap.servers' });
    }
    this.controlLane = {
      name: 'control',
      clientId: settings.clientId,
      requestTimeoutMs: settings.requestTimeoutMs,
      maxInFlight: 5,
    };
    this.#tls = tlsOptions(settings.security);
    this.#sasl = saslOptions(settings.security);
  }

  /** The live connection of that lane to a broker; opened if there is none. */
  async connection(nodeId: number, lane: Lane): Promise<BrokerConnection> {
    const broker = this.#brokers.get(nodeId);
    if (!broker)
      throw new RetriableError(`Broker ${nodeId} is not in the cluster's metadata`, { code: 'kafka.unreachable' });
    return this.#connect(broker.host, broker.port, lane);
  }

  /** A number that no other lane of the kind holds: a long poll must not wait behind another's. */
  takeSlot(): number {
    let slot = 0;
    while (this.#slots.has(slot)) slot++;
    this.#slots.add(slot);
    return slot;
  }

  freeSlot(slot: number): void {
    this.#slots.delete(slot);
  }

  /** Closes the lane's connections that still wait for an answer nobody wants any more. */
  dropBusy(lane: Lane): void {
    for (const [key, connection] of this.#connections) {
      if (connection.pending === 0 || !key.includes(`|${lane.name}|`)) continue;
      this.#connections.delete(key);
      connection.close().catch(() => {});
    }
  }

  /** The same, if it is open now. */
  liveConnection(nodeId: number, lane: Lane): BrokerConnection | null {
    const broker = this.#brokers.get(nodeId);
    const known = broker && this.#connections.get(connectionKey(broker.host, broker.port, lane));
    return known && this.#usable(known) ? known : null;
  }

  #usable(connection: BrokerConnection): boolean {
    return connection.alive && connection.idleMs(Date.now()) < this.settings.connectionsMaxIdleMs;
  }

  async #connect(host: string, port: number, lane: Lane): Promise<BrokerConnection> {
    if (this.#closed) throw new ConnectError('kafka.closed', 'The Kafka client is closed');
    const key = connectionKey(host, port, lane);
    const known = this.#connections.get(key);
    if (known) {
      if (this.#usable(known)) return known;
      this.#connections.delete(key);
      known.retire();
    }
    const opening = this.#opening.get(key);
    if (opening) return opening;
    const attempt = BrokerConnection.open(host, port, {
      clientId: lane.clientId,
      connectTimeoutMs: this.settings.connectTimeoutMs,
      requestTimeoutMs: lane.requestTimeoutMs,
      maxInFlight: lane.maxInFlight,
      tls: this.#tls,
      sasl: this.#sasl,
    });
    this.#opening.set(key, attempt);
    try {
      const connection = await attempt;
      if (this.#closed) {
        await connection.close();
        throw new ConnectError('kafka.closed', 'The Kafka client is closed');
      }
      this.#connections.set(key, connection);
      return connection;
    } finally {
      this.#opening.delete(key);
    }
  }

  /** Any broker that answers, known ones first. */
  async anyConnection(lane: Lane): Promise<BrokerConnection> {
    for (const connection of this.#connections.values()) {
      if (this.#usable(connection)) {
        const [host, port] = splitAddress(connection.address);
        return this.#connect(host, port, lane);
      }
    }
    let last: unknown;
    const candidates = [...this.#bootstrap, ...this.#brokers.values()];
    const first = Math.floor(Math.random() * this.#bootstrap.length);
    for (let index = 0; index < candidates.length; index++) {
      const rotated = index < this.#bootstrap.length ? (index + first) % this.#bootstrap.length : index;
      const candidate = candidates[rotated]!;
      try {
        return await this.#connect(candidate.host, candidate.port, lane);
      } catch (error) {
        if (!isRetriable(error)) throw error;
        last = error;
      }
    }
    throw last;
  }

  async metadata(topics: readonly string[] | null, allowAutoTopicCreation: boolean): Promise<MetadataResponse> {
    const connection = await this.anyConnection(this.controlLane);
    const response = await connection.call(metadataCall, { topics, allowAutoTopicCreation });
    if (response.brokers.length > 0) {
      this.#brokers.clear();
      for (const broker of response.brokers) this.#brokers.set(broker.nodeId, broker);
    }
    this.#clusterId = response.clusterId;
    const now = this.clock.now();
    for (const topic of response.topics) {
      if (topic.errorCode !== kafkaErrors.NONE) {
        this.#topics.delete(topic.topic);
        continue;
      }
      const leaders = new Int32Array(topic.partitions.length).fill(-1);
      const epochs = new Int32Array(topic.partitions.length).fill(-1);
      for (const partition of topic.partitions) {
        leaders[partition.partition] = partition.leader;
        epochs[partition.partition] = partition.leaderEpoch;
      }
      this.#topics.set(topic.topic, {
        topic: topic.topic,
        topicId: topic.topicId,
        partitions: topic.partitions.length,
        leaders,
        epochs,
        loadedAt: now,
      });
    }
    return response;
  }

  /** What is cached and not too old. */
  knownLeaders(topic: string): TopicLeaders | undefined {
    const known = this.#topics.get(topic);
    return known && this.clock.now() - known.loadedAt < this.settings.metadataMaxAgeMs ? known : undefined;
  }

  forgetLeaders(topic: string): void {
    this.#topics.delete(topic);
  }

  async clusterId(): Promise<string> {
    if (this.#clusterId === null) await this.metadata([], false);
    if (this.#clusterId === null) throw new ConnectError('kafka.no_cluster_id', 'The broker tells no cluster id');
    return this.#clusterId;
  }

  async coordinator(key: string, kind: 'group' | 'transaction'): Promise<number> {
    const cacheKey = `${kind}|${key}`;
    const known = this.#coordinators.get(cacheKey);
    if (known !== undefined) return known;
    const connection = await this.anyConnection(this.controlLane);
    const answer = await connection.call(findCoordinatorCall, { key, kind });
    if (answer.errorCode !== kafkaErrors.NONE) {
      throw kafkaError(answer.errorCode, {
        doing: 'find the coordinator of',
        ...(kind === 'group' ? { group: key } : { transactionalId: key }),
        detail: answer.errorMessage,
      });
    }
    this.#brokers.set(answer.nodeId, { nodeId: answer.nodeId, host: answer.host, port: answer.port });
    this.#coordinators.set(cacheKey, answer.nodeId);
    return answer.nodeId;
  }

  forgetCoordinator(key: string, kind: 'group' | 'transaction'): void {
    this.#coordinators.delete(`${kind}|${key}`);
  }

  /**
   * Calls the coordinator until it takes the request: looks it up again where it moved, and waits a little where it is
   * loading. `codeOf` picks the answer's error code; the caller judges any other than the coordinator's own.
   */
  async callCoordinator<Request, Response>(
    target: { key: string; kind: 'group' | 'transaction'; lane?: Lane },
    api: ApiCall<Request, Response>,
    request: Request,
    codeOf: (response: Response) => number,
    timeoutMs: number,
  ): Promise<Response> {
    return this.retrying(timeoutMs, async () => {
      try {
        const nodeId = await this.coordinator(target.key, target.kind);
        const connection = await this.connection(nodeId, target.lane ?? this.controlLane);
        const response = await connection.call(api, request);
        const code = codeOf(response);
        if (isStaleCoordinator(code)) {
          throw kafkaError(code, {
            doing: 'reach the coordinator of',
            ...(target.kind === 'group' ? { group: target.key } : { transactionalId: target.key }),
          });
        }
        return response;
      } catch (error) {
        if (isRetriable(error)) this.forgetCoordinator(target.key, target.kind);
        throw error;
      }
    });
  }

  /** Runs `attempt` again after retriable errors, with back-off, until the time or the tries are over. */
  async retrying<T>(policy: number | RetryPolicy, attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const { timeoutMs, retries, backoffMs, backoffMaxMs } =
      typeof policy === 'number' ? { ...patient, timeoutMs: policy } : policy;
    const deadline = this.clock.now() + timeoutMs;
    for (let retry = 0, delay = backoffMs; ; retry++, delay = Math.min(delay * 2, backoffMaxMs)) {
      try {
        return await attempt();
      } catch (error) {
        if (!isRetriable(error) || retry >= retries || this.clock.now() + delay >= deadline) throw error;
        await this.clock.sleep(delay, signal);
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connections = [...this.#connections.values()];
    this.#connections.clear();
    await Promise.allSettled([...connections.map((one) => one.close()), ...this.#opening.values()]);
  }
}

function connectionKey(host: string, port: number, lane: Lane): string {
  return `${host}:${port}|${lane.name}|${lane.clientId}|${lane.requestTimeoutMs}|${lane.maxInFlight}`;
}

function splitAddress(address: string): [string, number] {
  const at = address.lastIndexOf(':');
  return [address.slice(0, at), Number(address.slice(at + 1))];
}

function tlsOptions(security: KafkaSecurity): ConnectionSettings['tls'] {
  if (security.protocol !== 'SSL' && security.protocol !== 'SASL_SSL') return undefined;
  const tls = security.tls ?? {};
  return {
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.passphrase === undefined ? {} : { passphrase: tls.passphrase }),
    ...(tls.checkServerName === false ? { checkServerIdentity: () => undefined } : {}),
  };
}

function saslOptions(security: KafkaSecurity): ConnectionSettings['sasl'] {
  if (security.protocol !== 'SASL_PLAINTEXT' && security.protocol !== 'SASL_SSL') return undefined;
  const sasl = security.sasl;
  if (!sasl)
    throw new ConfigError(`security.protocol=${security.protocol} needs sasl.mechanism`, { key: 'sasl.mechanism' });
  const token = bearerToken(sasl);
  if (token) return { mechanism: 'OAUTHBEARER', token };
  if (sasl.mechanism === 'OAUTHBEARER' || sasl.mechanism === 'AWS_MSK_IAM') return undefined;
  return { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password };
}
