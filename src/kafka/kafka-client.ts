import type { Clock } from '../clock.ts';
import type { Settings } from '../config/config-def.ts';
import { ownConnection } from '../config/override-identity.ts';
import { anyFile, type FileAccess } from '../files.ts';
import { ClusterAdmin } from './admin.ts';
import { type AdminSettings, adminSettings, fetcherSettings, producerSettings } from './client-settings.ts';
import { Cluster, type ClusterSettings, patient } from './cluster.ts';
import { defaultMaxUnpackedBytes, loadCodecs } from './codecs.ts';
import { KafkaFetcher } from './fetcher.ts';
import { IdempotentProducer } from './producer.ts';
import { identityOf, type KafkaSecurity, overriddenSecurity, plaintext } from './security.ts';
import { KafkaTransactionalProducer } from './transactional-producer.ts';
import type { KafkaClient } from './types.ts';

export interface KafkaClientConfig {
  /** `host:port,host:port`. */
  readonly bootstrapServers: string;
  readonly security?: KafkaSecurity;
  /** Shown in the broker's logs and quotas. Default: drover. */
  readonly clientId?: string;
  /** Default: 30 000. */
  readonly requestTimeoutMs?: number;
  /** Default: 10 000. */
  readonly connectTimeoutMs?: number;
  /** How long a question of the admin is asked again before its error is raised. Default: 30 000. */
  readonly apiTimeoutMs?: number;
  /** A fetched record batch that unpacks to more is refused. Default: 128 MB. */
  readonly maxUnpackedBytes?: number;
  /** The files that overrides may name (`ssl.truststore.location` and its like). Default: any. */
  readonly files?: FileAccess;
  readonly clock?: Clock;
}

/** Opens nothing yet: connections are made when first needed, and kept until `close`. */
export function createKafkaClient(config: KafkaClientConfig): KafkaClient {
  const clientId = config.clientId ?? 'drover';
  const maxUnpackedBytes = config.maxUnpackedBytes ?? defaultMaxUnpackedBytes;
  const base: AdminSettings = {
    clientId,
    requestTimeoutMs: config.requestTimeoutMs ?? 30_000,
    connectTimeoutMs: config.connectTimeoutMs ?? 10_000,
    metadataMaxAgeMs: 300_000,
    connectionsMaxIdleMs: 240_000,
    retry: { ...patient, ...(config.apiTimeoutMs === undefined ? {} : { timeoutMs: config.apiTimeoutMs }) },
  };
  const { retry, ...network } = base;
  const settings: ClusterSettings = {
    bootstrapServers: config.bootstrapServers,
    security: config.security ?? plaintext,
    ...network,
    ...(config.clock ? { clock: config.clock } : {}),
  };
  const cluster = new Cluster(settings);
  /** Connectors that bring brokers, credentials or an admin's settings of their own, by those. */
  const others = new Map<string, Cluster>();
  const installation = identityOf(settings.bootstrapServers, settings.security);
  const clusterFor = (
    client: 'producer' | 'consumer' | 'admin',
    overrides: Settings,
    more: Partial<ClusterSettings> = {},
  ): Cluster => {
    const own = ownConnection(installation, overrides);
    const isOwn = Object.keys(own).length > 0;
    if (!isOwn && Object.keys(more).length === 0) return cluster;
    const key = JSON.stringify([Object.entries(own).sort(), more]);
    let other = others.get(key);
    if (!other) {
      const access = { prefix: `${client}.override.`, files: config.files ?? anyFile };
      other = new Cluster({
        ...settings,
        bootstrapServers: own['bootstrap.servers'] ?? settings.bootstrapServers,
        security: isOwn ? overriddenSecurity(installation, settings.security, own, access) : settings.security,
        ...more,
      });
      others.set(key, other);
    }
    return other;
  };
  const admin = new ClusterAdmin(cluster, retry);
  return {
    admin,
    async prepare() {
      await Promise.all([loadCodecs(), cluster.clusterId()]);
    },
    adminWith(overrides) {
      if (Object.keys(overrides).length === 0) return admin;
      const { retry: ownRetry, ...ownNetwork } = adminSettings(base, overrides);
      const differs = Object.entries(ownNetwork).filter(
        ([key, value]) => network[key as keyof typeof network] !== value,
      );
      return new ClusterAdmin(clusterFor('admin', overrides, Object.fromEntries(differs)), ownRetry);
    },
    async producer(overrides = {}) {
      return new IdempotentProducer(clusterFor('producer', overrides), producerSettings(clientId, overrides));
    },
    async transactionalProducer(transactionalId, overrides = {}) {
      const parsed = producerSettings(clientId, overrides, true);
      return new KafkaTransactionalProducer(
        clusterFor('producer', overrides),
        await loadCodecs(),
        parsed,
        transactionalId,
      );
    },
    async fetcher(overrides = {}) {
      return new KafkaFetcher(
        clusterFor('consumer', overrides),
        await loadCodecs(),
        fetcherSettings(clientId, overrides, maxUnpackedBytes),
      );
    },
    async close() {
      await Promise.all([cluster, ...others.values()].map((one) => one.close()));
    },
  };
}
