import type { Command } from 'commander';
import { ofConnector } from '../connect-api.ts';
import { usageError } from '../faults.ts';
import { parseTarget } from '../resources.ts';
import { segment } from '../rest.ts';
import { type CommandContext, run, type Session } from '../session.ts';

export function addPatch(program: Command, context: CommandContext): void {
  program
    .command('patch')
    .summary('change some settings of a connector, or the level of a logger')
    .argument('<kind-and-names...>', 'orders; connector orders; logger drover.worker')
    .option('-s, --set <key=value...>', 'settings to add or change')
    .option('--remove <key...>', 'settings to take out')
    .option('-l, --level <level>', 'of a logger: TRACE, DEBUG, INFO, WARN, ERROR; reset takes the level back')
    .action(run(context, patch));
}

/** As Kafka Connect's loggers have them. */
const levels = ['OFF', 'FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE', 'ALL'];

interface PatchOptions {
  readonly set?: readonly string[];
  readonly remove?: readonly string[];
  readonly level?: string;
}

async function patch(session: Session, { set = [], remove = [], level }: PatchOptions, args: string[]): Promise<void> {
  const { kind, names } = parseTarget(args, ['connectors', 'loggers'], 'patch');
  const [name, ...more] = names;
  const setting = more.find((word) => word.includes('='));
  if (setting !== undefined) throw usageError(`${setting} is no name: settings stand behind --set`);
  if (name === undefined || more.length > 0) throw usageError(`Name one ${kind.slice(0, -1)}`);
  const rest = await session.rest();
  if (kind === 'loggers') {
    if (set.length > 0 || remove.length > 0) throw usageError('A logger has a level and no settings: --level DEBUG');
    if (level === undefined) throw usageError('Which level? --level DEBUG; --level reset takes it back');
    const isReset = level.toLowerCase() === 'reset';
    if (!isReset && !levels.includes(level.toUpperCase())) {
      throw usageError(`--level is "${level}": it must be one of ${levels.join(', ')}, or reset to take it back`);
    }
    const answer = isReset
      ? await rest.call('DELETE', `/drover/loggers/${segment(name)}`)
      : await rest.call('PUT', `/admin/loggers/${segment(name)}?scope=worker`, { level: level.toUpperCase() });
    if (!session.value(answer.body)) session.io.out(`logger/${name} configured\n`);
    return;
  }
  if (level !== undefined) throw usageError('--level is of a logger: drover patch logger NAME --level DEBUG');
  const entries = set.map((text): [string, string | null] => {
    const at = text.indexOf('=');
    if (at <= 0) throw usageError(`--set ${text}: it must be key=value`);
    return [text.slice(0, at), text.slice(at + 1)];
  });
  const changes = Object.fromEntries([...entries, ...remove.map((key): [string, null] => [key, null])]);
  if (Object.keys(changes).length === 0) throw usageError('What shall change? --set key=value, --remove key');
  const { body } = await ofConnector(rest, name, rest.call('PATCH', `/connectors/${segment(name)}/config`, changes));
  if (!session.value(body)) session.io.out(`connector/${name} configured\n`);
}
