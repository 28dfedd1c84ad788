import { fork } from 'node:child_process';
import { hostname } from 'node:os';
import { takeOver } from '../src/herder/take-over.ts';
import type { InvokedRun } from '../src/invocation/run-request.ts';
import { askedRun, RunnerQueue } from '../src/invocation/runner-queue.ts';
import { Runner, type RunProcess } from '../src/worker/runner/runner.ts';
import { clock, environment, stores, telemetry } from './function-context.ts';

/*
 * The runner: a program and not a function, for a container or any machine. With a run as its argument it is that run and
 * nothing else; without, it hears of runs and starts itself once more for each.
 */

const [, program, run] = process.argv;
const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort());

if (run === undefined) await listen(environment['drover.runner.queue']);
else await runOne(run);
process.exit();

async function listen(queueUrl: string | null): Promise<void> {
  if (queueUrl === null) throw new Error('DROVER_RUNNER_QUEUE is missing: it is the URL of the queue of runs');
  const queue = new RunnerQueue({ queueUrl });
  const limits = { runsInFlight: environment['drover.runs.in.flight.max'], concurrency: 50 };
  const herder = { invoker: queue, clock, random: Math.random, telemetry, limits };
  const runner = new Runner({
    queue,
    configs: stores.config,
    start: startProcess,
    takeOver: (died) =>
      takeOver({ ...herder, configs: stores.config, leases: stores.leases }, [died], clock.now() + 60_000),
    mostTasks: environment['drover.runner.tasks.max'],
    clock,
    telemetry,
  });
  await runner.run(stopping.signal);
}

function startProcess(asked: InvokedRun): RunProcess {
  const child = fork(program!, [JSON.stringify({ ...asked.request, invocation: asked.invocation })]);
  const ended = new Promise<boolean>((resolve) => {
    child.once('exit', (code) => resolve(code === 0));
    child.once('error', () => resolve(false));
  });
  return { ended, stop: () => child.kill('SIGTERM') };
}

async function runOne(text: string): Promise<void> {
  // Whoever has started it is gone: what holds a lease lets go of it.
  process.on('disconnect', () => stopping.abort());
  const [asked] = askedRun(JSON.parse(text));
  if (asked === undefined) throw new Error(`This is no run: ${text}`);
  const { worker } = await import('./worker.ts');
  const leaseMs = environment['drover.runner.lease.ms'];
  await worker.run(asked.request, {
    deadlineAt: clock.now() + leaseMs,
    workerId: `runner:${hostname()}:${asked.invocation}`,
    invocation: asked.invocation,
    signal: stopping.signal,
    renewal: { leaseMs, everyMs: leaseMs / 6 },
  });
}
