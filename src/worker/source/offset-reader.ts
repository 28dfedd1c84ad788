import type { SourceOffset, SourcePartition } from '../../api/record.ts';
import type { OffsetStorageReader } from '../../api/task.ts';
import { canonicalPartition, parseOffset } from '../../storage/source-offset-text.ts';
import type { Stores } from '../../storage/stores.ts';

/** What a connector's tasks have committed. `onRead` hears of the text of each offset that was found; null: none. */
export function offsetReader(
  { offsets }: Pick<Stores, 'offsets'>,
  connector: string,
  onRead: (key: string, offset: string | null) => void = () => {},
): OffsetStorageReader {
  const read = async (partitions: readonly SourcePartition[]): Promise<(SourceOffset | null)[]> => {
    const keys = partitions.map(canonicalPartition);
    const found = await offsets.readSourceOffsets(connector, [...new Set(keys)]);
    return keys.map((key) => {
      const text = found.get(key)?.offset ?? null;
      onRead(key, text);
      return text === null ? null : parseOffset(text);
    });
  };
  return { offsets: read, offset: async (partition) => (await read([partition]))[0] ?? null };
}
