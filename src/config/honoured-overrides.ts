/** The settings of Kafka's clients that a connector may override and that Drover acts on. `validate` names the others. */

/**
 * Keys of producer.override.* that Drover acts on. `linger.ms`, `buffer.memory` and the like have nothing to act on
 * here (a poll's batch is sent whole). Beside these, bootstrap.servers, security.protocol, sasl.* and ssl.* are honoured
 * of all clients alike.
 */
const honouredProducerOverrides: ReadonlySet<string> = new Set([
  'acks',
  'batch.size',
  'client.id',
  'compression.gzip.level',
  'compression.type',
  'compression.zstd.level',
  'delivery.timeout.ms',
  'enable.idempotence',
  'max.block.ms',
  'max.in.flight.requests.per.connection',
  'max.request.size',
  'metadata.max.age.ms',
  'partitioner.ignore.keys',
  'request.timeout.ms',
  'retries',
  'retry.backoff.max.ms',
  'retry.backoff.ms',
  'transaction.timeout.ms',
]);

/** Keys of consumer.override.* that Drover acts on; `auto.offset.reset` and `isolation.level` by the worker. */
const honouredConsumerOverrides: ReadonlySet<string> = new Set([
  'auto.offset.reset',
  'check.crcs',
  'client.id',
  'fetch.max.bytes',
  'fetch.max.wait.ms',
  'fetch.min.bytes',
  'isolation.level',
  'max.partition.fetch.bytes',
  'max.poll.records',
  'request.timeout.ms',
]);

/** Keys of admin.override.* that the admin acts on that makes a source's topics, and the topic of dead letters. */
const honouredAdminOverrides: ReadonlySet<string> = new Set([
  'client.id',
  'connections.max.idle.ms',
  'default.api.timeout.ms',
  'metadata.max.age.ms',
  'request.timeout.ms',
  'retries',
  'retry.backoff.max.ms',
  'retry.backoff.ms',
  'socket.connection.setup.timeout.ms',
]);

const honoured = {
  producer: honouredProducerOverrides,
  consumer: honouredConsumerOverrides,
  admin: honouredAdminOverrides,
};

/** Settings that decide whom a client talks to, and as whom. */
export function isConnectionSetting(key: string): boolean {
  return (
    key === 'bootstrap.servers' || key === 'security.protocol' || key.startsWith('sasl.') || key.startsWith('ssl.')
  );
}

export function isHonouredOverride(client: 'producer' | 'consumer' | 'admin', name: string): boolean {
  return honoured[client].has(name) || isConnectionSetting(name);
}
