const countFormat = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const shortFormat = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

export const nothing = '–';

/** In full up to a hundred thousand, then short. */
export const count = (value: number | null): string =>
  value === null ? nothing : value < 100_000 ? countFormat.format(value) : shortFormat.format(value);

/** `1 connector`, `2 connectors`. */
export const counted = (value: number, noun: string): string => `${value} ${noun}${value === 1 ? '' : 's'}`;

export function rate(value: number | null): string {
  if (value === null) return nothing;
  if (value === 0) return '0/s';
  return value < 10 ? `${value.toFixed(1)}/s` : `${count(Math.round(value))}/s`;
}

export function bytes(value: number | null): string {
  if (value === null) return nothing;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [left, unit] = [value, 0];
  for (; left >= 1000 && unit < units.length - 1; unit++) left /= 1000;
  return `${unit === 0 || left >= 100 ? Math.round(left) : left.toFixed(1)} ${units[unit]}`;
}

export function took(ms: number | null): string {
  if (ms === null) return nothing;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return age(ms);
}

export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

export const ago = (at: string | null, now = Date.now()): string =>
  at === null ? nothing : `${age(now - Date.parse(at))} ago`;

export function until(at: string, now = Date.now()): string {
  const left = Date.parse(at) - now;
  return left <= 0 ? 'now' : `in ${age(left)}`;
}

/** Dollars: small ones keep two digits that say something. */
export function dollars(value: number | null): string {
  if (value === null) return nothing;
  if (value === 0) return '$0';
  const digits = value >= 0.01 ? 2 : Math.min(9, 1 - Math.floor(Math.log10(value)));
  return `$${value.toFixed(digits)}`;
}

const pad = (value: number) => String(value).padStart(2, '0');
export function clock(at: number, seconds = true): string {
  const time = new Date(at);
  return `${pad(time.getHours())}:${pad(time.getMinutes())}${seconds ? `:${pad(time.getSeconds())}` : ''}`;
}

export const stamp = (at: string): string => at.replace('T', ' ').replace(/\.\d+Z$/, ' UTC');

export const shortClass = (name: string): string => name.split('.').at(-1) ?? name;
