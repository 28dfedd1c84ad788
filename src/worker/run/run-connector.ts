import { createHash } from 'node:crypto';
import type { ConnectorContext, FeedKey, SinkConnector, SourceConnector } from '../../api/connector.ts';
import type { Settings } from '../../config/config-def.ts';
import { taskCountSettings } from '../../config/connector-config.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { ConnectError, FencedError, isRetriable, RetriableError, traceOf } from '../../errors.ts';
import type { TopicDescription } from '../../kafka/types.ts';
import { createPlugin } from '../../plugins/create-plugin.ts';
import { deathsOf, lastDeathOf } from '../../storage/deaths.ts';
import { feedSetting } from '../../storage/feed-store.ts';
import type { AppliedGeneration, NewTask } from '../../storage/generation-store.ts';
import { type ConnectorItem, newestChanges, type RunDeath, type State, type TaskItem } from '../../storage/items.ts';
import type { Lease } from '../../storage/lease-store.ts';
import type { RestingPosition, SinkPosition } from '../../storage/offset-backing-store.ts';
import { shortestSecret } from '../../telemetry/redaction.ts';
import { hasReference, resolveSettings } from '../config-providers.ts';
import { claimFeed, declaredFeed, feedsOf } from '../feed/claim-feed.ts';
import { messageOf } from '../record/failure.ts';
import { replayDeadLetters } from '../record/replay-dead-letters.ts';
import { type Assignment, assignPartitions, sinkTopics } from '../sink/partition-assignment.ts';
import { settleBeforeDeletion, settleBeforeStart, settleWhileStopped } from '../sink/settle-group.ts';
import { withTopicId } from '../sink/sink-start-positions.ts';
import { recoverGeneration } from '../source/transactional-start.ts';
import { deadlinesOf, releaseLease } from './lease.ts';
import { requireSettings } from './require-settings.ts';
import { settleMs } from './run-bounds.ts';
import { giveUpAfterDeaths, TooManyDeathsError, tellDeath } from './run-deaths.ts';
import type { RunHost } from './run-host.ts';
import { retryDueAt } from './run-limits.ts';
import type { RunBudget, RunReport } from './run-report.ts';
import { watchUnhandledRejections } from './unhandled-rejections.ts';

const letGoPollMs = 100;

interface ConnectorRun {
  readonly host: RunHost;
  readonly item: ConnectorItem;
  readonly lease: Lease;
  /** The run before this one, if it ended without a word. */
  readonly died: RunDeath | null;
  readonly endsAt: number;
  readonly workerId: string;
  /** The first task that this run has made due. */
  started: number | null;
  /** Plugin code may still be running. */
  tainted: boolean;
}

interface Wanted {
  readonly wanted: readonly WantedTask[];
  /** Sinks: what there is to read. */
  readonly topics: readonly TopicDescription[];
  /** Sources: what brings its records to it. */
  readonly feed: FeedKey | null;
}

/** The tasks that the connector wants, before it is known which of them run already. */
interface WantedTask {
  readonly task: number;
  readonly config: Settings;
  readonly assignment: Assignment;
}

/**
 * One run of a connector itself: lease → start → taskConfigs → the next generation of tasks → release. It brings what is
 * (tasks, state) in line with what is wanted (config, target state, deletion). Every step may be repeated, so a run that
 * dies anywhere leaves the connector due and the next one goes on from what it finds; and no task of the new generation
 * is written before the old ones it could collide with have let go (I7).
 */
export async function runConnector(host: RunHost, connector: string, budget: RunBudget): Promise<RunReport> {
  const { endsAt, expiresAt } = deadlinesOf(host, budget);
  const now = host.clock.now();
  const acquired = await host.stores.leases.acquireConnector(connector, budget.workerId, now, expiresAt);
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
    started: null,
    tainted: false,
  };
  try {
    const nextDueAt = await bringInLine(run);
    host.onStep?.('connector-applied');
    const next = run.started === null ? null : ({ kind: 'task', connector, task: run.started } as const);
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
    await letGo(run, tasks);
    await retire(run, tasks);
    await releaseFeeds(run, tasks);
    await generations.deleteTasks(lease, numbersOf(tasks), host.clock.now());
    if (item.type === 'sink') await settleBeforeDeletion(run);
    const gone = await generations.removeConnector(lease, host.clock.now());
    host.telemetry.emit('connector.state', { connector: item.name, state: 'DESTROYED' });
    return gone ? null : host.clock.now();
  }
  if (item.targetState === 'STOPPED') {
    await letGo(run, tasks);
    await retire(run, tasks);
    await releaseFeeds(run, tasks);
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
  if (tasks.length > 0) await generations.revokeTasks(lease, numbersOf(tasks), 'PAUSED');
  for (const key of feedsOf(tasks)) await host.stores.feeds.setOpen(lease, key, false);
  return apply(run, item.generation, item.taskCount, 'PAUSED');
}

