import type { Command } from 'commander';
import { unreachableName } from '../../src/config/connector-name.ts';
import type { Brokers } from '../brokers.ts';
import { configChanges } from '../config-diff.ts';
import { allConnectors, type Connector, findConnector, setState, validateConfig } from '../connect-api.ts';
import type { WantedConnector } from '../connector-files.ts';
import { CliError, exitCodes, messageOf, usageError } from '../faults.ts';
import { sendHttp } from '../http.ts';
import { printJson } from '../json.ts';
import { areOrIs, counted, countedOf } from '../output.ts';
import { type Rest, Rest as RestClient, RestError, segment } from '../rest.ts';
import { type CommandContext, run, type Session } from '../session.ts';
import { isOfOne, requireAll, tryEach } from '../try-each.ts';
import { awaitGone } from '../wait.ts';
import { type FilesOptions, filesOf } from './apply.ts';
import { offsetsOf } from './get.ts';
import type { ClusterOptions } from './import-cluster.ts';
import { ClusterInTopics, type LeftConnector } from './import-topics.ts';

interface ImportOptions extends FilesOptions, ClusterOptions {
  readonly fromUrl?: string;
  readonly fromTopics?: boolean;
  readonly bootstrapServers?: string;
  readonly commandConfig?: string;
  readonly stopThere?: boolean;
  readonly offsets: boolean;
}

export function addImport(program: Command, context: CommandContext): void {
  program
    .command('import')
    .summary('take connectors over from a Java worker or from files')
    .description(
      'From a running worker’s REST API (--from-url), offsets of sources included; from files of Strimzi, MSK Connect or Kafka Connect ' +
        '(-f). Says of each connector what works, what is ignored and what there is no plugin for. Connectors are made STOPPED; what is ' +
        'here already stays as it is, so that it may be repeated. A worker’s connector must be stopped there, for both would run it. ' +
        'Sinks go on from their group connect-NAME, which is in Kafka. Where the workers are down: from their topics (--from-topics), which ' +
        'are read by the installation’s task function in its own Kafka cluster, or with --bootstrap-servers from this machine in any.',
    )
    .argument('[name...]', 'only these; else all')
    .option('--from-url <url>', 'REST API of a Java worker; http://user:password@host:8083 where it asks')
    .option('--from-topics', 'the topics of a cluster whose workers are down')
    .option(
      '--configs-topic <topic>',
      'of --from-topics; else the installation’s own name for it, or connect-configs of other brokers',
    )
    .option(
      '--offsets-topic <topic>',
      'of --from-topics; else the installation’s own name for it, or connect-offsets of other brokers',
    )
    .option(
      '--group-id <group.id>',
      'of --from-topics: whose workers must be down; else those of every Connect cluster there',
    )
    .option('--bootstrap-servers <addresses>', 'of --from-topics: host:port,… of the brokers that hold them')
    .option(
      '--command-config <file>',
      'client properties, as Kafka’s own tools take them (security.protocol, sasl.*, ssl.*)',
    )
    .option(
      '--sink-offsets',
      'of another Kafka cluster whose records lie here at the same offsets: set sinks to where their groups are there',
    )
    .option('-f, --filename <path...>', 'file or folder; - for the standard input')
    .option('-R, --recursive', 'folders of folders too')
    .option('--dry-run', 'only say what would be')
    .option('--stop-there', 'stop each connector at the worker before it is taken over')
    .option(
      '--while-running',
      'take over what runs there too: records come twice if it is resumed here before it is stopped there',
    )
    .option('--no-offsets', 'without offsets: sources begin anew')
    .option('--start <how>', 'stopped, or as-was: resumed if it was running there', startOf, 'stopped')
    .action(run(context, importConnectors));
}

function startOf(text: string): 'stopped' | 'as-was' {
  if (text !== 'stopped' && text !== 'as-was') throw usageError(`--start is "${text}": it must be stopped or as-was`);
  return text;
}

