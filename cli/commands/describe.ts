import type { Command } from 'commander';
import { shownValue } from '../config-diff.ts';
import { type Connector, listOf, misspeltOf, recordOf, theConnector, waitsForRunner } from '../connect-api.ts';
import { CliError, exitCodes, usageError } from '../faults.ts';
import { isRecord, type Json, type JsonRecord } from '../json.ts';
import { age, bytesText, counted, stateCell, table } from '../output.ts';
import { parseTarget } from '../resources.ts';
import { RestError, segment } from '../rest.ts';
import { type CommandContext, run, type Session } from '../session.ts';
import { requireAll, tryEach } from '../try-each.ts';
import { connectorValue, gist, offsetsOf, offsetText, partitionText, topicsOf } from './get.ts';

export function addDescribe(program: Command, context: CommandContext): void {
  program
    .command('describe')
    .summary('everything about a connector or a plugin')
    .description(
      'Of a connector: state, config, tasks with their runs, lag and failures, topics, offsets, and what has changed them. ' +
        'Of a plugin: its settings.',
    )
    .argument('<kind-and-names...>', 'orders; connector orders; plugin FileStreamSource')
    .action(
      run(context, async (session, _options, args: string[]) => {
        const { kind, names } = parseTarget(args, ['connectors', 'plugins'], 'describe');
        if (names.length === 0) throw usageError(`Which one? drover describe ${kind.slice(0, -1)} NAME`);
        const describe = kind === 'connectors' ? describeConnector : describePlugin;
        let described = 0;
        const tried = await tryEach(
          names,
          async (name) => {
            if (described > 0 && !session.isStructured) session.io.out('\n');
            const value = await describe(session, name);
            described++;
            return value;
          },
          (_name, { message }) => names.length > 1 && session.note(message),
        );
        const values = tried.done.map(({ value }) => value);
        if (values.length > 0) session.value(names.length === 1 ? values[0] : values);
        requireAll(tried, { one: 'could not be described', many: 'could not be described' });
      }),
    );
}

async function describeConnector(session: Session, name: string): Promise<unknown> {
  const rest = await session.rest();
  const connector = await theConnector(rest, name);
  const path = segment(name);
  const [topics, offsets, report] = await Promise.all([
    topicsOf(rest, name),
    // A connector without offsets of its own, or a plugin that is gone, refuses: the rest is worth telling.
    offsetsOf(rest, name).catch((error: unknown) => {
      if (error instanceof RestError) return [];
      throw error;
    }),
    // A Java worker has none.
    rest.find(`/drover/connectors/${path}`),
  ]);
  if (session.isStructured) return { ...connectorValue(connector), topics, offsets, report };
  const known = isRecord(report) ? report : {};
  session.facts([
    ['Name', name],
    ['Type', connector.type],
    ['Class', connector.config['connector.class'] ?? ''],
    ['State', stateCell(connector.status.state)],
    ['Wanted', typeof known.target_state === 'string' ? known.target_state : null],
    ['Worker', connector.status.workerId || null],
    ['Error', connector.status.trace === null ? null : { text: connector.status.trace.trimEnd(), style: 'red' }],
    ['Topics', topics.length === 0 ? 'none yet' : topics.join(', ')],
  ]);
  section(session, 'Config');
  const settings = Object.entries(connector.config)
    .filter(([key]) => key !== 'name')
    .sort();
  session.facts(
    settings.map(([key, value]) => [key, shownValue(key, value)] as const),
    '  ',
  );
  section(session, 'Tasks');
  if (connector.tasks.length === 0) session.io.out('  none\n');
  else {
    const figures = (Array.isArray(known.tasks) ? (known.tasks as readonly Json[]) : []).map((task) =>
      isRecord(task) ? task : {},
    );
    const of = (id: number) => figures.find((task) => task.id === id) ?? {};
    const text = table(
      connector.tasks,
      [
        { title: 'ID', cell: ({ id }) => String(id) },
        { title: 'STATE', cell: ({ state }) => stateCell(state) },
        { title: 'RUNS', cell: ({ id }) => figure(of(id).runs) },
        { title: 'RECORDS', cell: ({ id }) => figure(of(id).records) },
        {
          title: 'BYTES',
          cell: ({ id }) => (typeof of(id).bytes === 'number' ? bytesText(Number(of(id).bytes)) : '-'),
        },
        { title: 'LAG', cell: ({ id }) => lagText(of(id).lag) },
        { title: 'LAST RUN', cell: ({ id }) => ago(session, of(id).last_run_at) },
        { title: 'NEXT DUE', cell: ({ id }) => nextRun(session, connector, of(id)) },
        { title: 'FAILURES', cell: ({ id }) => figure(of(id).consecutive_failures) },
        { title: 'ERROR', cell: ({ trace }) => gist(trace) },
      ],
      session.paint,
    );
    session.io.out(text.replaceAll(/^/gm, '  ').trimEnd());
    session.io.out('\n');
  }
  section(session, 'Offsets');
  session.facts(
    offsets.map(({ partition, offset }) => [partitionText(partition), offsetText(offset)] as const),
    '  ',
  );
  if (offsets.length === 0) session.io.out('  none yet\n');
  const changes = Array.isArray(known.position_changes) ? (known.position_changes as readonly Json[]) : [];
  if (changes.length > 0) {
    section(session, 'Position changes');
    for (const change of changes.map((entry) => recordOf(entry, 'a change'))) {
      const place = `${change.kafka_topic}:${change.kafka_partition}`;
      session.io.out(
        `  ${change.changed_at}  ${place}  ${change.from_offset ?? '-'} -> ${change.to_offset ?? '-'}  ${change.reason}\n`,
      );
    }
  }
  const misspelt = misspeltOf(known);
  if (misspelt.length > 0) {
    section(session, 'Settings that nobody knows');
    for (const { setting, meant } of misspelt) {
      session.io.out(`  ${setting}  (${meant}?)\n`);
    }
  }
  if (isRecord(known.replay)) {
    const { topic, replayed, left, others, error, done_at: done } = known.replay;
    section(session, 'Replay of dead letters');
    session.facts(
      [
        ['Topic', String(topic)],
        ['Put back', String(replayed)],
        ['Left', left === null ? null : `${left}${Number(left) === 0 ? '' : ', as nothing says where from'}`],
        ['Of others', Number(others ?? 0) === 0 ? null : String(others)],
        ['Done', done === null ? 'under way' : String(done)],
        ['Error', error === null ? null : { text: String(error), style: 'red' }],
      ],
      '  ',
    );
  }
  return null;
}

