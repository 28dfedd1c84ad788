import { RunBounds } from './run-bounds.ts';
import type { RunHost } from './run-host.ts';
import { type GivenFacts, TaskFacts } from './task-facts.ts';
import { TaskReport } from './task-report.ts';

/** Plugins at work on a task, as the steps of their work see it: the facts, until when they may go on, what they have done. */
export class PluginRun extends TaskFacts {
  readonly bounds: RunBounds;
  readonly report: TaskReport;

  constructor(host: RunHost, given: GivenFacts) {
    super(host, given);
    this.report = new TaskReport(this);
    const onCut = (step: string) => this.report.emit('run.cut', { step });
    this.bounds = new RunBounds(host.clock, this.about, this.deadlines, this.limits.maxMs, onCut);
  }

  /** What source and sink tasks are told alike. */
  taskContext() {
    return {
      ...this.about,
      signal: this.bounds.ending,
      deadlineAt: this.deadlines.endsAt,
      warn: (message: string) => this.report.emit('plugin.log', { message }),
    };
  }
}
