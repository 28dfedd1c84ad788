import { Command, Option } from 'commander';
import { droverVersion } from '../src/version.ts';
import { addApply } from './commands/apply.ts';
import { addCompletion } from './commands/completion.ts';
import { addConsole } from './commands/console.ts';
import { addDeadLetters } from './commands/dead-letters.ts';
import { addDelete } from './commands/delete.ts';
import { addDescribe } from './commands/describe.ts';
import { addDev } from './commands/dev.ts';
import { addDoctor } from './commands/doctor.ts';
import { addExport } from './commands/export.ts';
import { addGet } from './commands/get.ts';
import { addImport } from './commands/import.ts';
import { addInfo } from './commands/info.ts';
import { addLifecycle } from './commands/lifecycle.ts';
import { addLogs } from './commands/logs.ts';
import { addOffsets } from './commands/offsets.ts';
import { addPatch } from './commands/patch.ts';
import { addProxy } from './commands/proxy.ts';
import { withHint } from './habits.ts';
import { authKinds } from './installation.ts';
import { formats } from './output.ts';
import type { CommandContext } from './session.ts';

const description = `Kafka connectors on AWS Lambda, from a terminal.

Which installation: --url, --stack, DROVER_URL, DROVER_STACK, or a local stack (npm start) of this folder or one above.
Requests to an address of API Gateway are signed with your AWS credentials; other addresses: --auth.`;

const ending = `
Ends with 0, or: 1 something was refused, or a check has found something; 2 the command line or a file is wrong, and nothing was done;
3 there is no such connector, plugin or stack; 4 nobody answers, or lets us in.`;

/** The whole command line; `parseAsync` runs it. Throws CommanderError and CliError. */
export function createProgram(context: CommandContext): Command {
  const program = new Command('drover')
    .description(description)
    .version(droverVersion, '-V, --version', 'print the version of this program')
    .addOption(new Option('--url <url>', 'address of the REST API'))
    .addOption(new Option('--stack <name>', 'CloudFormation stack of the installation'))
    .addOption(new Option('--region <region>', 'of AWS; else the address’s, or your profile’s'))
    .addOption(new Option('--profile <name>', 'of your AWS configuration'))
    .addOption(new Option('--auth <kind>', 'how requests are let in; token: from DROVER_TOKEN').choices(authKinds))
    .addOption(new Option('-o, --output <format>', 'how answers are printed (default: table)').choices(formats))
    .option('--json', 'the same as -o json')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help of a command')
    .addHelpText('after', ending)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.io.out(text),
      writeErr: (text) => context.io.err(text),
      outputError: (text, write) => write(withHint(text.replace(/^error: /, 'drover: '))),
      getOutHelpWidth: () => 120,
      getErrHelpWidth: () => 120,
      getOutHasColors: () => context.io.colours,
      getErrHasColors: () => context.io.colours,
    })
    .showSuggestionAfterError(true);
  const commands = [
    addGet,
    addDescribe,
    addApply,
    addDelete,
    addPatch,
    addLifecycle,
    addOffsets,
    addDeadLetters,
    addLogs,
    addInfo,
    addDoctor,
    addImport,
    addExport,
    addProxy,
    addConsole,
  ];
  for (const add of commands) add(program, context);
  addDev(program);
  addCompletion(program, context);
  for (const command of program.commands) pointToProgram(command);
  return program;
}

function pointToProgram(command: Command): void {
  command.addHelpText('after', '\nOptions of every command (--url, --stack, -o, …): drover --help');
  for (const one of command.commands) pointToProgram(one);
}
