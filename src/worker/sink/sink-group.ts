import type { TopicPartition } from '../../api/task.ts';
import { consumerConfig } from '../../config/client-config.ts';
import type { Settings } from '../../config/config-def.ts';
import { parseGiven, settingsWithPrefix } from '../../config/parse-config.ts';
import type { GroupOffset, KafkaAdmin } from '../../kafka/types.ts';
import type { SinkPosition } from '../../storage/offset-backing-store.ts';

/**
 * A sink's consumer group, `connect-<name>`: a copy of its positions, for whoever looks at or sets them with Kafka's own
 * tools. Java's worker is a member of its group, which keeps others from it; Drover joins none, so what it finds there
 * may be its own or somebody else's. Which of the two is written beside each offset, in the commit's metadata: the offset
 * again and the id of the topic that it counts in. Tools and Java's workers write nothing there, and one that carries the
 * metadata along with another offset is told by the offset. So no crash, lost answer or late request can make Drover's
 * own look like a change by others, and none needs to be remembered.
 *
 *   found in the group          the sink starts (it was stopped, paused, failed)      it has been running
 *   Drover's own                the table decides, as the copy may be behind          the same
 *   somebody else's             the group decides                                     the table does, and puts its own back
 *   nothing                     stopped since all of it was there: auto.offset.reset  the table does, and puts its own back
 *                               else the table decides
 *
 * That is what Java does, where it can happen there at all: Kafka refuses to change the offsets of a group that has
 * members. Offsets that are missing may have expired (offsets.retention.minutes, a week by default, for groups without
 * members): only of a stopped connector does that mean that somebody deleted them, since its run then writes them again
 * every twelve hours; Java's would have expired. An offset that counts in another topic than the one that has its name
 * now is as good as none: Kafka drops the offsets of a deleted topic, but one may come late.
 */
export interface GroupCommit {
  readonly offset: bigint;
  readonly writer: 'drover' | 'other';
  /** Drover's own only: which topic it counts in; null: not known. */
  readonly topicId: string | null;
}

export function consumerGroup(connector: string, config: Settings): string {
  const own = parseGiven(consumerConfig, settingsWithPrefix(config, 'consumer.override.'))['group.id'];
  return own ?? `connect-${connector}`;
}

function markOf({ offset, topicId }: Pick<SinkPosition, 'offset' | 'topicId'>): string {
  return `drover ${offset} ${topicId ?? ''}`;
}

function readCommit({ offset, metadata }: GroupOffset): GroupCommit {
  const mark = /^drover (\d+) ([\w-]*)$/.exec(metadata);
  if (mark === null || BigInt(mark[1]!) !== offset) return { offset, writer: 'other', topicId: null };
  return { offset, writer: 'drover', topicId: mark[2] === '' ? null : mark[2]! };
}

/** Somebody else's, or Drover's own of this very topic. */
export function countsIn(commit: GroupCommit, topicId: string | null): boolean {
  return commit.writer === 'other' || commit.topicId === null || topicId === null || commit.topicId === topicId;
}

export class GroupCommits {
  readonly #commits: ReadonlyMap<string, ReadonlyMap<number, GroupOffset>>;

  constructor(commits: ReadonlyMap<string, ReadonlyMap<number, GroupOffset>>) {
    this.#commits = commits;
  }

  of({ topic, partition }: TopicPartition): GroupCommit | null {
    const found = this.#commits.get(topic)?.get(partition);
    return found === undefined ? null : readCommit(found);
  }

  *[Symbol.iterator](): Generator<TopicPartition & { readonly commit: GroupCommit }> {
    for (const [topic, partitions] of this.#commits) {
      for (const [partition, found] of partitions) yield { topic, partition, commit: readCommit(found) };
    }
  }
}

export class SinkGroup {
  readonly name: string;
  readonly #admin: KafkaAdmin;

  constructor(admin: KafkaAdmin, name: string) {
    this.#admin = admin;
    this.name = name;
  }

  /** Of these partitions, or all that it has. */
  async read(partitions?: readonly TopicPartition[]): Promise<GroupCommits> {
    if (partitions?.length === 0) return new GroupCommits(new Map());
    return new GroupCommits(await this.#admin.groupCommits(this.name, partitions));
  }

  write(positions: readonly SinkPosition[]): Promise<void> {
    return this.#admin.commitGroupOffsets(
      this.name,
      positions.map((position) => ({
        topic: position.topic,
        partition: position.kafkaPartition,
        offset: position.offset,
        metadata: markOf(position),
      })),
    );
  }

  remove(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#admin.deleteGroupOffsets(this.name, partitions);
  }

  removeAll(): Promise<void> {
    return this.#admin.deleteGroup(this.name);
  }
}
