import type { Clock } from '../clock.ts';
import { type EventName, type Events, eventDeclarations, type LogLevel } from './events.ts';
import { hideSecrets, Secrets } from './redaction.ts';

const severity: Record<string, number> = { TRACE: 0, DEBUG: 1, INFO: 2, WARN: 3, ERROR: 4, FATAL: 5, OFF: 6 };
const rootLogger = 'root';

export interface Telemetry {
  /** One line, if the level of the event's logger lets it through. Never throws. */
  emit<K extends EventName>(event: K, facts: Events[K]): void;
  /** Levels by logger name, as the table holds them; the longest prefix wins, `root` is the rest. */
  setLevels(levels: ReadonlyMap<string, string>): void;
  /** What must never be printed. */
  readonly secrets: Secrets;
}

export interface TelemetryOptions {
  readonly clock: Clock;
  /** Takes one line without its line break. */
  readonly write: (line: string) => void;
  readonly namespace?: string;
  readonly level?: LogLevel;
  readonly secrets?: Secrets;
  /** Printed with every line: function name, log stream. */
  readonly context?: Readonly<Record<string, string>>;
}

/** Apart from the metrics of another Connect cluster in the same account. */
export const metricNamespace = (groupId: string) => `Drover/${groupId.replace(/[^\w.#:/-]/g, '_')}`;

/** Lines of JSON that CloudWatch reads as log and, where metrics are declared, as metrics. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const secrets = options.secrets ?? new Secrets();
  const rest = options.level ?? 'INFO';
  let levels: ReadonlyMap<string, string> = new Map();
  let thresholds = new Map<string, number>();

  const thresholdOf = (logger: string): number => {
    const known = thresholds.get(logger);
    if (known !== undefined) return known;
    let level = levels.get(rootLogger) ?? rest;
    let longest = -1;
    for (const [name, itsLevel] of levels) {
      if (logger.startsWith(name) && name.length > longest) {
        level = itsLevel;
        longest = name.length;
      }
    }
    const threshold = severity[level] ?? severity[rest]!;
    thresholds.set(logger, threshold);
    return threshold;
  };

  return {
    secrets,
    setLevels(next) {
      levels = next;
      thresholds = new Map();
    },
    emit(event, facts) {
      const declaration = eventDeclarations[event];
      const loud = severity[declaration.level]! >= thresholdOf(declaration.logger);
      // A metric is sent at any log level: quietening the log must not blind the dashboard.
      const metrics = metricsOf(event, facts, options.namespace ?? 'Drover', options.clock.now());
      if (!loud && metrics === null) return;
      const line = {
        level: declaration.level,
        timestamp: new Date(options.clock.now()).toISOString(),
        logger: declaration.logger,
        message: declaration.message(facts),
        event,
        ...options.context,
        ...(hideSecrets(facts) as object),
        ...metrics,
      };
      options.write(secrets.mask(JSON.stringify(line, bigintAsNumberText)));
    },
  };
}

function metricsOf<K extends EventName>(
  event: K,
  facts: Events[K],
  namespace: string,
  now: number,
): Record<string, unknown> | null {
  const { metrics: declared, installationWide } = eventDeclarations[event];
  if (declared === undefined) return null;
  const values: Record<string, unknown> = {};
  const metrics: { Name: string; Unit: string }[] = [];
  for (const [fact, metric] of Object.entries(declared) as [keyof Events[K], readonly [string, string]][]) {
    const value = facts[fact];
    if (typeof value !== 'number' || value === 0) continue;
    values[metric[0]] = value;
    metrics.push({ Name: metric[0], Unit: metric[1] });
  }
  if (metrics.length === 0) return null;
  const dimensions = 'connector' in facts && installationWide !== true ? [['connector']] : [[]];
  return {
    ...values,
    _aws: { Timestamp: now, CloudWatchMetrics: [{ Namespace: namespace, Dimensions: dimensions, Metrics: metrics }] },
  };
}

const bigintAsNumberText = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);

/** For tests and for runs nobody watches. */
export const silentTelemetry: Telemetry = {
  secrets: new Secrets(),
  emit: () => {},
  setLevels: () => {},
};
