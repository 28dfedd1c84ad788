import { NotFoundError } from '../errors.ts';
import { connectorAndTasks, unknownToRestart } from './connector-lookup.ts';
import { statusOf } from './connector-status.ts';
import type { ConnectorStatus, RestartRequest, RunStatus } from './herder.ts';
import type { HerderDeps } from './herder-deps.ts';

/**
 * KIP-745. Without parameters only the connector's own run is done again; with `includeTasks` its tasks are too, with
 * `onlyFailed` only what is FAILED of either. Answers what the states are about to be, or null for a plain restart.
 */
export async function restartConnector(
  deps: HerderDeps,
  name: string,
  request: RestartRequest,
): Promise<ConnectorStatus | null> {
  const { connector, tasks } = await connectorAndTasks(deps, name, unknownToRestart);
  const status = statusOf(deps, connector, tasks);
  const wanted = (run: RunStatus) => !request.onlyFailed || run.state === 'FAILED';
  const restartsConnector = wanted(status.connector);
  const restartedTasks = request.includeTasks ? status.tasks.filter(wanted).map(({ id }) => id) : [];
  if (restartsConnector || restartedTasks.length > 0) {
    await deps.configs
      .requestRestart(name, { connector: restartsConnector, tasks: restartedTasks, ...request }, deps.clock.now())
      .catch((error) => {
        throw error instanceof NotFoundError ? unknownToRestart(name) : error;
      });
  }
  if (!request.includeTasks && !request.onlyFailed) return null;
  return {
    ...status,
    connector: restartsConnector ? restarting(status.connector) : status.connector,
    tasks: status.tasks.map((task) => (restartedTasks.includes(task.id) ? { ...restarting(task), id: task.id } : task)),
  };
}

/** The trace stays in the plan, as in Java's. */
const restarting = (run: RunStatus): RunStatus => ({ ...run, state: 'RESTARTING' });

export async function restartTask(deps: HerderDeps, name: string, task: number): Promise<void> {
  const { tasks } = await connectorAndTasks(deps, name, unknownToRestart);
  if (!tasks.some((item) => item.task === task)) {
    throw new NotFoundError('task.not_found', `Unknown task: ${name}-${task}`);
  }
  await deps.configs.requestRestart(name, { connector: false, tasks: [task] }, deps.clock.now()).catch((error) => {
    throw error instanceof NotFoundError ? unknownToRestart(name) : error;
  });
}
