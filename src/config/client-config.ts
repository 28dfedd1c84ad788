import { ConfigError } from '../errors.ts';
import { type ConfigDef, type ConfigKeySpec, type ConfigSpec, defineConfig, type Settings } from './config-def.ts';
import { otherClientSettings } from './other-client-settings.ts';
import { isSet, parseKey } from './parse-config.ts';
import { parseResetPolicy } from './reset-policy.ts';
import { atLeast, lambda, nonEmptyString, range, validString } from './validators.ts';

/**
 * The settings of Kafka's clients that a connector may override (`producer.override.acks` and so on), declared once: the
 * ones that Drover acts on here, with their types; the others, which it only checks as Java does, in
 * other-client-settings.ts. Names are without the prefix.
 */
export type Client = 'producer' | 'consumer' | 'admin';

const largestInt = 2147483647;
const doc = (client: Client) => `A setting of Kafka's own ${client}.`;

export const producerConfig = defineConfig({
  acks: {
    type: 'STRING',
    default: 'all',
    importance: 'LOW',
    validator: validString('all', '-1', '0', '1'),
    doc: doc('producer'),
  },
  'batch.size': whole('producer', 'MEDIUM', 16_384),
  'client.id': text('producer', 'MEDIUM', ''),
  'compression.type': {
    type: 'STRING',
    default: 'none',
    importance: 'HIGH',
    validator: validString('none', 'gzip', 'snappy', 'lz4', 'zstd'),
    doc: doc('producer'),
  },
  'compression.gzip.level': {
    type: 'INT',
    default: -1,
    importance: 'MEDIUM',
    validator: lambda('[1,...,9] or -1', (_name, value) =>
      value === -1 || (Number(value) >= 1 && Number(value) <= 9)
        ? undefined
        : 'Value must be between 1 and 9 or equal to -1',
    ),
    doc: doc('producer'),
  },
  'compression.zstd.level': {
    type: 'INT',
    default: 3,
    importance: 'MEDIUM',
    validator: range(-131_072, 22),
    doc: doc('producer'),
  },
  'delivery.timeout.ms': whole('producer', 'MEDIUM', 120_000),
  'enable.idempotence': flag('producer', 'LOW', true),
  'max.block.ms': { ...whole('producer', 'MEDIUM', 60_000), type: 'LONG' },
  'max.in.flight.requests.per.connection': { ...whole('producer', 'LOW', 5), validator: atLeast(1) },
  'max.request.size': whole('producer', 'MEDIUM', 1_048_576),
  'partitioner.ignore.keys': flag('producer', 'MEDIUM', false),
  'request.timeout.ms': whole('producer', 'MEDIUM', 30_000),
  retries: { ...whole('producer', 'HIGH', largestInt), validator: range(0, largestInt) },
  'retry.backoff.ms': { ...whole('producer', 'LOW', 100), type: 'LONG' },
  'retry.backoff.max.ms': { ...whole('producer', 'LOW', 1000), type: 'LONG' },
  'transaction.timeout.ms': { type: 'INT', default: 60_000, importance: 'LOW', doc: doc('producer') },
});

export const consumerConfig = defineConfig({
  'auto.offset.reset': {
    type: 'STRING',
    default: 'latest',
    importance: 'MEDIUM',
    validator: {
      description: '[latest, earliest, none, by_duration:PnDTnHnMn.nS]',
      check: (name, value) => void parseResetPolicy(name, String(value)),
    },
    doc: "A setting of Kafka's own consumer. A sink's is earliest unless it is overridden.",
  },
  'check.crcs': flag('consumer', 'LOW', true),
  'client.id': text('consumer', 'LOW', ''),
  'fetch.max.bytes': whole('consumer', 'MEDIUM', 52_428_800),
  'fetch.min.bytes': whole('consumer', 'HIGH', 1),
  'group.id': { type: 'STRING', default: null, importance: 'HIGH', validator: nonEmptyString, doc: doc('consumer') },
  'isolation.level': {
    type: 'STRING',
    default: 'read_uncommitted',
    importance: 'MEDIUM',
    validator: validString('read_committed', 'read_uncommitted'),
    doc: doc('consumer'),
  },
  'max.partition.fetch.bytes': whole('consumer', 'HIGH', 1_048_576),
  'max.poll.records': { ...whole('consumer', 'MEDIUM', 500), validator: atLeast(1) },
  'request.timeout.ms': whole('consumer', 'MEDIUM', 30_000),
});

