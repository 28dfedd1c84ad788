import type { Command } from 'commander';
import { connectorNames, ofConnector, type StateVerb, setState, stateAfter } from '../connect-api.ts';
import { usageError } from '../faults.ts';
import { parseTarget, parseTasks, type ResourceKind } from '../resources.ts';
import { type Rest, segment } from '../rest.ts';
import { type CommandContext, run, type Session } from '../session.ts';
import { requireAll, tryEach } from '../try-each.ts';
import { awaitSettled, awaitState, type WaitOptions, withWait } from '../wait.ts';

interface ManyOptions extends WaitOptions {
  readonly all?: boolean;
}

const summaries: Readonly<Record<StateVerb, string>> = {
  pause: 'pause connectors: their tasks stay, and do nothing',
  resume: 'resume connectors that are paused or stopped',
  stop: 'stop connectors: their tasks go, configs and offsets stay',
};

const done: Readonly<Record<StateVerb, string>> = { pause: 'paused', resume: 'resumed', stop: 'stopped' };

export function addLifecycle(program: Command, context: CommandContext): void {
  for (const verb of ['pause', 'resume', 'stop'] as const) {
    withWait(program.command(verb), 'until it is so')
      .summary(summaries[verb])
      .description(`${summaries[verb][0]!.toUpperCase()}${summaries[verb].slice(1)}.`)
      .argument('[kind-and-names...]', 'orders; connectors orders invoices')
      .option('--all', 'every connector')
      .action(
        run(context, async (session, options: ManyOptions, args: string[]) => {
          const rest = await session.rest();
          const names = await namesOf(rest, verb, options, args);
          await each(session, names, done[verb], (name) => setState(rest, name, verb));
          if (options.wait === true) await awaitState(session, rest, names, stateAfter(verb), options.timeout);
        }),
      );
  }
  withWait(program.command('restart'), 'until it runs')
    .summary('restart connectors, with their tasks or what has failed, or one task')
    .description(
      'Restarts the connector, as Kafka Connect does: with --include-tasks its tasks too, with --only-failed only what has failed. ' +
        'A task is named by its connector and number: drover restart orders/0',
    )
    .argument('[kind-and-names...]', 'orders; connector orders; orders/0, a task')
    .option('--all', 'every connector')
    .option('-t, --include-tasks', 'the tasks too')
    .option('--only-failed', 'only what has failed')
    .action(run(context, restart));
}

async function namesOf(
  rest: Rest,
  verb: string,
  { all }: ManyOptions,
  args: readonly string[],
): Promise<readonly string[]> {
  const { names } = parseTarget(args, ['connectors'], verb);
  if (names.length > 0 && all === true) throw usageError('Names and --all say two things: keep one of them');
  if (all === true) return await connectorNames(rest);
  if (names.length === 0) throw usageError(`Which connectors? drover ${verb} NAME, or --all`);
  return names;
}

async function each(
  session: Session,
  names: readonly string[],
  word: string,
  act: (name: string) => Promise<unknown>,
  kind = 'connector',
) {
  const results: { name: string; result: string; error?: string }[] = [];
  const tried = await tryEach(
    names,
    async (name) => {
      await act(name);
      results.push({ name, result: word });
      if (!session.isStructured) session.io.out(session.format === 'name' ? `${name}\n` : `${kind}/${name} ${word}\n`);
    },
    (name, { message }) => {
      results.push({ name, result: 'refused', error: message });
      if (names.length > 1) session.note(`${kind}/${name}: ${message}`);
    },
  );
  session.value(names.length === 1 ? results[0] : results);
  requireAll(tried);
}

interface RestartOptions extends ManyOptions {
  readonly includeTasks?: boolean;
  readonly onlyFailed?: boolean;
}

async function restart(session: Session, options: RestartOptions, args: string[]): Promise<void> {
  const kinds: readonly ResourceKind[] = ['connectors', 'tasks'];
  const target = parseTarget(args, kinds, 'restart');
  const rest = await session.rest();
  if (target.kind === 'tasks') {
    const tasks = new Map(parseTasks(target.names).map((task) => [`${task.connector}/${task.task}`, task]));
    if (tasks.size === 0) throw usageError('Which task? drover restart task orders/0');
    const act = async (name: string) => {
      const { connector, task } = tasks.get(name)!;
      await ofConnector(rest, connector, rest.call('POST', `/connectors/${segment(connector)}/tasks/${task}/restart`));
    };
    await each(session, [...tasks.keys()], 'restarted', act, 'task');
    const connectors = new Set([...tasks.values()].map(({ connector }) => connector));
    if (options.wait === true) await awaitSettled(session, rest, [...connectors], options.timeout);
    return;
  }
  const names = await namesOf(rest, 'restart', options, args);
  const query = `includeTasks=${options.includeTasks === true}&onlyFailed=${options.onlyFailed === true}`;
  await each(session, names, 'restarted', (name) =>
    ofConnector(rest, name, rest.call('POST', `/connectors/${segment(name)}/restart?${query}`)),
  );
  if (options.wait === true) await awaitSettled(session, rest, names, options.timeout);
}
