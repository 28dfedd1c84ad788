import { ConnectError, NotFoundError } from '../errors.ts';
import type { ConnectorItem, TaskItem } from '../storage/items.ts';
import type { HerderDeps } from './herder-deps.ts';
import type { NamePage } from './name-page.ts';

/** How Java words a missing connector, which differs from verb to verb. */
export const notFound = (name: string) => new NotFoundError('connector.not_found', `Connector ${name} not found`);
export const unknown = (name: string) => new NotFoundError('connector.not_found', `Unknown connector ${name}`);
export const unknownToRestart = (name: string) =>
  new NotFoundError('connector.not_found', `Unknown connector: ${name}`);
export const noStatus = (name: string) =>
  new NotFoundError('connector.no_status', `No status found for connector ${name}`);

/** No such connector, or none that could ever be: its name does not fit into a key. */
export function isMissing(error: unknown): boolean {
  return error instanceof NotFoundError || (error instanceof ConnectError && error.code === 'storage.key_too_long');
}

export async function connectorAndTasks(
  deps: HerderDeps,
  name: string,
  missing: (name: string) => NotFoundError = notFound,
): Promise<{ connector: ConnectorItem; tasks: TaskItem[] }> {
  const found = await deps.configs.getConnectorAndTasks(name).catch((error) => {
    if (isMissing(error)) return undefined;
    throw error;
  });
  if (found === undefined) throw missing(name);
  return { connector: found.connector, tasks: ownTasks(found.connector, found.tasks) };
}

/** A connector created anew may find tasks of its deleted namesake, which its first run clears up: they are not its own. */
function ownTasks(connector: ConnectorItem, tasks: TaskItem[]): TaskItem[] {
  return connector.appliedVersion === 0 ? [] : tasks;
}

/** Names in the order of their keys, and the one to go on behind; null: these are the last. */
export async function connectorNames(
  deps: HerderDeps,
  { after, limit }: NamePage = {},
): Promise<{ names: string[]; next: string | null }> {
  const names: string[] = [];
  let next = after ?? null;
  do {
    const left = limit === undefined ? undefined : limit - names.length;
    const page: { items: readonly string[]; next: string | null } = await deps.configs.listConnectorNames(next, left);
    names.push(...page.items);
    next = page.next;
  } while (next !== null && names.length < (limit ?? Number.POSITIVE_INFINITY));
  return { names, next };
}

/** So many connectors are read together where an answer needs them all. */
const readTogether = 500;

/** One value per connector, in the order of their names; those that are deleted meanwhile are left out. */
export async function ofEachConnector<T>(
  deps: HerderDeps,
  read: (connector: ConnectorItem, tasks: TaskItem[]) => T,
  page?: NamePage,
): Promise<{ values: T[]; next: string | null }> {
  const { names, next } = await connectorNames(deps, page);
  const values: T[] = [];
  for (let start = 0; start < names.length; start += readTogether) {
    const part = names.slice(start, start + readTogether);
    const found = await deps.configs.getConnectorsAndTasks(part);
    for (const name of part) {
      const { connector, tasks } = found.get(name) ?? {};
      if (connector !== undefined && tasks !== undefined) values.push(read(connector, ownTasks(connector, tasks)));
    }
  }
  return { values, next };
}
