import { gistOf } from '../errors.ts';
/**
 * Every occurrence worth knowing is one typed event: a structured log line, and where it carries a quantity a metric
 * in the same line (CloudWatch's embedded metric format). Metric names are Kafka Connect's where the quantity is the
 * same.
 */
export type LogLevel = 'TRACE' | 'DEBUG' | 'INFO' | 'WARN' | 'ERROR' | 'FATAL';

/** Which task, or with `task` left out which connector, an event is about. */
export interface About {
  readonly connector: string;
  readonly task?: number;
}

export interface Events {
  'run.refused': About & { reason: string };
  'run.started': About & { fencingToken: number; takeover: boolean };
  'run.ended': About & {
    durationMs: number;
    records: number;
    bytes: number;
    commits: number;
    /** Runs in a row before this one that found nothing: they have no line of their own at INFO. */
    emptyRuns: number;
    nextDueAt: number | null;
    /** Milliseconds from the request until each step was first done. */
    steps: Readonly<Record<string, number>>;
  };
  'run.failed': About & {
    error: string;
    trace: string;
    retriable: boolean;
    nextDueAt: number | null;
    /** Of a task's run: how long it had run. */
    durationMs?: number;
  };
  'run.fenced': About & { error: string };
  /** Told by the run that takes over; `runs` in a row, the last `fruitlessRuns` of them without a commit. */
  /** Since it was last told: of a run that stays. */
  'run.goes-on': About & { records: number; bytes: number };
  'run.died': About & { runs: number; fruitlessRuns: number; workerId: string; leaseExpiredAt: number };
  'run.cut': About & { step: string };
  'source.committed': About & { records: number; sourcePartitions: number; durationMs: number };
  'source.topic-created': About & { topic: string; partitions: number; replicationFactor: number };
  'source.commit-hook-failed': About & { error: string };
  'source.waiting': About & { reason: string };
  'source.recovered': About & { sourcePartitions: number };
  'sink.committed': About & { records: number; topicPartitions: number; durationMs: number };
  'sink.commit-refused': About & { error: string };
  'task.left-open': About & { error: string };
  'sink.group-commit-failed': About & { group: string; error: string };
  'sink.position-reset': About & {
    topic: string;
    kafkaPartition: number;
    /** The topic was made again; else the offset is not in the log. */
    madeAgain: boolean;
    from: number;
    to: number;
    policy: string;
  };
  'sink.position-changed': About & {
    /** See PositionChangeReason. */
    reason: string;
    group: string;
    topic: string;
    kafkaPartition: number;
    from: number | null;
    to: number | null;
  };
  'sink.topic-missing': About & { topic: string; kafkaPartition: number };
  'record.failed': About & { stage: string; executingClass: string; message: string; error: string; trace: string };
  'record.skipped': About & { stage: string; records: number };
  'record.dead-lettered': About & { topic: string; records: number };
  'task.retry': About & { step: string; attempt: number; delayMs: number; error: string };
  'connector.generation': About & { generation: number; tasks: number; changed: number };
  'connector.state': About & { state: string };
  'connector.replayed': About & { topic: string; records: number; left: number };
  /** Events whose connector may not take them now, or for a webhook that is not there. */
  'feed.returned': { feed: string; holder: string | null; reason: string };
  /** Messages of a shared queue wait in it for a connector that may not take them now; `failed`: these could not be put there again. */
  'feed.put-off': { feed: string; messages: number; failed: number; error: string | null };
  /** Events of a declared event source for no connector. */
  'feed.unclaimed': { feed: string; events: number; reason: string };
  /** An event source was told to bring its events, or to keep them. */
  'feed.switched': { feed: string; open: boolean };
  /** What the events of it need is away: it is held for a while. */
  'feed.rests': { feed: string; connector: string; seconds: number; reason: string };
  'feed.switch-failed': { feed: string; open: boolean; error: string };
  /** Another invocation has committed the offsets that this one had seen: it has come further. */
  'feed.overtaken': About & { sourcePartitions: number };
  'probe.ended': { sinks: number; topics: number; lagging: number; durationMs: number };
  'plugin.log': About & { message: string };
  'herder.dispatched': { runs: number; first: string; durationMs: number };
  'herder.dispatch-failed': { run: string; error: string };
  'herder.swept': { due: number; dispatched: number; left: number };
  'herder.shared-out': { shards: number };
  'herder.woken': { connectors: number; tasks: number };
  /** `tasks`: at a time. */
  'runner.started': { tasks: number };
  'runner.stopped': { ended: number };
  /** All its places are taken, and something waits for one, or for another runner. */
  'runner.full': { tasks: number };
  'runner.failed': { error: string };
  /** Of `failed` invocations that Lambda told of, `free` had left something to be taken over at once. */
  'herder.took-over': { failed: number; free: number };
  /** `deaths`: in a row, this one counted. */
  'herder.tick-died': { tick: string; deaths: number };
  'rest.failed': { method: string; path: string; error: string; trace: string };
  /** By a resource of a stack; `drift`: settings that somebody had changed since, with commas between. */
  'connector.declared': About & { stack: string; resource: string; change: string; drift: string };
  'connector.not-declared': About & { stack: string; resource: string; error: string; trace: string };
  'connector.withdrawn': About & { stack: string; resource: string; outcome: string };
}

