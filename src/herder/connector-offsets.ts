import type { OffsetValue, SourceOffset, SourcePartition } from '../api/record.ts';
import { ConflictError, ConnectError } from '../errors.ts';
import { doubleText } from '../java/number-text.ts';
import { createPlugin } from '../plugins/create-plugin.ts';
import { getConnector } from '../plugins/registry.ts';
import type { ConnectorItem } from '../storage/items.ts';
import type { HistoricOffset, SourceOffsetEntry } from '../storage/offset-backing-store.ts';
import { offsetOfFields, parseOffset, sourceOffsetEntry } from '../storage/source-offset-text.ts';
import { connectorAndTasks } from './connector-lookup.ts';
import type { HerderDeps } from './herder-deps.ts';

/** A value that no offset may hold, under Java's name for what it is. */
export class NotPrimitive {
  readonly javaType: string;
  /** How Java would print it. */
  readonly text: string;
  constructor(javaType: string, text: string) {
    this.javaType = javaType;
    this.text = text;
  }
}

/** Integers are bigints, so that 64 bits are exact; what has a fraction or an exponent is a number. */
export type OffsetField = OffsetValue | NotPrimitive;
export type OffsetFields = ReadonlyMap<string, OffsetField>;

export interface ConnectorOffset {
  readonly partition: OffsetFields | null;
  readonly offset: OffsetFields | null;
}

/** As JSON text, digits and all. */
export interface StoredOffset {
  readonly partition: string;
  readonly offset: string;
}

export interface OffsetChangeReport {
  readonly changedAt: number;
  readonly before: readonly { readonly partition: string; readonly offset: string | null }[];
  /** Empty: all offsets were reset. */
  readonly after: readonly { readonly partition: string; readonly offset: string | null }[];
}

type SinkOffset = { readonly topic: string; readonly kafkaPartition: number; readonly offset: bigint | null };

export async function offsets(deps: HerderDeps, name: string): Promise<StoredOffset[]> {
  const { connector } = await connectorAndTasks(deps, name);
  const entries = connector.type === 'sink' ? await sinkOffsets(deps, name) : await sourceOffsets(deps, name);
  return entries.map(textOf).filter((entry): entry is StoredOffset => entry.offset !== null);
}

/** KIP-875. Answers Java's message. */
export async function alterOffsets(
  deps: HerderDeps,
  name: string,
  changes: readonly ConnectorOffset[],
): Promise<string> {
  if (changes.length === 0) {
    throw new ConnectError('request.invalid', 'Partitions / offsets need to be provided for an alter offsets request');
  }
  const connector = await stopped(deps, name);
  const accepted =
    connector.type === 'sink' ? await alterSink(deps, connector, changes) : await alterSource(deps, connector, changes);
  return messageOf('altered', accepted);
}

/** Another reset finds nothing to do and is fine. */
export async function resetOffsets(deps: HerderDeps, name: string): Promise<string> {
  const connector = await stopped(deps, name);
  const accepted =
    connector.type === 'sink'
      ? await asked(connector, () => askSink(deps, connector, async () => removed(await sinkOffsets(deps, name))))
      : await asked(connector, () => askSource(deps, connector, async () => removed(await sourceOffsets(deps, name))));
  await whileStopped(name, deps.offsets.resetOffsets(name, deps.clock.now()));
  return messageOf('reset', accepted);
}

export async function offsetHistory(deps: HerderDeps, name: string): Promise<readonly OffsetChangeReport[]> {
  await connectorAndTasks(deps, name);
  return (await deps.offsets.history(name)).map(({ changedAt, before, after }) => ({
    changedAt,
    before: before.map(textOf),
    after: after.map(textOf),
  }));
}

/** Writes back what was there before the newest change by hand; that is a change of its own, and can be undone too. */
export async function undoOffsetChange(deps: HerderDeps, name: string): Promise<string> {
  const connector = await stopped(deps, name);
  const [newest] = await deps.offsets.history(name);
  if (newest === undefined) {
    throw new ConnectError('request.invalid', `No offsets of connector ${name} have been changed by hand`);
  }
  const before = newest.before;
  if (connector.type === 'sink') {
    await whileStopped(name, deps.offsets.alterSinkPositions(name, before.filter(isSinkOffset), deps.clock.now()));
  } else {
    await whileStopped(name, deps.offsets.alterSourceOffsets(name, before.filter(isSourceEntry), deps.clock.now()));
  }
  return `The offsets for this connector are again what they were before ${new Date(newest.changedAt).toISOString()}`;
}

const isSinkOffset = (entry: HistoricOffset): entry is SinkOffset => 'topic' in entry;
const isSourceEntry = (entry: HistoricOffset): entry is SourceOffsetEntry => 'partition' in entry;