async function startGeneration(run: ConnectorRun): Promise<number | null> {
  const { host, item, lease, died } = run;
  const { generations } = host.stores;
  if (died !== null) {
    giveUpAfterDeaths(`Connector ${item.name}`, item.config, deathsOf(item, host.clock.now()), died);
  }
  const [{ wanted, topics, feed }, tasks] = await Promise.all([
    askConnector(run),
    host.stores.config.getTasks(item.name),
  ]);
  if (item.type === 'sink' && tasks.length === 0) await settleBeforeStart(run);
  const running = new Map(tasks.map((task) => [task.task, task]));
  // A changed connector config reaches converters and transformations of every task, whatever their own configs say.
  const configHash = hashOf(item.config);
  const configChanged = item.appliedConfigHash !== configHash;
  const changed = wanted.filter((task) => configChanged || !isSame(task, running.get(task.task)));
  const surplus = tasks.filter((task) => task.task >= wanted.length);

  const ending = [...changed.flatMap(({ task }) => running.get(task) ?? []), ...surplus];
  if (ending.length > 0) {
    await letGo(run, ending);
    await retire(run, ending);
    await releaseFeeds(run, ending, feed?.key);
  }
  if (feed !== null) {
    await claimFeed(host, lease, feed);
    // Until the task has been seen to start with its new settings.
    if (changed.some(({ task }) => task === 0)) await host.stores.feeds.setOpen(lease, feed.key, false);
  }
  const generation = changed.length > 0 || surplus.length > 0 ? item.generation + 1 : item.generation;
  const resumed = wanted.filter(({ task }) => !changed.some((one) => one.task === task) && running.get(task)?.revoked);
  if (resumed.length > 0) await generations.startTasks(lease, numbersOf(resumed), host.clock.now());
  if (changed.length > 0) {
    const positions = item.type === 'sink' ? await positionsAtRest(run, topics) : [];
    const newTasks = changed.map((task) => newTask(task, positions));
    await generations.putTasks(lease, generation, newTasks, host.clock.now());
  }
  run.started = [...numbersOf(resumed), ...numbersOf(changed)].sort((one, other) => one - other)[0] ?? null;
  host.onStep?.('tasks-put');
  if (surplus.length > 0) await generations.deleteTasks(lease, numbersOf(surplus), host.clock.now());
  if (changed.length > 0 || surplus.length > 0) {
    const facts = { connector: item.name, generation, tasks: wanted.length, changed: changed.length };
    host.telemetry.emit('connector.generation', facts);
  }
  return apply(run, generation, wanted.length, 'RUNNING', {
    configHash,
    ...(item.groupSettled ? { groupSettled: false } : {}),
  });
}

/** Starts the connector for as long as it takes to ask for its tasks. */
async function askConnector(run: ConnectorRun): Promise<Wanted> {
  const { host, item } = run;
  const raw = item.config;
  const config = await resolveSettings(raw, host.configProviders, host.telemetry.secrets);
  const descriptor = host.plugins.get(item.type, config['connector.class'] ?? '');
  requireSettings(host, item, config);
  const { 'tasks.max': tasksMax, 'tasks.max.enforce': enforced } = parseConfig(taskCountSettings, config);
  const taskClass = descriptor.className.replace(/Connector$/, 'Task');

  const plugin: SourceConnector | SinkConnector = await createPlugin(descriptor);
  const raised: { error: Error | null } = { error: null };
  const feed = item.type === 'source' ? declaredFeed(host, plugin as SourceConnector, config) : null;
  const polling = await bounded(run, async () => {
    await plugin.start(config, { ...connectorContext(run, raised), fed: feed !== null });
    try {
      return await plugin.taskConfigs(tasksMax);
    } finally {
      await plugin.stop();
    }
  });
  if (raised.error !== null) throw raised.error;
  const configs = feed === null ? polling : [{ ...config, [feedSetting]: feed.key }, ...polling];
  if (polling.length > tasksMax && enforced) {
    throw new ConnectError(
      'connector.too_many_tasks',
      `The connector ${item.name} has generated ${polling.length} tasks, more than the ${tasksMax} that tasks.max allows. ` +
        'This is a fault of the connector; tasks.max.enforce=false lets it pass',
      { javaClass: 'TooManyTasksException' },
    );
  }
  const topics = item.type === 'sink' ? await describeSinkTopics(run, config) : [];
  const assignments = assignPartitions(topics, configs.length);
  const wanted = configs.map((own, task) => ({
    task,
    config: { ...withReferences(own, raw, config), 'task.class': taskClass, ...sinkTopicSettings(item) },
    assignment: assignments[task] ?? [],
  }));
  return { wanted, topics, feed };
}

