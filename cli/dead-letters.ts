import type { DeadLetter } from './answers.ts';
import { type Brokers, connectKafka, unreachableBrokers } from './brokers.ts';
import { CliError } from './faults.ts';

export interface LetterQuestion extends Brokers {
  readonly topic: string;
  /** The newest ones. */
  readonly limit: number;
}

const contextPrefix = '__connect.errors.';

/** Reads the end of a dead letter topic, with this machine's own way to the brokers and the user's own rights. */
export async function readDeadLetters({ topic, limit, ...brokers }: LetterQuestion): Promise<DeadLetter[]> {
  const kafka = connectKafka(brokers);
  try {
    const [description] = await kafka.admin.describeTopics([topic]);
    if (description === undefined) return [];
    const all = Array.from({ length: description.partitions }, (_, partition) => ({ topic, partition }));
    const [begins, ends] = await Promise.all([kafka.admin.beginningOffsets(all), kafka.admin.endOffsets(all)]);
    const endOf = (partition: number) => Number(ends.get(topic)?.get(partition) ?? 0n);
    const positions = new Map(
      all.map(({ partition }) => {
        const begin = Number(begins.get(topic)?.get(partition) ?? 0n);
        return [partition, Math.max(begin, endOf(partition) - limit)];
      }),
    );
    const fetcher = await kafka.fetcher();
    const found: DeadLetter[] = [];
    try {
      for (;;) {
        const left = all.filter(({ partition }) => positions.get(partition)! < endOf(partition));
        if (left.length === 0) break;
        const bounds = {
          maxWaitMs: 500,
          minBytes: 1,
          maxBytes: 16 << 20,
          maxPartitionBytes: 4 << 20,
          isolationLevel: 'read_committed' as const,
        };
        const asked = left.map((one) => ({ ...one, offset: positions.get(one.partition)! }));
        for (const { partition, error, cursor } of await fetcher.fetch(asked, bounds)) {
          if (error || !cursor) throw error ?? new Error(`${topic}-${partition} cannot be read`);
          while (cursor.next()) {
            const bytes = (start: number, end: number) =>
              start < 0 ? null : textOf(cursor.buffer.subarray(start, end));
            const headers = Object.fromEntries(
              cursor.headers().map(({ key, value }) => [key, value === null ? null : textOf(value)]),
            );
            found.push({
              topic,
              partition,
              offset: cursor.offset,
              timestamp: new Date(Math.max(0, cursor.timestamp)).toISOString(),
              context: contextOf(headers),
              headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(contextPrefix))),
              key: bytes(cursor.keyStart, cursor.keyEnd),
              value: bytes(cursor.valueStart, cursor.valueEnd),
            });
          }
          positions.set(partition, cursor.nextOffset);
        }
      }
    } finally {
      await fetcher.close();
    }
    return found
      .sort((one, other) => one.timestamp.localeCompare(other.timestamp) || one.offset - other.offset)
      .slice(-limit);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw unreachableBrokers(topic, brokers, error);
  } finally {
    await kafka.close();
  }
}

function contextOf(headers: Readonly<Record<string, string | null>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]): [string, string][] =>
      name.startsWith(contextPrefix) && value !== null ? [[name.slice(contextPrefix.length), value]] : [],
    ),
  );
}

/** Bytes that are no text are told in base64. */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return `base64:${Buffer.from(bytes).toString('base64')}`;
  }
}
