import type { SourceOffset } from '../../api/record.ts';
import { ConnectError } from '../../errors.ts';
import { offsetText } from '../../storage/source-offset-text.ts';
import type { TaskRun } from '../run/task-run.ts';

/**
 * A first copy of a database that its run has no time for begins anew with the next run, and never ends: that is told
 * once, in place of copying for ever. `last`: the offset of the last record.
 */
export function requireWholeSnapshot({ about, bounds, limits }: TaskRun, last: SourceOffset | null): void {
  if (limits.stays || !bounds.timeIsUp || !isInSnapshot(last)) return;
  throw new ConnectError(
    'source.snapshot_cut',
    `The snapshot of ${about.connector}-${about.task} was cut by the end of its run, and would begin anew with the next ` +
      'one: let it run on the runner (drover.runner=always; the Drover construct makes one with `runner: {}`), or give its ' +
      'runs more time (drover.run.max.ms, within limits.runTimeout), then restart the task. What the snapshot has brought ' +
      'so far comes again',
  );
}

type Fields = Readonly<Record<string, unknown>>;

/** As Debezium's connectors mark the offsets of their snapshots, until the one that ends it. Null: there is no record yet. */
export function isInSnapshot(offset: SourceOffset | null): boolean {
  if (offset === null) return false;
  const {
    snapshot,
    last_snapshot_record: isLast,
    snapshot_completed: isCompleted,
  } = JSON.parse(offsetText(offset)) as Fields;
  return Boolean(snapshot) && snapshot !== 'false' && isLast !== true && isCompleted !== true;
}
