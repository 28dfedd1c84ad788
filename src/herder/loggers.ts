import { ConnectError, NotFoundError } from '../errors.ts';
import type { LoggerLevel } from '../storage/cluster-store.ts';
import { eventDeclarations } from '../telemetry/events.ts';
import type { LoggerInfo } from './herder.ts';
import type { HerderDeps } from './herder-deps.ts';

const rootLogger = 'root';
/** The list is read by every function each minute, and answered whole. */
export const mostLoggers = 1000;
const longestName = 255;

const levels = ['OFF', 'FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE', 'ALL'];

/** Drover's own loggers and those that somebody set, by name. The levels are in the table: running functions follow them. */
export async function loggers(deps: HerderDeps): Promise<Map<string, LoggerInfo>> {
  const set = new Map((await deps.cluster.loggerLevels()).map((entry) => [entry.logger, entry]));
  const own = Object.values(eventDeclarations).map(({ logger }) => logger);
  const names = [...new Set([rootLogger, ...own, ...set.keys()])].sort();
  const root = set.get(rootLogger)?.level ?? deps.logLevel;
  return new Map(
    names.map((name) => {
      const entry = set.get(name);
      return [name, { level: entry?.level ?? inherited(name, set) ?? root, lastModified: entry?.modifiedAt ?? null }];
    }),
  );
}

/** The level of the longest logger whose name this one begins with: plain text, so `a.bx` falls under `a.b`. */
function inherited(name: string, set: ReadonlyMap<string, { readonly level: string }>): string | null {
  let longest: string | null = null;
  for (const candidate of set.keys()) {
    if (candidate !== rootLogger && name.startsWith(candidate) && candidate.length > (longest?.length ?? -1)) {
      longest = candidate;
    }
  }
  return longest === null ? null : set.get(longest)!.level;
}

export async function logger(deps: HerderDeps, name: string): Promise<LoggerInfo> {
  const found = (await loggers(deps)).get(canonical(name));
  if (found === undefined) throw new NotFoundError('loggers.not_found', `Logger ${name} not found.`);
  return found;
}

/** Sets the level of a logger and of all under it; answers those that had another one. */
export async function setLoggerLevel(deps: HerderDeps, givenName: string, givenLevel: string): Promise<string[]> {
  const level = givenLevel.trim().toUpperCase();
  if (!levels.includes(level)) {
    throw new ConnectError('loggers.unknown_level', `invalid log level '${givenLevel}'.`);
  }
  const name = canonical(givenName);
  requireName(name);
  const known = await loggers(deps);
  const affected = [...known.keys()].filter((key) => name === rootLogger || key.startsWith(name));
  if (!known.has(name)) affected.push(name);
  const root = known.get(rootLogger)!.level;
  const changed = affected
    .filter((key) => (known.get(key)?.level ?? levelOfParent(key, known) ?? root) !== level)
    .sort();
  const modifiedAt = deps.clock.now();
  const stored: LoggerLevel[] = changed.map((key) => ({ logger: key, level, modifiedAt }));
  // One that was only inherited so far is known by name from now on, though nothing has changed for it.
  if (!known.has(name) && !changed.includes(name)) stored.push({ logger: name, level, modifiedAt: null });
  requireRoom(
    known,
    stored.map(({ logger }) => logger),
  );
  await deps.cluster.putLoggerLevels(stored);
  return changed;
}

function requireName(name: string): void {
  if (name.length <= longestName && !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(name)) return;
  throw new ConnectError(
    'loggers.invalid_name',
    `The name of a logger is at most ${longestName} characters, none of them a control character; this one has ${name.length}.`,
  );
}

function requireRoom(known: ReadonlyMap<string, unknown>, wanted: readonly string[]): void {
  const added = wanted.filter((key) => !known.has(key)).length;
  if (added === 0 || known.size + added <= mostLoggers) return;
  throw new ConnectError(
    'loggers.too_many',
    `There are ${known.size} loggers already, at most ${mostLoggers} are kept. ` +
      'Take levels back that are not needed: DELETE /drover/loggers/{logger} does so for a logger and all under it.',
  );
}

/** Takes back what was set for a logger and all under it, so that they have their levels from above again. */
export async function resetLoggerLevel(deps: HerderDeps, givenName: string): Promise<string[]> {
  const name = canonical(givenName);
  const set = (await deps.cluster.loggerLevels()).map((entry) => entry.logger);
  const reset = set.filter((key) => name === rootLogger || key.startsWith(name)).sort();
  if (reset.length === 0) throw new NotFoundError('loggers.not_found', `No level is set for logger ${givenName}.`);
  await deps.cluster.deleteLoggerLevels(reset);
  return reset;
}

/** Of a logger that is not known yet: that of the nearest part of its name, dot by dot. */
function levelOfParent(name: string, known: ReadonlyMap<string, LoggerInfo>): string | null {
  const parts = name.split('.');
  while (parts.length > 1) {
    parts.pop();
    const parent = known.get(parts.join('.'));
    if (parent !== undefined) return parent.level;
  }
  return null;
}

const canonical = (name: string) => (name.toLowerCase() === rootLogger ? rootLogger : name);
