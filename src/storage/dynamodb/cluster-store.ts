import type { ClusterStore, LoggerLevel, MirrorFailure, MirrorProgress } from '../cluster-store.ts';
import { type Attributes, N, number, S, text } from './attributes.ts';
import { clusterIdKey, clusterPk, loggerKey, loggerOf, loggerPrefix, mirrorKey, tickerKey, under } from './table.ts';
import { inParallel, queryAll, type TableClient } from './table-client.ts';

/** For people; the log has all of it. */
const longestError = 4000;

const tickerIsFree = '(attribute_not_exists(#owner) OR #owner = :owner OR #expiresAt <= :now)';
const tickerIsMine = '#owner = :owner';

export class DynamoDbClusterStore implements ClusterStore {
  readonly #table: TableClient;

  constructor(table: TableClient) {
    this.#table = table;
  }

  async clusterId(): Promise<string | undefined> {
    return text((await this.#table.get(clusterIdKey)) ?? {}, 'clusterId') ?? undefined;
  }

  async putClusterId(clusterId: string): Promise<void> {
    await this.#table.update({ key: clusterIdKey, what: 'the cluster id', set: { clusterId: S(clusterId) } });
  }

  async mirrorProgress(): Promise<MirrorProgress | undefined> {
    const item = (await this.#table.get(mirrorKey)) ?? {};
    const changedAt = number(item, 'changedAt');
    return changedAt === null ? undefined : { changedAt, mirroredAt: number(item, 'mirroredAt') ?? changedAt };
  }

  async putMirrorProgress({ changedAt, mirroredAt }: MirrorProgress): Promise<void> {
    await this.#table.update({
      key: mirrorKey,
      what: 'how far the mirror has come',
      set: { changedAt: N(changedAt), mirroredAt: N(mirroredAt), failedAt: undefined, error: undefined },
    });
  }

  async mirrorFailure(): Promise<MirrorFailure | undefined> {
    const item = (await this.#table.get(mirrorKey)) ?? {};
    const failedAt = number(item, 'failedAt');
    return failedAt === null ? undefined : { failedAt, error: text(item, 'error') ?? '' };
  }

  async putMirrorFailure({ failedAt, error }: MirrorFailure): Promise<void> {
    await this.#table.update({
      key: mirrorKey,
      what: 'what has failed of the mirror',
      set: { failedAt: N(failedAt), error: S(error.slice(0, longestError).toWellFormed()) },
    });
  }

  async loggerLevels(): Promise<LoggerLevel[]> {
    const levels: LoggerLevel[] = [];
    const range = under(loggerPrefix);
    for await (const items of queryAll(this.#table, clusterPk, range)) levels.push(...items.map(readLoggerLevel));
    return levels;
  }

  async putLoggerLevels(levels: readonly LoggerLevel[]): Promise<void> {
    await inParallel(8, levels, async ({ logger, level, modifiedAt }) => {
      await this.#table.update({
        key: loggerKey(logger),
        what: `the level of logger ${logger}`,
        set: { level: S(level), ...(modifiedAt === null ? {} : { modifiedAt: N(modifiedAt) }) },
      });
    });
  }

  async deleteLoggerLevels(loggers: readonly string[]): Promise<void> {
    const deletes = loggers.map((logger) => ({ kind: 'delete' as const, key: loggerKey(logger) }));
    await this.#table.writeMany(deletes, 'the levels of loggers');
  }

  async acquireTicker(owner: string, now: number, expiresAt: number, shard: number | null = null): Promise<boolean> {
    const { done } = await this.#table.update({
      key: tickerKey(shard),
      what: 'the ticker',
      set: { owner: S(owner), expiresAt: N(expiresAt) },
      condition: tickerIsFree,
      values: { owner: S(owner), now: N(now) },
    });
    return done;
  }

  async releaseTicker(owner: string, shard: number | null = null): Promise<void> {
    await this.#table.update({
      key: tickerKey(shard),
      what: 'the ticker',
      remove: ['owner', 'expiresAt'],
      condition: tickerIsMine,
      values: { owner: S(owner) },
    });
  }

  async tickerHeld(now: number): Promise<boolean> {
    const item = (await this.#table.get(tickerKey(null))) ?? {};
    return text(item, 'owner') !== null && (number(item, 'expiresAt') ?? 0) > now;
  }
}

export const readLoggerLevel = (item: Attributes): LoggerLevel => ({
  logger: loggerOf(text(item, 'sk') ?? ''),
  level: text(item, 'level') ?? '',
  modifiedAt: number(item, 'modifiedAt') ?? null,
});
