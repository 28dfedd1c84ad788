import type { Lag } from '../../src/api/index.ts';
import { secondsOf } from '../feed-lag.ts';

/** What the stream of a table keeps. */
const keptMs = 24 * 3_600_000;
/** Told from here on, and no more often than this. */
const alarmAt = 0.5;
const toldEveryMs = 600_000;

const toldAt = new Map<string, number>();
const mostTold = 1000;

/** By the age of what is next or was last, in milliseconds. */
export function lagOf(ageMs: number): Lag {
  return { seconds: secondsOf(ageMs), secondsLeft: secondsOf(keptMs - ageMs) };
}

/** What to warn of when the oldest record that is read now is that old: how much of the 24 hours is left. */
export function ageProblem(connector: string, table: string, ageMs: number | null, now: number): string | null {
  if (ageMs === null || ageMs < keptMs * alarmAt) return null;
  const about = `${connector} ${table}`;
  if (now - (toldAt.get(about) ?? Number.NEGATIVE_INFINITY) < toldEveryMs) return null;
  if (toldAt.size >= mostTold) toldAt.clear();
  toldAt.set(about, now);
  const hours = (ms: number) => (ms / 3_600_000).toFixed(1);
  return (
    `The stream of the table ${table} is read ${hours(ageMs)} hours behind: it keeps its records for 24, ` +
    `${hours(Math.max(0, keptMs - ageMs))} hours are left before some are lost`
  );
}
