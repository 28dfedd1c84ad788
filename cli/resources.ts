import { usageError } from './faults.ts';

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

export interface Target {
  readonly kind: ResourceKind;
  readonly names: readonly string[];
}

/**
 * `connector orders`, `connector/orders`, `orders invoices`, `connectors`: the first word may say the kind. What is no
 * kind that the command knows is a name.
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
    const shown = verb === 'get' ? '' : `; drover get ${[first, ...others].join(' ')} shows`;
    throw usageError(`drover ${verb} knows no ${first}: it is for ${kinds.join(', ')}${shown}`);
  }
  const parts = args.map(split);
  const [kind] = parts.flatMap(([found]) => found ?? []);
  if (parts.some(([found]) => found !== null && found !== kind)) throw usageError('Name things of one kind at a time');
  return { kind: kind ?? kinds[0]!, names: parts.map(([, name]) => name) };
}

/** `orders/0`, or a name and a number. */
export function parseTask(names: readonly string[]): { readonly connector: string; readonly task: number } {
  const [first = '', second, ...more] = names;
  const match =
    second === undefined ? /^(.+)\/(\d+)$/s.exec(first) : /^\d+$/.test(second) ? [first, first, second] : null;
  if (match === null || more.length > 0) throw usageError('A task is named by its connector and its number: orders/0');
  return { connector: match[1]!, task: Number(match[2]) };
}