export type EventName = keyof Events;

interface EventDeclaration<F> {
  readonly level: LogLevel | ((facts: F) => LogLevel);
  /** Hierarchical, so that a level set on a prefix reaches it (`PUT /admin/loggers/{name}`). */
  readonly logger: string;
  readonly message: (facts: F) => string;
  /** Too many for the log of an installation that looks at no connector closely: see `drover.metrics`. */
  readonly metricsPerConnectorOnly?: true;
  /**
   * The metric has no dimension, though the event is about one connector, which stands in the line; an alarm watches it, so
   * it is published whatever `drover.metrics` says.
   */
  readonly installationWide?: true;
  /** Which facts are metrics, under which name and CloudWatch unit; each name costs money as long as it is published. */
  readonly metrics?: { readonly [K in keyof F]?: readonly [name: string, unit: 'Count' | 'Bytes' | 'Milliseconds'] };
}

/** Deaths in a row of whichever task has most; an alarm watches it. */
export const runDeathsMetric = 'run-deaths-in-a-row';

const nameOf = (about: About) => (about.task === undefined ? about.connector : `${about.connector}-${about.task}`);

function positionChange(f: Events['sink.position-changed']): string {
  const partition = `${f.topic}-${f.kafkaPartition}`;
  const goesOn = f.to === null ? 'goes on as auto.offset.reset says' : `goes on from offset ${f.to}`;
  switch (f.reason) {
    case 'topic-made-again':
      return `topic ${f.topic} was deleted and made again behind offset ${f.from}; ${partition} ${goesOn}`;
    case 'group-set':
      return `somebody has set ${partition} in group ${f.group}; it ${goesOn} instead of ${f.from}`;
    case 'group-deleted':
      return `somebody has deleted ${partition} from group ${f.group}, where it was at ${f.from}; it ${goesOn}`;
    case 'group-restored':
      return f.from === null
        ? `${partition} was missing in group ${f.group}, expired or deleted, and is at ${f.to} again`
        : `somebody has set ${partition} in group ${f.group} to ${f.from} while the connector was running; it is at ` +
            `${f.to} again. Stop the connector to change its offsets`;
    default:
      return `${partition} is at ${f.to} instead of ${f.from}`;
  }
}

