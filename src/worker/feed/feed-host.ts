import { isRetriable, traceOf } from '../../errors.ts';
import { createPlugin } from '../../plugins/create-plugin.ts';
import type { FedProgress } from '../../storage/feed-store.ts';
import type { ConnectorItem } from '../../storage/items.ts';
import { resolveSettings } from '../config-providers.ts';
import { messageOf } from '../record/failure.ts';
import { KnownTopics } from '../run/known-topics.ts';
import { deadlinesOf } from '../run/lease.ts';
import { PluginRun } from '../run/plugin-run.ts';
import { requireAllowed } from '../run/require-allowed.ts';
import { requireSettings } from '../run/require-settings.ts';
import type { RunHost } from '../run/run-host.ts';
import { runLimits } from '../run/run-limits.ts';
import type { RunBudget } from '../run/run-report.ts';
import { watchUnhandledRejections } from '../run/unhandled-rejections.ts';
import type { FedConnector, FedConnectors } from './fed-connectors.ts';
import { type FedEvent, runFeed } from './run-feed.ts';

/** What an event source is to be told. */
export type FeedReport = {
  /** Plugin code may still be running: this environment must not run anything else. */
  readonly tainted: boolean;
} & (
  | { readonly taken: true; readonly answer: unknown }
  /** The event comes again, or its sender is told to. */
  | { readonly taken: false; readonly why: 'unclaimed' | 'held' | 'failed'; readonly error: Error }
);

/** Counters are told the table once in so long, whatever the number of events: the rest goes with the next. */
const progressEveryMs = 1000;

/** How long it is believed that the table lists a topic: events are under no lease, so that nobody tells them of a reset. */
const topicTrustMs = 30_000;

/** An event source whose events cannot be delivered rests so long, then twice as long. */
const firstRestMs = 30_000;
const longestRestMs = 300_000;

type Untold = { -readonly [K in keyof FedProgress]: FedProgress[K] } & { toldAt: number; toldBehind: boolean };
const nothing: FedProgress = { runs: 0, records: 0, bytes: 0, succeeded: false, lag: null };

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(messageOf(error)));

/** What the feed runs of one environment share. */
export class FeedHost {
  readonly #host: RunHost;
  readonly #connectors: FedConnectors;
  readonly #progress = new Map<string, Untold>();
  readonly #topics = new Map<string, { readonly known: KnownTopics; readonly until: number }>();

  constructor(host: RunHost, connectors: FedConnectors) {
    this.#host = host;
    this.#connectors = connectors;
  }

  /** One event for whoever its event source feeds. */
  async feed(key: string, event: unknown, budget: RunBudget): Promise<FeedReport> {
    const host = this.#host;
    const { telemetry } = host;
    const requestedAt = host.clock.now();
    let fed: FedConnector;
    try {
      fed = await this.#connectors.find(key);
    } catch (error) {
      // The table does not answer: nobody knows yet whose the event is.
      telemetry.emit('feed.returned', { feed: key, holder: null, reason: telemetry.secrets.mask(messageOf(error)) });
      return { taken: false, why: 'failed', error: asError(error), tainted: false };
    }
    if (fed.state !== 'open') return this.#refuse(key, fed);
    const { connector } = fed;
    const about = { connector: connector.name, task: 0 };
    let run: PluginRun | null = null;
    let outcome: FedEvent;
    try {
      const config = await resolveSettings(connector.config, host.configProviders, host.telemetry.secrets);
      await requireAllowed(host.settings, 'source', config);
      run = new PluginRun(host, {
        about,
        startsAnew: false,
        config,
        knownTopics: this.#topicsOf(connector),
        taskConfig: config,
        limits: runLimits(config, host.settings),
        deadlines: deadlinesOf(host, budget),
        requestedAt,
      });
      outcome = await this.#runGuarded(run, event, budget.signal);
    } catch (error) {
      const passes = isRetriable(error) || !(error instanceof Error);
      const trouble = passes ? asError(error) : null;
      outcome = { answer: { error }, failure: passes ? null : error, trouble };
    }
    const { answer, failure, trouble } = outcome;
    // Of an environment that ends, who waits for the answer would hear nothing.
    const tainted = run?.bounds.pluginAtWork ?? false;
    if (failure !== null) await this.#fail(key, fed, failure, budget);
    else if ('error' in answer) this.#tellTrouble(about, answer.error);
    if (failure === null) await this.#restOrGoOn(key, fed, trouble);
    if (run !== null) await this.#tell(run, requestedAt, failure === null && 'value' in answer && trouble === null);
    if ('value' in answer) return { taken: true, answer: answer.value, tainted };
    return { taken: false, why: 'failed', error: asError(answer.error), tainted };
  }

