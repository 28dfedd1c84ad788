import type { SourcePartition } from '../api/record.ts';
import type { Settings } from '../config/config-def.ts';
import { ConflictError } from '../errors.ts';
import type { KafkaClient } from '../kafka/types.ts';
import type { ConfigBackingStore } from '../storage/config-backing-store.ts';
import type { ConnectorType, TargetState } from '../storage/items.ts';
import type { OffsetBackingStore, SourceOffsetEntry } from '../storage/offset-backing-store.ts';
import { canonicalPartition, parseOffset } from '../storage/source-offset-text.ts';
import { readTopic, type TopicRecord } from './read-topic.ts';

export interface ImportedConnector {
  readonly name: string;
  readonly config: Settings;
  readonly targetState: TargetState;
  /** As last committed; Drover asks the connector anew, so these only show what ran. */
  readonly taskConfigs: readonly Settings[];
}

/** What the three topics of a Java cluster hold. */
export interface ImportedCluster {
  readonly connectors: readonly ImportedConnector[];
  /** By connector; also of connectors that are no more. */
  readonly sourceOffsets: ReadonlyMap<string, readonly SourceOffsetEntry[]>;
  readonly loggerLevels: ReadonlyMap<string, string>;
  /** Records nobody could read, by topic and offset. */
  readonly unreadable: readonly string[];
}

/** Sinks need nothing of these topics: their offsets are those of the group `connect-<name>`. */
export async function readCluster(
  kafka: KafkaClient,
  topics: { readonly configs: string; readonly offsets: string },
  signal?: AbortSignal,
): Promise<ImportedCluster> {
  const configs = new ConfigLog();
  const offsets = new Map<string, Map<string, SourceOffsetEntry>>();
  const unreadable: string[] = [];
  const reading = (topic: string, read: (key: string, value: string | null) => void) => (record: TopicRecord) => {
    try {
      if (record.key !== null) read(record.key, record.value);
    } catch {
      unreadable.push(`${topic}-${record.kafkaPartition}@${record.kafkaOffset}`);
    }
  };
  await readTopic(
    kafka,
    topics.configs,
    reading(topics.configs, (key, value) => configs.read(key, value)),
    signal,
  );
  const readOffset = (key: string, value: string | null) => {
    const { connector, partition } = parseOffsetKey(key);
    const entry = { key: canonicalPartition(parseOffset(partition) as SourcePartition), partition, offset: value };
    const entries = offsets.get(connector) ?? new Map<string, SourceOffsetEntry>();
    if (value === null) entries.delete(entry.key);
    else {
      JSON.parse(value);
      entries.set(entry.key, entry);
    }
    offsets.set(connector, entries);
  };
  await readTopic(kafka, topics.offsets, reading(topics.offsets, readOffset), signal);
  return {
    connectors: configs.connectors(),
    sourceOffsets: new Map([...offsets].filter(([, of]) => of.size > 0).map(([name, of]) => [name, [...of.values()]])),
    loggerLevels: configs.loggerLevels,
    unreadable,
  };
}

/** Reads the configs topic in its order: task configs count from the commit record behind them. */
class ConfigLog {
  readonly #configs = new Map<string, Settings>();
  readonly #targetStates = new Map<string, TargetState>();
  readonly #deferredTasks = new Map<string, Map<number, Settings>>();
  readonly #committedTasks = new Map<string, readonly Settings[]>();
  readonly loggerLevels = new Map<string, string>();

  read(key: string, value: string | null): void {
    const fields = value === null ? null : (JSON.parse(value) as Record<string, unknown>);
    const after = (prefix: string) => key.slice(prefix.length);
    if (key.startsWith('connector-')) {
      const name = after('connector-');
      if (fields === null) this.#forget(name);
      else this.#configs.set(name, settings(fields.properties));
    } else if (key.startsWith('target-state-')) {
      const name = after('target-state-');
      if (fields === null) this.#targetStates.delete(name);
      else this.#targetStates.set(name, targetState(fields));
    } else if (key.startsWith('task-')) {
      const dash = key.lastIndexOf('-');
      const name = key.slice('task-'.length, dash);
      const tasks = this.#deferredTasks.get(name) ?? new Map<number, Settings>();
      if (fields !== null) tasks.set(Number(key.slice(dash + 1)), settings(fields.properties));
      this.#deferredTasks.set(name, tasks);
    } else if (key.startsWith('commit-') && fields !== null) {
      const name = after('commit-');
      const tasks = this.#deferredTasks.get(name) ?? new Map<number, Settings>();
      const indexes = Array.from({ length: Number(fields.tasks) }, (_, task) => task);
      if (indexes.every((task) => tasks.has(task))) {
        this.#committedTasks.set(
          name,
          indexes.map((task) => tasks.get(task) as Settings),
        );
      }
      this.#deferredTasks.delete(name);
    } else if (key.startsWith('logger-cluster-')) {
      if (fields === null) this.loggerLevels.delete(after('logger-cluster-'));
      else this.loggerLevels.set(after('logger-cluster-'), String(fields.level));
    }
  }

  #forget(name: string): void {
    this.#configs.delete(name);
    this.#deferredTasks.delete(name);
    this.#committedTasks.delete(name);
  }

  connectors(): ImportedConnector[] {
    return [...this.#configs].map(([name, config]) => ({
      name,
      config,
      targetState: this.#targetStates.get(name) ?? 'STARTED',
      taskConfigs: this.#committedTasks.get(name) ?? [],
    }));
  }
}

