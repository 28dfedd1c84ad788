import type { SourceConnector } from '../../api/connector.ts';
import type { SourceTask, TransactionContext } from '../../api/task.ts';
import type { ErrorTolerance } from '../record/error-tolerance.ts';
import type { TaskRun } from '../run/task-run.ts';
import { exactlyOnce } from './exactly-once.ts';
import { offsetReader } from './offset-reader.ts';
import type { SourceConversion } from './source-conversion.ts';
import { PlainDelivery, type SourceDelivery } from './source-delivery.ts';
import { openPipeline } from './source-pipeline.ts';
import { createTransactionalDelivery } from './transactional-start.ts';

export interface StartedSource {
  readonly task: SourceTask;
  readonly conversion: SourceConversion;
  readonly delivery: SourceDelivery;
  readonly errors: ErrorTolerance;
  /** Stops the task and lets go of what it used. After a failure, what goes wrong here is not told. */
  close(quietly: boolean): Promise<void>;
}

/** Puts the parts of a source run together, starts the task, and marks it RUNNING. */
export async function startSource(run: TaskRun, connector: SourceConnector): Promise<StartedSource> {
  const { kafka, producerOverrides, conversion, topics, errors, closers } = await openPipeline(run);
  const close = (quietly: boolean) => closers.close(quietly);
  try {
    const task = connector.createTask();
    const transactions = exactlyOnce(run.config);
    const delivery =
      transactions === null
        ? new PlainDelivery(run, task, topics, await kafka.producer(producerOverrides), errors)
        : await createTransactionalDelivery(run, task, topics, transactions, kafka, producerOverrides, errors);
    closers.push(() => delivery.close());

    closers.push(() => run.bounds.guard('stop', task.stop()));
    await run.bounds.guard(
      'start',
      task.start(run.taskConfig, {
        ...run.taskContext(),
        // Exactly once, the offsets topic may hold what the table has not.
        offsetStorageReader: offsetReader(
          run.host.stores,
          run.about.connector,
          () => {},
          transactions === null ? run.knownOffsets : null,
        ),
        ...transactionContextOf(delivery),
      }),
    );
    await run.reportRunning();
    run.report.step('started');
    return { task, conversion, delivery, errors, close };
  } catch (error) {
    await close(true);
    throw error;
  }
}

function transactionContextOf(delivery: SourceDelivery): { transactionContext?: TransactionContext } {
  return delivery.boundaries === null ? {} : { transactionContext: delivery.boundaries };
}
