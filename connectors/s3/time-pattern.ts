import { ConfigError } from '../../src/api/index.ts';
import type { TimeZone } from './time-zone.ts';

type Piece = string | { readonly letter: string; readonly width: number };

const known = 'GCYyxwedDEMaHhKkmsSzZ';

/**
 * Prints times by a pattern of Joda-Time's, with which Java connectors name directories: `'year'=YYYY/'month'=MM`. Letters
 * stand for parts of a time, what is quoted for itself.
 */
export class TimePattern {
  readonly #pieces: readonly Piece[];
  readonly #zone: TimeZone;
  readonly #locale: string;
  #lastAt = Number.NaN;
  #lastText = '';

  /** `key`: the setting that an error names. `locale`: as Java writes it, `en` or `de_AT`. */
  constructor(pattern: string, zone: TimeZone, locale: string, key: string) {
    this.#pieces = parse(pattern, key);
    this.#zone = zone;
    this.#locale = locale.replace('_', '-') || 'en';
    try {
      new Intl.DateTimeFormat(this.#locale);
    } catch {
      throw new ConfigError(`Invalid value ${locale} for configuration locale: name a locale, as in en or de_AT`, {
        key: 'locale',
      });
    }
  }

  at(epochMs: number): string {
    if (epochMs === this.#lastAt) return this.#lastText;
    const local = new Date(epochMs + this.#zone.offsetAt(epochMs));
    let text = '';
    for (const piece of this.#pieces) {
      text += typeof piece === 'string' ? piece : this.#print(piece.letter, piece.width, local, epochMs);
    }
    this.#lastAt = epochMs;
    this.#lastText = text;
    return text;
  }

  #print(letter: string, width: number, local: Date, epochMs: number): string {
    const number = (value: number) => String(value).padStart(width, '0');
    const name = (options: Intl.DateTimeFormatOptions) =>
      new Intl.DateTimeFormat(this.#locale, { ...options, timeZone: 'UTC' }).format(local);
    const year = local.getUTCFullYear();
    switch (letter) {
      case 'Y':
      case 'y':
        return width === 2 ? String(year % 100).padStart(2, '0') : number(year);
      case 'x':
        return width === 2 ? String(isoWeek(local).year % 100).padStart(2, '0') : number(isoWeek(local).year);
      case 'C':
        return number(Math.floor(year / 100));
      case 'G':
        return year > 0 ? 'AD' : 'BC';
      case 'w':
        return number(isoWeek(local).week);
      case 'e':
        return number(local.getUTCDay() || 7);
      case 'E':
        return name({ weekday: width >= 4 ? 'long' : 'short' });
      case 'D':
        return number(Math.floor((local.getTime() - Date.UTC(year, 0, 1)) / 86_400_000) + 1);
      case 'd':
        return number(local.getUTCDate());
      case 'M':
        return width >= 3 ? name({ month: width >= 4 ? 'long' : 'short' }) : number(local.getUTCMonth() + 1);
      case 'a':
        return local.getUTCHours() < 12 ? 'AM' : 'PM';
      case 'H':
        return number(local.getUTCHours());
      case 'k':
        return number(local.getUTCHours() || 24);
      case 'K':
        return number(local.getUTCHours() % 12);
      case 'h':
        return number(local.getUTCHours() % 12 || 12);
      case 'm':
        return number(local.getUTCMinutes());
      case 's':
        return number(local.getUTCSeconds());
      case 'S':
        return String(local.getUTCMilliseconds()).padStart(3, '0').padEnd(width, '0').slice(0, width);
      case 'Z':
        return offsetText(this.#zone.offsetAt(epochMs), width);
      default:
        return this.#zone.name;
    }
  }
}

function parse(pattern: string, key: string): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < pattern.length; ) {
    const char = pattern[at]!;
    if (char === "'") {
      let text = '';
      let end = at + 1;
      if (pattern[end] === "'") {
        text = "'";
        end++;
      } else {
        for (; ; end++) {
          if (end >= pattern.length) {
            throw new ConfigError(`Invalid value ${pattern} for configuration ${key}: a quote is not closed`, { key });
          }
          if (pattern[end] !== "'") text += pattern[end];
          else if (pattern[end + 1] === "'") text += pattern[end++];
          else break;
        }
        end++;
      }
      pieces.push(text);
      at = end;
    } else if (/[A-Za-z]/.test(char)) {
      let end = at;
      while (pattern[end] === char) end++;
      if (!known.includes(char)) {
        throw new ConfigError(
          `Invalid value ${pattern} for configuration ${key}: ${char} is no part of a time; quote what stands for itself`,
          { key },
        );
      }
      pieces.push({ letter: char, width: end - at });
      at = end;
    } else {
      pieces.push(char);
      at++;
    }
  }
  return pieces;
}

function isoWeek(date: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(date.getTime());
  thursday.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
  const year = thursday.getUTCFullYear();
  const days = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / 86_400_000);
  return { year, week: Math.floor(days / 7) + 1 };
}

function offsetText(offsetMs: number, width: number): string {
  const minutes = Math.abs(offsetMs) / 60_000;
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${two(minutes / 60)}${width >= 2 ? ':' : ''}${two(minutes % 60)}`;
}
