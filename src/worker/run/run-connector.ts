import { asksForRunner } from '../../config/run-settings.ts';
import { ConnectError, FencedError, isRetriable, traceOf } from '../../errors.ts';
import { takenUpWithinMs } from '../../invocation/run-request.ts';
import { deathsOf } from '../../storage/deaths.ts';
import type { AppliedGeneration, NewTask } from '../../storage/generation-store.ts';
import { newestChanges, type State, type TaskItem } from '../../storage/items.ts';
import type { SinkPosition } from '../../storage/offset-backing-store.ts';
import { claimFeed, feedsOf } from '../feed/claim-feed.ts';
import { messageOf } from '../record/failure.ts';
import { replayDeadLetters } from '../record/replay-dead-letters.ts';
import { positionsAtRest } from '../sink/positions-at-rest.ts';
import { settleBeforeDeletion, settleBeforeStart, settleWhileStopped } from '../sink/settle-group.ts';
import { hashOf } from './config-hash.ts';
import { type ConnectorRun, numbersOf } from './connector-run.ts';
import { closingOf, endTasks } from './end-tasks.ts';
import { deadlinesOf, releaseLease } from './lease.ts';
import { giveUpAfterDeaths, TooManyDeathsError, tellDeath } from './run-deaths.ts';
import type { RunHost } from './run-host.ts';
import { retryDueAt } from './run-limits.ts';
import type { RunBudget, RunReport } from './run-report.ts';
import { askConnector, isSame, type WantedTask } from './wanted-tasks.ts';

/**
 * One run of a connector itself: lease → start → taskConfigs → the next generation of tasks → release. It brings what is
 * (tasks, state) in line with what is wanted (config, target state, deletion). Every step may be repeated, so a run that
 * dies anywhere leaves the connector due and the next one goes on from what it finds; and no task of the new generation
 * is written before the old ones it could collide with have let go (I7).
 */
export async function runConnector(host: RunHost, connector: string, budget: RunBudget): Promise<RunReport> {
  const { endsAt, expiresAt } = deadlinesOf(host, budget);
  const now = host.clock.now();
  const acquired = await host.stores.leases.acquireConnector(
    connector,
    budget.workerId,
    now,
    expiresAt,
    budget.invocation,
  );
  if (!acquired.granted) {
    host.telemetry.emit('run.refused', { connector, reason: acquired.reason });
    return report(false, acquired.reason, null);
  }
  host.onStep?.('connector-acquired');
  const { takeover, lease, died } = acquired;
  if (died !== null) tellDeath(host, { connector }, acquired.item, died);
  host.telemetry.emit('run.started', { connector, fencingToken: lease.fencingToken, takeover });
  const run: ConnectorRun = {
    host,
    item: acquired.item,
    lease,
    died,
    endsAt,
    workerId: budget.workerId,
    goesOn: budget.goesOn === true && !asksForRunner(acquired.item.config),
    started: null,
    tainted: false,
  };
  try {
    const nextDueAt = await bringInLine(run);
    host.onStep?.('connector-applied');
    const isElsewhere = run.started === null || asksForRunner(run.item.config);
    const next = isElsewhere ? null : ({ kind: 'task', connector, task: run.started! } as const);
    return { ...report(true, 'applied', nextDueAt), next };
  } catch (error) {
    if (error instanceof FencedError && error.code === 'lease.fenced') {
      host.telemetry.emit('run.fenced', { connector, error: error.message });
      return report(true, 'fenced', null);
    }
    return fail(run, error);
  }
}

const report = (ran: boolean, reason: string, nextDueAt: number | null): RunReport => ({
  ran,
  reason,
  records: 0,
  nextDueAt,
  next: null,
  tainted: false,
});

