import type { Command } from 'commander';
import { type Misspelt, misspeltSettings } from '../../src/config/closest.ts';
import { unreachableName } from '../../src/config/connector-name.ts';
import { type ConfigChange, configChanges, printChanges, shownValue } from '../config-diff.ts';
import {
  allConnectors,
  allReports,
  type ConfigReport,
  type Connector,
  deleteConnector,
  faultsOf,
  misspeltOf,
  type StateVerb,
  setState,
  stateAfter,
  validateConfig,
} from '../connect-api.ts';
import { type ConnectorState, readConnectorFiles, type WantedConnector } from '../connector-files.ts';
import { CliError, exitCodes, messageOf, usageError } from '../faults.ts';
import { areOrIs, counted } from '../output.ts';
import { connectorWord } from '../resources.ts';
import { type Rest, RestError, segment } from '../rest.ts';
import { type CommandContext, run, type Session } from '../session.ts';
import { requireAll, tryEach } from '../try-each.ts';
import { awaitSettled, type WaitOptions, withWait } from '../wait.ts';

export interface FilesOptions {
  readonly filename?: readonly string[];
  readonly recursive?: boolean;
  readonly name?: string;
}

export const withFiles = (command: Command): Command =>
  command
    .option('-f, --filename <path...>', 'file or folder; - for the standard input')
    .option('-R, --recursive', 'folders of folders too')
    .option('-n, --name <name>', 'of the one connector of the one file');

/** Files by `-f` or by themselves. */
export async function filesOf(
  { io }: Session,
  { filename = [], recursive, name }: FilesOptions,
  paths: readonly string[],
) {
  const all = [...filename, ...paths];
  return await readConnectorFiles(all, { recursive: recursive === true, ...(name === undefined ? {} : { name }) }, io);
}

interface ApplyOptions extends FilesOptions, WaitOptions {
  readonly dryRun?: boolean;
  readonly prune?: boolean;
  readonly yes?: boolean;
}

export function addApply(program: Command, context: CommandContext): void {
  withWait(withFiles(program.command('apply')), 'until the connectors run, or one has failed')
    .summary('make connectors as files describe them')
    .description(
      'Creates what is not there and changes what is different; what is as described is left alone. Files are JSON and YAML: ' +
        '{"name": …, "config": {…}}, a config with its "name", lists of them, KafkaConnector of Strimzi, descriptions of MSK Connect, ' +
        'and what drover get -o json prints. A state (spec.state) is brought about as well; initial_state counts when it is made.',
    )
    .argument('[path...]', 'as -f')
    .option('--dry-run', 'only show what would be different, and what validation says')
    .option('--prune', 'delete connectors that the files do not have; asks first')
    .option('-y, --yes', 'do not ask')
    .action(run(context, apply));

  withFiles(program.command('diff'))
    .summary('what apply would change; ends with 1 if anything')
    .description(
      'As apply --dry-run, without validation; ends with 0 when everything is as described, and with 1 when not.',
    )
    .argument('[path...]', 'as -f')
    .option('--prune', 'connectors that the files do not have are a difference too')
    .action(run(context, diff));

  withFiles(program.command('validate'))
    .summary('check configs without making anything')
    .description(
      'Asks the installation what it would refuse: each fault by connector and field. Ends with 1 if there is any.',
    )
    .argument('[path...]', 'as -f')
    .action(run(context, validate));
}

type Action = 'created' | 'configured' | 'unchanged' | 'pruned';

interface Plan {
  readonly wanted: WantedConnector;
  readonly before: Connector | null;
  readonly changes: readonly ConfigChange[];
  /** What brings it into the state that the file wants. */
  readonly verb: StateVerb | null;
}

function planOf(wanted: WantedConnector, before: Connector | null): Plan {
  const changes = configChanges(before === null ? null : { ...before.config, name: before.name }, wanted.config);
  return { wanted, before, changes, verb: before === null ? null : verbFor(before.status.state, wanted.state) };
}

