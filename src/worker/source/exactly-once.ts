import type { Settings } from '../../config/config-def.ts';
import { deliverySettings, requiresExactlyOnce } from '../../config/connector-config.ts';
import { parseConfig } from '../../config/parse-config.ts';

/** How a connector asks for exactly once (KIP-618). */
export interface ExactlyOnce {
  readonly boundary: 'poll' | 'interval' | 'connector';
  readonly intervalMs: number;
  /** The connector's own offsets topic; null: the mirror's. */
  readonly offsetsTopic: string | null;
}

const defaultIntervalMs = 60_000;

/** Null unless `exactly.once.support=required`. */
export function exactlyOnce(config: Settings): ExactlyOnce | null {
  if (!requiresExactlyOnce(config)) return null;
  const settings = parseConfig(deliverySettings, config);
  return {
    boundary: settings['transaction.boundary'].toLowerCase() as ExactlyOnce['boundary'],
    intervalMs: settings['transaction.boundary.interval.ms'] ?? defaultIntervalMs,
    offsetsTopic: settings['offsets.storage.topic'],
  };
}