function section(session: Session, title: string): void {
  session.io.out(`${session.paint('bold', `${title}:`)}\n`);
}

/** Left: until what is next is lost at the source. */
function lagText(value: Json | undefined): string {
  const { records = null, seconds = null, seconds_left: left = null } = (value ?? {}) as Readonly<Record<string, Json>>;
  const parts = [
    ...(records === null ? [] : [counted(Number(records), 'record')]),
    ...(seconds === null ? [] : [age(Number(seconds) * 1000)]),
    ...(left === null ? [] : [`${age(Number(left) * 1000)} left`]),
  ];
  return parts.length === 0 ? '-' : parts.join(', ');
}

function figure(value: Json | undefined): string {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : '-';
}

function ago({ io }: Session, at: Json | undefined): string {
  return typeof at === 'string' ? `${age(io.now() - Date.parse(at))} ago` : '-';
}

function nextRun({ io }: Session, connector: Connector, task: JsonRecord): string {
  const { running, watched, next_due_at: due } = task;
  if (waitsForRunner(connector, task, io.now()))
    return `waits for a runner, ${age(io.now() - Date.parse(String(due)))}`;
  if (running === true) return 'runs now';
  if (typeof due === 'string') {
    const left = Date.parse(due) - io.now();
    return left <= 0 ? 'now' : `in ${age(left)}`;
  }
  return watched === true ? 'when there is data' : '-';
}

async function describePlugin(session: Session, name: string): Promise<unknown> {
  const rest = await session.rest();
  let keys: readonly Json[];
  try {
    keys = listOf(await rest.get(`/connector-plugins/${segment(name)}/config`), 'the settings');
  } catch (error) {
    if (!(error instanceof RestError) || (error.status !== 404 && error.status !== 400)) throw error;
    throw new CliError(`There is no plugin ${name}: drover get plugins --all-plugins lists them`, exitCodes.missing);
  }
  if (session.isStructured) return { class: name, config: keys };
  session.facts([['Class', name]]);
  for (const key of keys.map((entry) => recordOf(entry, 'a setting'))) {
    const otherwise = key.required === true ? 'required' : `default: ${key.default_value ?? ''}`;
    session.io.out(
      `\n${session.paint('bold', String(key.name))}  ${session.paint('dim', `${key.type}, ${otherwise}`)}\n`,
    );
    session.io.out(`  ${String(key.documentation).replaceAll('\n', '\n  ')}\n`);
  }
  return null;
}
