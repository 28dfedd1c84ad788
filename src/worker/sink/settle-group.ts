import type { Settings } from '../../config/config-def.ts';
import { ConnectError, FencedError, isRetriable } from '../../errors.ts';
import type { TopicDescription } from '../../kafka/types.ts';
import type { RestingChange } from '../../storage/generation-store.ts';
import { type ConnectorItem, newestChanges, type PositionChange } from '../../storage/items.ts';
import type { Lease } from '../../storage/lease-store.ts';
import type { RestingPosition, SinkPosition } from '../../storage/offset-backing-store.ts';
import { resolveSettings } from '../config-providers.ts';
import { messageOf } from '../record/failure.ts';
import type { RunHost } from '../run/run-host.ts';
import { consumerGroup, countsIn, type GroupCommit, type GroupCommits, SinkGroup } from './sink-group.ts';
import { withTopicId } from './sink-start-positions.ts';

/** The connector's own run, which this is a part of. */
export interface SettlingRun {
  readonly host: RunHost;
  readonly item: ConnectorItem;
  readonly lease: Lease;
}

/** Twice within a day, the shortest time after which brokers were ever used to forget the offsets of an idle group. */
const keepAliveMs = 12 * 3_600_000;
const retryAfterMs = 60_000;
/** A connector is not kept from stopping by a Kafka that does not answer. */
const patienceMs = 5_000;

/** What a settlement has come to. */
export interface Settled {
  /** False: it could not be carried out. */
  readonly done: boolean;
  /** Epoch milliseconds; null: there are no positions to keep alive. */
  readonly nextDueAt: number | null;
}

/**
 * Agrees the positions of a sink that has stopped with its consumer group, and is due again to keep them alive there.
 * What Kafka does not answer in time is tried again later.
 */
export async function settleWhileStopped(run: SettlingRun): Promise<Settled> {
  const { host, item } = run;
  const { clock, stores } = host;
  const resting = await stores.offsets.readRestingPositions(item.name);
  if (resting.length === 0 && item.groupResetAt === null && item.groupSettled) return { done: true, nextDueAt: null };
  const settlement = new Settlement(run, resting, item.groupSettled, item.groupSettled);
  const enough = new AbortController();
  try {
    const late = clock.sleep(patienceMs, enough.signal).then(
      () => {
        settlement.abandon();
        throw new ConnectError('kafka.unreachable', 'Kafka did not answer in time', { retriable: true });
      },
      () => {},
    );
    await Promise.race([settlement.carryOut(), late]);
    return { done: true, nextDueAt: settlement.positions > 0 ? clock.now() + keepAliveMs : null };
  } catch (error) {
    if (error instanceof FencedError) throw error;
    const facts = { group: consumerGroup(item.name, item.config), error: messageOf(error) };
    host.telemetry.emit('sink.group-commit-failed', { connector: item.name, ...facts });
    return { done: false, nextDueAt: clock.now() + (isRetriable(error) ? retryAfterMs : keepAliveMs) };
  } finally {
    enough.abort();
  }
}

/** Before a stopped sink's tasks are there again. Whatever fails is the run's failure. */
export async function settleBeforeStart(run: SettlingRun): Promise<void> {
  const { host, item } = run;
  const isNew = item.appliedVersion === 0 && item.groupResetAt === null;
  if (isNew) return;
  const resting = await host.stores.offsets.readRestingPositions(item.name);
  const isNeeded = item.groupSettled || item.groupResetAt !== null || resting.some(({ byHand }) => byHand);
  if (isNeeded) await new Settlement(run, resting, item.groupSettled, false).carryOut();
}

/** Of a connector that is being deleted: its namesake must not go on from offsets that were removed by hand. */
export async function settleBeforeDeletion(run: SettlingRun): Promise<void> {
  const resting = await run.host.stores.offsets.readRestingPositions(run.item.name);
  if (run.item.groupResetAt === null && !resting.some(({ byHand }) => byHand)) return;
  await settleWhileStopped(run);
}

class Settlement {
  readonly #run: SettlingRun;
  readonly #resting: readonly RestingPosition[];
  /** What is not in the group has been deleted there. */
  readonly #settled: boolean;
  /** Write what is there already once more, lest it expires. */
  readonly #keepsAlive: boolean;
  readonly #changes: RestingChange[] = [];
  readonly #told: PositionChange[] = [];
  /** Written to the group before the table lets go of them, and after it has them. */
  readonly #first: SinkPosition[] = [];
  readonly #then: SinkPosition[] = [];
  readonly #removed: RestingPosition[] = [];
  #abandoned = false;
  positions = 0;

  constructor(run: SettlingRun, resting: readonly RestingPosition[], settled: boolean, keepsAlive: boolean) {
    this.#run = run;
    this.#resting = resting;
    this.#settled = settled;
    this.#keepsAlive = keepsAlive;
  }

  /** Nothing more is begun. */
  abandon(): void {
    this.#abandoned = true;
  }

