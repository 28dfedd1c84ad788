import type { Command } from 'commander';
import { closest } from '../../src/config/closest.ts';
import { gistOf } from '../../src/errors.ts';
import {
  allConnectors,
  allPlugins,
  type Connector,
  connectorNames,
  listOf,
  ofConnector,
  recordOf,
  theConnector,
} from '../connect-api.ts';
import { CliError, exitCodes, usageError } from '../faults.ts';
import { isRecord, type Json, type JsonRecord, printJson } from '../json.ts';
import { type Cell, oneLine, stateCell } from '../output.ts';
import { parseTarget, type ResourceKind, readTask, resourceKinds, tasksOf } from '../resources.ts';
import { type Rest, segment } from '../rest.ts';
import { type CommandContext, run, type Session } from '../session.ts';
import { requireAll, tryEach } from '../try-each.ts';

export function addGet(program: Command, context: CommandContext): void {
  program
    .command('get')
    .summary('list connectors, tasks, plugins, offsets, topics, loggers or feeds')
    .description(
      `Lists things of one kind: ${resourceKinds.join(', ')}. Without a kind: connectors. With names: only those; of tasks, ` +
        'offsets and topics the names are those of connectors. With -o json or yaml what is printed may be applied again.',
    )
    .argument('[kind-and-names...]', 'connectors; connector orders; tasks orders; plugins; …')
    .option('--all-plugins', 'of plugins: transformations, converters and predicates too')
    .option('-t, --types <type...>', 'of plugins: only these, such as source or sink')
    .action(
      run(context, async (session, options: GetOptions, args: string[]) => {
        const { kind, names } = parseTarget(args, resourceKinds, 'get');
        await getters[kind](session, names, options);
      }),
    );
}

interface GetOptions {
  readonly allPlugins?: boolean;
  readonly types?: readonly string[];
}

type Getter = (session: Session, names: readonly string[], options: GetOptions) => Promise<void>;

const getters: Readonly<Record<ResourceKind, Getter>> = {
  connectors: getConnectors,
  tasks: getTasks,
  plugins: getPlugins,
  offsets: getOffsets,
  topics: getTopics,
  loggers: getLoggers,
  feeds: getFeeds,
};

/** Those of the names, each of which must be there; all without a name. */
export async function connectorsOf(rest: Rest, names: readonly string[]): Promise<Connector[]> {
  if (names.length === 0) return await allConnectors(rest);
  return await Promise.all(names.map((name) => theConnector(rest, name)));
}

/** What `-o json` shows of one; `apply` takes it. */
export function connectorValue({ name, type, status, config, tasks }: Connector) {
  const run = ({ state, workerId, trace }: Connector['status']) => ({
    state,
    worker_id: workerId,
    ...(trace === null ? {} : { trace }),
  });
  return { name, type, ...run(status), config, tasks: tasks.map((task) => ({ id: task.id, ...run(task) })) };
}

/** One that was asked for by its name stands alone, as with kubectl. */
const valuesOf = (names: readonly string[], values: readonly unknown[]): unknown =>
  names.length === 1 ? values[0] : values;

const notThere = { one: 'is not there', many: 'are not there' };

async function getConnectors(session: Session, names: readonly string[]): Promise<void> {
  const rest = await session.rest();
  const tried = await tryEach(
    names,
    (name) => theConnector(rest, name),
    (_name, { message }) => names.length > 1 && session.note(message),
  );
  const connectors = names.length === 0 ? await allConnectors(rest) : tried.done.map(({ value }) => value);
  if (names.length > 0 && connectors.length === 0) return requireAll(tried, notThere);
  session.list(
    connectors,
    [
      { title: 'NAME', cell: ({ name }) => name },
      { title: 'TYPE', cell: ({ type }) => type },
      { title: 'STATE', cell: ({ status }) => stateCell(status.state) },
      { title: 'TASKS', cell: taskSummary },
      { title: 'CLASS', cell: ({ config }) => config['connector.class'] ?? '', wide: true },
      { title: 'ERROR', cell: (connector) => gist(traceOf(connector)), wide: true },
    ],
    {
      values: valuesOf(names, connectors.map(connectorValue)),
      name: ({ name }) => name,
      nothing: 'There are no connectors',
    },
  );
  requireAll(tried, notThere);
}

export const traceOf = ({ status, tasks }: Connector): string | null =>
  status.trace ?? tasks.find(({ trace }) => trace !== null)?.trace ?? null;

/** Why, and where it ended: on a line. */
export const gist = (trace: string | null): string => oneLine(gistOf(trace ?? ''));

/** `2 RUNNING`, `1 FAILED, 3 RUNNING`: the worst first. */
function taskSummary({ tasks }: Connector): Cell {
  if (tasks.length === 0) return '0';
  const order = ['FAILED', 'UNASSIGNED', 'RESTARTING', 'PAUSED', 'STOPPED', 'RUNNING'];
  const counts = new Map<string, number>();
  for (const { state } of tasks) counts.set(state, (counts.get(state) ?? 0) + 1);
  const states = [...counts].sort(([one], [other]) => order.indexOf(one) - order.indexOf(other));
  const text = states.map(([state, count]) => `${count} ${state}`).join(', ');
  const cell = stateCell(states[0]![0]);
  return typeof cell === 'string' ? text : { ...cell, text };
}

