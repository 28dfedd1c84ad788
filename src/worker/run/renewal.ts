import { FencedError } from '../../errors.ts';
import { isTopicCheckDue, wakeIfTopicsChanged } from '../sink/topic-changes.ts';
import { deadlinesOf } from './lease.ts';
import type { Renewal } from './run-report.ts';
import type { TaskRun } from './task-run.ts';

/** What a run that was ended has for finishing, before its lease is no longer renewed and what still waits is cut. */
const finishMs = 60_000;
const progressEveryMs = 60_000;

/**
 * Renews the lease of a run until it is stopped, and hears by that of a change of config or target state when nothing is
 * committed (L1). A table that does not answer moves nothing: the run then ends before its lease does (I1). `signal`: the
 * process is to end, and the run has what is left of its lease.
 */
export function keepRenewing(run: TaskRun, renewal: Renewal, signal: AbortSignal | undefined): { stop(): void } {
  const { clock, stores } = run.host;
  const stopped = new AbortController();
  const over = signal === undefined ? stopped.signal : AbortSignal.any([signal, stopped.signal]);
  let finishAt: number | null = null;
  let progressAt = clock.now() + progressEveryMs;
  let lookedAt = clock.now();
  const renew = async () => {
    const now = clock.now();
    if (run.bounds.ended) finishAt ??= now + finishMs;
    if (finishAt !== null && now >= finishAt) return;
    const deadlines = deadlinesOf(run.host, { deadlineAt: now + renewal.leaseMs });
    const { revoked } = await stores.leases.renew(run.lease, deadlines.expiresAt);
    run.bounds.move(deadlines);
    if (revoked) run.bounds.end('revoked');
  };
  const tell = async () => {
    const now = clock.now();
    if (now >= progressAt) {
      run.report.tellProgress();
      progressAt = now + progressEveryMs;
    }
    const { connector, task } = run.about;
    if (run.item.type !== 'sink' || task !== 0 || !isTopicCheckDue(connector, lookedAt, now)) return;
    lookedAt = now + 60_000;
    await wakeIfTopicsChanged(run.host, (await run.host.kafka()).admin, connector);
  };
  const keep = async () => {
    for (;;) {
      await clock.sleep(renewal.everyMs, over);
      await renew().catch((error: unknown) => {
        if (error instanceof FencedError) run.bounds.break(error);
      });
      await tell().catch(() => {});
    }
  };
  keep().catch(() => {});
  return { stop: () => stopped.abort() };
}
