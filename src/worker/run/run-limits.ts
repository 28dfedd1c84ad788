import type { Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { runSettings } from '../../config/run-settings.ts';
import { everyTick } from '../../storage/due-index.ts';
import type { WorkerSettings } from '../worker-settings.ts';

export interface RunLimits {
  /** The run stays when it finds nothing, until something else ends it. */
  readonly stays: boolean;
  readonly maxMs: number;
  readonly maxRecords: number;
  readonly maxBytes: number;
  /** Null: as the stream's rhythm and the prices say (linger.ts). */
  readonly lingerMs: number | null;
  readonly idleFloorMs: number;
  readonly idleCeilingMs: number;
  readonly commitIntervalMs: number;
}

/** After so long a run that stays begins anew. */
export const longestStayMs = 10 * 24 * 3_600_000;

/** The connector's own limits, else the installation's; those are no limit of a run that stays. */
export function runLimits(config: Settings, settings: WorkerSettings, stays = false): RunLimits {
  const own = parseConfig(runSettings, config);
  return {
    stays,
    maxMs: own['drover.run.max.ms'] ?? (stays ? longestStayMs : settings.runMaxMs),
    maxRecords: own['drover.run.max.records'] ?? Number.POSITIVE_INFINITY,
    maxBytes: own['drover.run.max.bytes'] ?? Number.POSITIVE_INFINITY,
    lingerMs: own['drover.run.linger.ms'] ?? settings.runLingerMs,
    idleFloorMs: own['drover.idle.floor.ms'] ?? settings.idleFloorMs,
    idleCeilingMs: own['drover.idle.ceiling.ms'] ?? settings.idleCeilingMs,
    commitIntervalMs: own['drover.commit.interval.ms'],
  };
}

const minuteMs = 60_000;

/** When an idle task is looked at next; from a minute on it is left to the scheduled tick (L3, L4). */
export function idleDueAt(limits: RunLimits, emptyRuns: number, now: number): number {
  const backOff = idleBackOffMs(limits, emptyRuns);
  return backOff >= minuteMs ? wholeMinutes(now, backOff) : now + backOff;
}

export function idleBackOffMs(limits: RunLimits, emptyRuns: number): number {
  return Math.min(limits.idleCeilingMs, limits.idleFloorMs * 2 ** Math.min(30, Math.max(0, emptyRuns - 1)));
}

/** Each tick sees what is due at any minute; longer pauses wait for the minute they end in. */
function wholeMinutes(now: number, backOff: number): number {
  return backOff < 2 * minuteMs ? everyTick : Math.ceil((now + backOff) / minuteMs) * minuteMs;
}

const firstRetryMs = 1_000;
/** What is back after a short outage is noticed within this time. */
const longestRetryMs = 15_000;
/** So many failures in a row are some minutes' outage: from then on the tick is enough. */
const patientAfter = 20;

/** When a task that failed for now is tried again, after so many failures in a row. */
export function retryDueAt(failures: number, now: number): number {
  if (failures > patientAfter) return everyTick;
  return now + Math.min(longestRetryMs, firstRetryMs * 2 ** (failures - 1));
}