/** FAILED and UNASSIGNED are on their way to RUNNING: a restart is not what a file asks for. */
function verbFor(now: string, wanted: ConnectorState | null): StateVerb | null {
  if (wanted === null) return null;
  if (wanted === 'RUNNING') return now === 'PAUSED' || now === 'STOPPED' ? 'resume' : null;
  return now === wanted ? null : wanted === 'PAUSED' ? 'pause' : 'stop';
}

async function plan(session: Session, options: FilesOptions, paths: readonly string[]) {
  const { connectors, passed } = await filesOf(session, options, paths);
  for (const other of passed) session.note(`${other} is no connector: passed over`);
  const rest = await session.rest();
  const present = new Map((await allConnectors(rest)).map((connector) => [connector.name, connector]));
  const named = new Set(connectors.map(({ name }) => name));
  return {
    rest,
    plans: connectors.map((wanted) => planOf(wanted, present.get(wanted.name) ?? null)),
    others: [...present.values()].filter(({ name }) => !named.has(name)),
  };
}

async function apply(session: Session, options: ApplyOptions, paths: string[]): Promise<void> {
  const { rest, plans, others } = await plan(session, options, paths);
  const doomed = options.prune === true ? others : [];
  if (options.prune === true && plans.length === 0) {
    throw usageError('The files have no connector at all, and --prune would delete every one: that is not done');
  }
  if (options.dryRun === true) return await showPlan(session, rest, plans, doomed);
  if (doomed.length > 0) {
    const names = doomed.map(({ name }) => name).join(', ');
    await session.confirm(
      `Delete ${counted(doomed.length, 'connector')} that the files do not have (${names})?`,
      options.yes === true,
    );
  }
  const done: { name: string; action: Action; changes: readonly ConfigChange[] }[] = [];
  const report = (name: string, action: Action, changes: readonly ConfigChange[]) => {
    done.push({ name, action, changes });
    if (session.format === 'name') session.io.out(`${name}\n`);
    else if (!session.isStructured) session.io.out(`connector/${name} ${action}\n`);
  };
  const acts = new Map<string, () => Promise<void>>();
  for (const { wanted, before, changes, verb } of plans) {
    acts.set(wanted.name, async () => {
      if (before === null) await create(rest, wanted);
      else {
        if (changes.length > 0) await rest.call('PUT', `/connectors/${segment(wanted.name)}/config`, wanted.config);
        if (verb !== null) await setState(rest, wanted.name, verb);
      }
      report(
        wanted.name,
        before === null ? 'created' : changes.length > 0 || verb !== null ? 'configured' : 'unchanged',
        changes,
      );
    });
  }
  for (const { name } of doomed) {
    acts.set(name, async () => {
      await deleteConnector(rest, name);
      report(name, 'pruned', []);
    });
  }
  const tried = await tryEach(
    [...acts.keys()],
    (name) => acts.get(name)!(),
    (name, { message }) => !session.isStructured && session.note(`connector/${name} refused: ${message}`),
  );
  const isDone = new Set(tried.done.map(({ name }) => name));
  const changed = plans.filter((one) => isChanged(one) && isDone.has(one.wanted.name)).map(({ wanted }) => wanted);
  const warned = await warningsThere(rest, changed).catch((error: unknown) => {
    // A hint is not worth what has been done.
    if (error instanceof CliError) return new Map<string, readonly Fault[]>();
    throw error;
  });
  if (!session.isStructured) {
    for (const [name, warnings] of warned) {
      for (const warning of warnings) session.note(session.paint('yellow', faultLine(name, warning)));
    }
    for (const one of plans) if (isPassedOver(one)) session.note(passedOver(one));
  }
  session.value([
    ...done.map(({ name, action, changes }) => ({
      name,
      action,
      changes: changes.map(shownChange),
      ...(warned.has(name) ? { warnings: warned.get(name) } : {}),
    })),
    ...tried.failures.map(({ name, error }) => ({ name, action: 'refused', error: error.message })),
  ]);
  requireAll(tried, undefined, !session.isStructured);
  if (options.wait === true) {
    const moved = done.filter(({ action }) => action === 'created' || action === 'configured').map(({ name }) => name);
    await awaitSettled(session, rest, moved, options.timeout);
  }
}

