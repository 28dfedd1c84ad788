import type { ClusterStore } from '../storage/cluster-store.ts';
import type { ConfigBackingStore } from '../storage/config-backing-store.ts';
import type { OffsetBackingStore, SourceOffsetEntry } from '../storage/offset-backing-store.ts';
import type { TableChange } from '../storage/table-change.ts';
import { type MirrorRecord, type ProjectionSources, project, statusRecord } from './project.ts';

/** What is read of the table to write all of it to the topics. */
export interface ProjectedStores {
  readonly config: Pick<ConfigBackingStore, 'listConnectorNames' | 'getConnectorAndTasks'>;
  readonly offsets: Pick<OffsetBackingStore, 'listSourceOffsets'>;
  readonly cluster: Pick<ClusterStore, 'loggerLevels'>;
}

export interface ProjectionReport {
  readonly connectors: number;
  readonly records: number;
}

/**
 * Writes everything that the table holds to the mirror topics, which were lost or fell behind for longer than the stream
 * keeps. Beside it the stream goes on: a connector that has changed between its reading and its acknowledgement is written
 * again, so that the newest value is the last one whoever was first. Offsets that transactions write stay theirs (I4).
 */
export async function projectAgain(
  stores: ProjectedStores,
  sources: ProjectionSources,
  produce: (records: readonly MirrorRecord[]) => Promise<void>,
): Promise<ProjectionReport> {
  let connectors = 0;
  let records = 0;
  const write = async (read: () => Promise<readonly MirrorRecord[]>) => {
    let found = await read();
    for (;;) {
      if (found.length > 0) await produce(found);
      records += found.length;
      const now = await read();
      if (JSON.stringify(now) === JSON.stringify(found)) return;
      found = now;
    }
  };
  for await (const name of pages((after) => stores.config.listConnectorNames(after))) {
    await write(() => recordsOf(name, stores, sources));
    connectors++;
  }
  await write(async () => {
    const levels = await stores.cluster.loggerLevels();
    return project(
      levels.map((after) => ({ kind: 'logger', sequenceNumber: '0', before: null, after })),
      sources,
    );
  });
  return { connectors, records };
}

async function recordsOf(
  name: string,
  stores: ProjectedStores,
  sources: ProjectionSources,
): Promise<readonly MirrorRecord[]> {
  const found = await stores.config.getConnectorAndTasks(name);
  if (found === undefined) return [];
  const { connector, tasks } = found;
  const offsets: SourceOffsetEntry[] = [];
  for await (const entry of pages((after) => stores.offsets.listSourceOffsets(name, after))) offsets.push(entry);
  const change = { sequenceNumber: '0', before: null };
  const changes: TableChange[] = [
    { kind: 'connector', ...change, after: connector },
    ...tasks.map((after): TableChange => ({ kind: 'task', ...change, after })),
    ...offsets.map((after): TableChange => ({ kind: 'source-offset', connector: name, ...change, after })),
  ];
  const records = await project(changes, { ...sources, tasksOf: async () => tasks });
  return connector.state === 'UNASSIGNED' ? records : [...records, statusRecord(connector, sources)];
}

async function* pages<T>(
  list: (after: string | null) => Promise<{ readonly items: readonly T[]; readonly next: string | null }>,
): AsyncGenerator<T> {
  let after: string | null = null;
  do {
    const page: { readonly items: readonly T[]; readonly next: string | null } = await list(after);
    yield* page.items;
    after = page.next;
  } while (after !== null);
}