async function stopped(deps: HerderDeps, name: string): Promise<ConnectorItem> {
  const { connector, tasks } = await connectorAndTasks(deps, name);
  if (connector.targetState !== 'STOPPED' || tasks.length > 0) throw notStopped(name);
  return connector;
}

/** Every write is conditional: whoever resumed the connector meanwhile is told as if they had been first. */
async function whileStopped(name: string, write: Promise<void>): Promise<void> {
  await write.catch((error) => {
    throw error instanceof ConflictError ? notStopped(name) : error;
  });
}

const notStopped = (name: string) =>
  new ConnectError(
    'offsets.not_stopped',
    'Connectors must be in the STOPPED state before their offsets can be modified. This can be done for the specified ' +
      `connector by issuing a 'PUT' request to the '/connectors/${name}/stop' endpoint`,
  );

function messageOf(done: 'altered' | 'reset', accepted: boolean): string {
  if (accepted) return `The offsets for this connector have been ${done} successfully`;
  return (
    `The Connect framework-managed offsets for this connector have been ${done} successfully. However, if this ` +
    `connector manages offsets externally, they will need to be manually ${done} in the system that the connector uses.`
  );
}

/** Runs the connector's own check; what it throws is the answer, in its words. */
async function asked(connector: ConnectorItem, ask: () => Promise<boolean>): Promise<boolean> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof ConnectError && cause.code.startsWith('request.')) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ConnectError(
      'offsets.refused',
      message === '' ? `Failed to modify offsets for connector ${connector.name}` : message,
      { cause },
    );
  }
}

async function alterSource(
  deps: HerderDeps,
  connector: ConnectorItem,
  changes: readonly ConnectorOffset[],
): Promise<boolean> {
  const last = lastOfEach(changes);
  for (const { partition, offset } of last) {
    requirePrimitives(partition);
    requirePrimitives(offset);
  }
  const accepted = await asked(connector, () =>
    askSource(deps, connector, async () =>
      last.map(({ partition, offset }) => ({ partition: plain(partition) as SourcePartition, offset: plain(offset) })),
    ),
  );
  const entries: SourceOffsetEntry[] = [];
  for (const { partition, offset } of last) {
    if (partition === null) {
      if (offset === null) continue; // A tombstone for nothing.
      throw badOffset('The partition for a source connector offset cannot be null or missing');
    }
    entries.push(sourceOffsetEntry(plain(partition) as SourcePartition, plain(offset)));
  }
  if (entries.length > 0) {
    await whileStopped(connector.name, deps.offsets.alterSourceOffsets(connector.name, entries, deps.clock.now()));
  }
  return accepted;
}

function requirePrimitives(fields: OffsetFields | null): void {
  for (const [field, value] of fields ?? []) {
    if (value instanceof NotPrimitive) {
      throw new ConnectError(
        'offsets.refused',
        `Offsets may only contain primitive types as values, but field ${field} contains ${value.javaType}`,
      );
    }
  }
}

function plain(fields: OffsetFields | null): SourceOffset | null {
  return fields === null ? null : offsetOfFields(fields as ReadonlyMap<string, OffsetValue>);
}

/** Of several offsets for one partition the last one wins. */
function lastOfEach(changes: readonly ConnectorOffset[]): ConnectorOffset[] {
  const last = new Map<string, ConnectorOffset>();
  for (const change of changes) last.set(identity(change.partition), change);
  return [...last.values()];
}

function identity(partition: OffsetFields | null): string {
  if (partition === null) return 'null';
  const fields = [...partition].map(([key, value]) => [key, typeof value, String(value)]);
  return JSON.stringify(fields.sort(([a], [b]) => (a! < b! ? -1 : 1)));
}

async function askSource(
  deps: HerderDeps,
  { config }: ConnectorItem,
  changes: () => Promise<{ partition: SourcePartition; offset: SourceOffset | null }[]>,
): Promise<boolean> {
  const plugin = await createPlugin(getConnector(deps.plugins, 'source', config));
  if (plugin.alterOffsets === undefined) return false;
  return plugin.alterOffsets(config, await changes());
}

async function alterSink(
  deps: HerderDeps,
  connector: ConnectorItem,
  changes: readonly ConnectorOffset[],
): Promise<boolean> {
  const positions = lastOfEach(changes).map(sinkOffset);
  const last = [
    ...new Map(positions.map((position) => [`${position.kafkaPartition} ${position.topic}`, position])).values(),
  ];
  const accepted = await asked(connector, () => askSink(deps, connector, async () => last));
  for (const { topic, kafkaPartition, offset } of last) {
    // Kafka refuses these when they are committed, which Java tells so.
    if (kafkaPartition < 0 || !legalTopic.test(topic) || /^\.\.?$/.test(topic)) {
      throw new ConnectError(
        'offsets.refused',
        `Failed to alter consumer group offsets for connector ${connector.name}`,
      );
    }
    if (offset !== null && offset < 0n) {
      throw new ConnectError('offsets.refused', `Failed to modify offsets for sink connector ${connector.name}`);
    }
  }
  await whileStopped(connector.name, deps.offsets.alterSinkPositions(connector.name, last, deps.clock.now()));
  return accepted;
}