const isAsked = (asked: readonly { connector: string; id: number | null }[], connector: string, id: number) =>
  asked.length === 0 || asked.some((one) => one.connector === connector && (one.id === null || one.id === id));

export const noTask = (connector: string, task: number) =>
  new CliError(`${connector} has no task ${task}: drover get ${tasksOf(connector)} lists them`, exitCodes.missing);

async function getTasks(session: Session, names: readonly string[]): Promise<void> {
  const isOne = names.length === 2 && /^\d+$/.test(names[1]!);
  // `orders/0`, or `orders 0`, is one task of a connector, `orders` all of them.
  const asked = (isOne ? [names.join('/')] : names).map((name) => {
    const task = readTask(name);
    return { connector: task?.connector ?? name, id: task?.task ?? null };
  });
  const connectors = [...new Set(asked.map(({ connector }) => connector))];
  const tasks = (await connectorsOf(await session.rest(), connectors)).flatMap(({ name, tasks }) =>
    tasks.filter((task) => isAsked(asked, name, task.id)).map((task) => ({ connector: name, ...task })),
  );
  const none = asked.find(
    ({ connector, id }) => id !== null && !tasks.some((task) => task.connector === connector && task.id === id),
  );
  if (none !== undefined) throw noTask(none.connector, none.id!);
  session.list(
    tasks,
    [
      { title: 'TASK', cell: ({ connector, id }) => `${connector}/${id}` },
      { title: 'STATE', cell: ({ state }) => stateCell(state) },
      { title: 'ERROR', cell: ({ trace }) => gist(trace) },
      { title: 'WORKER', cell: ({ workerId }) => workerId, wide: true },
    ],
    {
      values: tasks.map(({ workerId, ...task }) => ({ ...task, worker_id: workerId })),
      name: ({ connector, id }) => `${connector}/${id}`,
      nothing: 'There are no tasks',
    },
  );
}

/** As a config may name it: its class, that without its package, and of a connector without that it is one. */
function namesOf(className: string): readonly string[] {
  const short = className.slice(className.lastIndexOf('.') + 1);
  return [short.replace(/Connector$/, ''), short, className];
}

async function getPlugins(session: Session, names: readonly string[], options: GetOptions): Promise<void> {
  const types = options.types?.flatMap((type) => type.toLowerCase().split(','));
  const connectorsOnly = options.allPlugins !== true && names.length === 0 && types === undefined;
  const all = await allPlugins(await session.rest(), connectorsOnly);
  const known = [...new Set(all.map(({ type }) => type))].sort();
  const strange = types?.find((type) => !known.includes(type));
  if (strange !== undefined) throw usageError(`There are no plugins of type ${strange}: ${known.join(', ')}`);
  const unknown = names.find((name) => !all.some(({ className }) => namesOf(className).includes(name)));
  if (unknown !== undefined) {
    const like = closest(
      unknown,
      all.map(({ className }) => namesOf(className)[0]!),
    );
    const meant = like.length > 0 ? `did you mean ${like.join(' or ')}?` : 'drover get plugins lists them';
    throw new CliError(`There is no plugin ${unknown}: ${meant}`, exitCodes.missing);
  }
  const plugins = all.filter(
    ({ className, type }) =>
      (types === undefined || types.includes(type)) &&
      (names.length === 0 || names.some((name) => namesOf(className).includes(name))),
  );
  session.list(
    plugins,
    [
      { title: 'CLASS', cell: ({ className }) => className },
      { title: 'TYPE', cell: ({ type }) => type },
      { title: 'VERSION', cell: ({ version }) => version },
    ],
    {
      values: valuesOf(
        names,
        plugins.map(({ className, ...plugin }) => ({ class: className, ...plugin })),
      ),
      name: ({ className }) => className,
      nothing: 'There are no plugins',
    },
  );
}

export async function offsetsOf(rest: Rest, name: string): Promise<readonly { partition: Json; offset: Json }[]> {
  const { offsets } = recordOf(await rest.get(`/connectors/${segment(name)}/offsets`), 'the offsets');
  return listOf(offsets, 'the offsets').map((entry) => {
    const { partition = null, offset = null } = recordOf(entry, 'an offset');
    return { partition, offset };
  });
}

/** A sink's are of a topic, a source's of whatever its connector says. */
export function partitionText(partition: Json): string {
  if (isRecord(partition) && typeof partition.kafka_topic === 'string') {
    return `${partition.kafka_topic}:${partition.kafka_partition}`;
  }
  return printJson(partition, 0);
}

export function offsetText(offset: Json): string {
  if (isRecord(offset) && offset.kafka_offset !== undefined) return String(offset.kafka_offset);
  return offset === null ? '-' : printJson(offset, 0);
}

