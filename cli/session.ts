import type { Command } from 'commander';
import { usageError } from './faults.ts';
import { type Send, sendHttp } from './http.ts';
import { findInstallation, type Installation, type InstallationOptions } from './installation.ts';
import type { Io } from './io.ts';
import { type Cell, type Column, type Format, type Painter, painter, structured, table } from './output.ts';
import { Rest } from './rest.ts';

export interface GlobalOptions extends InstallationOptions {
  readonly output?: Format;
  readonly json?: boolean;
}

/** One call of the program: whom it is about, and how its answer is printed. */
export class Session {
  readonly io: Io;
  readonly format: Format;
  readonly paint: Painter;
  readonly #options: GlobalOptions;
  readonly #http: Send;
  #installation: Promise<Installation> | null = null;

  constructor(io: Io, options: GlobalOptions, http: Send = sendHttp) {
    this.io = io;
    this.#options = options;
    this.#http = http;
    if (options.json === true && options.output !== undefined && options.output !== 'json') {
      throw usageError(`--json and -o ${options.output} say two things: keep one of them`);
    }
    this.format = options.json === true ? 'json' : (options.output ?? 'table');
    this.paint = painter(io.colours && (this.format === 'table' || this.format === 'wide'));
  }

  /** Whether a program reads the answer. */
  get isStructured(): boolean {
    return this.format === 'json' || this.format === 'yaml';
  }

  installation(): Promise<Installation> {
    this.#installation ??= findInstallation(this.#options, this.io, this.#http);
    return this.#installation;
  }

  async rest(): Promise<Rest> {
    return new Rest(await this.installation(), this.io.ending);
  }

  /** A value for programs; false: the format is for people. */
  value(value: unknown): boolean {
    if (this.format !== 'json' && this.format !== 'yaml') return false;
    this.io.out(structured(value, this.format));
    return true;
  }

  /** A list for people, `nothing` where it is empty; with `-o name` the names alone, with `-o json` and yaml `values`. */
  list<T>(
    rows: readonly T[],
    columns: readonly Column<T>[],
    of: { values: unknown; name: (row: T) => string; nothing: string },
  ): void {
    if (this.value(of.values)) return;
    const shown = columns.filter(({ wide }) => wide !== true || this.format === 'wide');
    if (this.format === 'name') this.io.out(rows.map((row) => `${of.name(row)}\n`).join(''));
    else if (rows.length === 0) this.io.err(`${of.nothing}\n`);
    else this.io.out(table(rows, shown, this.paint));
  }

  /** Lines of a name and what it is, under each other. */
  facts(facts: readonly (readonly [name: string, value: Cell | null])[], indent = ''): void {
    const shown = facts.filter(([, value]) => value !== null);
    const width = Math.max(0, ...shown.map(([name]) => name.length)) + 1;
    for (const [name, value] of shown) {
      const { text, style } = typeof value === 'string' ? { text: value, style: null } : { ...value! };
      const painted = style === null ? text : this.paint(style, text);
      this.io.out(
        `${indent}${`${name}:`.padEnd(width)} ${painted.replaceAll('\n', `\n${indent}${' '.repeat(width + 1)}`)}\n`,
      );
    }
  }

  /** What a person wants to know and a program does not. */
  note(text: string): void {
    this.io.err(`${text}\n`);
  }

  /** Asks before something is gone; without anybody to ask, `--yes` must have said so. */
  async confirm(question: string, yes: boolean): Promise<void> {
    if (yes) return;
    if (this.io.confirm === null) throw usageError(`${question} Say --yes: there is nobody to ask`);
    if (!(await this.io.confirm(question))) throw usageError('Nothing was changed');
  }
}

export type Act<Args extends readonly unknown[], O> = (session: Session, options: O, ...args: Args) => Promise<void>;

/** Of the program, for the actions of its commands. */
export interface CommandContext {
  readonly io: Io;
  readonly http: Send;
}

/** Gives an action its session: `run(context, async (session, options, name) => …)`. */
export function run<Args extends readonly unknown[], O = object>({ io, http }: CommandContext, act: Act<Args, O>) {
  return async function (this: Command, ...given: unknown[]): Promise<void> {
    const options = this.optsWithGlobals();
    const args = given.slice(0, this.registeredArguments.length) as unknown as Args;
    await act(new Session(io, options as GlobalOptions, http), options as O, ...args);
  };
}
