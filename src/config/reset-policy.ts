import { invalidValue } from './validators.ts';

/** Where a consumer begins that has no position: `lastMs` is the age of the oldest record it wants (KIP-1106). */
export type ResetPolicy = 'earliest' | 'latest' | 'none' | { readonly lastMs: number };

/** Throws ConfigError in Kafka's words. Java: AutoOffsetResetStrategy. */
export function parseResetPolicy(name: string, text: string): ResetPolicy {
  if (text === 'earliest' || text === 'latest' || text === 'none') return text;
  const duration = text.startsWith(byDuration) ? durationMs(text.slice(byDuration.length)) : null;
  if (duration !== null && duration >= 0) return { lastMs: duration };
  throw invalidValue(
    name,
    text,
    `Invalid value \`${text}\` for configuration ${name}. The value must be either 'earliest', 'latest', 'none' or of the format 'by_duration:<PnDTnHnMn.nS.>'.`,
  );
}

/** For people. */
export function policyText(policy: ResetPolicy): string {
  return typeof policy === 'string' ? policy : `by_duration (${policy.lastMs} ms)`;
}

const byDuration = 'by_duration:';
const durationForm =
  /^([+-]?)P(?:([+-]?[0-9]+)D)?(T(?:([+-]?[0-9]+)H)?(?:([+-]?[0-9]+)M)?(?:([+-]?[0-9]+)(?:[.,]([0-9]{0,9}))?S)?)?$/i;

/** `P1DT2H3M4.5S` in whole milliseconds; null for what is none. Java: Duration.parse. */
function durationMs(text: string): number | null {
  const found = durationForm.exec(text);
  if (found === null) return null;
  const [, sign, days, time, hours, minutes, seconds, fraction] = found;
  const parts = [days, hours, minutes, seconds];
  if (parts.every((part) => part === undefined) || time?.toUpperCase() === 'T') return null;
  const [d, h, m, s] = parts.map((part) => Number(part ?? 0)) as [number, number, number, number];
  const ofSecond = Number(`0.${fraction || 0}`) * (seconds?.startsWith('-') ? -1 : 1);
  const total = ((d * 24 + h) * 60 + m) * 60_000 + (s + ofSecond) * 1000;
  return Math.trunc(sign === '-' ? -total : total);
}
