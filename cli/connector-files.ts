import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
} from 'yaml';
import { CliError, messageOf, usageError } from './faults.ts';
import type { Io } from './io.ts';

const connectorStates = ['RUNNING', 'PAUSED', 'STOPPED'] as const;
export type ConnectorState = (typeof connectorStates)[number];

/** A connector as a file wants it. */
export interface WantedConnector {
  readonly name: string;
  /** As the API echoes it: `name` is part of it. */
  readonly config: Readonly<Record<string, string>>;
  /** What it shall be now, as in Strimzi's `spec.state`; null: the file does not say. */
  readonly state: ConnectorState | null;
  /** What it shall be when it is made (`initial_state`). */
  readonly initialState: ConnectorState | null;
  /** File and place, for messages. */
  readonly from: string;
}

export interface WantedConnectors {
  readonly connectors: readonly WantedConnector[];
  /** Documents of other kinds that lay beside them. */
  readonly passed: readonly string[];
}

export interface FileOptions {
  readonly recursive: boolean;
  /** Of the one connector of the one file. */
  readonly name?: string;
}

/**
 * Connectors of files, folders and (`-`) the standard input, as JSON and YAML: `{name, config}`, a config with its `name`,
 * lists of them, Strimzi's KafkaConnector (and a List of them), MSK Connect's descriptions, and what `drover get -o` prints.
 */
export async function readConnectorFiles(
  paths: readonly string[],
  options: FileOptions,
  io: Io,
): Promise<WantedConnectors> {
  if (paths.length === 0)
    throw usageError('Name a file or a folder: -f orders.json, -f connectors/, -f - for the standard input');
  const connectors: WantedConnector[] = [];
  const passed: string[] = [];
  const texts: { readonly text: string; readonly label: string }[] = [];
  for (const path of paths) {
    if (path === '-') texts.push({ text: await io.readStdin(), label: 'standard input' });
    else texts.push(...read(path, options, io));
  }
  for (const found of eachOf(texts, ({ text, label }) => parseConnectors(text, label, options.name))) {
    connectors.push(...found.connectors);
    passed.push(...found.passed);
  }
  const seen = new Map<string, string>();
  for (const { name, from } of connectors) {
    const other = seen.get(name);
    if (other !== undefined)
      throw usageError(`${from}: the connector ${name} is in ${other} as well: keep one of them`);
    seen.set(name, from);
  }
  if (options.name !== undefined && connectors.length > 1) {
    throw usageError(`--name names one connector, and there are ${connectors.length}: let each file have its "name"`);
  }
  return { connectors, passed };
}

function read(path: string, { recursive }: FileOptions, { cwd }: Io): { text: string; label: string }[] {
  const full = resolve(cwd, path);
  if (!existsSync(full)) throw usageError(`There is no file ${path}`);
  const files = statSync(full).isDirectory() ? filesOf(full, recursive) : [full];
  if (files.length === 0) {
    throw usageError(`${path} holds no .json, .yaml or .yml${recursive ? '' : '; -R looks in its folders too'}`);
  }
  return files.map((file) => {
    const label = relative(cwd, file).startsWith('..') ? file : relative(cwd, file);
    try {
      return { text: readFileSync(file, 'utf8'), label };
    } catch (error) {
      throw usageError(`${label} cannot be read: ${messageOf(error)}`);
    }
  });
}

function filesOf(folder: string, recursive: boolean): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.'))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (statSync(path).isDirectory()) return recursive ? filesOf(path, recursive) : [];
      return /\.(json|ya?ml)$/i.test(entry.name) ? [path] : [];
    });
}

/** Does each of them, and then throws what was wrong with any. */
function eachOf<T, R>(parts: Iterable<T>, act: (part: T) => R): R[] {
  const done: R[] = [];
  const faults: string[] = [];
  for (const part of parts) {
    try {
      done.push(act(part));
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      faults.push(error.message);
    }
  }
  if (faults.length > 0) throw usageError(faults.join('\n'));
  return done;
}

/** What all of them give; or what is wrong with any. */
const together = <R>(...steps: readonly (() => R)[]): R[] => eachOf(steps, (step) => step());

/** Scalars stay the text that they are, `1e3` and `0x10` too: a config is made of texts. */
type Plain = string | null | readonly Plain[] | { readonly [key: string]: Plain };

/**
 * YAML's parser speaks of YAML, and of a place of its own: of a file that means to be JSON, JSON's own says what is wrong,
 * and where if it does. Null: it finds nothing.
 */
function faultOfJson(text: string, label: string, place: string): string | null {
  if (!/\.json$/i.test(label)) return null;
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    const [, what, line, column] =
      /^(.*?) in JSON at position \d+(?: \(line (\d+) column (\d+)\))?$/s.exec(messageOf(error)) ?? [];
    const own = line === undefined ? place : `${line}:${column}`;
    return `${label}:${own}: it is no JSON: ${what ?? messageOf(error)}`;
  }
}

