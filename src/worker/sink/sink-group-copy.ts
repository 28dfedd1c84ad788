import type { KafkaAdmin } from '../../kafka/types.ts';
import type { SinkPosition } from '../../storage/offset-backing-store.ts';
import { messageOf } from '../record/failure.ts';
import type { TaskRun } from '../run/task-run.ts';
import type { GroupCommits, SinkGroup } from './sink-group.ts';
import type { PartitionPosition, SinkPositions } from './sink-positions.ts';
import { withTopicId } from './sink-start-positions.ts';

/** What the group should have and has not. */
interface Comparison {
  readonly behind: readonly SinkPosition[];
  /** By somebody else; `found`: what is there instead. */
  readonly changed: readonly { readonly position: SinkPosition; readonly found: bigint | null }[];
}

const none: Comparison = { behind: [], changed: [] };

/**
 * The consumer group while a sink runs. The table decides: a failure here is a warning. Before each copy the group is
 * looked at, beside the table's own commit, so that what somebody else has changed there is not overwritten without a
 * word; a run that commits nothing looks once.
 */
export class SinkGroupCopy {
  readonly #run: TaskRun;
  readonly #admin: KafkaAdmin;
  readonly #group: SinkGroup;
  readonly #positions: SinkPositions;
  #looking: Promise<GroupCommits | null> | null = null;
  #hasLooked = false;

  constructor(run: TaskRun, admin: KafkaAdmin, group: SinkGroup, positions: SinkPositions) {
    this.#run = run;
    this.#admin = admin;
    this.#group = group;
    this.#positions = positions;
  }

  look(): void {
    this.#looking ??= this.#group.read(this.#positions.all).catch((error) => this.#failed(error));
  }

  /** Copies what the table has just been given, and with it what the group has not, or not any more. */
  async copy(committed: readonly SinkPosition[]): Promise<void> {
    const commits = await this.#looking;
    this.#looking = null;
    const found = commits === null ? none : await this.#compare(commits);
    const all = [...found.behind, ...found.changed.map(({ position }) => position), ...committed];
    // Of several for one partition the last: what has just been committed.
    const newest = new Map(all.map((position) => [keyOf(position), position]));
    if (newest.size === 0) return;
    try {
      await this.#group.write([...newest.values()]);
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#run.report.step('group-told');
    for (const { position, found: from } of found.changed) {
      const { topic, kafkaPartition } = position;
      const to = newest.get(keyOf(position))!.offset;
      this.#run.noteChange({ reason: 'group-restored', topic, kafkaPartition, from, to }, this.#group.name);
    }
  }

  /** At the end of a run: looks if it has not yet, and keeps for the report what was found since the last commit. */
  async end(): Promise<void> {
    if (!this.#hasLooked && this.#positions.all.length > 0) {
      this.look();
      await this.copy([]);
    }
    if (this.#run.hasUnsavedChanges && !this.#run.held.any) await this.#run.commitPositions([], {});
  }

  async #compare(commits: GroupCommits): Promise<Comparison> {
    this.#hasLooked = true;
    const held = this.#positions.all.filter(({ lost }) => lost === null);
    const isOurs = (one: PartitionPosition) => commits.of(one)?.writer === 'drover';
    const changed = await this.#ofSameTopic(held.filter((one) => !isOurs(one)));
    return {
      // An earlier copy has failed, or its run has died before it.
      behind: held.filter((one) => isOurs(one) && commits.of(one)!.offset !== BigInt(one.committed)).map(ofTable),
      changed: changed.map((one) => ({ position: ofTable(one), found: commits.of(one)?.offset ?? null })),
    };
  }

  /** With a topic Kafka drops its offsets: those of one that was made again are for the next fetch to find. */
  async #ofSameTopic(suspects: readonly PartitionPosition[]): Promise<PartitionPosition[]> {
    if (suspects.length === 0) return [];
    try {
      const described = await this.#admin.describeTopics([...new Set(suspects.map(({ topic }) => topic))]);
      const topics = new Map(described.map((one) => [one.topic, one]));
      return suspects.filter(({ topic, topicId, partition }) => {
        const now = topics.get(topic);
        return now !== undefined && partition < now.partitions && (topicId === null || now.topicId === topicId);
      });
    } catch (error) {
      this.#failed(error);
      return [];
    }
  }

  #failed(error: unknown): null {
    this.#run.report.emit('sink.group-commit-failed', { group: this.#group.name, error: messageOf(error) });
    return null;
  }
}

const keyOf = ({ topic, kafkaPartition }: SinkPosition) => `${kafkaPartition} ${topic}`;

const ofTable = ({ topic, partition, committed, topicId }: PartitionPosition): SinkPosition =>
  withTopicId({ topic, kafkaPartition: partition, offset: BigInt(committed) }, topicId);
