import { closest, type Misspelt } from '../src/config/closest.ts';
import { unreachableName } from '../src/config/connector-name.ts';
import { asksForRunner } from '../src/config/run-settings.ts';
import { CliError, exitCodes } from './faults.ts';
import { kindHint } from './habits.ts';
import { isRecord, type Json, type JsonRecord } from './json.ts';
import { resourceKinds } from './resources.ts';
import { type Rest, RestError, segment } from './rest.ts';

/** What the API answers, as the commands use it. Parsed here, once. */

export interface RunStatus {
  readonly state: string;
  readonly workerId: string;
  readonly trace: string | null;
}

export interface TaskStatus extends RunStatus {
  readonly id: number;
}

export interface Connector {
  readonly name: string;
  readonly type: string;
  readonly config: Readonly<Record<string, string>>;
  readonly status: RunStatus;
  readonly tasks: readonly TaskStatus[];
}

const unknownAnswer = (what: string) =>
  new CliError(
    `The API answers ${what} in a shape that is not Kafka Connect's: is --url its address?`,
    exitCodes.unreachable,
  );

const textOf = (value: Json | undefined): string => (typeof value === 'string' ? value : '');

export function recordOf(value: Json | undefined, what: string): JsonRecord {
  if (!isRecord(value)) throw unknownAnswer(what);
  return value;
}

export function listOf(value: Json | undefined, what: string): readonly Json[] {
  if (!Array.isArray(value)) throw unknownAnswer(what);
  return value;
}

/** `UNASSIGNED` stands for what nobody has run yet. */
function runStatus(value: Json | undefined): RunStatus {
  const found = isRecord(value) ? value : {};
  return {
    state: textOf(found.state) || 'UNASSIGNED',
    workerId: textOf(found.worker_id),
    trace: textOf(found.trace) || null,
  };
}

function configOf(value: Json | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(isRecord(value) ? value : {}).flatMap(([key, entry]): [string, string][] =>
      entry === null ? [] : [[key, String(entry)]],
    ),
  );
}

function connectorOf(name: string, info: Json | undefined, status: Json | undefined): Connector {
  const known = recordOf(info, 'a connector');
  const state = isRecord(status) ? status : {};
  const tasks = Array.isArray(state.tasks) ? (state.tasks as readonly Json[]) : [];
  return {
    name,
    type: textOf(known.type) || 'unknown',
    config: configOf(known.config),
    status: runStatus(state.connector),
    tasks: tasks.map((task) => ({ ...runStatus(task), id: Number(isRecord(task) ? task.id : -1) })),
  };
}

const byName = (one: { name: string }, other: { name: string }) =>
  one.name < other.name ? -1 : one.name > other.name ? 1 : 0;

/** All of them, by name. */
export async function allConnectors(rest: Rest): Promise<Connector[]> {
  try {
    const found = recordOf(await rest.get('/connectors?expand=info&expand=status'), 'the connectors');
    return Object.entries(found)
      .map(([name, entry]) => {
        const { info, status } = recordOf(entry, 'a connector');
        return connectorOf(name, info, status);
      })
      .sort(byName);
  } catch (error) {
    // More than one answer holds: one by one.
    if (!(error instanceof RestError) || error.status !== 413) throw error;
    const found: Connector[] = [];
    for (const name of await connectorNames(rest)) {
      const connector = await findConnector(rest, name);
      if (connector !== null) found.push(connector);
    }
    return found;
  }
}

const reportsAtOnce = 500;

/** What Drover tells of each connector, a page at a time; none of an installation that is no Drover. */
export async function allReports(rest: Rest): Promise<JsonRecord[]> {
  const found: JsonRecord[] = [];
  for (let after = ''; ; after = String(found.at(-1)!.name)) {
    const behind = after === '' ? '' : `&after=${encodeURIComponent(after)}`;
    const answer = await rest.find(`/drover/connectors?limit=${reportsAtOnce}${behind}`);
    if (answer === null) return found;
    const page = listOf(recordOf(answer, 'the reports').connectors, 'the reports');
    found.push(...page.map((report) => recordOf(report, 'a report')));
    if (page.length < reportsAtOnce) return found;
  }
}

/** Settings of a connector that nobody knows, by its report. */
export function misspeltOf(report: JsonRecord): Misspelt[] {
  const found = Array.isArray(report.misspelt) ? (report.misspelt as readonly Json[]) : [];
  return found
    .map((entry) => recordOf(entry, 'a setting'))
    .map(({ setting, meant }) => ({ setting: textOf(setting), meant: textOf(meant) }));
}

/** A runner takes what is due within seconds, and a lost one's tasks with the next minute. */
const lateForRunnerMs = 2 * 60_000;

/** Whether the connector asks for a runner and this task, by its report, lies there with nobody who takes it. */
export function waitsForRunner({ config }: Pick<Connector, 'config'>, task: JsonRecord, now: number): boolean {
  const { running, next_due_at: due } = task;
  return (
    asksForRunner(config) && running !== true && typeof due === 'string' && now - Date.parse(due) > lateForRunnerMs
  );
}

