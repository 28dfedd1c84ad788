import { createHash } from 'node:crypto';
import { ConnectError } from '../../errors.ts';
import { everyTick } from '../due-index.ts';

/**
 * The table as data: cdk/ and the tests create it from here, and every key of it is made here.
 *
 *   pk            sk                        item
 *   C#<name>      STATE                     the connector: config, versions, target state, generation, lease, status
 *   C#<name>      TASK#<task>               one task: config, assignment, lease, status, counters, sink positions
 *   C#<name>      SO#…                      offset of one source partition
 *   C#<name>      SP#<partition>#<topic>    sink position at rest
 *   C#<name>      TOPIC#<topic>             active topic
 *   C#<name>      HIST#<time>#<id>#<part>   offsets changed by hand
 *   F#<feed key>  CLAIM                     which connector an event source feeds, and whether it may now
 *   D#<name>      DECLARED                  which resources of a stack have declared the connector
 *   CLUSTER       CLUSTER_ID, TICKER, MIRROR, LOGGER#<logger>
 *
 * STATE and TASK# are neighbours in key order, so that a connector with its tasks is one query. A connector's name
 * stands alone in the partition key, and no sort key holds one, so that no name can reach another's items.
 */
export interface Key {
  readonly pk: string;
  readonly sk: string;
}

export const tableDefinition = {
  partitionKey: { name: 'pk', type: 'S' },
  sortKey: { name: 'sk', type: 'S' },
  /** Epoch seconds. */
  timeToLive: 'ttl',
  stream: 'NEW_AND_OLD_IMAGES',
  indexes: {
    /** What must run, by time (L2). */
    due: {
      partitionKey: { name: 'duePk', type: 'S' },
      sortKey: { name: 'dueAt', type: 'N' },
      projection: { type: 'KEYS_ONLY' },
    },
    /** Idle sinks, with what the probe compares (L3). An item is in it only while nothing writes to it. */
    watched: {
      partitionKey: { name: 'watchedPk', type: 'S' },
      sortKey: { name: 'pk', type: 'S' },
      projection: { type: 'INCLUDE', attributes: ['positions', 'assignment'] },
    },
    /** Names of all connectors. */
    connectors: {
      partitionKey: { name: 'listPk', type: 'S' },
      sortKey: { name: 'pk', type: 'S' },
      projection: { type: 'KEYS_ONLY' },
    },
  },
} as const;

/**
 * Lambda filters on the table's stream. The coordinator wakes for items that are due and free; the mirror for whatever
 * it may have to write (it compares before and after itself). An insert without an old image is matched too.
 */
export const streamFilters = {
  coordinator: [
    // What every tick looks at anyhow must not wake it: an idle task's release would.
    {
      dynamodb: {
        NewImage: { dueAt: { N: [{ 'anything-but': [String(everyTick)] }] }, leaseOwner: { S: [{ exists: false }] } },
      },
    },
    { dynamodb: { Keys: { pk: { S: [{ prefix: 'F#' }] } } } },
  ],
  mirror: [
    { dynamodb: { Keys: { pk: { S: [{ prefix: 'C#' }] } } } },
    { dynamodb: { Keys: { sk: { S: [{ prefix: 'LOGGER#' }] } } } },
  ],
} as const;

const shards = 4;
const connectorPrefix = 'C#';
const feedPrefix = 'F#';
const declarationPrefix = 'D#';

/** Bytes of a sort key; the name is one in the list of connectors. */
const maxSortKeyBytes = 1024;

/** Unicode that UTF-8 can carry: lone surrogates, which would all become one replacement character, are escaped. */
function encode(text: string): string {
  const escaped = text.replaceAll('%', '%25');
  // Nearly always, and much faster to see than by the expression.
  if (escaped.isWellFormed()) return escaped;
  return escaped.replace(/\p{Surrogate}/gu, (unit) => `%u${unit.charCodeAt(0).toString(16)}`);
}

function decode(text: string): string {
  return text.replace(/%(?:25|u([0-9a-f]{4}))/g, (_, unit: string | undefined) =>
    unit === undefined ? '%' : String.fromCharCode(Number.parseInt(unit, 16)),
  );
}

/** What is told is of the name itself, not of what stands in front of it in the key. */
function bounded(prefix: string, name: string, what: string, field: string): string {
  const bytes = Buffer.byteLength(name);
  const maxBytes = maxSortKeyBytes - Buffer.byteLength(prefix);
  if (bytes <= maxBytes) return prefix + name;
  throw new ConnectError('storage.key_too_long', `The ${what} is too long: ${bytes} bytes, at most ${maxBytes} fit`, {
    javaClass: 'ConnectException',
    facts: { key: field, bytes, maxBytes },
  });
}