/** Throws CliError, with file, line and column where it is the text that is wrong. */
export function parseConnectors(text: string, label: string, name?: string): WantedConnectors {
  const lines = new LineCounter();
  // JSON is YAML: one parser tells of both where they are wrong, and refuses keys that come twice.
  const documents = [
    parseAllDocuments(text.replace(/^\uFEFF/, ''), { lineCounter: lines, prettyErrors: false }),
  ].flat() as Document[];
  const { connectors, passed } = joined(
    eachOf(documents, (document) => {
      const [error] = document.errors;
      if (error !== undefined) {
        const { line, col } = lines.linePos(error.pos[0]);
        const place = `${line}:${col}`;
        throw usageError(faultOfJson(text, label, place) ?? `${label}:${place}: ${error.message}`);
      }
      if (document.contents === null) return none;
      const { line } = lines.linePos((document.contents.range ?? [0])[0]);
      const where = documents.length > 1 ? `${label}:${line}` : label;
      return readDocument(plainOf(document.contents, document, where), where, name);
    }),
  );
  if (connectors.length === 0 && passed.length === 0) throw usageError(`${label}: there is nothing in it`);
  return { connectors, passed };
}

function plainOf(node: Node | null, document: Document, where: string): Plain {
  if (node === null) return null;
  if (isAlias(node)) return plainOf(node.resolve(document) ?? null, document, where);
  if (isScalar(node))
    return typeof node.value === 'string'
      ? node.value
      : node.value === null
        ? null
        : (node.source ?? String(node.value));
  if (isSeq(node)) return node.items.map((item) => plainOf(item as Node, document, where));
  if (!isMap(node)) throw usageError(`${where}: it must be a map of settings`);
  return Object.fromEntries(
    node.items.filter(isPair).map(({ key, value }) => {
      const name = plainOf(key as Node, document, where);
      if (typeof name !== 'string') throw usageError(`${where}: a key must be a text`);
      if (name === '<<') throw usageError(`${where}: merge keys (<<) are not read: write the settings out`);
      return [name, plainOf(value as Node | null, document, where)];
    }),
  );
}

type PlainMap = { readonly [key: string]: Plain };
const isPlainMap = (value: Plain | undefined): value is PlainMap =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function readDocument(value: Plain, where: string, name?: string): WantedConnectors {
  if (Array.isArray(value))
    return joined(
      eachOf((value as readonly Plain[]).entries(), ([index, entry]) =>
        readDocument(entry, `${where}[${index}]`, name),
      ),
    );
  if (!isPlainMap(value)) throw usageError(`${where}: a connector is a map with "name" and "config"`);
  if (typeof value.kind === 'string' && value.apiVersion !== undefined) {
    if (value.kind === 'List' || value.kind === 'KafkaConnectorList')
      return readDocument(value.items ?? [], `${where}: items`, name);
    if (value.kind !== 'KafkaConnector') return { connectors: [], passed: [`${where}: ${value.kind}`] };
    return { connectors: [strimziConnector(value, where, name)], passed: [] };
  }
  // As export --offsets writes beside each connector.
  if (Array.isArray(value.offsets) && Object.keys(value).length === 1) {
    return { connectors: [], passed: [`${where}: a list of offsets`] };
  }
  // MSK Connect: what describe-connector answers, or create-connector is given.
  if (value.connectorConfiguration !== undefined) {
    return {
      connectors: [wanted({ name: value.connectorName, config: value.connectorConfiguration }, where, name)],
      passed: [],
    };
  }
  if (value.config !== undefined || value['connector.class'] === undefined) {
    if (value.config === undefined) {
      const half = halfOfManifest(value);
      if (half !== null) throw usageError(`${where}: ${half}`);
      throw usageError(
        `${where}: no "config", and no "connector.class": a connector is {"name": …, "config": {…}}, or the config with its "name"`,
      );
    }
    const unknown = Object.keys(value).filter((key) => !documentKeys.includes(key));
    const [connector] = together(
      () => wanted(value, where, name),
      ...unknown.map((key) => (): WantedConnector => {
        throw usageError(
          `${where}: "${key}" is no field of a connector: ${documentKeys.slice(0, 3).join(', ')} are; settings belong in "config"`,
        );
      }),
    );
    return { connectors: [connector!], passed: [] };
  }
  return { connectors: [wanted({ name: value.name, config: value }, where, name)], passed: [] };
}

/** What makes a manifest of Kubernetes, which are both needed. */
function halfOfManifest({ kind, apiVersion, spec }: PlainMap): string | null {
  if (typeof kind === 'string' && apiVersion === undefined)
    return `"kind" is ${kind}, and "apiVersion" is missing: a KafkaConnector has apiVersion: kafka.strimzi.io/v1`;
  if (typeof apiVersion === 'string' && kind === undefined)
    return `"apiVersion" is ${apiVersion}, and "kind" is missing: a connector has kind: KafkaConnector`;
  if (spec !== undefined)
    return '"spec" is of a KafkaConnector, and "apiVersion" and "kind" are missing: kafka.strimzi.io/v1 and KafkaConnector';
  return null;
}

