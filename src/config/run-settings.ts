import { defineConfig, type Settings, selectConfig } from './config-def.ts';
import { parseConfig } from './parse-config.ts';
import { atLeast, lambda, nullOr, validString } from './validators.ts';

const runtimes = ['typescript', 'java'];
const optionalRuntime = lambda('typescript or java', (_name, value) =>
  value === null || runtimes.includes(String(value)) ? undefined : `It must be one of ${runtimes.join(', ')}`,
);

/**
 * The settings of a connector that Connect does not have: how its tasks run. Those with the name of one of Drover's own
 * settings (src/environment.ts) override that one for the connector.
 */
export const runSettings = defineConfig({
  'drover.plugin.runtime': {
    type: 'STRING',
    default: null,
    validator: optionalRuntime,
    importance: 'LOW',
    doc: 'Which of two plugins with the name in connector.class is meant: the one of `typescript` or the one of `java`. When left out, the former where there is one.',
  },
  'drover.runner': {
    type: 'STRING',
    default: 'never',
    validator: validString('never', 'always'),
    importance: 'MEDIUM',
    doc: 'Where tasks run: `never` on the runner, but in bounded runs; `always` there, where a run goes on until it is told to end. For what cannot be bounded, such as a first snapshot that takes longer than a run may. The installation must have a runner.',
  },
  'drover.run.max.ms': {
    type: 'LONG',
    default: null,
    validator: nullOr(atLeast(1)),
    importance: 'LOW',
    doc: "How long one run of a task may take; not more than the function's own limit.",
  },
  'drover.run.max.records': {
    type: 'LONG',
    default: null,
    validator: nullOr(atLeast(1)),
    importance: 'LOW',
    doc: 'Records after which a run ends; the task goes on in the next run.',
  },
  'drover.run.max.bytes': {
    type: 'LONG',
    default: null,
    validator: nullOr(atLeast(1)),
    importance: 'LOW',
    doc: 'Bytes of keys and values after which a run ends; the task goes on in the next run.',
  },
  'drover.run.linger.ms': {
    type: 'LONG',
    default: null,
    validator: nullOr(atLeast(0)),
    importance: 'LOW',
    doc: 'How long a run that has moved records waits for more once it finds nothing. Not set: as the installation says, or as long as that is cheaper than another run.',
  },
  'drover.idle.floor.ms': {
    type: 'LONG',
    default: null,
    validator: nullOr(atLeast(1)),
    importance: 'LOW',
    doc: 'Pause after the first run that found nothing; doubled with each further one.',
  },
  'drover.idle.ceiling.ms': {
    type: 'LONG',
    default: null,
    validator: nullOr(atLeast(1)),
    importance: 'LOW',
    doc: 'Longest pause between runs that find nothing.',
  },
  'drover.commit.interval.ms': {
    type: 'LONG',
    default: 1000,
    validator: atLeast(0),
    importance: 'LOW',
    doc: 'How often a run commits while it is under way; it always commits when it ends.',
  },
  'drover.deaths.max': {
    type: 'INT',
    default: 5,
    validator: atLeast(1),
    importance: 'MEDIUM',
    doc: 'Runs in a row that end without a word (killed at the deadline, out of memory) and have committed nothing, after which the task is FAILED; so is the connector, for runs of its own. A run that ends in order, a restart and another config start the count anew. For another try later: drover.restart.enabled.',
  },
});

/** Whether its tasks are the runner's. What is no answer to that is told by whoever checks the settings. */
export function asksForRunner(settings: Settings): boolean {
  return settings['drover.runner']?.trim() === 'always';
}

export const noRunner =
  'drover.runner=always needs a runner, and this installation has none: deploy it with `runner: {}` in the Drover construct (on a local stack: DROVER_RUNNER=yes npm start)';

/** Of sources only. Dead letters: Connect has them for sinks. */
export const sourceRunSettings = defineConfig({
  'drover.java.settle.ms': {
    type: 'LONG',
    default: 2000,
    validator: atLeast(0),
    importance: 'LOW',
    doc: 'Connectors of Java: how long a task may bring nothing, after its start and after its last record, before its run may end. Those that fetch on threads of their own answer with nothing at first.',
  },
  'drover.java.refresh.ms': {
    type: 'LONG',
    default: 600_000,
    validator: atLeast(0),
    importance: 'LOW',
    doc: 'Connectors of Java: how often the connector itself, which a worker would keep running beside its tasks, is run for drover.java.settle.ms and asked for its tasks again. What it does on threads of its own, such as looking for new topics or tables, happens then. 0: only when its config changes.',
  },
  'drover.errors.deadletterqueue.topic.name': {
    type: 'STRING',
    default: '',
    importance: 'MEDIUM',
    doc: 'Topic for records of this source that its connector could not read, that failed in a transformation or converter, or were refused by the broker, and that errors.tolerance=all skips. Empty: none.',
  },
  'drover.errors.deadletterqueue.topic.replication.factor': {
    type: 'SHORT',
    default: 3,
    importance: 'MEDIUM',
    doc: 'Replication factor with which that topic is created if it is missing. -1: the default of the broker.',
  },
  'drover.errors.deadletterqueue.context.headers.enable': {
    type: 'BOOLEAN',
    default: true,
    importance: 'MEDIUM',
    doc: 'Whether dead letters say in their headers what failed, where and why.',
  },
});

/** What a source of Java has beside its own settings. */
export const javaSourceSettings = selectConfig(sourceRunSettings, 'drover.java.settle.ms');

/** What its connector has, whose runs no task is told of. */
export const javaConnectorSettings = selectConfig(sourceRunSettings, 'drover.java.settle.ms', 'drover.java.refresh.ms');

const deadLetterName = selectConfig(sourceRunSettings, 'drover.errors.deadletterqueue.topic.name');

/** A source's; null: it has none. */
export function sourceDeadLetterTopic(settings: Settings): string | null {
  return parseConfig(deadLetterName, settings)['drover.errors.deadletterqueue.topic.name'] || null;
}

export const sinkRunSettings = defineConfig({
  'drover.errors.bisect.enable': {
    type: 'BOOLEAN',
    default: false,
    importance: 'MEDIUM',
    doc: 'With errors.tolerance=all: a batch that put fails on is halved until the failing records are found; these are reported and skipped, the others are put. Records may be put more than once.',
  },
});
