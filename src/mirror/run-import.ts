import type { Settings } from '../config/config-def.ts';
import { ConnectError } from '../errors.ts';
import type { ImportRequest } from '../invocation/invocation.ts';
import type { KafkaAdmin, KafkaClient } from '../kafka/types.ts';
import type { ConnectorType, TargetState } from '../storage/items.ts';
import type { Stores } from '../storage/stores.ts';
import { type ImportedCluster, type ImportReport, readCluster, writeCluster } from './import.ts';

export interface ImportDeps {
  readonly kafka: KafkaClient;
  readonly stores: Pick<Stores, 'config' | 'offsets'>;
  /** Drover's own topics. */
  readonly topics: { readonly configs: string; readonly offsets: string };
  readonly typeOf: (connectorClass: string) => ConnectorType | undefined;
  readonly now: () => number;
}

/** A Connect cluster that is alive on these brokers. */
export interface RunningWorkers {
  readonly group: string;
  readonly hosts: readonly string[];
}

/** What a dry run finds. */
export interface ImportPreview {
  readonly connectors: readonly {
    readonly name: string;
    readonly config: Settings;
    readonly targetState: TargetState;
    /** Null: there is no plugin for it. */
    readonly type: ConnectorType | null;
    readonly sourceOffsets: number;
  }[];
  readonly workers: readonly RunningWorkers[];
  readonly unreadable: readonly string[];
}

export type ImportAnswer = (ImportReport & { readonly unreadable: readonly string[] }) | ImportPreview;

/**
 * The answer says what was taken over and what was not, and why. Throws ConnectError `import.workers_running` where the
 * cluster is alive.
 */
export async function runImport(
  request: ImportRequest,
  { kafka, stores, topics, typeOf, now }: ImportDeps,
): Promise<ImportAnswer> {
  const workers = await runningWorkers(kafka.admin, request.group);
  if (workers.length > 0 && !request.whileRunning && !request.dryRun) throw workersRun(workers);
  const from = { configs: request.configs ?? topics.configs, offsets: request.offsets ?? topics.offsets };
  const cluster = chosen(await readCluster(kafka, from), request.connectors);
  const { unreadable } = cluster;
  if (request.dryRun) return { ...previewOf(cluster, typeOf), workers, unreadable };
  return { ...(await writeCluster(cluster, { stores, start: request.start, typeOf, now })), unreadable };
}

/** Workers meet in a group of the type `connect`, named by their `group.id`; null: any. */
export async function runningWorkers(admin: KafkaAdmin, group: string | null): Promise<RunningWorkers[]> {
  const groups = group === null ? await admin.listGroups('connect') : [group];
  const found = await Promise.all(
    groups.map(async (one) => ({ group: one, hosts: (await admin.groupMembers(one)).map(({ host }) => host) })),
  );
  return found.filter(({ hosts }) => hosts.length > 0);
}

function workersRun(workers: readonly RunningWorkers[]): ConnectError {
  const who = workers.map(({ group, hosts }) => `group.id ${group} at ${[...new Set(hosts)].join(', ')}`).join('; ');
  return new ConnectError(
    'import.workers_running',
    `Kafka Connect workers are running (${who}): stop them, else both run the same connectors. If they are another cluster's, ` +
      'name the one to import by "group"; "whileRunning": true takes its connectors over all the same',
  );
}

/** Offsets of connectors that are no more come along: a namesake goes on from them, as in Java. */
function chosen(cluster: ImportedCluster, names: readonly string[] | null): ImportedCluster {
  if (names === null) return cluster;
  const left = new Set(cluster.connectors.map(({ name }) => name));
  for (const name of names) left.delete(name);
  return {
    ...cluster,
    connectors: cluster.connectors.filter(({ name }) => !left.has(name)),
    sourceOffsets: new Map([...cluster.sourceOffsets].filter(([name]) => !left.has(name))),
  };
}

function previewOf(cluster: ImportedCluster, typeOf: ImportDeps['typeOf']): Pick<ImportPreview, 'connectors'> {
  return {
    connectors: cluster.connectors.map(({ name, config, targetState }) => ({
      name,
      config,
      targetState,
      type: typeOf(config['connector.class'] ?? '') ?? null,
      sourceOffsets: cluster.sourceOffsets.get(name)?.length ?? 0,
    })),
  };
}