async function describeSinkTopics({ host }: ConnectorRun, config: Settings): Promise<readonly TopicDescription[]> {
  const { admin } = await host.kafka();
  const topics = await sinkTopics(config, admin);
  return topics.length === 0 ? [] : admin.describeTopics(topics);
}

/**
 * Where partitions go on whose tasks are new. What is at rest of topics and partitions that are not there is shown to
 * nobody until they are, as Kafka too forgets a deleted topic's offsets; should it be a mistake, nothing is lost.
 */
async function positionsAtRest(
  { host, item, lease }: ConnectorRun,
  topics: readonly TopicDescription[],
): Promise<readonly SinkPosition[]> {
  const resting = await host.stores.offsets.readRestingPositions(item.name);
  const unread = new Set(
    resting.map(({ topic }) => topic).filter((topic) => !topics.some((one) => one.topic === topic)),
  );
  const { admin } = await host.kafka();
  const described = unread.size === 0 ? topics : [...topics, ...(await admin.describeTopics([...unread]))];
  const counts = new Map(described.map(({ topic, partitions }) => [topic, partitions]));
  const isThere = ({ topic, kafkaPartition }: RestingPosition) => kafkaPartition < (counts.get(topic) ?? 0);
  const changes = resting
    .filter((at) => at.offset !== null && !at.byHand && at.gone === isThere(at))
    .map((before) => ({ before, after: { ...before, gone: !before.gone } }));
  if (changes.length > 0) {
    await host.stores.generations.settlePositions(lease, changes, { positionChanges: [], groupReset: null });
  }
  return resting.flatMap(({ topic, kafkaPartition, offset, topicId }) =>
    offset === null ? [] : [withTopicId({ topic, kafkaPartition, offset }, topicId)],
  );
}

/**
 * What a plugin handed on of a setting that refers to a secret is stored as the reference again, also where it has become
 * a part of another setting: task configs are shown, and mirrored to a topic.
 */
function withReferences(own: Settings, raw: Settings, config: Settings): Settings {
  const referring = Object.keys(raw).filter((key) => hasReference(raw[key]!) && config[key] !== raw[key]);
  const references = new Map(
    referring
      .map((key) => [config[key]!.trim(), raw[key]!.trim()] as const)
      .filter(([secret]) => secret.length >= shortestSecret)
      .sort(([one], [other]) => other.length - one.length),
  );
  const anySecret = new RegExp([...references.keys()].map(literally).join('|') || '(?!)', 'g');
  const restored = (value: string) => value.replace(anySecret, (secret) => references.get(secret)!);
  return Object.fromEntries(
    Object.entries(own).map(([key, value]) => [key, referring.includes(key) ? raw[key]! : restored(value)]),
  );
}

const literally = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

function sinkTopicSettings(item: ConnectorItem): Settings {
  if (item.type !== 'sink') return {};
  const settings: Record<string, string> = {};
  for (const key of ['topics', 'topics.regex']) if (item.config[key] !== undefined) settings[key] = item.config[key];
  return settings;
}

function connectorContext({ host, item }: ConnectorRun, raised: { error: Error | null }): ConnectorContext {
  return {
    connector: item.name,
    requestTaskReconfiguration: () => {
      host.stores.config.markConnectorDue(item.name, host.clock.now()).catch(() => {});
    },
    raiseError: (error) => {
      raised.error ??= error;
    },
  };
}

