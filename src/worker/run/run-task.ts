import type { SinkConnector, SourceConnector } from '../../api/connector.ts';
import { asksForRunner, noRunner } from '../../config/run-settings.ts';
import {
  ConfigError,
  ConflictError,
  FencedError,
  isRetriable,
  NotFoundError,
  RetriableError,
  traceOf,
} from '../../errors.ts';
import { restartDueAt, scheduledRun } from '../../invocation/run-plan.ts';
import { createPlugin } from '../../plugins/create-plugin.ts';
import { getConnector } from '../../plugins/registry.ts';
import { deathsOf } from '../../storage/deaths.ts';
import { type ConnectorItem, keepsStates, type TaskItem } from '../../storage/items.ts';
import type { Lease, RunOutcome } from '../../storage/lease-store.ts';
import { resolveOrSame, resolveSettings } from '../config-providers.ts';
import { feedOfTask, standForFeed } from '../feed/fed-task.ts';
import { messageOf } from '../record/failure.ts';
import { runSink } from '../sink/sink-run.ts';
import { isTopicCheckDue, wakeIfTopicsChanged } from '../sink/topic-changes.ts';
import { runSource } from '../source/source-run.ts';
import { KnownOffsets } from './known-tasks.ts';
import { KnownTopics } from './known-topics.ts';
import { acquireTaskLease, type Deadlines, deadlinesOf, distantDeadlines, releaseLease } from './lease.ts';
import { keepRenewing } from './renewal.ts';
import { requireAllowed } from './require-allowed.ts';
import { requireSettingsOnce } from './require-settings.ts';
import { giveUpAfterDeaths, TooManyDeathsError, tellDeath } from './run-deaths.ts';
import type { RunHost } from './run-host.ts';
import { idleBackOffMs, idleDueAt, retryDueAt, runLimits } from './run-limits.ts';
import type { RunBudget, RunReport } from './run-report.ts';
import { lagCounters, TaskRun } from './task-run.ts';
import { watchUnhandledRejections } from './unhandled-rejections.ts';

/** A closing run that fails with what may pass is tried again for about half a minute: a stop waits for it. */
const mostClosingRuns = 6;

/** One bounded run of one task: lease → load → source or sink run → report → release. */
export async function runTask(host: RunHost, connector: string, task: number, budget: RunBudget): Promise<RunReport> {
  const requestedAt = host.clock.now();
  const deadlines = deadlinesOf(host, budget);
  // Asked for beside the lease, unless it is known; what it must not be older than is seen below.
  const early = host.knownTasks.has(connector, task)
    ? null
    : host.stores.config.getConnector(connector, { evenDeleting: true });
  early?.catch(() => {});
  const acquired = await acquireTaskLease(host, connector, task, budget, deadlines.expiresAt);
  if (!acquired.granted) {
    host.telemetry.emit('run.refused', { connector, task, reason: acquired.reason });
    return { ran: false, reason: acquired.reason, records: 0, nextDueAt: null, next: null, tainted: false };
  }
  const { item, lease, takeover, died } = acquired;
  const startedAt = host.clock.now();
  host.onStep?.('acquired');
  if (died !== null) tellDeath(host, { connector, task }, item, died);
  host.telemetry.emit('run.started', { connector, task, fencingToken: lease.fencingToken, takeover });

  const known = host.knownTasks.take(item, lease, takeover);
  const offsets = known?.offsets ?? new KnownOffsets();
  let owner: ConnectorItem | null = null;
  let run: TaskRun | null = null;
  let outcome: RunOutcome;
  try {
    owner = known?.connector ?? (await connectorOf(host, item, early));
    if (died !== null) giveUpAfterDeaths(`Task ${connector}-${task}`, owner.config, deathsOf(item, startedAt), died);
    const { renewal } = budget;
    const given = renewal === undefined ? deadlines : distantDeadlines(startedAt);
    run = await loadRun(host, owner, item, lease, given, requestedAt, offsets, known?.topics, renewal !== undefined);
    if (renewal === undefined && !run.closes) requireNoRunner(run);
    run.bounds.move(deadlines);
    // One that was owed a closing run while it ran may have left nothing.
    if (!run.closes || run.report.leavesOpen) await runLoaded(run, budget);
    outcome = run.closes ? closed(run) : succeeded(run);
  } catch (error) {
    outcome = failed(host, item, lease, run, error, startedAt);
  }
  try {
    outcome = await release(host, item, lease, run, outcome, startedAt);
    if (owner !== null && run?.bounds.tainted === false) {
      host.knownTasks.keep(item, lease, { connector: owner, offsets, topics: run.knownTopics });
    }
  } catch (error) {
    // Somebody took the task over meanwhile: what comes next is theirs to say.
    if (!(error instanceof FencedError)) throw error;
    host.telemetry.emit('run.fenced', { connector, task, error: error.message });
  }
  host.onStep?.('released');
  // An idle sink's topics are the probe's to watch.
  const busySink = item.type === 'sink' && outcome.dueAt !== null && outcome.trace === null;
  // A sink that is there before its topic looks for it each time.
  const isDue = () => item.assignment.length === 0 || isTopicCheckDue(connector, startedAt, host.clock.now());
  const looks = busySink && task === 0 && isDue();
  if (looks || run?.report.topicsChanged === true) {
    await wakeIfTopicsChanged(host, (await host.kafka()).admin, connector);
  }
  const report: RunReport = {
    ran: true,
    reason:
      outcome.state === 'FAILED' ? 'failed' : outcome.trace !== null ? 'failed-for-now' : (run?.bounds.endReason ?? ''),
    records: run?.report.records ?? 0,
    nextDueAt: outcome.dueAt,
    next: null,
    tainted: run?.bounds.tainted ?? false,
  };
  host.telemetry.emit('run.ended', {
    connector,
    task,
    durationMs: host.clock.now() - startedAt,
    ...(run?.report.untold ?? { records: 0, bytes: 0 }),
    commits: run?.report.commits ?? 0,
    emptyRuns: item.counters.consecutiveEmptyRuns,
    nextDueAt: outcome.dueAt,
    steps: { acquired: startedAt - requestedAt, ...run?.report.steps },
  });
  return report;
}

