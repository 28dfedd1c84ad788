import { styleText } from 'node:util';
import { stringify } from 'yaml';
import { printJson } from './json.ts';

export const formats = ['table', 'wide', 'json', 'yaml', 'name'] as const;
export type Format = (typeof formats)[number];

export type Style = 'red' | 'green' | 'yellow' | 'dim' | 'bold';
export type Painter = (style: Style, text: string) => string;

export const painter =
  (colours: boolean): Painter =>
  (style, text) =>
    colours ? styleText(style, text, { validateStream: false }) : text;

/** A cell's text; with `style` it is painted where colours are. */
export type Cell = string | { readonly text: string; readonly style: Style };

export interface Column<T> {
  readonly title: string;
  readonly cell: (row: T) => Cell;
  /** Shown with `-o wide` only. */
  readonly wide?: boolean;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what others have named must not steer the terminal
const controls = /[\u0000-\u001f\u007f-\u009f]+/g;

/** One line, whatever it is made of. */
export const oneLine = (text: string): string => text.replace(controls, ' ').trim();

/** Columns with two blanks between, as kubectl prints them; the last one is not filled up. */
export function table<T>(rows: readonly T[], columns: readonly Column<T>[], paint: Painter): string {
  const cells = [
    columns.map(({ title }): Cell => ({ text: title, style: 'bold' })),
    ...rows.map((row) => columns.map((column) => column.cell(row))),
  ].map((row) =>
    row.map((cell) =>
      typeof cell === 'string' ? { text: oneLine(cell), style: null } : { ...cell, text: oneLine(cell.text) },
    ),
  );
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => row[index]!.text.length)));
  return cells
    .map((row) =>
      row
        .map(({ text, style }, index) => {
          const fill = index === row.length - 1 ? '' : ' '.repeat(widths[index]! - text.length);
          return (style === null ? text : paint(style, text)) + fill;
        })
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

export function structured(value: unknown, format: 'json' | 'yaml'): string {
  return format === 'json' ? `${printJson(value)}\n` : stringify(value, { lineWidth: 0 });
}

const stateStyles: Readonly<Record<string, Style>> = {
  RUNNING: 'green',
  FAILED: 'red',
  PAUSED: 'yellow',
  STOPPED: 'yellow',
  UNASSIGNED: 'yellow',
  RESTARTING: 'yellow',
};

export function stateCell(state: string): Cell {
  const style = stateStyles[state];
  return style === undefined ? state : { text: state, style };
}

/** `1 connector`, `2 connectors`; with `be` and the like what they do: `1 connector was`. */
export function counted(count: number | bigint, noun: string, verb?: readonly [one: string, many: string]): string {
  const isOne = BigInt(count) === 1n;
  return `${count} ${isOne ? noun : `${noun}s`}${verb === undefined ? '' : ` ${verb[isOne ? 0 : 1]}`}`;
}

/** `1 of 3 connectors was`. */
export const countedOf = (count: number, all: number, noun: string, [one, many]: readonly [string, string]): string =>
  `${count} of ${counted(all, noun)} ${count === 1 ? one : many}`;

export const wereOrWas = ['was', 'were'] as const;
export const areOrIs = ['is', 'are'] as const;

/** `12 s`, `5 min`, `3 h`, `2 d`: how long since. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

export function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) [value, unit] = [value / 1000, unit + 1];
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}