  async carryOut(): Promise<void> {
    const { host, item, lease } = this.#run;
    const { admin } = await host.kafka();
    const group = new SinkGroup(admin, await groupOf(this.#run));
    if (item.groupResetAt !== null) await this.#unlessAbandoned(() => group.removeAll());
    const commits = await group.read();
    const names = new Set([...this.#resting, ...commits].map(({ topic }) => topic));
    const described = await admin.describeTopics([...names]);
    this.#compare(commits, new Map(described.map((topic) => [topic.topic, topic])), group.name);
    const removed = this.#removed.map(({ topic, kafkaPartition }) => ({ topic, partition: kafkaPartition }));
    await this.#unlessAbandoned(() => group.remove(removed));
    await this.#unlessAbandoned(() => group.write(this.#first));
    host.onStep?.('group-told');
    await this.#unlessAbandoned(() =>
      host.stores.generations.settlePositions(lease, this.#changes, {
        positionChanges: this.#told.length === 0 ? [] : newestChanges(item.positionChanges, this.#told),
        groupReset: item.groupResetAt,
      }),
    );
    host.onStep?.('positions-settled');
    await this.#unlessAbandoned(() => group.write(this.#then));
    host.onStep?.('group-kept');
  }

  async #unlessAbandoned(step: () => Promise<void>): Promise<void> {
    if (!this.#abandoned) await step();
  }

  #compare(commits: GroupCommits, topics: ReadonlyMap<string, TopicDescription>, group: string): void {
    const resting = new Map(this.#resting.map((at) => [keyOf(at.topic, at.kafkaPartition), at]));
    for (const at of this.#resting) {
      const topic = topics.get(at.topic);
      const isThere = topic !== undefined && at.kafkaPartition < topic.partitions;
      const commit = commits.of({ topic: at.topic, partition: at.kafkaPartition });
      this.#compareOne(at, commit, isThere, topic?.topicId ?? null, group);
    }
    // What the group alone knows is shown, and begun from, as it is with Java.
    for (const { topic, partition, commit } of commits) {
      const described = topics.get(topic);
      if (resting.has(keyOf(topic, partition)) || partition >= (described?.partitions ?? 0)) continue;
      const topicId = described?.topicId ?? null;
      if (countsIn(commit, topicId))
        this.#takeUp(null, at({ topic, kafkaPartition: partition }, commit.offset, topicId), commit);
    }
  }

  #compareOne(
    before: RestingPosition,
    commit: GroupCommit | null,
    isThere: boolean,
    topicId: string | null,
    group: string,
  ): void {
    const { offset } = before;
    if (offset === null) {
      this.#removed.push(before);
      this.#changes.push({ before, after: null });
    } else if (!isThere) {
      // By hand it may have been meant for a topic that is still to come.
      if (!before.byHand && !before.gone) this.#changes.push({ before, after: { ...before, gone: true } });
    } else if (before.byHand) {
      const after = at(before, offset, topicId);
      this.#first.push(toSinkPosition(after));
      this.#changes.push({ before, after });
      this.positions++;
    } else if (commit?.writer === 'other') {
      const after = at(before, commit.offset, topicId);
      if (commit.offset !== offset) this.#tell('group-set', before, commit.offset, group);
      this.#takeUp(before, after, commit);
    } else if (before.topicId !== null && topicId !== null && before.topicId !== topicId) {
      this.#tell(
        'topic-made-again',
        before,
        commit !== null && countsIn(commit, topicId) ? commit.offset : null,
        group,
      );
      if (commit !== null && countsIn(commit, topicId)) {
        this.#takeUp(before, at(before, commit.offset, topicId), commit);
      } else this.#changes.push({ before, after: null });
    } else if (commit === null && this.#settled) {
      this.#tell('group-deleted', before, null, group);
      this.#changes.push({ before, after: null });
    } else {
      const after = at(before, offset, before.topicId ?? topicId);
      if (before.gone || before.topicId === null) this.#changes.push({ before, after });
      if (commit === null || this.#isStale(commit, after)) this.#then.push(toSinkPosition(after));
      this.positions++;
    }
  }

  #takeUp(before: RestingPosition | null, after: RestingPosition, commit: GroupCommit): void {
    const isNew = before === null || before.offset !== after.offset || before.topicId !== after.topicId || before.gone;
    if (isNew) this.#changes.push({ before, after });
    if (this.#isStale(commit, after)) this.#then.push(toSinkPosition(after));
    this.positions++;
  }

  #isStale(commit: GroupCommit, { offset, topicId }: RestingPosition): boolean {
    return (
      this.#keepsAlive || commit.writer === 'other' || commit.offset !== offset || (commit.topicId ?? null) !== topicId
    );
  }

  #tell(reason: PositionChange['reason'], before: RestingPosition, to: bigint | null, group: string): void {
    const { host, item } = this.#run;
    const { topic, kafkaPartition, offset } = before;
    const numberOf = (value: bigint | null) => (value === null ? null : Number(value));
    const facts = { reason, topic, kafkaPartition, from: numberOf(offset), to: numberOf(to) };
    this.#told.push({ at: host.clock.now(), ...facts });
    host.telemetry.emit('sink.position-changed', { connector: item.name, group, ...facts });
  }
}

/** Its name may be a reference, as any setting's value. */
async function groupOf({ host, item }: SettlingRun): Promise<string> {
  const key = 'consumer.override.group.id';
  const own = item.config[key];
  const named: Settings = own === undefined ? {} : { [key]: own };
  return consumerGroup(item.name, await resolveSettings(named, host.configProviders, host.telemetry.secrets));
}

const keyOf = (topic: string, partition: number) => `${partition} ${topic}`;

const at = (
  { topic, kafkaPartition, state }: Pick<RestingPosition, 'topic' | 'kafkaPartition' | 'state'>,
  offset: bigint,
  topicId: string | null,
): RestingPosition => ({
  topic,
  kafkaPartition,
  offset,
  topicId,
  byHand: false,
  gone: false,
  ...(state === undefined ? {} : { state }),
});

const toSinkPosition = ({ topic, kafkaPartition, offset, topicId }: RestingPosition): SinkPosition =>
  withTopicId({ topic, kafkaPartition, offset: offset ?? 0n }, topicId);