/** With what the run has held back to commit; a commit that cannot be written is the run's failure. Tells how it has ended. */
async function release(
  host: RunHost,
  item: TaskItem,
  lease: Lease,
  run: TaskRun | null,
  outcome: RunOutcome,
  startedAt: number,
): Promise<RunOutcome> {
  if (run === null || !run.held.any) {
    await releaseLease(host, lease, outcome);
    return outcome;
  }
  try {
    await run.held.with((commit) => run.knowing(commit, () => releaseLease(host, lease, outcome, commit)));
    return outcome;
  } catch (error) {
    if (error instanceof FencedError) throw error;
    const failure = failed(host, item, lease, run, error, startedAt);
    await releaseLease(host, lease, failure);
    return failure;
  }
}

/**
 * The connector as it was read beside the lease, unless a generation was put in force between the two: its configs
 * belong together.
 */
async function connectorOf(
  host: RunHost,
  item: TaskItem,
  early: Promise<ConnectorItem | undefined> | null,
): Promise<ConnectorItem> {
  const read = await early;
  const connector =
    read != null && read.generation >= item.generation
      ? read
      : await host.stores.config.getConnector(item.connector, { evenDeleting: true });
  if (connector !== undefined) return connector;
  throw new NotFoundError('connector.not_found', `Connector ${item.connector} not found`);
}

async function loadRun(
  host: RunHost,
  connector: ConnectorItem,
  item: TaskItem,
  lease: Lease,
  deadlines: Deadlines,
  requestedAt: number,
  offsets: KnownOffsets,
  topics: KnownTopics | undefined,
  onRunner: boolean,
): Promise<TaskRun> {
  if (connector.type !== item.type) {
    throw new ConflictError('task.outdated', `Connector ${item.connector} is being turned into a ${connector.type}`);
  }
  const config = await resolveOrSame(connector.config, host.configProviders, host.telemetry.secrets);
  await requireAllowed(host.settings, item.type, config);
  const taskConfig = await resolveSettings(item.config, host.configProviders, host.telemetry.secrets);
  const stays = onRunner && asksForRunner(config) && scheduledRun(config, requestedAt) === null && !item.revoked;
  const limits = runLimits(config, host.settings, stays);
  const resets = `${connector.topicResets}/${item.topicResets}`;
  const knownTopics = topics?.resets === resets ? topics : new KnownTopics(resets);
  // Of several tasks each may read what another has committed.
  const known = connector.taskCount === 1 ? offsets : null;
  return new TaskRun(host, item, lease, { config, knownTopics, taskConfig, limits, deadlines, requestedAt }, known);
}

/** Here a run is bounded. Where there is a runner, the coordinator has read the config of a moment ago. */
function requireNoRunner({ host, about, config }: TaskRun): void {
  if (!asksForRunner(config)) return;
  if (host.settings.hasRunner) {
    throw new RetriableError(`${about.connector}-${about.task} is for the runner, to which it is handed next`, {
      code: 'task.elsewhere',
    });
  }
  throw new ConfigError(noRunner, { key: 'drover.runner' });
}

async function runLoaded(run: TaskRun, { signal, renewal }: RunBudget): Promise<void> {
  const time = run.bounds.start(signal);
  const renewing = renewal === undefined ? null : keepRenewing(run, renewal, signal);
  if (run.closes) run.bounds.end('revoked');
  const rejections = watchUnhandledRejections((error) => run.bounds.break(error));
  try {
    const work = rejections.run(async () => {
      requireSettingsOnce(run.host, { name: run.about.connector, type: run.item.type }, run.config);
      if (run.item.type === 'source') {
        const plugin: SourceConnector = await createPlugin(getConnector(run.host.plugins, 'source', run.config));
        if (feedOfTask(run.item) === null) await runSource(run, plugin);
        else await standForFeed(run, plugin);
      } else {
        const plugin: SinkConnector = await createPlugin(getConnector(run.host.plugins, 'sink', run.config));
        await runSink(run, plugin);
      }
    });
    await Promise.race([work, run.bounds.abandoned]);
  } finally {
    await run.bounds.settle();
    rejections.stop();
    renewing?.stop();
    time.stop();
  }
}

