import { connectorAndTasks, connectorNames, ofEachConnector } from './connector-lookup.ts';
import { alterOffsets, offsetHistory, offsets, resetOffsets, undoOffsetChange } from './connector-offsets.ts';
import { connectorReport, connectorStatus, reportOf, statusOf, taskInfos, taskStatus } from './connector-status.ts';
import { feedReports } from './feed-checks.ts';
import type { Herder } from './herder.ts';
import type { HerderDeps } from './herder-deps.ts';
import { logger, loggers, resetLoggerLevel, setLoggerLevel } from './loggers.ts';
import { pluginConfig, plugins } from './plugins.ts';
import {
  connectorInfo,
  createConnector,
  deleteConnector,
  patchConnectorConfig,
  putConnectorConfig,
} from './put-connector-config.ts';
import { replayDeadLetters } from './replay-dead-letters.ts';
import { restartConnector, restartTask } from './restart.ts';
import { setTargetState } from './set-target-state.ts';
import { activeTopics, resetActiveTopics } from './topics.ts';
import { validateForPlugin } from './validate-connector-config.ts';

export function createHerder(deps: HerderDeps): Herder {
  return {
    cluster: async () => ({
      version: deps.version,
      commit: deps.commit,
      kafkaClusterId: (await deps.cluster.clusterId()) ?? 'unknown',
    }),

    connectorNames: (page) => connectorNames(deps, page),
    connectorInfo: async (name) => {
      const { connector, tasks } = await connectorAndTasks(deps, name);
      return connectorInfo(name, connector.type, connector.config, tasks);
    },
    connectorDetails: (page) =>
      ofEachConnector(
        deps,
        (connector, tasks) => ({
          info: connectorInfo(connector.name, connector.type, connector.config, tasks),
          status: statusOf(deps, connector, tasks),
        }),
        page,
      ),
    connectorConfig: async (name) => (await connectorAndTasks(deps, name)).connector.config,
    createConnector: (name, config, targetState) => createConnector(deps, name, config, targetState),
    putConnectorConfig: (name, config) => putConnectorConfig(deps, name, config),
    patchConnectorConfig: (name, patch) => patchConnectorConfig(deps, name, patch),
    deleteConnector: (name) => deleteConnector(deps, name),
    setTargetState: (name, targetState) => setTargetState(deps, name, targetState),

    connectorStatus: (name) => connectorStatus(deps, name),
    tasks: (name) => taskInfos(deps, name),
    taskStatus: (name, task) => taskStatus(deps, name, task),
    restartConnector: (name, request) => restartConnector(deps, name, request),
    restartTask: (name, task) => restartTask(deps, name, task),

    activeTopics: (name) => activeTopics(deps, name),
    resetActiveTopics: (name) => resetActiveTopics(deps, name),

    offsets: (name) => offsets(deps, name),
    alterOffsets: (name, changes) => alterOffsets(deps, name, changes),
    resetOffsets: (name) => resetOffsets(deps, name),

    plugins: (connectorsOnly) => plugins(deps, connectorsOnly),
    pluginConfig: (plugin, version) => pluginConfig(deps, plugin, version),
    validateConnectorConfig: (plugin, config) => validateForPlugin(deps, plugin, config),

    loggers: () => loggers(deps),
    logger: (name) => logger(deps, name),
    setLoggerLevel: (name, level) => setLoggerLevel(deps, name, level),
    resetLoggerLevel: (name) => resetLoggerLevel(deps, name),

    mirrorReport: async () => {
      const progress = await deps.cluster.mirrorProgress();
      if (progress === undefined) return null;
      return { ...progress, lagMs: Math.max(0, progress.mirroredAt - progress.changedAt) };
    },
    mirrorFailure: async () => (await deps.cluster.mirrorFailure()) ?? null,
    feedReports: async () => (deps.feedRules === undefined ? [] : feedReports(deps.feedRules)),
    connectorReport: (name) => connectorReport(deps, name),
    connectorReports: (page) => ofEachConnector(deps, (connector, tasks) => reportOf(deps, connector, tasks), page),
    offsetHistory: (name) => offsetHistory(deps, name),
    undoOffsetChange: (name) => undoOffsetChange(deps, name),
    replayDeadLetters: (name, target) => replayDeadLetters(deps, name, target),
  };
}
