import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { stringify } from 'yaml';
import { type Connector, setState } from '../connect-api.ts';
import { CliError, usageError } from '../faults.ts';
import { fileStems } from '../file-stems.ts';
import { isRecord, type Json, printJson } from '../json.ts';
import { areOrIs, counted, countedOf, wereOrWas } from '../output.ts';
import { type Rest, RestError } from '../rest.ts';
import { type CommandContext, run, type Session } from '../session.ts';
import { isOfOne } from '../try-each.ts';
import { awaitGone, pollUntil, secondsOf } from '../wait.ts';
import { connectorsOf, offsetsOf } from './get.ts';

const forms = ['json', 'yaml', 'strimzi'] as const;
type Form = (typeof forms)[number];

interface ExportOptions {
  readonly dir?: string;
  readonly as?: Form;
  readonly cluster: string;
  readonly offsets?: boolean;
  readonly wait?: boolean;
  readonly yes?: boolean;
  readonly timeout: number;
}

export function addExport(program: Command, context: CommandContext): void {
  program
    .command('export')
    .summary('connectors as files, or handed back to Java workers')
    .description(
      'Prints connectors as files that Java workers (POST /connectors), Strimzi and drover apply take; --dir writes one file for each, ' +
        'and with --offsets NAME.offsets.json, which PATCH /connectors/NAME/offsets takes. With --wait the connectors are stopped first, ' +
        'until their tasks have let go and the mirror topics hold all of it: Java workers with the same group.id and topics then go on ' +
        'where they were.',
    )
    .argument('[name...]', 'only these; else all')
    .option('--dir <folder>', 'write files there')
    .addOption(new Option('--as <form>', 'of the files (default: json, or as -o says)').choices(forms))
    .option('--cluster <name>', 'of Strimzi: the KafkaConnect resource that runs them', 'connect')
    .option('--offsets', 'with their offsets; needs --dir')
    .option('--wait', 'stop them, and wait until everything is in the mirror topics')
    .option('-y, --yes', 'do not ask before they are stopped')
    .option('--timeout <seconds>', 'how long to wait at most', secondsOf('--timeout'), 300)
    .action(run(context, exportConnectors));
}

/** By `--as`; without it `-o` says as much. */
function formOf(session: Session, { as }: ExportOptions): Form {
  const { format } = session;
  if (as !== undefined) return as;
  if (format === 'wide' || format === 'name')
    throw usageError(`-o ${format} is no form of a file: --as ${forms.join(', ')}; drover get connectors lists them`);
  return format === 'yaml' ? 'yaml' : 'json';
}

async function exportConnectors(session: Session, options: ExportOptions, names: string[]): Promise<void> {
  const as = formOf(session, options);
  if (options.offsets === true && options.dir === undefined)
    throw usageError('--offsets writes files of their own: say where, with --dir');
  const rest = await session.rest();
  let connectors = await connectorsOf(rest, names);
  if (options.wait === true) {
    await handOver(session, rest, connectors, options);
    // The files say how they are left: stopped.
    connectors = await connectorsOf(rest, names);
  }
  const bad = connectors.filter(({ name }) => as === 'strimzi' && !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(name));
  for (const { name } of bad)
    session.note(`connector/${name} cannot be a KafkaConnector: Kubernetes takes a-z, 0-9, "-" and "." as a name`);
  const shown = connectors.filter((connector) => !bad.includes(connector));
  const documents = shown.map((connector) => ({ name: connector.name, document: documentOf(connector, as, options) }));
  if (options.dir === undefined)
    session.io.out(
      printed(
        documents.map(({ document }) => document),
        as,
      ),
    );
  else await write(session, rest, options.dir, documents, as, options);
  if (bad.length > 0)
    throw new CliError(`${countedOf(bad.length, connectors.length, 'connector', wereOrWas)} left out`);
}

type Document = Readonly<Record<string, unknown>>;

/** As it is when it comes to run: never before somebody says so. */
function documentOf({ name, config, status }: Connector, as: Form, { cluster }: ExportOptions): Document {
  const { name: _name, ...settings } = config;
  const state = status.state === 'PAUSED' || status.state === 'STOPPED' ? status.state : null;
  if (as !== 'strimzi') return { name, config: settings, ...(state === null ? {} : { initial_state: state }) };
  const {
    'connector.class': className,
    'tasks.max': tasksMax,
    'connector.plugin.version': version,
    'drover.restart.enabled': restart,
    'drover.restart.max.attempts': attempts,
    ...others
  } = settings;
  return {
    apiVersion: 'kafka.strimzi.io/v1beta2',
    kind: 'KafkaConnector',
    metadata: { name, labels: { 'strimzi.io/cluster': cluster } },
    spec: {
      class: className,
      tasksMax: Number(tasksMax ?? 1),
      ...(version === undefined ? {} : { version }),
      ...(restart === 'true'
        ? { autoRestart: { enabled: true, ...(attempts === undefined ? {} : { maxRestarts: Number(attempts) }) } }
        : {}),
      ...(state === null ? {} : { state: state.toLowerCase() }),
      config: others,
    },
  };
}

