import { RetriableError } from '../../errors.ts';
import { lastDeathOf } from '../../storage/deaths.ts';
import type { Closing } from '../../storage/generation-store.ts';
import type { TaskItem } from '../../storage/items.ts';
import { feedsOf } from '../feed/claim-feed.ts';
import { recoverGeneration } from '../source/transactional-start.ts';
import { type ConnectorRun, numbersOf } from './connector-run.ts';
import { tellDeath } from './run-deaths.ts';

const letGoPollMs = 100;

/**
 * Ends tasks, which is done when none of them holds a lease and what they leave behind is where the next ones look. Event
 * sources are given back, but for the one that the next ones keep. `closing`: those that first finish what they have open.
 */
export async function endTasks(
  run: ConnectorRun,
  tasks: readonly TaskItem[],
  { keptFeed = null, closing = [] }: { keptFeed?: string | null; closing?: readonly TaskItem[] } = {},
): Promise<void> {
  if (tasks.length === 0) return;
  await retire(run, await letGo(run, tasks, closing));
  for (const key of feedsOf(tasks)) if (key !== keptFeed) await run.host.stores.feeds.release(run.lease, key);
}

/** What to ask for at a revocation so that these tasks leave nothing open; sources have nothing. */
export function closingOf(run: ConnectorRun, tasks: readonly TaskItem[]): (Closing & { now: number }) | undefined {
  if (run.item.type !== 'sink' || tasks.length === 0) return undefined;
  return { version: run.item.configVersion, tasks: numbersOf(tasks), now: run.host.clock.now() };
}

/**
 * Revokes tasks and waits until none of them holds a lease (I7), and none is owed a closing run; then as they are. What is
 * known from before does not tell: a run may have begun, and have left something open, until the revocation.
 */
async function letGo(
  run: ConnectorRun,
  tasks: readonly TaskItem[],
  closing: readonly TaskItem[],
): Promise<readonly TaskItem[]> {
  const { host, item, lease, endsAt } = run;
  const { clock, stores } = host;
  const numbers = new Set(numbersOf(tasks));
  await stores.generations.revokeTasks(lease, [...numbers], undefined, closingOf(run, closing));
  host.onStep?.('tasks-revoked');
  for (let wait = letGoPollMs; ; wait = Math.min(1000, wait * 2)) {
    const seen = (await stores.config.getTasks(item.name)).filter(({ task }) => numbers.has(task));
    const left = seen.filter((task) => isHeld(task, clock.now()) || task.closingFor !== null);
    if (left.length === 0) return seen;
    if (clock.now() + wait >= endsAt) {
      throw new RetriableError(`${left.length} tasks of connector ${item.name} have not let go yet`, {
        code: 'connector.tasks_held',
      });
    }
    await clock.sleep(wait);
  }
}

const isHeld = ({ leaseOwner, leaseExpiresAt }: TaskItem, now: number) => leaseOwner !== null && leaseExpiresAt > now;

/** What ended tasks leave behind, their last commits included, is put where the next generation looks for it. */
async function retire(run: ConnectorRun, ended: readonly TaskItem[]): Promise<void> {
  const { host, item, lease } = run;
  for (const task of ended) {
    const died = task.leaseOwner === null ? null : lastDeathOf(task, host.clock.now());
    if (died !== null) tellDeath(host, { connector: item.name, task: task.task }, task, died);
  }
  for (const task of ended) if (task.type === 'sink') await host.stores.generations.foldPositions(lease, task);
  await recoverGeneration(
    host,
    item,
    lease,
    ended.filter((task) => task.type === 'source'),
  );
  host.onStep?.('tasks-retired');
}
