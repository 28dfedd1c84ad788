import type { SourceConnector } from '../../api/connector.ts';
import { isRetriable } from '../../errors.ts';
import { feedSetting } from '../../storage/feed-store.ts';
import type { TaskItem } from '../../storage/items.ts';
import type { TaskRun } from '../run/task-run.ts';
import { openPipeline } from '../source/source-pipeline.ts';
import { feedOf, startFeed } from './run-feed.ts';

/** The key of the event source that the task stands for; null: it polls. */
export const feedOfTask = ({ config }: Pick<TaskItem, 'config'>): string | null => config[feedSetting] ?? null;

/**
 * The run of a task that stands for a feed: once, when it starts. All that an event will need is opened, so that what
 * cannot work is told now; then its event source may bring events, and the task is due no more.
 */
export async function standForFeed(run: TaskRun, connector: SourceConnector): Promise<void> {
  const key = feedOfTask(run.item)!;
  const { feeds } = run.host.stores;
  try {
    const { closers } = await openPipeline(run);
    let failed = true;
    try {
      const feed = feedOf(run, connector);
      closers.push(() => run.bounds.guard('stop', feed.stop()));
      await startFeed(run, feed, new Map());
      run.bounds.throwIfBroken();
      failed = false;
    } finally {
      await closers.close(failed);
    }
    await run.reportRunning();
    await feeds.setOpen(run.lease, key, true);
  } catch (error) {
    if (!isRetriable(error)) await feeds.setOpen(run.lease, key, false).catch(() => {});
    throw error;
  }
  run.bounds.end('drained');
}