async function bringInLine(run: ConnectorRun): Promise<number | null> {
  const { host, item, lease } = run;
  const { config, generations } = host.stores;
  if (!item.deleting && item.targetState === 'STARTED') return startGeneration(run);
  const tasks = await config.getTasks(item.name);
  if (item.deleting) {
    await endTasks(run, tasks, { closing: tasks });
    await generations.deleteTasks(lease, numbersOf(tasks), host.clock.now());
    if (item.type === 'sink') await settleBeforeDeletion(run);
    const gone = await generations.removeConnector(lease, host.clock.now());
    host.telemetry.emit('connector.state', { connector: item.name, state: 'DESTROYED' });
    return gone ? null : host.clock.now();
  }
  if (item.targetState === 'STOPPED') {
    await endTasks(run, tasks, { closing: tasks });
    await generations.deleteTasks(lease, numbersOf(tasks), host.clock.now());
    if (item.type === 'source') return apply(run, item.generation, 0, 'STOPPED');
    const settled = await settleWhileStopped(run);
    // The report goes on telling what its tasks told.
    const told = tasks.flatMap(({ positionChanges }) => positionChanges).sort((one, other) => one.at - other.at);
    return apply(run, item.generation, 0, 'STOPPED', {
      dueAt: settled.nextDueAt,
      groupSettled: settled.done || item.groupSettled,
      ...(told.length === 0 ? {} : { positionChanges: newestChanges(item.positionChanges, told) }),
    });
  }
  // A paused connector keeps its tasks and, as in Java, takes up a changed config when it is resumed.
  if (tasks.length > 0) await generations.revokeTasks(lease, numbersOf(tasks), 'PAUSED', closingOf(run, tasks));
  for (const key of feedsOf(tasks)) await host.stores.feeds.setOpen(lease, key, false);
  return apply(run, item.generation, item.taskCount, 'PAUSED');
}

async function startGeneration(run: ConnectorRun): Promise<number | null> {
  const { host, item, lease, died } = run;
  prepareKafka(host);
  const { generations } = host.stores;
  if (died !== null) {
    giveUpAfterDeaths(`Connector ${item.name}`, item.config, deathsOf(item, host.clock.now()), died);
  }
  const [{ wanted, topics, feed, refreshMs }, tasks] = await Promise.all([
    askConnector(run),
    host.stores.config.getTasks(item.name),
  ]);
  if (item.type === 'sink' && tasks.length === 0) await settleBeforeStart(run);
  const running = new Map(tasks.map((task) => [task.task, task]));
  // A task that wants what it has runs on undisturbed (L6), but for a changed connector config: that reaches the converters
  // and transformations of every task, whatever their own configs say.
  const configHash = hashOf(item.config);
  const configChanged = item.appliedConfigHash !== configHash;
  const changed = wanted.filter((task) => configChanged || !isSame(task, running.get(task.task)));
  const surplus = tasks.filter((task) => task.task >= wanted.length);

  const ending = [...changed.flatMap(({ task }) => running.get(task) ?? []), ...surplus];
  await endTasks(run, ending, { keptFeed: feed?.key ?? null, closing: ending.filter((task) => loses(task, wanted)) });
  const startsAnew = changed.some(({ task }) => task === 0);
  if (feed !== null) await claimFeed(run, feed, startsAnew);
  const generation = changed.length > 0 || surplus.length > 0 ? item.generation + 1 : item.generation;
  const resumed = wanted.filter(({ task }) => !changed.some((one) => one.task === task) && running.get(task)?.revoked);
  const started = [...numbersOf(resumed), ...numbersOf(changed)].sort((one, other) => one - other)[0] ?? null;
  const dueAt = (task: number) => host.clock.now() + (run.goesOn && task === started ? takenUpWithinMs : 0);
  if (resumed.length > 0) await generations.startTasks(lease, numbersOf(resumed), host.clock.now(), dueAt);
  if (changed.length > 0) {
    const positions = item.type === 'sink' ? await positionsAtRest(run, topics) : [];
    const newTasks = changed.map((task) => newTask(task, positions));
    await generations.putTasks(lease, generation, newTasks, host.clock.now(), dueAt);
  }
  run.started = started;
  host.onStep?.('tasks-put');
  if (surplus.length > 0) await generations.deleteTasks(lease, numbersOf(surplus), host.clock.now());
  if (changed.length > 0 || surplus.length > 0) {
    const facts = { connector: item.name, generation, tasks: wanted.length, changed: changed.length };
    host.telemetry.emit('connector.generation', facts);
  }
  return apply(run, generation, wanted.length, 'RUNNING', {
    configHash,
    dueAt: refreshMs === null ? null : host.clock.now() + refreshMs,
    ...(item.groupSettled ? { groupSettled: false } : {}),
  });
}

