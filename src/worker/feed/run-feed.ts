import type { SourceConnector } from '../../api/connector.ts';
import type { FedItem, FedOutcome, SourceFeed } from '../../api/feed.ts';
import { ConnectError } from '../../errors.ts';
import type { FedOffset } from '../../storage/feed-store.ts';
import { canonicalPartition, sourceOffsetEntry } from '../../storage/source-offset-text.ts';
import type { PluginRun } from '../run/plugin-run.ts';
import { offsetReader } from '../source/offset-reader.ts';
import { openPipeline } from '../source/source-pipeline.ts';
import { FedItems } from './fed-items.ts';

/** What became of one event. */
export interface FedEvent {
  /** What its source is told, or why it is to bring the event again. */
  readonly answer: { readonly value: unknown } | { readonly error: unknown };
  /** The connector is to fail with it. */
  readonly failure: Error | null;
  /** Nothing of it could be delivered now, for a reason that will pass. */
  readonly trouble: Error | null;
}

/**
 * The story of a record that is fed: event → items → transform → convert → produce → acknowledge → answer. Between the
 * items and the answer it is the polled one's. There is no lease and no linger: the event source brings an item to one
 * invocation at a time, and again until it is told that the item is done.
 */
export async function runFeed(run: PluginRun, connector: SourceConnector, event: unknown): Promise<FedEvent> {
  const { conversion, errors, topics, kafka, producerOverrides, closers } = await openPipeline(run);
  let failed = true;
  try {
    const feed = feedOf(run, connector);
    const producer = await kafka.producer(producerOverrides);
    closers.push(() => producer.close());
    closers.push(() => run.bounds.guard('stop', feed.stop()));
    const read = new Map<string, string | null>();
    await startFeed(run, feed, read);
    run.report.step('started');
    const items = await run.bounds.guard('items', feed.items(event));
    run.report.step('polled');
    const outcomes = await new FedItems(run, items, feed, { conversion, errors, producer }).deliver();
    run.bounds.throwIfBroken();
    run.report.lag = feed.lag?.(outcomes) ?? null;
    if (feed.keepsOffsets === true) await commitOffsets(run, items, outcomes, read);
    await run.report.activeTopics(topics.topics);
    const refused = outcomes.find((outcome) => outcome.state === 'refused');
    const fails = refused !== undefined && (feed.onRefused ?? 'fail') === 'fail';
    const answer = await answerOf(run, feed, event, outcomes);
    failed = false;
    return { answer, failure: fails ? refused.error : null, trouble: troubleOf(outcomes) };
  } finally {
    await closers.close(failed);
  }
}

/** Why each item is to come again; null: one need not. */
function troubleOf(outcomes: readonly FedOutcome[]): Error | null {
  const returned = outcomes.filter((outcome) => outcome.state === 'returned');
  return returned.length === outcomes.length ? (returned[0]?.error ?? null) : null;
}

export function feedOf(run: PluginRun, connector: SourceConnector): SourceFeed {
  const feed = connector.createFeed?.();
  if (feed !== undefined) return feed;
  throw new ConnectError('feed.impossible', `${run.config['connector.class']} cannot be fed by events`);
}

/** `read` collects the texts of the offsets that the feed looks at. */
export async function startFeed(run: PluginRun, feed: SourceFeed, read: Map<string, string | null>): Promise<void> {
  const { connector, signal, deadlineAt, warn } = run.taskContext();
  const offsetStorageReader = offsetReader(run.host.stores, run.about.connector, (key, offset) =>
    read.set(key, offset),
  );
  await run.bounds.guard('start', feed.start(run.config, { connector, signal, deadlineAt, warn, offsetStorageReader }));
}

async function answerOf(
  run: PluginRun,
  feed: SourceFeed,
  event: unknown,
  outcomes: readonly FedOutcome[],
): Promise<FedEvent['answer']> {
  try {
    return { value: await run.bounds.guard('answer', feed.answer(event, outcomes)) };
  } catch (error) {
    return { error };
  }
}

/** Of each source partition, the last offset with everything before it done. */
async function commitOffsets(
  run: PluginRun,
  items: readonly FedItem[],
  outcomes: readonly FedOutcome[],
  read: ReadonlyMap<string, string | null>,
): Promise<void> {
  const newest = new Map<string, FedOffset>();
  const blocked = new Set<string>();
  for (const [place, { records }] of items.entries()) {
    for (const { sourcePartition, sourceOffset } of records) {
      const key = canonicalPartition(sourcePartition);
      if (outcomes[place]!.state !== 'done') blocked.add(key);
      else if (!blocked.has(key)) {
        newest.set(key, { entry: sourceOffsetEntry(sourcePartition, sourceOffset), before: read.get(key) ?? null });
      }
    }
  }
  if (newest.size === 0) return;
  const { connector } = run.about;
  const committed = await run.host.stores.feeds.commitOffsets(connector, [...newest.values()]);
  if (!committed) run.report.emit('feed.overtaken', { sourcePartitions: newest.size });
  run.report.commits++;
  run.report.step('committed');
}