function succeeded(run: TaskRun): RunOutcome {
  const now = run.host.clock.now();
  const { counters } = run.item;
  const emptyRuns = run.report.records > 0 ? 0 : counters.consecutiveEmptyRuns + 1;
  const backlog = run.bounds.endReason === 'backlog';
  const isFed = feedOfTask(run.item) !== null;
  const scheduled = isFed ? { dueAt: null } : scheduledRun(run.config, now);
  const idles =
    scheduled === null && run.item.type === 'sink' && !backlog && run.isIdleSink(idleBackOffMs(run.limits, emptyRuns));
  const { wakeAt } = run.report;
  const rhythm = run.linger.learnt(run.bounds.endReason === 'drained');
  const pausedUntil = idles ? null : idleDueAt(run.limits, emptyRuns, now);
  const wokenAt = wakeAt === null ? pausedUntil : Math.min(pausedUntil ?? wakeAt, Math.max(now, wakeAt));
  return {
    state: 'RUNNING',
    trace: null,
    workerId: run.lease.owner,
    // With backlog at once; else by the schedule, or after a pause that grows. An idle sink is left to the probe (L3), but
    // for what it must do by a certain time.
    dueAt: backlog ? now : scheduled !== null ? scheduled.dueAt : wokenAt,
    // Also where it was revoked: it may have heard of that with its last commit, when nothing could be finished any more.
    closeAt: run.report.leavesOpen ? now : null,
    watched: idles,
    ...(rhythm === null ? {} : { rhythm }),
    counters: {
      // A fed task's totals are its events' to count.
      ...(isFed ? {} : { ...run.progress(), runs: counters.runs + 1 }),
      consecutiveFailures: 0,
      consecutiveEmptyRuns: emptyRuns,
      restartAttempts: 0,
      lastRunAt: now,
      lastSuccessAt: now,
      ...lagCounters(run.report.lag),
    },
  };
}

/** A closing run: what the task shows is left as it was, and whatever is still kept is for a run that may come once more. */
function closed(run: TaskRun): RunOutcome {
  const now = run.host.clock.now();
  const { state, trace, counters } = run.item;
  return {
    state,
    trace,
    workerId: run.lease.owner,
    dueAt: null,
    counters: {
      ...run.progress(),
      runs: counters.runs + 1,
      consecutiveFailures: 0,
      lastRunAt: now,
      lastSuccessAt: now,
    },
  };
}

function failed(
  host: RunHost,
  item: TaskItem,
  lease: Lease,
  run: TaskRun | null,
  error: unknown,
  startedAt: number,
): RunOutcome {
  const { connector, task } = item;
  const now = host.clock.now();
  const consecutiveFailures = item.counters.consecutiveFailures + 1;
  // Fenced by the broker the task may be ours still; fenced by the table, the release finds that out.
  const retriable = isRetriable(error) || error instanceof ConflictError || error instanceof FencedError;
  const restartAttempts = item.counters.restartAttempts + 1;
  const deaths = error instanceof TooManyDeathsError ? error.deaths : undefined;
  const config = error instanceof TooManyDeathsError ? error.config : run?.config;
  const restartAt = retriable || config === undefined ? null : restartDueAt(config, restartAttempts, now);
  const isClosing = item.revoked;
  const closesAgain = retriable && consecutiveFailures < mostClosingRuns;
  const leavesOpen = run?.report.leavesOpen ?? keepsStates(item);
  const retryAt = retriable ? retryDueAt(consecutiveFailures, now) : null;
  const nextDueAt = isClosing ? (closesAgain ? retryAt : null) : (retryAt ?? restartAt);
  const trace = traceOf(error);
  const durationMs = now - startedAt;
  host.telemetry.emit('run.failed', {
    connector,
    task,
    error: messageOf(error),
    trace,
    retriable,
    nextDueAt,
    durationMs,
  });
  if (isClosing && nextDueAt === null)
    host.telemetry.emit('task.left-open', { connector, task, error: messageOf(error) });
  return {
    // A closing run's failure is told, but what it could not finish is not what the task shows.
    state: isClosing ? item.state : retriable ? 'RUNNING' : 'FAILED',
    trace: isClosing ? item.trace : trace,
    workerId: lease.owner,
    dueAt: isClosing ? null : nextDueAt,
    closeAt: isClosing ? nextDueAt : leavesOpen ? (retryAt ?? now) : null,
    counters: {
      ...run?.progress(),
      runs: item.counters.runs + 1,
      consecutiveFailures,
      ...(restartAt === null ? {} : { restartAttempts }),
      lastRunAt: now,
    },
    ...(deaths === undefined ? {} : { deaths }),
  };
}
