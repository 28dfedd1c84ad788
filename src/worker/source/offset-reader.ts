import type { SourceOffset, SourcePartition } from '../../api/record.ts';
import type { OffsetStorageReader } from '../../api/task.ts';
import { canonicalPartition, parseOffset } from '../../storage/source-offset-text.ts';
import type { Stores } from '../../storage/stores.ts';
import type { KnownOffsets } from '../run/known-tasks.ts';

/**
 * What a connector's tasks have committed. `onRead` hears of the text of each offset that was found; null: none. `known`:
 * what this environment has committed and nobody else can have changed, which is not read again.
 */
export function offsetReader(
  { offsets }: Pick<Stores, 'offsets'>,
  connector: string,
  onRead: (key: string, offset: string | null) => void = () => {},
  known: KnownOffsets | null = null,
): OffsetStorageReader {
  const readTexts = async (keys: readonly string[]) => {
    const found = await offsets.readSourceOffsets(connector, [...new Set(keys)]);
    const texts = new Map(keys.map((key) => [key, found.get(key)?.offset ?? null]));
    for (const [key, text] of texts) known?.note(key, text);
    return texts;
  };
  const read = async (partitions: readonly SourcePartition[]): Promise<(SourceOffset | null)[]> => {
    const keys = partitions.map(canonicalPartition);
    const texts = known?.read(keys) ?? (await readTexts(keys));
    return keys.map((key) => {
      const text = texts.get(key) ?? null;
      onRead(key, text);
      return text === null ? null : parseOffset(text);
    });
  };
  return { offsets: read, offset: async (partition) => (await read([partition]))[0] ?? null };
}