/** Its first task follows in this invocation. Whatever is amiss, who needs Kafka is told. */
function prepareKafka(host: RunHost): void {
  host.kafka().then(
    (kafka) => kafka.prepare().catch(() => {}),
    () => {},
  );
}

/** Whether the task keeps something of a partition that nobody is to read any more. */
function loses(task: TaskItem, wanted: readonly WantedTask[]): boolean {
  const isWanted = (topic: string, partition: number) =>
    wanted.some(({ assignment }) =>
      assignment.some((one) => one.topic === topic && one.partitions.includes(partition)),
    );
  return Object.entries(task.states).some(([topic, partitions]) =>
    Object.keys(partitions).some((partition) => !isWanted(topic, Number(partition))),
  );
}

function newTask({ task, config, assignment }: WantedTask, atRest: readonly SinkPosition[]): NewTask {
  const positions = atRest.filter(({ topic, kafkaPartition }) =>
    assignment.some((one) => one.topic === topic && one.partitions.includes(kafkaPartition)),
  );
  return { task, config, assignment, positions };
}

type ApplyOptions = Pick<Partial<AppliedGeneration>, 'configHash' | 'groupSettled' | 'positionChanges'> & {
  readonly dueAt?: number | null;
};

async function apply(
  run: ConnectorRun,
  generation: number,
  taskCount: number,
  state: State,
  { dueAt: ownDueAt = null, ...more }: ApplyOptions = {},
): Promise<number | null> {
  const { host, item, lease, workerId } = run;
  // The tasks are on their way: the lease is held on to only for what is not theirs.
  const dueAt = (await replayDeadLetters(run)) ?? ownDueAt;
  const applied: AppliedGeneration = {
    generation,
    taskCount,
    appliedVersion: item.configVersion,
    state,
    trace: null,
    workerId,
    ...more,
  };
  await host.stores.generations.applyGeneration(lease, applied, dueAt);
  if (item.state !== state) host.telemetry.emit('connector.state', { connector: item.name, state });
  return dueAt;
}

/** A connector that cannot start is FAILED; its tasks, if it has any, go on as they are. */
async function fail(run: ConnectorRun, error: unknown): Promise<RunReport> {
  const { host, item, lease, workerId } = run;
  const now = host.clock.now();
  const retriable = isRetriable(error);
  const trace = host.telemetry.secrets.mask(traceOf(error));
  const nextDueAt = retriable ? retryDueAt(1, now) : null;
  const facts = { connector: item.name, error: messageOf(error), trace, retriable, nextDueAt };
  host.telemetry.emit('run.failed', facts);
  try {
    if (retriable) {
      const waits = error instanceof ConnectError && error.code === 'connector.tasks_held';
      const state = item.state === 'FAILED' ? 'UNASSIGNED' : item.state;
      await releaseLease(host, lease, { state, trace: waits ? null : trace, workerId, dueAt: nextDueAt });
    } else {
      const { generation, taskCount, configVersion: appliedVersion } = item;
      const deaths = error instanceof TooManyDeathsError ? { deaths: error.deaths } : {};
      const applied = { generation, taskCount, appliedVersion, state: 'FAILED' as const, trace, workerId, ...deaths };
      await host.stores.generations.applyGeneration(lease, applied, null);
    }
  } catch (fenced) {
    if (!(fenced instanceof FencedError)) throw fenced;
    host.telemetry.emit('run.fenced', { connector: item.name, error: fenced.message });
  }
  return { ...report(true, retriable ? 'failed-for-now' : 'failed', nextDueAt), tainted: run.tainted };
}