type Verdict = 'works' | 'is refused' | 'no plugin' | 'is here already' | 'runs there';

interface Report {
  readonly name: string;
  readonly verdict: Verdict;
  /** Settings that nothing here knows. */
  readonly ignored: readonly string[];
  readonly errors: string[];
  /** Of a source; null: they are Kafka's, or not asked for. */
  offsets: number | null;
  result: 'imported' | 'would be imported' | 'left out' | 'offsets set' | 'failed';
}

interface Found {
  readonly wanted: WantedConnector;
  /** At the worker; null: from a file or a topic. */
  readonly there: Connector | null;
  /** Those beside it in the topics. */
  readonly offsets?: number | null;
  readonly entries?: LeftConnector['entries'];
}

async function importConnectors(session: Session, options: ImportOptions, names: string[]): Promise<void> {
  const sources = [options.fromUrl !== undefined, options.filename !== undefined, options.fromTopics === true];
  if (sources.filter(Boolean).length !== 1) {
    throw usageError('From where? One of --from-url URL of a Java worker, -f with files, and --from-topics');
  }
  refuseStrayOptions(options);
  const { bootstrapServers, commandConfig = null } = options;
  const ownTopics = options.fromTopics === true && bootstrapServers === undefined;
  const topics = ownTopics ? new ClusterInTopics(session, options) : null;
  const source = options.fromUrl === undefined ? null : workerAt(options.fromUrl, session);
  const found = (
    topics !== null
      ? await ofTopics(topics)
      : bootstrapServers !== undefined
        ? await ofBrokers(session, { bootstrapServers, commandConfig }, options)
        : source !== null
          ? await ofWorker(source)
          : await ofFiles(session, options)
  ).filter(({ wanted }) => names.length === 0 || names.includes(wanted.name));
  const unknown = names.find((name) => !found.some(({ wanted }) => wanted.name === name));
  if (unknown !== undefined) throw new CliError(`There is no connector ${unknown} to import`, exitCodes.missing);
  const rest = await session.rest();
  const reports: Report[] = [];
  const byName = new Map(found.map((one) => [one.wanted.name, one]));
  const tried = await tryEach(
    [...byName.keys()],
    async (name) => {
      const one = byName.get(name)!;
      const report = await judge(rest, one, options);
      reports.push(report);
      if (topics !== null) return;
      try {
        if (report.verdict === 'works' && options.dryRun !== true)
          await takeOver(session, rest, source, one, options, report);
      } finally {
        if (!session.isStructured) tell(session, report);
      }
    },
    (name, { message }) => {
      const report = { ...leftOut(name, 'is refused'), errors: [message] };
      reports.push(report);
      if (topics === null && !session.isStructured) tell(session, report);
    },
  );
  if (topics !== null) {
    if (options.dryRun !== true && tried.stopped === null) await takeOverFromTopics(topics, reports);
    if (!session.isStructured) for (const report of reports) tell(session, report);
  }
  session.value(reports);
  if (tried.stopped !== null) requireAll(tried);
  const bad = reports.filter(
    ({ verdict, result }) => result === 'failed' || ['is refused', 'no plugin', 'runs there'].includes(verdict),
  );
  if (bad.length > 0) throw new CliError(`${countedOf(bad.length, reports.length, 'connector', areOrIs)} not imported`);
}