export const eventDeclarations: { readonly [K in EventName]: EventDeclaration<Events[K]> } = {
  'run.refused': {
    level: 'DEBUG',
    logger: 'drover.worker',
    message: (f) => `${nameOf(f)} is not run here: ${f.reason}`,
  },
  'run.started': {
    level: 'DEBUG',
    logger: 'drover.worker',
    message: (f) => `${nameOf(f)} started${f.takeover ? ' after a run that ended uncleanly' : ''}`,
  },
  'run.ended': {
    // Most runs of a quiet installation find nothing: that is no news, and each line is paid for.
    level: (f) => (f.records === 0 ? 'DEBUG' : 'INFO'),
    logger: 'drover.worker',
    message: (f) => `${nameOf(f)} ran ${f.durationMs} ms for ${f.records} records`,
    metrics: {
      records: ['record-total', 'Count'],
      bytes: ['byte-total', 'Bytes'],
    },
  },
  'run.goes-on': {
    level: 'INFO',
    logger: 'drover.worker',
    message: (f) => `${nameOf(f)} goes on: ${f.records} records`,
    metrics: {
      records: ['record-total', 'Count'],
      bytes: ['byte-total', 'Bytes'],
    },
  },
  'run.failed': {
    level: 'ERROR',
    logger: 'drover.worker',
    message: (f) => `${nameOf(f)} ${f.retriable ? 'failed for now' : 'failed'}: ${gistOf(f.trace, f.error)}`,
  },
  'run.died': {
    level: 'ERROR',
    logger: 'drover.worker',
    message: (f) =>
      `${nameOf(f)}: the last run ended without a word${f.runs > 1 ? `, ${f.runs} times in a row` : ''}` +
      ` (${f.fruitlessRuns} without a commit); its log: ${f.workerId}`,
    metrics: { runs: [runDeathsMetric, 'Count'] },
    installationWide: true,
  },
  'run.fenced': {
    level: 'WARN',
    logger: 'drover.worker',
    message: (f) => `${nameOf(f)} stops, a newer invocation runs it: ${f.error}`,
  },
  'run.cut': {
    level: 'ERROR',
    logger: 'drover.worker',
    message: (f) => `${nameOf(f)} was cut at its deadline while in ${f.step}`,
  },
  'source.committed': {
    level: 'DEBUG',
    logger: 'drover.worker.source',
    message: (f) => `${nameOf(f)} committed ${f.sourcePartitions} source partitions`,
    metricsPerConnectorOnly: true,
    metrics: {
      records: ['source-record-write-total', 'Count'],
      durationMs: ['offset-commit-time-ms', 'Milliseconds'],
    },
  },
  'source.topic-created': {
    level: 'INFO',
    logger: 'drover.worker.source',
    message: (f) => `${nameOf(f)} created topic ${f.topic} with ${f.partitions} partitions`,
  },
  'source.commit-hook-failed': {
    level: 'ERROR',
    logger: 'drover.worker.source',
    message: (f) => `${nameOf(f)}: the task's own commit failed, its offsets are committed: ${f.error}`,
  },
  'source.waiting': {
    level: 'WARN',
    logger: 'drover.worker.source',
    message: (f) => `${nameOf(f)} waits: ${f.reason}`,
  },
  'source.recovered': {
    level: 'INFO',
    logger: 'drover.worker.source',
    message: (f) => `${nameOf(f)} took ${f.sourcePartitions} source offsets from the tail of the offsets topic`,
  },
  'sink.committed': {
    level: 'DEBUG',
    logger: 'drover.worker.sink',
    message: (f) => `${nameOf(f)} committed ${f.topicPartitions} topic partitions`,
    metricsPerConnectorOnly: true,
    metrics: {
      records: ['sink-record-send-total', 'Count'],
      durationMs: ['offset-commit-time-ms', 'Milliseconds'],
    },
  },
  'sink.commit-refused': {
    level: 'ERROR',
    logger: 'drover.worker.sink',
    message: (f) => `${nameOf(f)}: the task could not flush, it goes back to its last committed positions: ${f.error}`,
  },
  'task.left-open': {
    level: 'ERROR',
    logger: 'drover.worker.sink',
    message: (f) =>
      `${nameOf(f)}: what the task has open could not be finished before it was stopped, paused or deleted: ${f.error}`,
  },
  'sink.group-commit-failed': {
    level: 'WARN',
    logger: 'drover.worker.sink',
    message: (f) => `${nameOf(f)}: positions are committed but could not be copied to group ${f.group}: ${f.error}`,
  },
  'sink.position-reset': {
    level: 'WARN',
    logger: 'drover.worker.sink',
    message: (f) =>
      `${nameOf(f)}: ${f.topic}-${f.kafkaPartition} goes on from the ${f.policy} offset ${f.to}, as ` +
      (f.madeAgain ? `the topic was made again since offset ${f.from}` : `offset ${f.from} is out of range`),
  },
  'sink.position-changed': {
    level: 'WARN',
    logger: 'drover.worker.sink',
    message: (f) => `${nameOf(f)}: ${positionChange(f)}`,
  },
  'sink.topic-missing': {
    level: 'WARN',
    logger: 'drover.worker.sink',
    message: (f) => `${nameOf(f)}: ${f.topic}-${f.kafkaPartition} does not exist any more`,
  },
  'record.failed': {
    level: 'ERROR',
    logger: 'drover.worker.errors',
    message: (f) => f.message,
  },
  'record.skipped': {
    level: 'DEBUG',
    logger: 'drover.worker.errors',
    message: (f) => `${nameOf(f)} skipped ${f.records} records that failed in ${f.stage}`,
    metrics: { records: ['total-records-skipped', 'Count'] },
  },
  'record.dead-lettered': {
    level: 'DEBUG',
    logger: 'drover.worker.errors',
    message: (f) => `${nameOf(f)} wrote ${f.records} dead letters to ${f.topic}`,
    metrics: { records: ['deadletterqueue-produce-requests', 'Count'] },
  },
  'task.retry': {
    level: 'WARN',
    logger: 'drover.worker',
    message: (f) => `${nameOf(f)} tries ${f.step} again in ${f.delayMs} ms (attempt ${f.attempt}): ${f.error}`,
    metrics: { attempt: ['total-retries', 'Count'] },
  },
  'connector.generation': {
    level: 'INFO',
    logger: 'drover.worker.connector',
    message: (f) => `${f.connector} has ${f.tasks} tasks in generation ${f.generation}, ${f.changed} of them new`,
  },
  'connector.state': {
    level: 'INFO',
    logger: 'drover.worker.connector',
    message: (f) => `${f.connector} is ${f.state}`,
  },
  'connector.replayed': {
    level: 'INFO',
    logger: 'drover.worker.connector',
    message: (f) => `${f.connector}: ${f.records} dead letters of ${f.topic} were put back, ${f.left} left`,
  },
  'feed.returned': {
    // As often as the event comes again: the event source or its sender has the last word.
    level: 'DEBUG',
    logger: 'drover.worker',
    message: (f) => f.reason,
  },
  'feed.put-off': {
    // As often as they come again, but for what goes wrong.
    level: ({ error }) => (error === null ? 'DEBUG' : 'WARN'),
    logger: 'drover.worker',
    message: (f) =>
      `${f.messages} messages of ${f.feed} wait in their queue again` +
      (f.error === null ? '' : `, ${f.failed} could not be put there and are given back: ${f.error}`),
  },
  'feed.unclaimed': {
    level: 'WARN',
    logger: 'drover.worker',
    message: (f) => f.reason,
    metrics: { events: ['event-without-connector-total', 'Count'] },
  },
  'feed.switched': {
    level: 'INFO',
    logger: 'drover.herder',
    message: (f) => `${f.feed} ${f.open ? 'brings its events' : 'is held'}`,
  },
  'feed.rests': {
    level: 'WARN',
    logger: 'drover.worker',
    message: (f) => `${f.feed} is held for ${f.seconds} s, then ${f.connector} tries again: ${f.reason}`,
  },
  'feed.switch-failed': {
    level: 'ERROR',
    logger: 'drover.herder',
    message: (f) => `${f.feed} could not be ${f.open ? 'opened' : 'held'}: ${f.error}`,
  },
  'feed.overtaken': {
    level: 'DEBUG',
    logger: 'drover.worker',
    message: (f) => `${nameOf(f)}: another invocation has come further in ${f.sourcePartitions} source partitions`,
  },
  'probe.ended': {
    level: 'DEBUG',
    logger: 'drover.worker.probe',
    message: (f) => `${f.lagging} of ${f.sinks} idle sink tasks have records to read`,
  },
  'plugin.log': {
    level: 'WARN',
    logger: 'drover.plugins',
    message: (f) => f.message,
  },
  'herder.dispatched': {
    level: 'DEBUG',
    logger: 'drover.herder',
    message: (f) => `${f.runs} runs dispatched, first ${f.first}`,
  },
  'herder.dispatch-failed': {
    level: 'WARN',
    logger: 'drover.herder',
    message: (f) => `${f.run} could not be invoked and stays due: ${f.error}`,
  },
  'herder.swept': {
    level: 'DEBUG',
    logger: 'drover.herder',
    message: (f) => `${f.dispatched} of ${f.due} overdue runs dispatched`,
    metrics: { left: ['undispatched-runs', 'Count'] },
  },
  'herder.shared-out': {
    level: 'INFO',
    logger: 'drover.herder',
    message: (f) => `More is due than one coordinator hands out: each of ${f.shards} shards has its own`,
  },
  'herder.woken': {
    level: 'INFO',
    logger: 'drover.herder',
    message: (f) => `an event woke ${f.tasks} tasks of ${f.connectors} connectors`,
  },
  'runner.started': {
    level: 'INFO',
    logger: 'drover.runner',
    message: (f) => `The runner is there, for ${f.tasks} tasks at a time`,
  },
  'runner.stopped': {
    level: 'INFO',
    logger: 'drover.runner',
    message: (f) => `The runner has ended ${f.ended} runs in order`,
  },
  'runner.full': {
    level: 'WARN',
    logger: 'drover.runner',
    message: (f) =>
      `All ${f.tasks} places of the runner are taken: what else is due waits for one of them, or for another runner`,
  },
  'runner.failed': {
    level: 'WARN',
    logger: 'drover.runner',
    message: (f) => `The runner goes on after: ${f.error}`,
  },
  'herder.took-over': {
    level: 'INFO',
    logger: 'drover.herder',
    message: (f) => `${f.failed} invocations failed; ${f.free} runs that they left are dispatched again`,
  },
  'herder.tick-died': {
    level: 'WARN',
    logger: 'drover.herder',
    message: (f) => `The invocation of a coordinator has failed at its ${f.tick}, ${f.deaths} in a row`,
  },
  'rest.failed': {
    level: 'ERROR',
    logger: 'drover.rest',
    message: (f) => `${f.method} ${f.path} failed: ${f.error}`,
  },
  'connector.declared': {
    level: (f) => (f.drift === '' ? 'INFO' : 'WARN'),
    logger: 'drover.rest',
    message: (f) =>
      `${f.connector} is as ${f.resource} of ${f.stack} declares it (${f.change})` +
      (f.drift === '' ? '' : `; somebody had changed ${f.drift}`),
  },
  'connector.not-declared': {
    level: 'WARN',
    logger: 'drover.rest',
    message: (f) => `${f.connector} could not be made as ${f.resource} of ${f.stack} declares it: ${f.error}`,
  },
  'connector.withdrawn': {
    level: 'INFO',
    logger: 'drover.rest',
    message: (f) => `${f.resource} of ${f.stack} does not declare ${f.connector} any more: ${f.outcome}`,
  },
};

/** Where CloudWatch keeps the metrics of one Connect cluster, apart from those of another in the same account. */
export function metricNamespace(groupId: string): string {
  return `Drover/${groupId.replace(/[^\w.#:/-]/g, '_')}`;
}
