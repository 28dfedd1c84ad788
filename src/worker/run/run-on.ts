import type { Clock } from '../../clock.ts';
import type { RunRequest } from '../../invocation/run-request.ts';
import type { RunBudget, RunReport, Worker } from './run-report.ts';

/**
 * Runs what was asked for and then, in the same invocation, what that has made due: the first task of a new connector
 * need not wait for the table's stream, the coordinator and another invocation. It is due a moment later, so that it is not
 * lost with this process; the lease lets one of the two run it (I1).
 */
export async function runOn(worker: Worker, clock: Clock, request: RunRequest, budget: RunBudget): Promise<RunReport> {
  const left = () => budget.deadlineAt - clock.now();
  const given = left();
  const report = await worker.run(request, { ...budget, goesOn: true });
  // With little time left, the run that is dispatched has more of it.
  if (report.next === null || report.tainted || left() < given / 2) return report;
  const followed = await worker.run(report.next, { ...budget, isLeftToIt: true });
  return followed.ran ? followed : report;
}
