import type { Settings } from '../../config/config-def.ts';
import { parseConfig } from '../../config/parse-config.ts';
import { runSettings } from '../../config/run-settings.ts';
import { ConnectError } from '../../errors.ts';
import { type Deaths, deathsInWords, deathsOf } from '../../storage/deaths.ts';
import type { LeaseState, RunDeath } from '../../storage/items.ts';
import type { About } from '../../telemetry/events.ts';
import { hasReference } from '../config-providers.ts';
import type { RunHost } from './run-host.ts';

/** The run that takes over says what became of the one before; why, and what follows, is in storage/deaths.ts. */
export function tellDeath(host: RunHost, about: About, item: LeaseState, died: RunDeath): void {
  const { inRow, fruitless } = deathsOf(item, host.clock.now());
  host.telemetry.emit('run.died', {
    ...about,
    // A restart asked for in between has begun the count anew.
    runs: Math.max(1, inRow),
    fruitlessRuns: fruitless,
    workerId: died.workerId,
    leaseExpiredAt: died.at,
  });
}

/** So many runs have died in vain that the next is not begun: its run ends with this instead. */
export class TooManyDeathsError extends ConnectError {
  override readonly name: string = 'TooManyDeathsError';
  readonly deaths: Deaths;
  /** What the connector's config says without asking anybody: resolving its references may be what kills the run. */
  readonly config: Settings;

  constructor(what: string, deaths: Deaths, most: number, died: RunDeath, config: Settings) {
    super(
      'run.died',
      `${what} is given up after ${deaths.fruitless} runs without a commit (drover.deaths.max is ${most}). ` +
        `${deathsInWords(deaths.inRow, died)}. Restart it when the cause is mended`,
    );
    this.deaths = deaths;
    this.config = config;
  }
}

export function giveUpAfterDeaths(what: string, config: Settings, deaths: Deaths, died: RunDeath): void {
  const literal = Object.fromEntries(Object.entries(config).filter(([, value]) => !hasReference(value)));
  const most = parseConfig(runSettings, literal)['drover.deaths.max'];
  if (deaths.fruitless >= most) throw new TooManyDeathsError(what, deaths, most, died, literal);
}