export async function getOffsets(session: Session, names: readonly string[]): Promise<void> {
  if (names.length === 0) throw usageError('Whose offsets? drover get offsets NAME');
  const rest = await session.rest();
  const found = await Promise.all(
    names.map(async (name) => ({ name, offsets: await ofConnector(rest, name, offsetsOf(rest, name)) })),
  );
  const rows = found.flatMap(({ name, offsets }) => offsets.map((entry) => ({ name, ...entry })));
  session.list(
    rows,
    [
      ...(names.length > 1 ? [{ title: 'CONNECTOR', cell: ({ name }: { name: string }) => name }] : []),
      { title: 'PARTITION', cell: ({ partition }) => partitionText(partition) },
      { title: 'OFFSET', cell: ({ offset }) => offsetText(offset) },
    ],
    {
      // The shape of the API, which `offsets set -f` takes.
      values: names.length === 1 ? { offsets: found[0]!.offsets } : found,
      name: ({ partition }) => partitionText(partition),
      nothing: `There are no offsets of ${names.join(', ')} yet`,
    },
  );
}

const topicsAtOnce = 10;

export async function topicsOf(rest: Rest, name: string): Promise<readonly string[]> {
  const answer = recordOf(await rest.get(`/connectors/${segment(name)}/topics`), 'the topics');
  return listOf(recordOf(answer[name], 'the topics').topics, 'the topics').map(String);
}

async function getTopics(session: Session, names: readonly string[]): Promise<void> {
  const rest = await session.rest();
  const connectors = names.length === 0 ? await connectorNames(rest) : names;
  const tried = await tryEach(
    connectors,
    async (connector) => {
      // Of one that is not there the API tells no topics.
      if (names.length > 0) await theConnector(rest, connector);
      return await topicsOf(rest, connector);
    },
    (name, { message }) => connectors.length > 1 && session.note(`connector/${name}: ${message}`),
    topicsAtOnce,
  );
  const found = tried.done
    .map(({ name, value }) => ({ connector: name, topics: value }))
    .sort((one, other) => (one.connector < other.connector ? -1 : 1));
  session.list(
    found.flatMap(({ connector, topics }) => topics.map((topic) => ({ connector, topic }))),
    [
      { title: 'CONNECTOR', cell: ({ connector }) => connector },
      { title: 'TOPIC', cell: ({ topic }) => topic },
    ],
    { values: found, name: ({ topic }) => topic, nothing: 'No connector has used a topic yet' },
  );
  requireAll(tried, { one: 'could not be asked', many: 'could not be asked' });
}

async function getLoggers(session: Session, names: readonly string[]): Promise<void> {
  const rest = await session.rest();
  const found =
    names.length === 0
      ? recordOf(await rest.get('/admin/loggers'), 'the loggers')
      : Object.fromEntries(
          await Promise.all(
            names.map(async (name) => [name, await rest.get(`/admin/loggers/${segment(name)}`)] as const),
          ),
        );
  const levelOf = (value: Json | undefined) => (isRecord(value) ? String(value.level) : '');
  session.list(
    Object.entries(found),
    [
      { title: 'LOGGER', cell: ([name]) => name },
      { title: 'LEVEL', cell: ([, level]) => levelOf(level) },
    ],
    { values: found, name: ([name]) => name, nothing: 'There are no loggers' },
  );
}

const webhookClass = /(?:^|\.)WebhookSource(?:Connector)?$/;

/** Webhooks are declared all together: which there are their connectors tell. */
function hooksOf(connectors: readonly Connector[]): JsonRecord[] {
  return connectors
    .filter(({ config }) => webhookClass.test(config['connector.class'] ?? ''))
    .map(({ name, status, tasks }) => ({
      event_source: `hook:${name}`,
      connector: name,
      open: tasks.length > 0 && [status, ...tasks].every(({ state }) => state === 'RUNNING'),
      event_without_connector_at: null,
      rests_until: null,
    }));
}

async function getFeeds(session: Session, names: readonly string[]): Promise<void> {
  const rest = await session.rest();
  const answer = await rest.find('/drover');
  if (answer === null) throw new CliError('There are no feeds here: this is no Drover', exitCodes.missing);
  const declared = listOf(recordOf(answer, 'the installation').feeds, 'the feeds').map((entry) =>
    recordOf(entry, 'a feed'),
  );
  // One with a buffer of its own is declared by itself, and has a claim as the others.
  const known = new Set(declared.map(({ event_source: key }) => key));
  const hooks = hooksOf(await allConnectors(rest)).filter(({ event_source: key }) => !known.has(key!));
  const feeds = [...declared, ...hooks].filter(
    ({ event_source: key, connector }) =>
      names.length === 0 || names.includes(String(key)) || names.includes(String(connector)),
  );
  session.list(
    feeds,
    [
      { title: 'EVENT SOURCE', cell: ({ event_source: key }) => String(key) },
      { title: 'CONNECTOR', cell: ({ connector }) => (connector === null ? '-' : String(connector)) },
      {
        title: 'EVENTS',
        cell: ({ open }) => (open === true ? { text: 'come', style: 'green' } : { text: 'are held', style: 'yellow' }),
      },
    ],
    {
      values: feeds,
      name: ({ event_source: key }) => String(key),
      nothing: 'The deployment declares no event sources, and there are no webhooks',
    },
  );
}