function settings(properties: unknown): Settings {
  if (typeof properties !== 'object' || properties === null) throw new Error('no properties');
  return Object.fromEntries(
    Object.entries(properties)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, String(value)]),
  );
}

/** Older workers wrote one field, and no STOPPED. */
function targetState(fields: Readonly<Record<string, unknown>>): TargetState {
  const state = fields['state.v2'] ?? fields.state;
  if (state === 'STARTED' || state === 'PAUSED' || state === 'STOPPED') return state;
  throw new Error(`unknown target state ${state}`);
}

/** `["name",{…}]`: the partition stays the text that it is, digits and all. */
function parseOffsetKey(key: string): { connector: string; partition: string } {
  const parts = /^\s*\[\s*("(?:[^"\\]|\\.)*")\s*,\s*(\{.*\})\s*\]\s*$/s.exec(key);
  if (parts === null) throw new Error('no offset key');
  return { connector: JSON.parse(parts[1] as string) as string, partition: parts[2] as string };
}

export interface ImportOptions {
  readonly stores: { readonly config: ConfigBackingStore; readonly offsets: OffsetBackingStore };
  /** `stopped`: all of them; `as-was`: those that ran run, those that were paused are paused. */
  readonly start: 'stopped' | 'as-was';
  /** Source or sink, of a `connector.class`; undefined: Drover has no such plugin. */
  readonly typeOf: (connectorClass: string) => ConnectorType | undefined;
  readonly now: () => number;
}

export interface ImportReport {
  readonly imported: readonly string[];
  readonly skipped: readonly { readonly connector: string; readonly reason: string }[];
  /** Source offsets written, those of connectors that are no more included. */
  readonly sourceOffsets: number;
}

/**
 * Writes what was read. Offsets first, while there is no connector that could use them; then the connector, by one
 * write. So it is safe to repeat after a crash anywhere; a connector that is there already is left as it is, its
 * offsets too.
 */
export async function writeCluster(cluster: ImportedCluster, options: ImportOptions): Promise<ImportReport> {
  const { config, offsets } = options.stores;
  const imported: string[] = [];
  const skipped: { connector: string; reason: string }[] = [];
  let sourceOffsets = 0;
  const writeOffsets = async (name: string) => {
    const entries = cluster.sourceOffsets.get(name) ?? [];
    if (entries.length > 0) await offsets.alterSourceOffsets(name, entries, options.now());
    sourceOffsets += entries.length;
  };
  for (const connector of cluster.connectors) {
    const { name } = connector;
    const connectorClass = connector.config['connector.class'] ?? '';
    const type = options.typeOf(connectorClass);
    if (type === undefined) {
      skipped.push({ connector: name, reason: `there is no plugin ${connectorClass}` });
      continue;
    }
    const targetState = options.start === 'stopped' ? 'STOPPED' : connector.targetState;
    try {
      if ((await config.getConnector(name)) !== undefined) throw new ConflictError('connector.exists', name);
      await writeOffsets(name);
      await config.createConnector(name, type, connector.config, targetState, options.now());
      imported.push(name);
    } catch (error) {
      if (!(error instanceof ConflictError)) throw error;
      const reason = error.code === 'connector.exists' ? 'it is there already' : 'its namesake is still being deleted';
      skipped.push({ connector: name, reason });
    }
  }
  const known = new Set(cluster.connectors.map(({ name }) => name));
  for (const name of cluster.sourceOffsets.keys()) {
    if (!known.has(name) && (await config.getConnector(name)) === undefined) await writeOffsets(name);
  }
  return { imported, skipped, sourceOffsets };
}