export async function connectorNames(rest: Rest): Promise<string[]> {
  return listOf(await rest.get('/connectors'), 'the connectors')
    .map(String)
    .sort();
}

export async function findConnector(rest: Rest, name: string): Promise<Connector | null> {
  const info = await rest.find(`/connectors/${segment(name)}`);
  if (info === null) return null;
  // For a moment there may be none yet.
  return connectorOf(name, info, await rest.find(`/connectors/${segment(name)}/status`));
}

export async function theConnector(rest: Rest, name: string): Promise<Connector> {
  const found = await findConnector(rest, name);
  if (found === null) throw await noConnector(rest, name);
  return found;
}

/** With the names that it may have been meant to be. */
export async function noConnector(rest: Rest, name: string): Promise<CliError> {
  const like = closest(name, await connectorNames(rest).catch(() => []));
  const [kind] = closest(name, resourceKinds, 1);
  const meant =
    like.length > 0
      ? `did you mean ${like.join(' or ')}?`
      : (kindHint(name) ??
        (kind !== undefined ? `did you mean the kind ${kind}?` : 'drover get connectors lists them'));
  return new CliError(`There is no connector ${name}: ${meant}`, exitCodes.missing);
}

/** What was asked about a connector, which is told as missing where the API says so. */
export async function ofConnector<T>(rest: Rest, name: string, asked: Promise<T>): Promise<T> {
  return await asked.catch(async (error: unknown) => {
    const isMissing = error instanceof RestError && error.status === 404 && (await findConnector(rest, name)) === null;
    throw isMissing ? await noConnector(rest, name) : error;
  });
}

/** By whatever name it has, even one that no path can hold. */
export async function deleteConnector(rest: Rest, name: string): Promise<void> {
  if (unreachableName(name) === null) {
    await ofConnector(rest, name, rest.call('DELETE', `/connectors/${segment(name)}`));
  } else {
    await rest.call('DELETE', `/drover/connectors?name=${encodeURIComponent(name)}`);
  }
}

export interface Plugin {
  readonly className: string;
  readonly type: string;
  readonly version: string;
}

export async function allPlugins(rest: Rest, connectorsOnly: boolean): Promise<Plugin[]> {
  const found = listOf(await rest.get(`/connector-plugins?connectorsOnly=${connectorsOnly}`), 'the plugins');
  return found.map((entry) => {
    const plugin = recordOf(entry, 'a plugin');
    return { className: textOf(plugin.class), type: textOf(plugin.type), version: textOf(plugin.version) };
  });
}

export interface ConfigValueReport {
  readonly name: string;
  readonly value: string | null;
  readonly errors: readonly string[];
  /** What it is taken with all the same; of Drover's answers only. */
  readonly warnings: readonly string[];
  readonly required: boolean;
}

export interface ConfigReport {
  readonly errorCount: number;
  readonly values: readonly ConfigValueReport[];
}

const textsIn = (value: Json | undefined): string[] =>
  Array.isArray(value) ? (value as readonly Json[]).map(String) : [];

/** Throws RestError 404 or 400 when there is no such plugin. */
export async function validateConfig(rest: Rest, config: Readonly<Record<string, string>>): Promise<ConfigReport> {
  const className = config['connector.class'] ?? '';
  if (className === '') {
    const errors = ['It is missing: it names the class of the connector; drover get plugins lists them'];
    return { errorCount: 1, values: [{ name: 'connector.class', value: null, errors, warnings: [], required: true }] };
  }
  const path = `/connector-plugins/${segment(className)}/config/validate`;
  const report = recordOf((await rest.call('PUT', path, config)).body, 'a validation');
  return {
    errorCount: Number(report.error_count),
    values: listOf(report.configs, 'a validation').map((entry) => {
      const { value, definition } = recordOf(entry, 'a validation');
      const found = recordOf(value, 'a validation');
      return {
        name: textOf(found.name),
        value: typeof found.value === 'string' ? found.value : null,
        errors: textsIn(found.errors),
        warnings: textsIn(found.warnings),
        required: isRecord(definition) && definition.required === true,
      };
    }),
  };
}

/** The lines of a validation that say what is wrong, by field. */
export function faultsOf({ values }: ConfigReport): { readonly field: string; readonly message: string }[] {
  return values.flatMap(({ name, errors }) => errors.map((message) => ({ field: name, message })));
}

/** The setting that gives a connector its dead letter queue: Kafka Connect's for sinks, Drover's own for sources. */
export const deadLetterTopicKey = (type: string): string =>
  `${type === 'source' ? 'drover.' : ''}errors.deadletterqueue.topic.name`;

const transitions = { pause: 'PAUSED', resume: 'RUNNING', stop: 'STOPPED' } as const;
export type StateVerb = keyof typeof transitions;
export const stateAfter = (verb: StateVerb): string => transitions[verb];

export async function setState(rest: Rest, name: string, verb: StateVerb): Promise<void> {
  await ofConnector(rest, name, rest.call('PUT', `/connectors/${segment(name)}/${verb}`));
}
