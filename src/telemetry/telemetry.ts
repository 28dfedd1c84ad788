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

/** For whom metrics are published: nobody, all connectors together, or each by its name as well. */
const metricsOf = ['none', 'installation', 'connector'] as const;
export type MetricsOf = (typeof metricsOf)[number];

export interface TelemetryOptions {
  readonly clock: Clock;
  /** Takes one line without its line break. */
  readonly write: (line: string) => void;
  readonly namespace?: string;
  readonly metrics?: MetricsOf;
  readonly level?: LogLevel;
  readonly secrets?: Secrets;
  /** Printed with every line: function name, log stream. */
  readonly context?: Readonly<Record<string, string>>;
}

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
      const level =
        typeof declaration.level === 'string'
          ? declaration.level
          : (declaration.level as (its: typeof facts) => LogLevel)(facts);
      const loud = severity[level]! >= thresholdOf(declaration.logger);
      // A metric is sent at any log level: quietening the log must not blind the dashboard.
      const metrics = embeddedMetrics(event, facts, options);
      if (!loud && metrics === null) return;
      const line = {
        level,
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

function embeddedMetrics<K extends EventName>(
  event: K,
  facts: Events[K],
  { clock, namespace = 'Drover', metrics: whose = 'installation' }: TelemetryOptions,
): Record<string, unknown> | null {
  const { metrics: declared, metricsPerConnectorOnly, installationWide } = eventDeclarations[event];
  if (declared === undefined) return null;
  if (!installationWide && (whose === 'none' || (metricsPerConnectorOnly && whose !== 'connector'))) return null;
  const values: Record<string, unknown> = {};
  const metrics: { Name: string; Unit: string }[] = [];
  for (const [fact, metric] of Object.entries(declared) as [keyof Events[K], readonly [string, string]][]) {
    const value = facts[fact];
    if (typeof value !== 'number' || value === 0) continue;
    values[metric[0]] = value;
    metrics.push({ Name: metric[0], Unit: metric[1] });
  }
  if (metrics.length === 0) return null;
  // The sum of all comes first, and goes on when connectors are looked at closely.
  const dimensions = whose === 'connector' && 'connector' in facts && !installationWide ? [[], ['connector']] : [[]];
  return {
    ...values,
    _aws: {
      Timestamp: clock.now(),
      CloudWatchMetrics: [{ Namespace: namespace, Dimensions: dimensions, Metrics: metrics }],
    },
  };
}

const bigintAsNumberText = (_key: string, value: unknown) => (typeof value === 'bigint' ? value.toString() : value);

/** For tests and for runs nobody watches. */
export const silentTelemetry: Telemetry = {
  secrets: new Secrets(),
  emit: () => {},
  setLevels: () => {},
};
