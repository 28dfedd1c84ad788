import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import type { Run } from '../answers.ts';
import { findConnector, noConnector } from '../connect-api.ts';
import { CliError, exitCodes, usageError } from '../faults.ts';
import { printJson } from '../json.ts';
import { FunctionLogs, type LogLine, memoryOf, rolesOf, sinceOf } from '../logs.ts';
import { bytesText, oneLine, type Style } from '../output.ts';
import { parseTarget, readTask } from '../resources.ts';
import { joinRuns, runEvents, runOf } from '../runs.ts';
import { type CommandContext, run, type Session } from '../session.ts';
import { logRoles, runningRoles } from '../stack-resources.ts';
import { noTask } from './get.ts';

interface LogsOptions {
  readonly follow?: boolean;
  /** Epoch milliseconds. */
  readonly since?: number;
  readonly tail?: number;
  readonly task?: number;
  readonly level?: string;
  readonly function?: readonly string[];
}

const severities = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const styles: Readonly<Record<string, Style>> = {
  WARN: 'yellow',
  ERROR: 'red',
  FATAL: 'red',
  DEBUG: 'dim',
  TRACE: 'dim',
};
const everyMs = 2000;
const defaultSince = '1h';

export function addLogs(program: Command, context: CommandContext): void {
  const since = sinceOf(context.io.now);
  program
    .command('logs')
    .summary('what the functions have logged about a connector')
    .description(
      'Reads CloudWatch Logs: the lines of one connector, or without a name all lines of the functions and the runner. With --json a line is a line of ' +
        'JSON as it was logged. What is quieter than INFO is logged after drover patch logger drover.worker --level DEBUG.',
    )
    .argument('[name...]', 'orders; connector orders; task orders/0')
    .option('-f, --follow', 'go on with what comes')
    .option('--since <time>', '90s, 10m, 2h, 7d, or an instant (default: 1h)', since)
    .option('--tail <number>', 'of what is there only the last so many lines', wholeNumber('--tail', 'of lines'))
    .option('--task <number>', 'of one task', taskOf)
    .option('--level <level>', 'this level and above')
    .option('--function <role...>', logRoles.join(', '))
    .action(run(context, logs));

  program
    .command('runs')
    .summary('what ran when, how long, and what it moved')
    .description(
      'Read from the functions’ log: runs that moved records, and those that failed or died; the newest last. Runs that found nothing ' +
        'have no line: the next one that moves something counts them. The cost is worked out by list prices, those before it included. ' +
        'A line is written when a run ends: one that stays on the runner (drover.runner=always) has none before; drover describe shows what it moves.',
    )
    .argument('[name...]', 'orders; without a name all connectors')
    .option('--since <time>', '90s, 10m, 2h, 7d, or an instant (default: 1h)', since)
    .option('--task <number>', 'of one task', taskOf)
    .option('-f, --follow', 'go on with what comes')
    .action(run(context, runs));
}

function wholeNumber(option: string, of: string): (text: string) => number {
  return (text) => {
    if (!/^\d+$/.test(text)) throw usageError(`${option} is "${text}": it must be the number ${of}`);
    return Number(text);
  };
}

const taskOf = wholeNumber('--task', 'of a task');

interface Subject {
  /** Null: all. */
  readonly connector: string | null;
  readonly task: number | null;
}

function about(args: readonly string[], task: number | undefined, verb: string): Subject {
  const target = parseTarget(args, ['connectors', 'tasks'], verb);
  if (target.names.length > 1) throw usageError('Name one connector, or none for all');
  const [name = null] = target.names;
  return (target.kind === 'tasks' && name !== null ? readTask(name) : null) ?? { connector: name, task: task ?? null };
}

/** Asked where there are no lines: they may be of a connector that is gone, and without any its name may be wrong. */
async function requireThere(session: Session, { connector, task }: Subject): Promise<void> {
  if (connector === null) return;
  const rest = await session.rest();
  const found = await findConnector(rest, connector).catch((error: unknown) => {
    // The log is asked for where the API does not answer, too.
    if (error instanceof CliError && error.exitCode === exitCodes.unreachable) return undefined;
    throw error;
  });
  if (found === undefined) return;
  if (found === null) throw await noConnector(rest, connector);
  if (task !== null && !found.tasks.some(({ id }) => id === task)) throw noTask(connector, task);
}

