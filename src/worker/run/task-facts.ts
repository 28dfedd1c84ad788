import { adminConfig, type Client, producerConfig, requireOverrides } from '../../config/client-config.ts';
import type { Settings } from '../../config/config-def.ts';
import { parseConfig, parseGiven, settingsWithPrefix } from '../../config/parse-config.ts';
import type { KnownTopics } from './known-topics.ts';
import type { Deadlines } from './lease.ts';
import type { RunHost } from './run-host.ts';
import type { RunLimits } from './run-limits.ts';

/** What is known when a task's plugins begin to run, and does not change while they do. */
export interface GivenFacts {
  readonly about: { readonly connector: string; readonly task: number };
  /** The task is new, or was restarted, or its last run failed: not just one more run of a task that runs. */
  readonly startsAnew: boolean;
  /** The connector's settings, secrets resolved. */
  readonly config: Settings;
  readonly knownTopics: KnownTopics;
  /** The task's own settings, secrets resolved. */
  readonly taskConfig: Settings;
  readonly limits: RunLimits;
  readonly deadlines: Deadlines;
  /** Epoch milliseconds at which the run was asked for. */
  readonly requestedAt: number;
}

/** Who runs, with which settings, within which limits; and what follows from that alone. */
export class TaskFacts implements GivenFacts {
  readonly host: RunHost;
  readonly about: GivenFacts['about'];
  readonly startsAnew: boolean;
  readonly config: Settings;
  readonly knownTopics: KnownTopics;
  readonly taskConfig: Settings;
  readonly limits: RunLimits;
  readonly deadlines: Deadlines;
  readonly requestedAt: number;

  constructor(host: RunHost, given: GivenFacts) {
    this.host = host;
    this.about = given.about;
    this.startsAnew = given.startsAnew;
    this.config = given.config;
    this.knownTopics = given.knownTopics;
    this.taskConfig = given.taskConfig;
    this.limits = given.limits;
    this.deadlines = given.deadlines;
    this.requestedAt = given.requestedAt;
  }

  /** An idle sink is left to the probe once its pauses have reached their ceiling. */
  isIdleSink(backOffMs: number): boolean {
    return backOffMs >= this.limits.idleCeilingMs;
  }

  /**
   * `producer.override.*`, with the producer's patience bounded by the run: what Kafka does not answer must end as the
   * producer's own error, which names the broker, before the run is cut.
   */
  producerOverrides(): Settings {
    const own = this.#overrides('producer');
    const parsed = parseConfig(producerConfig, own);
    const left = this.#msLeft();
    const bounded: Record<string, string> = { ...own };
    for (const key of ['max.block.ms', 'delivery.timeout.ms'] as const) {
      if (parsed[key] > left) bounded[key] = String(left);
    }
    return bounded;
  }

  /** `admin.override.*`, bounded likewise. */
  adminOverrides(): Settings {
    const own = this.#overrides('admin');
    const key = 'default.api.timeout.ms';
    const left = this.#msLeft();
    return (parseGiven(adminConfig, own)[key] ?? 0) > left ? { ...own, [key]: String(left) } : own;
  }

  /** `consumer.override.*`. */
  consumerOverrides(): Settings {
    return this.#overrides('consumer');
  }

  /** Throws ConfigError for what Kafka's own client would refuse. */
  #overrides(client: Client): Settings {
    const overrides = settingsWithPrefix(this.config, `${client}.override.`);
    requireOverrides(client, overrides);
    return overrides;
  }

  #msLeft(): number {
    return Math.max(1, Math.floor(this.deadlines.endsAt - this.host.clock.now()));
  }
}