function refuseStrayOptions(options: ImportOptions): void {
  const { configsTopic, offsetsTopic, groupId } = options;
  if (options.fromTopics !== true && [configsTopic, offsetsTopic, groupId].some((option) => option !== undefined)) {
    throw usageError('--configs-topic, --offsets-topic and --group-id are about topics: they need --from-topics');
  }
  if (options.fromTopics !== true && options.bootstrapServers !== undefined) {
    throw usageError('--bootstrap-servers is where topics are: it needs --from-topics');
  }
  if (options.bootstrapServers === undefined && (options.commandConfig !== undefined || options.sinkOffsets === true)) {
    throw usageError('--command-config and --sink-offsets are about other brokers: they need --bootstrap-servers');
  }
  if (options.fromTopics === true && !options.offsets) {
    throw usageError('--from-topics takes connectors over with their offsets: --no-offsets is for --from-url');
  }
  if (options.fromUrl === undefined && options.stopThere === true) {
    throw usageError('--stop-there is about a worker: it needs --from-url');
  }
  if (options.filename !== undefined && options.whileRunning === true) {
    throw usageError('--while-running is about workers: it needs --from-url or --from-topics');
  }
}

function workerAt(text: string, session: Session): Rest {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    throw usageError(`--from-url is "${text}": it must be an address such as http://worker:8083`);
  const login = url.username === '' ? null : `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  const installation = {
    restUrl: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    auth: 'none' as const,
    send: ((request, signal) => {
      const authorization = login === null ? {} : { authorization: `Basic ${Buffer.from(login).toString('base64')}` };
      return sendHttp({ ...request, headers: { ...request.headers, ...authorization } }, signal);
    }) satisfies typeof sendHttp,
  };
  return new RestClient(installation, session.io.ending);
}

async function ofFiles(session: Session, options: ImportOptions): Promise<Found[]> {
  const { connectors, passed } = await filesOf(session, options, []);
  for (const other of passed) session.note(`${other} is no connector: passed over`);
  return connectors.map((wanted) => ({ wanted, there: null }));
}

async function ofTopics(topics: ClusterInTopics): Promise<Found[]> {
  return (await topics.look()).map((left) => ({ ...left, there: null }));
}

async function ofBrokers(session: Session, brokers: Brokers, options: ImportOptions): Promise<Found[]> {
  const { connectorsOfBrokers } = await import('./import-cluster.ts');
  return (await connectorsOfBrokers(session, brokers, options)).map((left) => ({ ...left, there: null }));
}

async function ofWorker(source: Rest): Promise<Found[]> {
  return (await allConnectors(source)).map((there) => ({
    there,
    wanted: {
      name: there.name,
      config: { ...there.config, name: there.name },
      state: null,
      initialState: null,
      from: 'the worker',
    },
  }));
}

/** Taken by whatever class stands in front of them, which no definition lists. */
const freePrefixes = [
  /^(producer|consumer|admin)\.override\./,
  /^(key|value|header)\.converter\./,
  /^(transforms|predicates)\./,
  /^topic\.creation\./,
];

const leftOut = (name: string, verdict: Verdict): Report => ({
  name,
  verdict,
  ignored: [],
  errors: [],
  offsets: null,
  result: 'left out',
});

async function judge(rest: Rest, found: Found, options: ImportOptions): Promise<Report> {
  const { wanted, there, offsets = null } = found;
  const { name, config } = wanted;
  const left = (verdict: Verdict, errors: string[] = [], ignored: readonly string[] = []): Report => ({
    ...leftOut(name, verdict),
    ignored,
    errors,
    offsets,
  });
  const why = unreachableName(name);
  if (why !== null) return left('is refused', [`name: ${why}`]);
  const here = await findConnector(rest, name);
  if (here !== null && !(await isHalfDone(rest, here, found, options))) return left('is here already');
  let ignored: string[] = [];
  try {
    const validation = await validateConfig(rest, config);
    const known = new Set(validation.values.map((value) => value.name));
    ignored = Object.keys(config).filter(
      (key) => key !== 'name' && !known.has(key) && !freePrefixes.some((prefix) => prefix.test(key)),
    );
    const errors = validation.values.flatMap((value) => value.errors.map((error) => `${value.name}: ${error}`));
    if (errors.length > 0) return left('is refused', errors, ignored);
  } catch (error) {
    if (!(error instanceof RestError) || error.exitCode === exitCodes.unreachable) throw error;
    return left('no plugin', [
      `connector.class ${config['connector.class']}: no plugin here has this name. drover get plugins lists those that are; ` +
        'of a connector of Java deploy its jars as well (docs/connectors/java.md)',
    ]);
  }
  const runs = there !== null && there.status.state !== 'STOPPED';
  if (runs && options.stopThere !== true && options.whileRunning !== true) {
    return left(
      'runs there',
      [`It is ${there.status.state} at the worker: stop it there, or say --stop-there`],
      ignored,
    );
  }
  return { ...left('works', [], ignored), result: options.dryRun === true ? 'would be imported' : 'imported' };
}

/** Made by an import that ended before its offsets were set. */
async function isHalfDone(
  rest: Rest,
  here: Connector,
  { wanted: { config }, there, entries = [] }: Found,
  { offsets }: ImportOptions,
): Promise<boolean> {
  const hasOffsets = entries.length > 0 || there?.type === 'source';
  if (!hasOffsets || !offsets || here.status.state !== 'STOPPED') return false;
  const same = configChanges({ ...here.config, name: here.name }, config).length === 0;
  return same && (await offsetsOf(rest, here.name)).length === 0;
}

async function takeOver(
  session: Session,
  rest: Rest,
  source: Rest | null,
  { wanted, there, entries }: Found,
  options: ImportOptions,
  report: Report,
): Promise<void> {
  const { name, config } = wanted;
  try {
    if (source !== null && there !== null && there.status.state !== 'STOPPED' && options.stopThere === true) {
      await setState(source, name, 'stop');
      await awaitGone(session, source, name, 120);
    }
    const offsets =
      source !== null && there?.type === 'source' && options.offsets
        ? await offsetsOf(source, name)
        : (entries ?? null);
    if ((await findConnector(rest, name)) === null) {
      await rest.call('POST', '/connectors', { name, config, initial_state: 'STOPPED' });
    }
    if (offsets !== null && offsets.length > 0) {
      await awaitGone(session, rest, name, 120);
      await rest.call('PATCH', `/connectors/${segment(name)}/offsets`, { offsets });
    }
    report.offsets = offsets?.length ?? report.offsets;
    const verb = options.start === 'as-was' ? verbOf(wanted, there) : null;
    if (verb !== null) await setState(rest, name, verb);
  } catch (error) {
    report.result = 'failed';
    report.errors.push(messageOf(error));
    if (!isOfOne(error)) throw error;
  }
}

/** By one invocation: offsets and connectors as the topics have them. */
async function takeOverFromTopics(topics: ClusterInTopics, reports: readonly Report[]): Promise<void> {
  const taken = reports.filter(({ verdict }) => verdict === 'works');
  if (taken.length === 0) return;
  const skipped = await topics.takeOver(taken.map(({ name }) => name));
  for (const report of taken) {
    const reason = skipped.get(report.name);
    if (reason === undefined) continue;
    report.result = 'failed';
    report.errors.push(reason);
  }
}

/** Out of STOPPED into what it was, or what its file says. */
function verbOf({ state, initialState }: WantedConnector, there: Connector | null): 'resume' | 'pause' | null {
  const was = there === null ? (state ?? initialState ?? 'RUNNING') : there.status.state;
  return was === 'STOPPED' ? null : was === 'PAUSED' ? 'pause' : 'resume';
}

function tell({ io, paint }: Session, { name, verdict, ignored, errors, offsets, result }: Report): void {
  const style = verdict === 'works' && result !== 'failed' ? 'green' : verdict === 'is here already' ? 'dim' : 'red';
  const what = verdict === 'works' ? result : `${verdict}: ${result}`;
  io.out(`connector/${name} ${paint(style, what)}${offsets === null ? '' : `, ${counted(offsets, 'offset')}`}\n`);
  if (ignored.length > 0) io.out(`  ignored: ${ignored.map((key) => printJson(key, 0)).join(', ')}\n`);
  for (const error of errors) io.out(`  ${error}\n`);
}
