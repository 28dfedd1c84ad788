import type { Command, Option } from 'commander';
import { allPlugins, connectorNames } from '../connect-api.ts';
import { usageError } from '../faults.ts';
import { kindOf, resourceKinds } from '../resources.ts';
import { type CommandContext, type GlobalOptions, Session } from '../session.ts';

const shells = ['bash', 'zsh', 'fish'] as const;

export function addCompletion(program: Command, context: CommandContext): void {
  program
    .command('completion')
    .summary('a script that completes commands, options and names')
    .description(
      'Prints a script for your shell:\n' +
        '  bash: eval "$(drover completion bash)" in ~/.bashrc\n' +
        '  zsh:  eval "$(drover completion zsh)" in ~/.zshrc, behind compinit\n' +
        '  fish: drover completion fish > ~/.config/fish/completions/drover.fish',
    )
    .argument('<shell>', shells.join(', '))
    .action((shell: string) => {
      const script = Object.hasOwn(scripts, shell) ? scripts[shell as keyof typeof scripts] : undefined;
      if (script === undefined) throw usageError(`There is no completion for ${shell}: ${shells.join(', ')} have one`);
      context.io.out(script);
    });
  program
    .command('__complete', { hidden: true })
    .argument('[words...]')
    .allowUnknownOption()
    .helpOption(false)
    .action(async (_words: string[], _options: object, command: Command) => {
      // As they stand: options among them are the other command's.
      const found = await complete(program, context, command.args);
      context.io.out(found.map((word) => `${word}\n`).join(''));
    });
}

const scripts: Readonly<Record<(typeof shells)[number], string>> = {
  bash: `_drover() {
  local IFS=$'\\n'
  COMPREPLY=($(drover __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [ "\${#COMPREPLY[@]}" -gt 0 ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o filenames -F _drover drover
`,
  zsh: `_drover() {
  local -a found
  found=("\${(@f)$(drover __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -- "\${found[@]}"; else _files; fi
}
compdef _drover drover
`,
  fish: `function __drover_complete
  set -l words (commandline -opc) (commandline -ct)
  drover __complete -- $words[2..-1] 2>/dev/null
end
complete -c drover -a '(__drover_complete)'
`,
};

/** What may stand for the last of the words. Whatever goes wrong, there is nothing to propose. */
async function complete(program: Command, context: CommandContext, words: readonly string[]): Promise<string[]> {
  const before = words.slice(0, -1);
  const last = words.at(-1) ?? '';
  const { command, args, awaits, given } = walk(program, before);
  const fits = (candidates: readonly string[]) => candidates.filter((one) => one.startsWith(last)).sort();
  if (awaits !== null) return fits(awaits.argChoices ?? []);
  if (last.startsWith('-')) {
    const options = [...command.options, ...program.options].filter(({ hidden }) => !hidden);
    return fits([...options.flatMap(({ long }) => long ?? []), '--help']);
  }
  if (command.commands.length > 0 && args.length === 0) {
    return fits(command.commands.map((one) => one.name()).filter((name) => name !== '__complete'));
  }
  if (command.name() === 'completion') return fits(shells);
  return fits(await namesFor(command, args, new Session(context.io, given, context.http)).catch(() => []));
}

interface Walked {
  readonly command: Command;
  readonly args: readonly string[];
  /** The option whose value is next. */
  readonly awaits: Option | null;
  readonly given: GlobalOptions;
}

function walk(program: Command, words: readonly string[]): Walked {
  let command = program;
  let awaits: Option | null = null;
  const args: string[] = [];
  const given: Record<string, unknown> = {};
  for (const word of words) {
    if (awaits !== null) {
      given[awaits.attributeName()] = word;
      awaits = null;
    } else if (word.startsWith('-')) {
      const option = [...command.options, ...program.options].find(
        ({ short, long }) => word === short || word === long,
      );
      awaits = option?.required === true ? option : null;
    } else {
      const next: Command | undefined =
        args.length === 0
          ? command.commands.find((one) => one.name() === word || one.aliases().includes(word))
          : undefined;
      if (next === undefined) args.push(word);
      else command = next;
    }
  }
  return { command, args, awaits, given: given as GlobalOptions };
}

const takesNames = new Set([
  'get',
  'describe',
  'delete',
  'patch',
  'pause',
  'resume',
  'stop',
  'restart',
  'logs',
  'runs',
  'export',
]);

async function namesFor(command: Command, args: readonly string[], session: Session): Promise<string[]> {
  const isOffsets = ['offsets', 'dead-letters'].includes(command.parent?.name() ?? '');
  if (!takesNames.has(command.name()) && !isOffsets) return [];
  const kind = kindOf(args[0] ?? '');
  const rest = await session.rest();
  if (kind === 'plugins') {
    return (await allPlugins(rest, true)).map(({ className }) => className.slice(className.lastIndexOf('.') + 1));
  }
  const kinds = command.name() === 'get' && args.length === 0 ? resourceKinds : [];
  return [...kinds, ...(await connectorNames(rest))];
}