/** Plugin code, up to the run's end; what it lets fail unhandled is its failure too. */
async function bounded<T>(run: ConnectorRun, work: () => Promise<T>): Promise<T> {
  const { host, item, endsAt } = run;
  const done = new AbortController();
  let stopWatching = () => {};
  let working: Promise<void> | null = null;
  try {
    return await new Promise<T>((resolve, reject) => {
      const rejections = watchUnhandledRejections(reject);
      stopWatching = rejections.stop;
      host.clock.sleep(Math.max(0, endsAt - host.clock.now()), done.signal).then(
        () =>
          reject(
            new ConnectError(
              'connector.blocked',
              `The plugin of connector ${item.name} did not answer before the deadline`,
              {
                retriable: true,
                javaClass: 'TimeoutException',
              },
            ),
          ),
        () => {},
      );
      working = rejections
        .run(work)
        .then(resolve, reject)
        .finally(() => {
          working = null;
        });
    });
  } catch (error) {
    await Promise.race([working, host.clock.sleep(settleMs, done.signal).catch(() => {})]);
    run.tainted = working !== null;
    throw error;
  } finally {
    done.abort();
    stopWatching();
  }
}

/** Revokes tasks and waits until none of them holds a lease (I7). */
async function letGo(run: ConnectorRun, tasks: readonly TaskItem[]): Promise<void> {
  if (tasks.length === 0) return;
  const { host, item, lease, endsAt } = run;
  const { clock, stores } = host;
  const numbers = new Set(numbersOf(tasks));
  await stores.generations.revokeTasks(lease, [...numbers]);
  host.onStep?.('tasks-revoked');
  let current = tasks;
  for (let wait = letGoPollMs; ; wait = Math.min(1000, wait * 2)) {
    const held = current.filter((task) => task.leaseOwner !== null && task.leaseExpiresAt > clock.now());
    if (held.length === 0) return;
    if (clock.now() + wait >= endsAt) {
      throw new RetriableError(`${held.length} tasks of connector ${item.name} have not let go yet`, {
        code: 'connector.tasks_held',
      });
    }
    await clock.sleep(wait);
    current = (await stores.config.getTasks(item.name)).filter((task) => numbers.has(task.task));
  }
}

/** Gives back the event sources of ended tasks, but the one that is kept. */
async function releaseFeeds({ host, lease }: ConnectorRun, ended: readonly TaskItem[], kept?: string): Promise<void> {
  for (const key of feedsOf(ended)) if (key !== kept) await host.stores.feeds.release(lease, key);
}

/** What ended tasks leave behind is put where the next generation looks for it. */
async function retire(run: ConnectorRun, ended: readonly TaskItem[]): Promise<void> {
  if (ended.length === 0) return;
  const { host, item, lease } = run;
  const numbers = new Set(numbersOf(ended));
  // As they are now that they have let go: their last commits are in.
  const tasks = (await host.stores.config.getTasks(item.name)).filter((task) => numbers.has(task.task));
  for (const task of tasks) {
    const died = task.leaseOwner === null ? null : lastDeathOf(task, host.clock.now());
    if (died !== null) tellDeath(host, { connector: item.name, task: task.task }, task, died);
  }
  for (const task of tasks) if (task.type === 'sink') await host.stores.generations.foldPositions(lease, task);
  await recoverGeneration(
    host,
    item,
    lease,
    tasks.filter((task) => task.type === 'source'),
  );
  host.onStep?.('tasks-retired');
}

function newTask({ task, config, assignment }: WantedTask, atRest: readonly SinkPosition[]): NewTask {
  const positions = atRest.filter(({ topic, kafkaPartition }) =>
    assignment.some((one) => one.topic === topic && one.partitions.includes(kafkaPartition)),
  );
  return { task, config, assignment, positions };
}

function isSame(wanted: WantedTask, running: TaskItem | undefined): boolean {
  return (
    running !== undefined &&
    hashOf(wanted.config) === hashOf(running.config) &&
    JSON.stringify(wanted.assignment) === JSON.stringify(running.assignment)
  );
}

/** Of the content, whatever its order. */
function hashOf(settings: Settings): string {
  const sorted = Object.entries(settings).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url');
}

const numbersOf = (tasks: readonly { readonly task: number }[]) => tasks.map(({ task }) => task);

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