async function create(rest: Rest, { name, config, state, initialState }: WantedConnector): Promise<void> {
  const why = unreachableName(name);
  if (why !== null) throw new CliError(`name: ${why}`);
  const first = state ?? initialState;
  await rest.call('POST', '/connectors', { name, config, ...(first === null ? {} : { initial_state: first }) });
}

const shownChange = ({ key, before, after }: ConfigChange) => ({
  key,
  before: before === null ? null : shownValue(key, before),
  after: after === null ? null : shownValue(key, after),
});

/** Its config is to be made or replaced. */
const isChanged = ({ before, changes }: Plan) => before === null || changes.length > 0;

const isDifferent = (plan: Plan) => isChanged(plan) || plan.verb !== null;

function actionOf({ before, changes, verb }: Plan): string {
  if (before === null) return 'create';
  if (changes.length > 0) return 'configure';
  return verb ?? 'nothing';
}

function printPlan(session: Session, plans: readonly Plan[], doomed: readonly Connector[]): void {
  for (const one of plans) {
    const { wanted, before, changes } = one;
    if (!isDifferent(one)) continue;
    session.io.out(
      `${session.paint('bold', `connector/${wanted.name}`)} would be ${before === null ? 'created' : 'changed'}\n`,
    );
    session.io.out(printChanges(changes, session.paint));
    const state = stateChange(one);
    if (state !== null) session.io.out(`  ~ state: ${state.before ?? '-'} -> ${state.after}\n`);
  }
  for (const one of plans) if (isPassedOver(one)) session.note(passedOver(one));
  for (const { name } of doomed) {
    session.io.out(`${session.paint('bold', `connector/${name}`)} ${session.paint('red', 'would be deleted')}\n`);
  }
  const same = plans.filter((one) => !isDifferent(one)).length;
  if (same > 0) session.io.out(`${counted(same, 'connector', areOrIs)} as described\n`);
}

/** Null: the state stays what it is, or is RUNNING from the start. */
function stateChange({ wanted, before, verb }: Plan): { before: string | null; after: string } | null {
  if (before !== null) return verb === null ? null : { before: before.status.state, after: stateAfter(verb) };
  const first = wanted.state ?? wanted.initialState ?? 'RUNNING';
  return first === 'RUNNING' ? null : { before: null, after: first };
}

/** Its file has another state, which is only for one that is made. UNASSIGNED is on its way to it. */
const isPassedOver = ({ wanted, before }: Plan): boolean =>
  before !== null &&
  before.status.state !== 'UNASSIGNED' &&
  wanted.state === null &&
  verbFor(before.status.state, wanted.initialState) !== null;

function passedOver({ wanted: { name, initialState }, before }: Plan): string {
  const verb = verbFor(before!.status.state, initialState);
  return (
    `connector/${name} is ${before!.status.state} and stays so: initial_state ${initialState} counts when it is made. ` +
    `drover ${verb} ${connectorWord(name)}`
  );
}

function planValue(
  plans: readonly Plan[],
  doomed: readonly Connector[],
  findings: ReadonlyMap<string, Partial<Findings>>,
) {
  return [
    ...plans.map((one) => ({
      name: one.wanted.name,
      action: actionOf(one),
      changes: one.changes.map(shownChange),
      ...(stateChange(one) === null ? {} : { state: stateChange(one) }),
      ...findings.get(one.wanted.name),
    })),
    ...doomed.map(({ name }) => ({ name, action: 'delete', changes: [] })),
  ];
}

async function showPlan(
  session: Session,
  rest: Rest,
  plans: readonly Plan[],
  doomed: readonly Connector[],
): Promise<void> {
  const found = new Map<string, Partial<Findings>>();
  let refused = 0;
  for (const { wanted } of plans.filter(isChanged)) {
    const { errors, warnings } = await findingsIn(rest, wanted);
    if (errors.length > 0) refused++;
    found.set(wanted.name, {
      ...(errors.length > 0 ? { errors } : {}),
      ...(warnings.length > 0 ? { warnings } : {}),
    });
  }
  if (!session.value(planValue(plans, doomed, found))) {
    printPlan(session, plans, doomed);
    for (const [name, { errors = [], warnings = [] }] of found) {
      for (const warning of warnings) session.note(session.paint('yellow', faultLine(name, warning)));
      for (const fault of errors) session.note(faultLine(name, fault));
    }
  }
  if (refused > 0) throw new CliError(`${refused} of ${counted(plans.length, 'connector')} would be refused`);
}

