import type { OffsetStorageReader } from '../api/task.ts';
import { offsetText, parseOffset } from '../storage/source-offset-text.ts';

/** The stored offsets of the partitions that the host asks for, as texts; null: none. */
export async function offsetsFor(
  reader: OffsetStorageReader,
  facts: Readonly<Record<string, unknown>>,
): Promise<(string | null)[]> {
  const partitions = (facts.partitions as readonly string[]).map(parseOffset);
  const found = await reader.offsets(partitions);
  return found.map((offset) => (offset === null ? null : offsetText(offset)));
}
