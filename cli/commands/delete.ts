import type { Command } from 'commander';
import { deleteConnector, setState, theConnector } from '../connect-api.ts';
import { CliError, exitCodes, usageError } from '../faults.ts';
import { parseTarget } from '../resources.ts';
import { type Rest, segment } from '../rest.ts';
import { type CommandContext, run, type Session } from '../session.ts';
import { requireAll, tryEach } from '../try-each.ts';
import { awaitGone } from '../wait.ts';
import { type FilesOptions, filesOf, withFiles } from './apply.ts';

export function addDelete(program: Command, context: CommandContext): void {
  withFiles(program.command('delete'))
    .summary('delete connectors by name or as files name them')
    .description('Source offsets stay, as with Kafka Connect, unless --offsets resets them first.')
    .argument('[kind-and-names...]', 'orders; connector orders invoices')
    .option('--offsets', 'stop it, and forget its offsets too')
    .option('--ignore-not-found', 'one that is not there is no error')
    .action(run(context, deleteConnectors));
}

interface DeleteOptions extends FilesOptions {
  readonly offsets?: boolean;
  readonly ignoreNotFound?: boolean;
}

async function deleteConnectors(session: Session, options: DeleteOptions, args: string[]): Promise<void> {
  const named = parseTarget(args, ['connectors'], 'delete').names;
  const inFiles =
    options.filename === undefined ? [] : (await filesOf(session, options, [])).connectors.map(({ name }) => name);
  const names = [...new Set([...named, ...inFiles])];
  if (names.length === 0) throw usageError('Which connectors? drover delete connector NAME, or -f with their files');
  const rest = await session.rest();
  const missing: string[] = [];
  const refused: { name: string; error: string }[] = [];
  const tried = await tryEach(
    names,
    async (name) => {
      try {
        if (options.offsets === true) await forgetOffsets(session, rest, name);
        await deleteConnector(rest, name);
      } catch (error) {
        if (!(error instanceof CliError) || error.exitCode !== exitCodes.missing) throw error;
        missing.push(name);
        if (options.ignoreNotFound === true) return false;
        throw error;
      }
      if (!session.isStructured)
        session.io.out(session.format === 'name' ? `${name}\n` : `connector/${name} deleted\n`);
      return true;
    },
    (name, { message, exitCode }) => {
      if (exitCode !== exitCodes.missing) refused.push({ name, error: message });
      if (names.length > 1 && !session.isStructured) session.note(`connector/${name}: ${message}`);
    },
  );
  const deleted = tried.done.filter(({ value }) => value).map(({ name }) => name);
  session.value({ deleted, missing, refused });
  requireAll(tried, { one: 'was not deleted', many: 'were not deleted' });
}

/** Only what is stopped lets its offsets go. */
async function forgetOffsets(session: Session, rest: Rest, name: string): Promise<void> {
  await theConnector(rest, name);
  await setState(rest, name, 'stop');
  await awaitGone(session, rest, name, 120);
  await rest.call('DELETE', `/connectors/${segment(name)}/offsets`);
}