async function diff(session: Session, options: FilesOptions & { prune?: boolean }, paths: string[]): Promise<void> {
  const { plans, others } = await plan(session, options, paths);
  const doomed = options.prune === true ? others : [];
  if (!session.value(planValue(plans, doomed, new Map()))) printPlan(session, plans, doomed);
  const different = plans.filter(isDifferent).length + doomed.length;
  if (different > 0) throw new CliError(`${counted(different, 'connector', areOrIs)} different`);
}

interface Fault {
  readonly field: string;
  readonly message: string;
}

interface Findings {
  readonly errors: Fault[];
  /** What is taken as it is, and may not be meant so. */
  readonly warnings: Fault[];
}

/** Everything that is wrong with it; what the API refuses as a whole is of `connector.class`. */
async function findingsIn(rest: Rest, { name, config }: WantedConnector): Promise<Findings> {
  const why = unreachableName(name);
  const named = why === null ? [] : [{ field: 'name', message: why }];
  try {
    const report = await validateConfig(rest, config);
    return {
      errors: [...named, ...faultsOf(report)],
      warnings: [...misspeltIn(config, report), ...warningsOf(report)],
    };
  } catch (error) {
    if (!(error instanceof RestError) || error.exitCode === exitCodes.unreachable) throw error;
    return { errors: [...named, { field: 'connector.class', message: messageOf(error) }], warnings: [] };
  }
}

const misspeltFault = ({ setting, meant }: Misspelt): Fault => ({
  field: setting,
  message: `nobody knows this setting, and it is passed over: ${meant}?`,
});

const warningsOf = ({ values }: ConfigReport): Fault[] =>
  values.flatMap(({ name, warnings }) => warnings.map((message) => ({ field: name, message })));

const misspeltIn = (config: WantedConnector['config'], { values }: ConfigReport): Fault[] =>
  misspeltSettings(Object.keys(config), new Set(values.map(({ name }) => name))).map(misspeltFault);

/** More of them are asked for together. */
const mostAskedAlone = 10;

/** What is said of connectors that are there: of a few all that validation says, of many only what Drover reports of each. */
async function warningsThere(
  rest: Rest,
  connectors: readonly WantedConnector[],
): Promise<ReadonlyMap<string, readonly Fault[]>> {
  const found =
    connectors.length <= mostAskedAlone
      ? await Promise.all(
          connectors.map(async (wanted) => [wanted.name, (await findingsIn(rest, wanted)).warnings] as const),
        )
      : (await allReports(rest)).map((report) => [String(report.name), misspeltOf(report).map(misspeltFault)] as const);
  const asked = new Set(connectors.map(({ name }) => name));
  return new Map(found.filter(([name, warnings]) => warnings.length > 0 && asked.has(name)));
}

const faultLine = (name: string, { field, message }: Fault) => `connector/${name}: ${field}: ${message}`;

async function validate(session: Session, options: FilesOptions, paths: string[]): Promise<void> {
  const { connectors, passed } = await filesOf(session, options, paths);
  for (const other of passed) session.note(`${other} is no connector: passed over`);
  const rest = await session.rest();
  const reports: ({ name: string; valid: boolean } & Findings)[] = [];
  for (const wanted of connectors) {
    const findings = await findingsIn(rest, wanted);
    reports.push({ name: wanted.name, valid: findings.errors.length === 0, ...findings });
  }
  if (!session.value(reports)) {
    for (const { name, valid, errors, warnings } of reports) {
      for (const warning of warnings) session.io.out(`${session.paint('yellow', faultLine(name, warning))}\n`);
      if (valid) session.io.out(`connector/${name} ${session.paint('green', 'valid')}\n`);
      for (const fault of errors) session.io.out(`${session.paint('red', faultLine(name, fault))}\n`);
    }
  }
  const wrong = reports.filter(({ valid }) => !valid).length;
  if (wrong > 0) throw new CliError(`${wrong} of ${counted(reports.length, 'connector')} would be refused`);
}
