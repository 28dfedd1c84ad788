import { Duration, Names, Stack } from 'aws-cdk-lib';
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction, Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { FilterPattern, MetricFilter } from 'aws-cdk-lib/aws-logs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Construct } from 'constructs';
import { runDeathsMetric } from '../src/telemetry/events.ts';
import type { FunctionName } from './bundle.ts';

export interface AlarmSettings {
  readonly functions: Readonly<Record<Exclude<FunctionName, 'feed' | 'connectors' | 'java-task'>, LambdaFunction>> &
    Readonly<Partial<Record<'java-task', LambdaFunction>>>;
  readonly failures: IQueue;
  /** Of runs that wait for a runner; undefined: there is none. */
  readonly runs?: IQueue | undefined;
  /** Of the metrics in the functions' logs. */
  readonly metricNamespace: string;
  readonly topic?: ITopic | undefined;
  readonly dashboard: boolean;
  /** Namespace of Drover's own metrics; undefined: none that a graph could show. */
  readonly metrics?: string | undefined;
}

const period = Duration.minutes(5);

/** One line of the function's log for every task or connector that has come to stand at FAILED; one metric for all of them. */
export function countFailedRuns(scope: Construct, id: string, fn: LambdaFunction): MetricFilter {
  return new MetricFilter(scope, id, {
    logGroup: fn.logGroup,
    filterPattern: FilterPattern.all(
      FilterPattern.stringValue('$.event', '=', 'run.failed'),
      FilterPattern.booleanValue('$.retriable', false),
    ),
    metricNamespace: `Drover/${Names.uniqueResourceName(scope, { maxLength: 200, separator: '-' })}`,
    metricName: 'failed-runs',
    metricValue: '1',
  });
}

/** What somebody should look at, each with the reason in its description, and one page that shows the whole. */
export function createAlarms(
  scope: Construct,
  settings: AlarmSettings,
): {
  alarms: Alarm[];
  dashboard: Dashboard | undefined;
} {
  const { functions, failures, metricNamespace } = settings;
  const alarms: Alarm[] = [];
  const alarm = (id: string, description: string, metric: IMetric, threshold: number, evaluationPeriods = 1) => {
    const created = new Alarm(scope, id, {
      alarmDescription: description,
      metric,
      threshold,
      evaluationPeriods,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    if (settings.topic !== undefined) {
      created.addAlarmAction(new SnsAction(settings.topic));
      created.addOkAction(new SnsAction(settings.topic));
    }
    alarms.push(created);
  };
  const sum = { period, statistic: 'Sum' };

  alarm('RestErrors', 'The REST API fails: see the log of the rest function', functions.rest.metricErrors(sum), 1);
  alarm(
    'CoordinatorErrors',
    'Nothing or little is dispatched: see the log of the coordinator',
    functions.coordinator.metricErrors(sum),
    3,
  );
  alarm(
    'TaskErrors',
    'Runs end without releasing their lease (out of memory, killed at the timeout, table unreachable): ' +
      'each is taken over when its lease expires; or plugins had to be cut, which ends their environment; ' +
      'see the log of the task function',
    functions.task.metricErrors(sum),
    5,
  );
  const failed = countFailedRuns(scope, 'FailedRuns', functions.task);
  alarm(
    'TaskFailed',
    'A task has FAILED and stays so until it is restarted: GET /connectors?expand=status shows which, with its trace',
    failed.metric(sum),
    1,
  );
  alarm(
    'RunDeaths',
    'The same task, or connector, has ended without a word twice or more in a row: killed at its deadline or out of ' +
      'memory. The event run.died in the log of the task function names it and the log of its last run; without ' +
      'progress it is FAILED after drover.deaths.max times',
    runDeaths(metricNamespace),
    2,
  );
  alarm(
    'TaskThrottles',
    'More is due than may run at a time, it waits: raise limits.runsInFlight, or the quota of the account',
    functions.task.metricThrottles(sum),
    20,
    3,
  );
  alarm(
    'MirrorErrors',
    'The mirror topics fall behind the table (Kafka unreachable, or not authorised): see the log of the mirror function',
    functions.mirror.metricErrors(sum),
    3,
  );
  alarm(
    'MirrorAge',
    'The mirror topics are more than ten minutes behind the table',
    functions.mirror.metric('IteratorAge', { period, statistic: 'Maximum' }),
    600_000,
  );
  alarm(
    'FailedEvents',
    'Wake-ups or changes for the mirror that no function could take lie in the queue of failures: read them, then purge it',
    failures.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Maximum' }),
    1,
  );
  if (settings.runs !== undefined) {
    alarm(
      'RunnerAway',
      'Runs lie in the queue of the runner and nobody takes them: it is not there (the events of its service say why, or ' +
        'the log of the runner), or all its places are taken (runner.full in that log): raise runner.count or runner.tasks',
      // A message lives for a minute and a task sends one each minute: some of the looks may fall between two.
      settings.runs.metricApproximateNumberOfMessagesVisible({ period, statistic: 'Average' }),
      0.5,
      2,
    );
  }

  return { alarms, dashboard: settings.dashboard ? createDashboard(scope, settings) : undefined };
}

/** Of whichever task or connector has most. */
function runDeaths(namespace: string, label?: string): Metric {
  const shown = label === undefined ? {} : { label };
  return new Metric({ namespace, metricName: runDeathsMetric, period, statistic: 'Maximum', ...shown });
}

function createDashboard(scope: Construct, { functions, metrics, metricNamespace }: AlarmSettings): Dashboard {
  const sum = { period, statistic: 'Sum' };
  const dashboard = new Dashboard(scope, 'Dashboard', { defaultInterval: Duration.hours(3) });
  const each = (metric: (fn: IFunction, label: string) => IMetric) =>
    Object.entries(functions).map(([name, fn]) => metric(fn, name));
  const region = Stack.of(scope).region;
  const graph = (title: string, left: IMetric[]) => new GraphWidget({ title, left, width: 8, region });
  dashboard.addWidgets(
    graph(
      'Invocations',
      each((fn, label) => fn.metricInvocations({ label, ...sum })),
    ),
    graph(
      'Errors',
      each((fn, label) => fn.metricErrors({ label, ...sum })),
    ),
    graph(
      'Throttles',
      each((fn, label) => fn.metricThrottles({ label, ...sum })),
    ),
    graph(
      'Duration, p95',
      each((fn, label) => fn.metricDuration({ label, period, statistic: 'p95' })),
    ),
    graph('Runs in flight', [
      functions.task.metric('ConcurrentExecutions', {
        period: Duration.minutes(1),
        statistic: 'Maximum',
        label: 'task',
      }),
    ]),
    graph('Runs that ended without a word', [runDeaths(metricNamespace, 'in a row')]),
    graph('Age of what the stream brings', [
      functions.coordinator.metric('IteratorAge', { period, statistic: 'Maximum', label: 'coordinator' }),
      functions.mirror.metric('IteratorAge', { period, statistic: 'Maximum', label: 'mirror' }),
    ]),
  );
  if (metrics !== undefined) {
    const own = (metricName: string, label: string) => new Metric({ namespace: metrics, metricName, label, ...sum });
    dashboard.addWidgets(
      graph('Records', [own('record-total', 'moved')]),
      graph('Bytes', [own('byte-total', 'moved')]),
      graph('Records that failed', [
        own('total-records-skipped', 'skipped'),
        own('deadletterqueue-produce-requests', 'dead letters'),
        own('total-retries', 'retries'),
      ]),
    );
  }
  return dashboard;
}
