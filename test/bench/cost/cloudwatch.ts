import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Drover } from '../../../cdk/index.ts';
import { systemClock } from '../../../src/clock.ts';
import type { EventName, Events } from '../../../src/telemetry/events.ts';
import { createTelemetry, type MetricsOf } from '../../../src/telemetry/telemetry.ts';

/** What CloudWatch gets to bill, counted on what is deployed and on what telemetry writes, not by hand. */
export interface CloudWatch {
  /** Alarms and dashboards of the synthesised stack. */
  readonly alarms: number;
  readonly dashboards: number;
  /** What one run writes, with CloudWatch's 26 bytes for each line, and which metrics (name and dimensions) it publishes. */
  readonly idleRun: Written;
  readonly busySourceRun: Written;
  /** One event of a feed. */
  readonly feedEvent: Written;
}

export interface Written {
  readonly logBytes: number;
  readonly metrics: number;
}

const bytesOfAnEvent = 26;

export function countCloudWatch(metrics: MetricsOf, commitsPerRun: number): CloudWatch {
  const app = new App({ context: { 'aws:cdk:bundling-stacks': [] } });
  const stack = new Stack(app, 'Cost', { env: { account: '111122223333', region: 'us-east-1' } });
  new Drover(stack, 'Drover', { bootstrapServers: ['b-1.orders.example:9092'], security: { type: 'plaintext' } });
  const template = Template.fromStack(stack);
  const count = (type: string) => Object.keys(template.findResources(type)).length;
  return {
    alarms: count('AWS::CloudWatch::Alarm'),
    dashboards: count('AWS::CloudWatch::Dashboard'),
    idleRun: written(metrics, [...idleRun]),
    busySourceRun: written(metrics, busySourceRun(commitsPerRun)),
    feedEvent: written(metrics, [['run.ended', { ...run, durationMs: 12, records: 10, bytes: 1200 }]]),
  };
}

type Emitted = { [K in EventName]: readonly [K, Events[K]] }[EventName];

const about = { connector: 'orders-to-warehouse', task: 0 };
const steps = { acquired: 5, loaded: 9, started: 12, polled: 14, committed: 20 };
const run = { ...about, commits: 0, emptyRuns: 0, nextDueAt: 1, steps };

const idleRun: readonly Emitted[] = [
  ['run.started', { ...about, fencingToken: 1, takeover: false }],
  ['run.ended', { ...run, durationMs: 33, records: 0, bytes: 0 }],
];

function busySourceRun(commits: number): Emitted[] {
  return [
    ['run.started', { ...about, fencingToken: 1, takeover: false }],
    ...Array.from(
      { length: commits },
      (): Emitted => ['source.committed', { ...about, records: 700_000, sourcePartitions: 1, durationMs: 12 }],
    ),
    ['run.ended', { ...run, commits, durationMs: 60_000, records: 42_000_000, bytes: 2_940_000_000 }],
  ];
}

function written(metrics: MetricsOf, events: readonly Emitted[]): Written {
  const lines: string[] = [];
  const context = { function: 'Drover-ConnectTaskFunction0A1B2C3D-0a1b2c3d4e5f' };
  const telemetry = createTelemetry({ clock: systemClock, write: (line) => lines.push(line), metrics, context });
  for (const [event, facts] of events) telemetry.emit(event, facts as never);
  const published = new Set<string>();
  for (const line of lines) {
    const { _aws, connector } = JSON.parse(line) as { _aws?: EmbeddedMetrics; connector: string };
    for (const { Dimensions, Metrics } of _aws?.CloudWatchMetrics ?? []) {
      for (const dimensions of Dimensions) {
        for (const { Name } of Metrics) published.add(`${Name} ${dimensions.map((name) => `${name}=${connector}`)}`);
      }
    }
  }
  return {
    logBytes: lines.reduce((sum, line) => sum + Buffer.byteLength(line) + bytesOfAnEvent, 0),
    metrics: published.size,
  };
}

interface EmbeddedMetrics {
  readonly CloudWatchMetrics: readonly {
    readonly Dimensions: readonly (readonly string[])[];
    readonly Metrics: readonly { readonly Name: string }[];
  }[];
}