const yamlOf = (document: Document) => stringify(document, { lineWidth: 0 });

function printed(documents: readonly Document[], as: Form): string {
  if (as === 'json') return `${printJson(documents.length === 1 ? documents[0] : documents)}\n`;
  return documents.map(yamlOf).join('---\n');
}

async function write(
  session: Session,
  rest: Rest,
  dir: string,
  documents: readonly { name: string; document: Document }[],
  as: Form,
  { offsets }: ExportOptions,
): Promise<void> {
  const folder = resolve(session.io.cwd, dir);
  mkdirSync(folder, { recursive: true });
  const files: string[] = [];
  const put = (file: string, text: string) => {
    writeFileSync(join(folder, file), text);
    files.push(join(dir, file));
    if (!session.isStructured) session.io.out(`${join(dir, file)}\n`);
  };
  const stems = fileStems(documents.map(({ name }) => name));
  for (const { name, document } of documents) {
    const stem = stems.get(name)!;
    put(as === 'json' ? `${stem}.json` : `${stem}.yaml`, as === 'json' ? `${printJson(document)}\n` : yamlOf(document));
    if (offsets === true) put(`${stem}.offsets.json`, `${printJson({ offsets: await offsetsIfAny(rest, name) })}\n`);
  }
  session.value({ files });
}

async function offsetsIfAny(rest: Rest, name: string): Promise<readonly { partition: Json; offset: Json }[]> {
  return await offsetsOf(rest, name).catch((error: unknown) => {
    // A plugin that is gone cannot be asked for them, nor who has a name that no path can hold.
    if (isOfOne(error) && !(error instanceof RestError && error.status >= 500)) return [];
    throw error;
  });
}

/** Nothing is written when nothing changes: this long without means that nothing is on its way. */
const restMs = 5000;

async function handOver(
  session: Session,
  rest: Rest,
  connectors: readonly Connector[],
  { yes, timeout }: ExportOptions,
): Promise<void> {
  const running = connectors.filter(({ status }) => status.state !== 'STOPPED');
  if (running.length > 0) {
    await session.confirm(
      `Stop ${counted(running.length, 'connector')} (${running.map(({ name }) => name).join(', ')})?`,
      yes === true,
    );
  }
  const before = await mirrorOf(rest);
  for (const { name } of running) await setState(rest, name, 'stop');
  for (const { name } of connectors) await awaitGone(session, rest, name, timeout);
  session.note(`${counted(connectors.length, 'connector', areOrIs)} stopped, and all tasks have let go`);
  let last = await mirrorOf(rest);
  let since = session.io.now();
  await pollUntil(
    session,
    timeout,
    async () => {
      const now = await mirrorOf(rest);
      if (now?.mirroredAt !== last?.mirroredAt) [last, since] = [now, session.io.now()];
      const isNewer = running.length === 0 || (now !== null && now.mirroredAt !== before?.mirroredAt);
      return isNewer && session.io.now() - since >= restMs ? true : null;
    },
    () =>
      `After ${timeout} seconds the mirror topics do not hold the stop yet (they hold ${last?.changedAt ?? 'nothing'}): the log of the mirror says why (drover logs --function mirror)`,
  );
  session.note(
    `The mirror topics hold everything, up to ${last?.changedAt ?? 'now'}: remove the stack, or its schedule, before Java workers start`,
  );
}

/** The topics are as new as the change of then, in whole seconds: `mirroredAt`, when it was written, tells two of one second apart. */
interface Mirrored {
  readonly changedAt: string;
  readonly mirroredAt: string;
}

async function mirrorOf(rest: Rest): Promise<Mirrored | null> {
  const found = await rest.find('/drover');
  if (found === null) throw usageError('--wait is about Drover’s mirror topics, and this is no Drover');
  const mirror = isRecord(found) && isRecord(found.mirror) ? found.mirror : null;
  if (typeof mirror?.changed_at !== 'string' || typeof mirror.mirrored_at !== 'string') return null;
  return { changedAt: mirror.changed_at, mirroredAt: mirror.mirrored_at };
}