/** Of the admin that makes a source's topics, and the topic of dead letters. */
export const adminConfig = defineConfig({
  'client.id': text('admin', 'MEDIUM', ''),
  'connections.max.idle.ms': { type: 'LONG', default: 300_000, importance: 'MEDIUM', doc: doc('admin') },
  'default.api.timeout.ms': whole('admin', 'MEDIUM', 60_000),
  'metadata.max.age.ms': { ...whole('admin', 'LOW', 300_000), type: 'LONG' },
  'request.timeout.ms': whole('admin', 'MEDIUM', 30_000),
  retries: { ...whole('admin', 'LOW', largestInt), validator: range(0, largestInt) },
  'retry.backoff.ms': { ...whole('admin', 'LOW', 100), type: 'LONG' },
  'retry.backoff.max.ms': { ...whole('admin', 'LOW', 1000), type: 'LONG' },
  'socket.connection.setup.timeout.ms': { type: 'LONG', default: 10_000, importance: 'MEDIUM', doc: doc('admin') },
});

function whole<I extends ConfigKeySpec['importance']>(client: Client, importance: I, byDefault: number) {
  return { type: 'INT', default: byDefault, importance, validator: atLeast(0), doc: doc(client) } as const;
}

function flag<I extends ConfigKeySpec['importance']>(client: Client, importance: I, byDefault: boolean) {
  return { type: 'BOOLEAN', default: byDefault, importance, doc: doc(client) } as const;
}

function text<I extends ConfigKeySpec['importance']>(client: Client, importance: I, byDefault: string) {
  return { type: 'STRING', default: byDefault, importance, doc: doc(client) } as const;
}

const actedOn = { producer: producerConfig, consumer: consumerConfig, admin: adminConfig };

/** Settings that decide whom a client talks to, and as whom: those of all clients are honoured alike. */
export function isConnectionSetting(key: string): boolean {
  return (
    key === 'bootstrap.servers' || key === 'security.protocol' || key.startsWith('sasl.') || key.startsWith('ssl.')
  );
}

const defs = new Map<Client, ConfigDef>();

/** All settings of a client, those without effect included: the documentation of each says so. */
export function clientConfig(client: Client): ConfigDef {
  let def = defs.get(client);
  if (def === undefined) {
    const others = otherClientSettings[client]().map(([name, spec]) => {
      const effect = isConnectionSetting(name) ? '' : ' It has no effect in Drover.';
      return [name, { ...spec, doc: `${doc(client)}${effect}` }] as const;
    });
    def = defineConfig({ ...actedOn[client].spec, ...Object.fromEntries(others) } as ConfigSpec);
    defs.set(client, def);
  }
  return def;
}

interface OverrideFault {
  /** Without the prefix. */
  readonly key: string;
  readonly message: string;
}

/** The overrides that Kafka's own client would not start with; what it asks of several together once each is well. */
export function overrideFaults(client: Client, overrides: Settings): OverrideFault[] {
  const { keys } = clientConfig(client);
  const read = (name: string) => parseKey(keys.get(name)!, overrides) as number;
  const faults = Object.keys(overrides).flatMap((key): OverrideFault[] => {
    try {
      if (keys.has(key)) read(key);
      return [];
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return [{ key, message: error.message }];
    }
  });
  if (faults.length > 0) return faults;
  return rules.flatMap(({ of, set, isWrong, message }) => {
    const key = of === client ? set.find((name) => isSet(overrides, name)) : undefined;
    return key !== undefined && isWrong(read) ? [{ key, message }] : [];
  });
}

/** Throws ConfigError for the first of them. */
export function requireOverrides(client: Client, overrides: Settings): void {
  const [fault] = overrideFaults(client, overrides);
  if (fault !== undefined) throw new ConfigError(fault.message, { key: fault.key });
}

/** What Kafka's clients ask of several settings together. */
const rules: readonly {
  readonly of: Client;
  readonly set: readonly string[];
  readonly isWrong: (read: (name: string) => number) => boolean;
  readonly message: string;
}[] = [
  {
    of: 'producer',
    set: ['delivery.timeout.ms'],
    isWrong: (read) => read('delivery.timeout.ms') < read('linger.ms') + read('request.timeout.ms'),
    message: 'delivery.timeout.ms should be equal to or larger than linger.ms + request.timeout.ms',
  },
  {
    of: 'consumer',
    set: ['heartbeat.interval.ms', 'session.timeout.ms'],
    isWrong: (read) => read('heartbeat.interval.ms') >= read('session.timeout.ms'),
    message: 'heartbeat.interval.ms must be set lower than session.timeout.ms',
  },
  {
    of: 'admin',
    set: ['default.api.timeout.ms'],
    isWrong: (read) => read('default.api.timeout.ms') < read('request.timeout.ms'),
    message: 'The specified value of default.api.timeout.ms must be no smaller than the value of request.timeout.ms.',
  },
];
