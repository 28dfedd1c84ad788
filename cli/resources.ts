import { usageError } from './faults.ts';
import { shellWord } from './shell-words.ts';

/** What commands are about, with the words that people have for it from kcctl and kubectl. */
const words = {
  connectors: ['connectors', 'connector', 'conn', 'cn', 'c', 'kafkaconnectors', 'kafkaconnector', 'kctr'],
  tasks: ['tasks', 'task', 't'],
  plugins: ['plugins', 'plugin', 'p', 'connector-plugins', 'connector-plugin'],
  offsets: ['offsets', 'offset', 'o'],
  topics: ['topics', 'topic'],
  loggers: ['loggers', 'logger'],
  feeds: ['feeds', 'feed', 'event-sources', 'event-source'],
} as const;

export type ResourceKind = keyof typeof words;
export const resourceKinds = Object.keys(words) as ResourceKind[];

export function kindOf(word: string): ResourceKind | null {
  const lower = word.toLowerCase();
  return resourceKinds.find((kind) => (words[kind] as readonly string[]).includes(lower)) ?? null;
}

/** A connector's name in a command that is shown: with its kind where it would be taken for an option or for a kind. */
export const connectorWord = (name: string): string =>
  shellWord(name.startsWith('-') || kindOf(name) !== null ? `connector/${name}` : name);

/** `tasks orders`, of a command that is shown. */
export const tasksOf = (connector: string): string =>
  `tasks ${shellWord(connector.startsWith('-') ? `tasks/${connector}` : connector)}`;

export interface Target {
  readonly kind: ResourceKind;
  readonly names: readonly string[];
}

/**
 * `connector orders`, `connector/orders`, `orders invoices`, `connectors`: the first word may say the kind. What is no
 * kind that the command knows is a name; `orders/0` is one of a task.
 */
export function parseTarget(args: readonly string[], kinds: readonly ResourceKind[], verb: string): Target {
  const [first, ...others] = args;
  if (first === undefined) return { kind: kinds[0]!, names: [] };
  const known = (word: string) => {
    const kind = kindOf(word);
    return kind !== null && kinds.includes(kind) ? kind : null;
  };
  const whole = known(first);
  // `connector/orders`, for each of them.
  const split = (word: string): [ResourceKind | null, string] => {
    const slash = word.indexOf('/');
    const kind = slash > 0 ? known(word.slice(0, slash)) : null;
    return kind === null ? [null, word] : [kind, word.slice(slash + 1)];
  };
  if (whole !== null) {
    const names = others.map((word) => (split(word)[0] === whole ? split(word)[1] : word));
    return { kind: whole, names };
  }
  const unknown = kindOf(first);
  if (unknown !== null && others.length > 0) {
    const shown = verb === 'get' ? '' : `; drover get ${args.map(shellWord).join(' ')} shows`;
    throw usageError(`drover ${verb} knows no ${first}: it is for ${kinds.join(', ')}${shown}`);
  }
  // No connector has a slash in its name.
  const parts = args.map((word) => {
    const part = split(word);
    return part[0] === null && taskName.test(word) ? (['tasks', word] as const) : part;
  });
  const [kind] = parts.flatMap(([found]) => found ?? []);
  if (parts.some(([found]) => found !== null && found !== kind)) throw usageError('Name things of one kind at a time');
  if (kind === 'tasks' && !kinds.includes(kind)) {
    const connector = first.split('/')[0]!;
    throw usageError(
      `${first} is a task, and drover ${verb} is for ${kinds.join(', ')}: drover ${verb} ${connectorWord(connector)}; ` +
        `drover get ${tasksOf(connector)} shows its tasks`,
    );
  }
  if (kind === 'tasks' && parts.some(([found]) => found === null)) {
    throw usageError('Name things of one kind at a time');
  }
  return { kind: kind ?? kinds[0]!, names: parts.map(([, name]) => name) };
}

const taskName = /^([^/]+)\/(\d+)$/s;

export interface TaskName {
  readonly connector: string;
  readonly task: number;
}

/** `orders/0`. */
export function readTask(name: string): TaskName | null {
  const match = taskName.exec(name);
  return match === null ? null : { connector: match[1]!, task: Number(match[2]) };
}

/** Each `orders/0`, or one as a name and a number. */
export function parseTasks(names: readonly string[]): TaskName[] {
  const [first, second, ...more] = names;
  const isOne = second !== undefined && more.length === 0 && /^\d+$/.test(second);
  return (isOne ? [`${first}/${second}`] : names).map((name) => {
    const task = readTask(name);
    if (task === null) throw usageError(`"${name}" is no task: one is named by its connector and its number, orders/0`);
    return task;
  });
}
