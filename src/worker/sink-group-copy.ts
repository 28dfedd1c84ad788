import { isRetriable } from '../errors.ts';
import type { KafkaAdmin } from '../kafka/types.ts';
import type { SinkPosition } from '../storage/offset-backing-store.ts';
import { messageOf } from './error-tolerance.ts';
import type { GroupCommits, SinkGroup } from './sink-group.ts';
import type { PartitionPosition, SinkPositions } from './sink-positions.ts';
import { withTopicId } from './sink-start-positions.ts';
import type { TaskRun } from './task-run.ts';

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

  /** Copies what the table has just been given, and with it what others have changed. */
  async copy(committed: readonly SinkPosition[]): Promise<void> {
    const changed = await this.#changedByOthers();
    const own = changed.map(({ position }) => position);
    const both = [...own.filter((one) => !committed.some((at) => isSamePartition(at, one))), ...committed];
    if (both.length === 0) return;
    try {
      await this.#group.write(both);
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#run.step('group-told');
    for (const { position, found: from } of changed) {
      const { topic, kafkaPartition } = position;
      const to = (both.findLast((one) => isSamePartition(one, position)) ?? position).offset;
      this.#run.noteChange({ reason: 'group-restored', topic, kafkaPartition, from, to }, this.#group.name);
    }
  }

  /** At the end of a run: looks if it has not yet, and keeps for the report what was found since the last commit. */
  async end(): Promise<void> {
    if (!this.#hasLooked && this.#positions.all.length > 0) {
      this.look();
      await this.copy([]);
    }
    if (this.#run.hasUnsavedChanges) await this.#run.commitPositions([], {});
  }

  /** What is not in the group as Drover has left it there. */
  async #changedByOthers(): Promise<{ readonly position: SinkPosition; readonly found: bigint | null }[]> {
    const commits = await this.#looking;
    this.#looking = null;
    if (commits === null) return [];
    this.#hasLooked = true;
    const suspects = this.#positions.all.filter((one) => {
      return one.lost === null && commits.of(one)?.writer !== 'drover';
    });
    return (await this.#ofSameTopic(suspects)).map((one) => ({
      position: withTopicId(
        { topic: one.topic, kafkaPartition: one.partition, offset: BigInt(one.committed) },
        one.topicId,
      ),
      found: commits.of(one)?.offset ?? null,
    }));
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
      if (!isRetriable(error)) throw error;
      return [];
    }
  }

  #failed(error: unknown): null {
    this.#run.emit('sink.group-commit-failed', { group: this.#group.name, error: messageOf(error) });
    return null;
  }
}

const isSamePartition = (one: SinkPosition, other: SinkPosition) =>
  one.kafkaPartition === other.kafkaPartition && one.topic === other.topic;
