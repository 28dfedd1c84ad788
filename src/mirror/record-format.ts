import type { Settings } from '../config/config-def.ts';
import type { State, TargetState } from '../storage/items.ts';
import { javaJsonString } from '../storage/source-offset-text.ts';

/**
 * The records of Java Connect's three topics, byte for byte: keys, and values as its schemaless JsonConverter writes
 * them (fields in the order of Java's schemas, surrogates escaped). Java: KafkaConfigBackingStore, KafkaOffsetBackingStore,
 * KafkaStatusBackingStore.
 */
export const connectorKey = (connector: string) => `connector-${connector}`;
export const taskKey = (connector: string, task: number) => `task-${connector}-${task}`;
export const commitKey = (connector: string) => `commit-${connector}`;
export const targetStateKey = (connector: string) => `target-state-${connector}`;
export const taskCountKey = (connector: string) => `tasks-fencing-${connector}`;
export const restartKey = (connector: string) => `restart-connector-${connector}`;
export const loggerKey = (logger: string) => `logger-cluster-${logger}`;
export const connectorStatusKey = (connector: string) => `status-connector-${connector}`;
export const taskStatusKey = (connector: string, task: number) => `status-task-${connector}-${task}`;
export const topicStatusKey = (connector: string, topic: string) => `status-topic-${topic}:connector-${connector}`;

export const propertiesValue = (settings: Settings, order: readonly string[] = Object.keys(settings)) =>
  `{"properties":{${order.map((key) => `${javaJsonString(key)}:${javaJsonString(settings[key] ?? '')}`).join(',')}}}`;

export const commitValue = (tasks: number) => `{"tasks":${tasks}}`;
export const taskCountValue = (tasks: number) => `{"task-count":${tasks}}`;
export const loggerValue = (level: string) => `{"level":${javaJsonString(level)}}`;

export const restartValue = (request: { readonly includeTasks: boolean; readonly onlyFailed: boolean }) =>
  `{"include-tasks":${request.includeTasks},"only-failed":${request.onlyFailed}}`;

/** Workers that do not know STOPPED read the first field. */
export const targetStateValue = (state: TargetState) =>
  `{"state":"${state === 'STOPPED' ? 'PAUSED' : state}","state.v2":"${state}"}`;

export interface StatusFields {
  readonly state: State;
  readonly trace: string | null;
  readonly workerId: string;
  readonly generation: number;
  /** Of the plugin; null: not known. */
  readonly version: string | null;
}

export const statusValue = ({ state, trace, workerId, generation, version }: StatusFields) =>
  `{"state":"${state}","trace":${orNull(trace)},"worker_id":${javaJsonString(workerId)},` +
  `"generation":${generation},"version":${orNull(version)}}`;

export const topicStatusValue = (connector: string, topic: string, task: number, discoveredAt: number) =>
  `{"topic":{"name":${javaJsonString(topic)},"connector":${javaJsonString(connector)},"task":${task},"discoverTimestamp":${discoveredAt}}}`;

const orNull = (text: string | null) => (text === null ? 'null' : javaJsonString(text));
