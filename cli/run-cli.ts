import { CommanderError } from 'commander';
import { CliError, exitCodes, messageOf } from './faults.ts';
import { type Send, sendHttp } from './http.ts';
import type { Io } from './io.ts';
import { createProgram } from './program.ts';

/** Runs one command line and answers what the program ends with. */
export async function runCli(args: readonly string[], io: Io, http: Send = sendHttp): Promise<number> {
  try {
    const program = createProgram({ io, http });
    if (args.length === 0) {
      io.err(program.helpInformation());
      return exitCodes.usage;
    }
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
    // Ctrl-C.
    if (io.ending.aborted) return 130;
    io.err(`drover: ${error instanceof CliError ? error.message : unforeseen(error, io)}\n`);
    return error instanceof CliError ? error.exitCode : exitCodes.refused;
  }
}

/** No fault of the user's, as far as we know: with DROVER_DEBUG it is told where. */
function unforeseen(error: unknown, { env }: Io): string {
  if (env.DROVER_DEBUG) return error instanceof Error ? (error.stack ?? error.message) : String(error);
  return `${messageOf(error)} (DROVER_DEBUG=1 shows where)`;
}
