import type { SourcePartition, SourceRecord } from '../../api/record.ts';
import { canonicalPartition } from '../../storage/source-offset-text.ts';

/** A stretch of a poll, with what must happen before the next record is looked at. */
export interface Piece {
  readonly records: SourceRecord[];
  /** What the connector wants of its transaction after these records. */
  readonly boundary: 'commit' | 'abort' | null;
  /** `gather`: more may go into the same batch. `submit`: the batch ends here. `drain`: and is acknowledged. */
  readonly behind: 'gather' | 'submit' | 'drain';
}

/** So many source partitions may cost a restarted task a request of their own. */
const mostHeads = 50;

/**
 * How polls are split on their way into batches: where the connector draws its transactions, else not at all. With
 * `headsFirst` the first record of each source partition in the first poll is delivered on its own.
 */
export function pollSplitter(
  boundaries: { split(polled: SourceRecord[]): Piece[] } | null,
  headsFirst: boolean,
): (polled: SourceRecord[]) => Piece[] {
  let first = headsFirst;
  return (polled) => {
    if (boundaries !== null) return boundaries.split(polled);
    if (!first) return [{ records: polled, boundary: null, behind: 'gather' }];
    first = false;
    return headsAlone(polled);
  };
}

const cautiously = (records: SourceRecord[]): Piece => ({ records, boundary: null, behind: 'drain' });

/** The first record of each source partition stands alone. */
function headsAlone(polled: SourceRecord[]): Piece[] {
  const pieces: Piece[] = [];
  const seen = new Set<string>();
  let current: SourcePartition | null = null;
  let from = 0;
  for (let i = 0; i < polled.length && seen.size < mostHeads; i++) {
    const { sourcePartition } = polled[i]!;
    if (sourcePartition === current) continue;
    current = sourcePartition;
    const key = canonicalPartition(sourcePartition);
    if (seen.has(key)) continue;
    seen.add(key);
    if (i > from) pieces.push(cautiously(polled.slice(from, i)));
    pieces.push(cautiously([polled[i]!]));
    from = i + 1;
  }
  if (from < polled.length) pieces.push(cautiously(polled.slice(from)));
  return pieces;
}