async function askSink(
  deps: HerderDeps,
  { config }: ConnectorItem,
  changes: () => Promise<SinkOffset[]>,
): Promise<boolean> {
  const plugin = await createPlugin(getConnector(deps.plugins, 'sink', config));
  if (plugin.alterOffsets === undefined) return false;
  return plugin.alterOffsets(config, await changes());
}

/** What Kafka takes as a topic's name. */
const legalTopic = /^[a-zA-Z0-9._-]{1,249}$/;
const largestInt = 2n ** 31n;
const largestLong = 2n ** 63n;

/** Java: SinkUtils.parseSinkConnectorOffsets. */
function sinkOffset({ partition, offset }: ConnectorOffset): SinkOffset {
  if (partition === null) throw badOffset('The partition for a sink connector offset cannot be null or missing');
  if (!partition.has('kafka_topic') || !partition.has('kafka_partition')) {
    throw badOffset(
      "The partition for a sink connector offset must contain the keys 'kafka_topic' and 'kafka_partition'",
    );
  }
  const topic = partition.get('kafka_topic') ?? null;
  if (topic === null) throw badOffset('Kafka topic names must be valid strings and may not be null');
  const kafkaPartition = partition.get('kafka_partition') ?? null;
  if (kafkaPartition === null) throw badOffset('Kafka partitions must be valid numbers and may not be null');
  const partitionNumber = integer(kafkaPartition, largestInt);
  if (partitionNumber === null) {
    throw badOffset(
      `Failed to parse the following Kafka partition value in the provided offsets: '${fieldText(kafkaPartition)}'. ` +
        'Partition values for sink connectors need to be integers.',
    );
  }
  const target = { topic: fieldText(topic), kafkaPartition: Number(partitionNumber) };
  if (offset === null) return { ...target, offset: null };
  const kafkaOffset = offset.get('kafka_offset');
  if (kafkaOffset === undefined) {
    throw badOffset("The offset for a sink connector should either be null or contain the key 'kafka_offset'");
  }
  const parsed = integer(kafkaOffset, largestLong);
  if (parsed === null) {
    throw badOffset(
      `Failed to parse the following Kafka offset value in the provided offsets: '${fieldText(kafkaOffset)}'. ` +
        'Offset values for sink connectors need to be integers.',
    );
  }
  return { ...target, offset: parsed };
}

const badOffset = (message: string) => new ConnectError('request.invalid', message);

/** Java's parseInt and parseLong of the value's text; null for what they refuse. `limit`: the first that is too large. */
function integer(value: OffsetField, limit: bigint): bigint | null {
  const text = fieldText(value);
  if (!/^[+-]?[0-9]+$/.test(text)) return null;
  const parsed = BigInt(text.replace(/^\+/, ''));
  return parsed >= limit || parsed < -limit ? null : parsed;
}

/** Java prints a double with its fraction: one that is whole must not pass for an integer. */
function fieldText(value: OffsetField): string {
  if (value instanceof NotPrimitive) return value.text;
  return typeof value === 'number' ? doubleText(value) : String(value);
}

async function sourceOffsets(deps: HerderDeps, name: string): Promise<SourceOffsetEntry[]> {
  const entries: SourceOffsetEntry[] = [];
  let after: string | null = null;
  do {
    const page: { items: readonly SourceOffsetEntry[]; next: string | null } = await deps.offsets.listSourceOffsets(
      name,
      after,
    );
    entries.push(...page.items);
    after = page.next;
  } while (after !== null);
  return entries;
}

function sinkOffsets(deps: HerderDeps, name: string): Promise<SinkOffset[]> {
  return deps.offsets.readSinkPositions(name);
}

function removed(entries: readonly SourceOffsetEntry[]): { partition: SourcePartition; offset: null }[];
function removed(entries: readonly SinkOffset[]): SinkOffset[];
function removed(entries: readonly (SourceOffsetEntry | SinkOffset)[]): unknown[] {
  return entries.map((entry) =>
    'topic' in entry ? { ...entry, offset: null } : { partition: parseOffset(entry.partition), offset: null },
  );
}

function textOf(entry: HistoricOffset): { partition: string; offset: string | null } {
  if (!('topic' in entry)) return { partition: entry.partition, offset: entry.offset };
  return {
    partition: `{"kafka_topic":${JSON.stringify(entry.topic)},"kafka_partition":${entry.kafkaPartition}}`,
    offset: entry.offset === null ? null : `{"kafka_offset":${entry.offset}}`,
  };
}