  #topicsOf({ name, topicResets }: ConnectorItem): KnownTopics {
    const now = this.#host.clock.now();
    const resets = String(topicResets);
    const before = this.#topics.get(name);
    if (before !== undefined && before.known.resets === resets && before.until > now) return before.known;
    const known = new KnownTopics(resets);
    this.#topics.set(name, { known, until: now + topicTrustMs });
    return known;
  }

  /**
   * While Kafka, say, is away each event would come again and again, until its receive count sends it to a dead letter
   * queue: so what brings it rests, longer each time, and an event now and then finds out.
   */
  async #restOrGoOn(
    key: string,
    { connector: { name: connector }, claim }: Extract<FedConnector, { state: 'open' }>,
    trouble: Error | null,
  ): Promise<void> {
    const { stores, clock, telemetry, settings } = this.#host;
    const now = clock.now();
    const done = trouble === null ? claim.rests === 0 : (claim.restsUntil ?? 0) > now;
    // One of many webhooks is held by its answers alone.
    if (done || !settings.feeds.names(key)) return;
    this.#connectors.forget(key);
    try {
      if (trouble === null) return await stores.feeds.endRest(key, connector);
      const restMs = Math.min(firstRestMs * 2 ** claim.rests, longestRestMs);
      await stores.feeds.rest(key, connector, claim.rests + 1, now, now + restMs);
      const reason = telemetry.secrets.mask(messageOf(trouble));
      telemetry.emit('feed.rests', { feed: key, connector, seconds: restMs / 1000, reason });
    } catch (error) {
      // The event's own answer stands; the next one tries this again.
      this.#tellTrouble({ connector, task: 0 }, error);
    }
  }

  async #runGuarded(run: PluginRun, event: unknown, signal: AbortSignal | undefined): Promise<FedEvent> {
    const time = run.bounds.start(signal);
    const rejections = watchUnhandledRejections((error) => run.bounds.break(error));
    try {
      const work = rejections.run(async () => {
        requireSettings(run.host, { name: run.about.connector, type: 'source' }, run.config);
        const plugin = await createPlugin(run.host.plugins.get('source', run.config['connector.class'] ?? ''));
        return runFeed(run, plugin, event);
      });
      return await Promise.race([work, run.bounds.abandoned]);
    } finally {
      await run.bounds.settle();
      rejections.stop();
      time.stop();
    }
  }

  #refuse(key: string, fed: Exclude<FedConnector, { state: 'open' }>): FeedReport {
    const message =
      fed.state === 'unclaimed'
        ? `No connector takes the events of ${key}: create one whose config names it`
        : `Connector ${fed.name}, which takes the events of ${key}, ${fed.why}`;
    const { telemetry, settings } = this.#host;
    const holder = fed.state === 'unclaimed' ? null : fed.name;
    // Whoever calls a webhook may make up any name.
    if (holder === null && settings.feeds.names(key)) {
      telemetry.emit('feed.unclaimed', { feed: key, events: 1, reason: message });
    } else telemetry.emit('feed.returned', { feed: key, holder, reason: message });
    return { taken: false, why: fed.state, error: new Error(message), tainted: false };
  }

  /** As a task that met a record at fault: FAILED, and its event source is held until somebody restarts it. */
  async #fail(
    key: string,
    { connector, task }: Extract<FedConnector, { state: 'open' }>,
    failure: Error,
    { workerId }: RunBudget,
  ): Promise<void> {
    const { stores, telemetry } = this.#host;
    const trace = telemetry.secrets.mask(traceOf(failure));
    const about = { connector: connector.name, task: 0 };
    telemetry.emit('run.failed', { ...about, error: messageOf(failure), trace, retriable: false, nextDueAt: null });
    await stores.feeds.fail(key, connector.name, task.generation, trace, workerId);
    this.#connectors.forget(key);
  }

  #tellTrouble(about: { connector: string; task: number }, error: unknown): void {
    const trace = this.#host.telemetry.secrets.mask(traceOf(error));
    this.#host.telemetry.emit('run.failed', {
      ...about,
      error: messageOf(error),
      trace,
      retriable: true,
      nextDueAt: null,
    });
  }

  async #tell(run: PluginRun, startedAt: number, succeeded: boolean): Promise<void> {
    const { clock, telemetry, stores } = this.#host;
    const now = clock.now();
    const { records, bytes, commits, steps, lag } = run.report;
    telemetry.emit('run.ended', {
      ...run.about,
      durationMs: now - startedAt,
      records,
      bytes,
      commits,
      emptyRuns: 0,
      nextDueAt: null,
      steps,
    });
    const { connector } = run.about;
    const untold = this.#progress.get(connector) ?? { ...nothing, toldAt: 0, toldBehind: false };
    this.#progress.set(connector, untold);
    untold.runs++;
    untold.records += records;
    untold.bytes += bytes;
    untold.succeeded ||= succeeded;
    if (lag !== null) untold.lag = { seconds: lag.seconds ?? null, left: lag.secondsLeft ?? null };
    // Nothing may come after the event that has caught up.
    const caughtUp = untold.toldBehind && untold.lag?.seconds === 0;
    if (now - untold.toldAt < progressEveryMs && !caughtUp) return;
    const { toldAt: _, toldBehind, ...told } = untold;
    const isBehind = told.lag === null ? toldBehind : (told.lag.seconds ?? 0) > 0;
    Object.assign(untold, nothing, { toldAt: now, toldBehind: isBehind });
    // Figures only: what was delivered is delivered.
    await stores.feeds.addProgress(connector, told, now).catch(() => {});
  }
}
