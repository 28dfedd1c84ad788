/** What the program ends with; the help prints them. */
export const exitCodes = {
  /** A request was refused, or a check has found something. */
  refused: 1,
  /** The command line, or a file that it names, is wrong: nothing was done. */
  usage: 2,
  /** There is no such connector, plugin, stack. */
  missing: 3,
  /** Nobody answers, or lets us in. */
  unreachable: 4,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What the user can mend: its message is all that is printed. */
export class CliError extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode = exitCodes.refused) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

export const usageError = (message: string) => new CliError(message, exitCodes.usage);

export const messageOf = (error: unknown): string =>
  error instanceof Error && error.message !== '' ? error.message : String(error);
