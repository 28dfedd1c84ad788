/// <reference types="node" preserve="true" />
/** What a user's CDK app imports from `drover/cdk`. */
export * from '../connectors/cdk.ts';
export {
  type AttachedConnector,
  DroverConnector,
  type DroverConnectorOptions,
  type DroverConnectorProps,
  type InitialOffset,
} from './connector.ts';
export { ConnectorSecret } from './connector-secret.ts';
export type {
  DroverConnectorConfig,
  KnownConnectorClass,
  SettingsOf,
  SettingValue,
} from './connector-settings.ts';
export { Drover } from './drover.ts';
export type { FeedQueue, FeedQueueTuning } from './feed-queue.ts';
export type { DroverAttributes, IDeclaredConnectors, IDrover } from './imported-drover.ts';
export type { JavaPlugins } from './java.ts';
export type {
  ApiAuth,
  ApiThrottle,
  DroverLimits,
  DroverProps,
  KafkaSecurity,
  MirrorTopics,
  OfferedPlugins,
} from './props.ts';
export type { Runner, RunnerProps } from './runner.ts';
export { addDroverIndexes, droverTableProps } from './table.ts';
export {
  type WakeOnObjectsProps,
  type WakeOnQueueProps,
  type WakeOnRuleProps,
  type WakeOnTopicProps,
  type WakingBucket,
  wakeOnObjects,
  wakeOnQueue,
  wakeOnRule,
  wakeOnTopic,
} from './wakes.ts';