async function logs(session: Session, options: LogsOptions, args: string[]): Promise<void> {
  const of = about(args, options.task, 'logs');
  const least = options.level === undefined ? 0 : severities.indexOf(options.level.toUpperCase());
  if (least < 0) throw usageError(`--level is "${options.level}": it must be one of ${severities.join(', ')}`);
  if (session.format === 'yaml' || session.format === 'name')
    throw usageError(`Logs are printed as lines or with --json, not as ${session.format}`);
  const roles = rolesOf(options.function ?? (of.connector === null ? logRoles : runningRoles));
  const source = new FunctionLogs(
    await session.installation(),
    { roles, ...of, events: [] },
    options.since ?? sinceOf(session.io.now)(defaultSince),
  );
  const isLoud = ({ fields }: LogLine) => least === 0 || severities.indexOf(String(fields?.level)) >= least;
  let most = options.tail;
  await follow(session, source, options, of, (lines) => {
    const loud = lines.filter(isLoud);
    for (const line of loud.slice(most === undefined ? 0 : Math.max(0, loud.length - most))) {
      session.io.out(`${lineText(session, line, of.connector === null)}\n`);
    }
    if (loud.length === 0 && options.follow !== true)
      session.note('Nothing was logged in that time: --since looks further back');
    most = undefined;
  });
}

async function follow(
  session: Session,
  source: FunctionLogs,
  { follow: goesOn }: LogsOptions,
  of: Subject,
  print: (lines: readonly LogLine[]) => void,
): Promise<void> {
  const { io } = session;
  for (let isFirst = true; ; isFirst = false) {
    const lines = await source.next(io.now());
    if (isFirst && lines.length === 0) await requireThere(session, of);
    print(lines);
    if (goesOn !== true || io.ending.aborted) return;
    await sleep(everyMs, undefined, { signal: io.ending }).catch(() => {});
    if (io.ending.aborted) return;
  }
}

function lineText(session: Session, line: LogLine, withRole: boolean): string {
  const { at, role, text, fields } = line;
  if (session.format === 'json') {
    return printJson(fields ?? { timestamp: new Date(at).toISOString(), function: role, message: text }, 0);
  }
  const time = session.paint('dim', new Date(at).toISOString());
  const head = withRole ? `${time} ${role.padEnd(11)}` : time;
  if (fields === null) return `${head} ${oneLine(text)}`;
  const level = String(fields.level ?? '').padEnd(5);
  const who =
    fields.connector === undefined ? '' : `${fields.connector}${fields.task === undefined ? '' : `/${fields.task}`}: `;
  const message = `${level} ${withRole ? oneLine(who) + (who === '' ? '' : ' ') : ''}${oneLine(String(fields.message ?? text))}`;
  const style = styles[String(fields.level)];
  return `${head} ${style === undefined ? message : session.paint(style, message)}`;
}

async function runs(session: Session, options: LogsOptions, args: string[]): Promise<void> {
  const of = about(args, options.task, 'runs');
  const installation = await session.installation();
  const question = { roles: runningRoles, ...of, events: runEvents };
  const memory = await memoryOf(installation);
  const runsOf = (lines: readonly LogLine[]) =>
    joinRuns(lines.map((line) => runOf(line, memory.get(line.role) ?? null)));
  const source = new FunctionLogs(installation, question, options.since ?? sinceOf(session.io.now)(defaultSince));
  if (options.follow === true && session.format === 'yaml')
    throw usageError('What is followed is printed as lines or with --json');
  const columns = [
    { title: 'STARTED', cell: ({ startedAt }: Run) => startedAt },
    { title: 'TASK', cell: ({ task }: Run) => task },
    { title: 'TOOK', cell: ({ durationMs }: Run) => (durationMs === null ? '-' : tookText(durationMs)) },
    { title: 'RECORDS', cell: ({ records }: Run) => (records === null ? '-' : String(records)) },
    { title: 'BYTES', cell: ({ bytes }: Run) => (bytes === null ? '-' : bytesText(bytes)) },
    { title: 'IDLE BEFORE', cell: ({ emptyRuns }: Run) => (emptyRuns === null ? '-' : String(emptyRuns)) },
    { title: 'COST', cell: ({ cost }: Run) => (cost === null ? '-' : costText(cost)) },
    {
      title: 'RESULT',
      cell: ({ result, error }: Run) =>
        error === null ? result : ({ text: `${result}: ${error}`, style: 'red' } as const),
    },
  ];
  if (options.follow !== true) {
    const lines = await source.next(session.io.now());
    if (lines.length === 0) await requireThere(session, of);
    const found = runsOf(lines);
    return session.list(found, columns, {
      values: found,
      name: ({ task }) => task,
      nothing: 'No run that moved anything has ended in that time: --since looks further back',
    });
  }
  await follow(session, source, options, of, (lines) => {
    for (const one of runsOf(lines)) {
      const cells = columns.map(({ cell }) => cell(one)).map((cell) => (typeof cell === 'string' ? cell : cell.text));
      session.io.out(session.format === 'json' ? `${printJson(one, 0)}\n` : `${cells.join('  ')}\n`);
    }
  });
}

function tookText(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** Dollars: most runs cost a small part of a cent. */
const costText = (cost: number) => `$${cost.toFixed(7)}`;