export const connectorPk = (name: string) => bounded(connectorPrefix, encode(name), 'connector name', 'name');
export const connectorOf = (pk: string) => decode(pk.slice(connectorPrefix.length));
export const isConnectorPk = (pk: string) => pk.startsWith(connectorPrefix);

export const feedKeyOf = (pk: string) => decode(pk.slice(feedPrefix.length));
export const isFeedPk = (pk: string) => pk.startsWith(feedPrefix);
export const claimKey = (feedKey: string): Key => ({
  pk: bounded(feedPrefix, encode(feedKey), 'name of the event source', 'feed'),
  sk: 'CLAIM',
});

export const declarationKey = (name: string): Key => ({
  pk: bounded(declarationPrefix, encode(name), 'connector name', 'name'),
  sk: 'DECLARED',
});

export const stateSk = 'STATE';
export const taskPrefix = 'TASK#';
export const sourceOffsetPrefix = 'SO#';
export const sinkPositionPrefix = 'SP#';
export const topicPrefix = 'TOPIC#';
export const historyPrefix = 'HIST#';
export const loggerPrefix = 'LOGGER#';
export const clusterPk = 'CLUSTER';

const padded = (number: number, digits: number) => String(number).padStart(digits, '0');

export const connectorKey = (name: string): Key => ({ pk: connectorPk(name), sk: stateSk });
export const taskKey = (name: string, task: number): Key => ({
  pk: connectorPk(name),
  sk: taskPrefix + padded(task, 6),
});
export const taskOf = (sk: string) => Number(sk.slice(taskPrefix.length));

/** The canonical text itself while it fits, else its hash: `s` and `h` keep the two apart. */
export function sourceOffsetKey(name: string, canonical: string): Key {
  const text = encode(canonical);
  const sk =
    Buffer.byteLength(text) <= 900
      ? `${sourceOffsetPrefix}s${text}`
      : `${sourceOffsetPrefix}h${createHash('sha256').update(text).digest('hex')}`;
  return { pk: connectorPk(name), sk };
}

/** The partition first: what follows it is all topic, whatever that holds. */
export const sinkPositionKey = (name: string, topic: string, kafkaPartition: number): Key => ({
  pk: connectorPk(name),
  sk: bounded(`${sinkPositionPrefix}${padded(kafkaPartition, 10)}#`, encode(topic), 'topic', 'kafka_topic'),
});

export function sinkPositionOf(sk: string): { topic: string; kafkaPartition: number } {
  const rest = sk.slice(sinkPositionPrefix.length);
  const hash = rest.indexOf('#');
  return { topic: decode(rest.slice(hash + 1)), kafkaPartition: Number(rest.slice(0, hash)) };
}

export const topicKey = (name: string, topic: string): Key => ({
  pk: connectorPk(name),
  sk: bounded(topicPrefix, encode(topic), 'topic', 'topic'),
});
export const topicOf = (sk: string) => decode(sk.slice(topicPrefix.length));

export const historySk = (changedAt: number, id: string, part: number) =>
  `${historyPrefix}${padded(changedAt, 15)}#${id}#${padded(part, 6)}`;

export const clusterIdKey: Key = { pk: clusterPk, sk: 'CLUSTER_ID' };
/** Of the whole index, or of one shard of it. */
export const tickerKey = (shard: number | null): Key => ({
  pk: clusterPk,
  sk: shard === null ? 'TICKER' : `TICKER#${shard}`,
});
export const mirrorKey: Key = { pk: clusterPk, sk: 'MIRROR' };
export const loggerKey = (logger: string): Key => ({
  pk: clusterPk,
  sk: bounded(loggerPrefix, encode(logger), 'logger name', 'logger'),
});
export const loggerOf = (sk: string) => decode(sk.slice(loggerPrefix.length));

/** Spreads items over the shards of an index by a hash of their key (FNV-1a). */
function shardOf(key: Key): number {
  let hash = 0x811c9dc5;
  for (const char of key.pk + key.sk) hash = Math.imul(hash ^ (char.codePointAt(0) as number), 0x01000193);
  return (hash >>> 0) % shards;
}

export const duePk = (key: Key) => `DUE#${shardOf(key)}`;
export const watchedPk = (key: Key) => `WATCHED#${shardOf(key)}`;
export const duePks = Array.from({ length: shards }, (_, shard) => `DUE#${shard}`);
export const watchedPks = Array.from({ length: shards }, (_, shard) => `WATCHED#${shard}`);
export const listPk = 'CONNECTORS';

/** The range of all sort keys that begin so. */
export const under = (prefix: string) => ({ from: prefix, to: `${prefix}\u{10ffff}` });