/** The last ones are what `get -o json` shows besides, and says nothing of what is wanted. */
const documentKeys = ['name', 'config', 'initial_state', 'type', 'tasks', 'state', 'worker_id', 'trace', 'offsets'];

const none: WantedConnectors = { connectors: [], passed: [] };

const joined = (parts: readonly WantedConnectors[]): WantedConnectors => ({
  connectors: parts.flatMap(({ connectors }) => connectors),
  passed: parts.flatMap(({ passed }) => passed),
});

function wanted(
  fields: { readonly [key: string]: Plain | undefined },
  where: string,
  given: string | undefined,
): WantedConnector {
  const initial = fields.initial_state ?? null;
  const found = {
    name: '',
    config: {} as Readonly<Record<string, string>>,
    initialState: null as ConnectorState | null,
  };
  together(
    () => {
      found.name = nameOf(fields, where, given);
    },
    () => {
      found.config = textsOf(fields.config, where);
    },
    () => {
      if (initial !== null) found.initialState = stateOf(initial, '"initial_state"', where);
    },
  );
  const { name, config, initialState } = found;
  return { name, config: { ...config, name }, state: null, initialState, from: where };
}

function nameOf(
  { name, config }: { readonly [key: string]: Plain | undefined },
  where: string,
  given: string | undefined,
): string {
  const inner = isPlainMap(config) ? config.name : undefined;
  const own = name ?? inner;
  if (own !== undefined && own !== null && typeof own !== 'string') throw usageError(`${where}: "name" must be a text`);
  const found = given ?? own ?? '';
  if (found.trim() === '') throw usageError(`${where}: the connector has no name: add "name", or give it with --name`);
  if (given === undefined && typeof inner === 'string' && inner !== found) {
    throw usageError(`${where}: "name" is ${found}, and "config.name" is ${inner}: they must be the same`);
  }
  return found;
}

function stateOf(value: Plain, field: string, where: string): ConnectorState {
  const state = connectorStates.find((known) => typeof value === 'string' && known === value.toUpperCase());
  if (state === undefined)
    throw usageError(`${where}: ${field} is ${JSON.stringify(value)}: it must be one of ${connectorStates.join(', ')}`);
  return state;
}

function textsOf(value: Plain | undefined, where: string): Record<string, string> {
  if (!isPlainMap(value)) throw usageError(`${where}: "config" must be a map of settings`);
  return Object.fromEntries(
    eachOf(Object.entries(value), ([key, entry]): [string, string] => {
      if (typeof entry === 'string') return [key, entry];
      const mend =
        entry === null
          ? 'it has no value: give it one, or leave it out'
          : Array.isArray(entry)
            ? 'it is a list: write its items with commas between'
            : `it is a map: write each of its settings as "${key}.…"`;
      throw usageError(`${where}: "config.${key}": ${mend}`);
    }),
  );
}

/** https://strimzi.io/docs/operators/latest/configuring.html#type-KafkaConnectorSpec-reference */
function strimziConnector(document: PlainMap, where: string, name: string | undefined): WantedConnector {
  const spec = document.spec;
  if (!isPlainMap(spec)) throw usageError(`${where}: a KafkaConnector needs "spec"`);
  const metadata = isPlainMap(document.metadata) ? document.metadata : {};
  const restart = isPlainMap(spec.autoRestart) ? spec.autoRestart : {};
  const taken: readonly (readonly [field: string, value: Plain | undefined, key: string])[] = [
    ['spec.class', spec.class, 'connector.class'],
    ['spec.tasksMax', spec.tasksMax, 'tasks.max'],
    ['spec.version', spec.version, 'connector.plugin.version'],
    ['spec.autoRestart.enabled', restart.enabled, 'drover.restart.enabled'],
    ['spec.autoRestart.maxRestarts', restart.maxRestarts, 'drover.restart.max.attempts'],
  ];
  const config: Record<string, string> = {};
  const given = spec.state ?? (spec.pause === 'true' ? 'paused' : null);
  const found = { name: '', state: null as ConnectorState | null };
  together(
    () => {
      found.name = nameOf({ name: metadata.name, config: spec.config }, where, name);
    },
    () => {
      Object.assign(config, textsOf(spec.config ?? {}, `${where}: spec`));
    },
    ...taken.map(([field, value, key]) => () => {
      if (value === undefined || value === null) return;
      if (typeof value !== 'string') throw usageError(`${where}: "${field}" must be a text`);
      config[key] = value;
    }),
    () => {
      const inConfig = isPlainMap(spec.config) ? spec.config['connector.class'] : undefined;
      if ((spec.class ?? inConfig ?? null) === null)
        throw usageError(`${where}: "spec.class" is missing: it names the connector's class`);
    },
    () => {
      if (given !== null) found.state = stateOf(given, '"spec.state"', where);
    },
  );
  return {
    name: found.name,
    config: { ...config, name: found.name },
    state: found.state,
    initialState: null,
    from: where,
  };
}
