import { describe, expect, it } from 'vitest';
import { type EventName, type Events, metricNamespace, runDeathsMetric } from '../../src/telemetry/events.ts';
import { hideSecrets, Secrets } from '../../src/telemetry/redaction.ts';
import { createTelemetry, type TelemetryOptions } from '../../src/telemetry/telemetry.ts';
import { ManualClock } from '../support/manual-clock.ts';

function linesOf(emit: (emit: ReturnType<typeof createTelemetry>) => void, options: Partial<TelemetryOptions> = {}) {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => lines.push(JSON.parse(line));
  emit(createTelemetry({ clock: new ManualClock(Date.parse('2026-11-23T12:00:00Z')), write, ...options }));
  return lines;
}

const waiting: Events['source.waiting'] = { connector: 'c', task: 0, reason: 'no file' };
const committed: Events['source.committed'] = {
  connector: 'c',
  task: 0,
  records: 7,
  sourcePartitions: 1,
  durationMs: 3,
};

const ended: Events['run.ended'] = {
  connector: 'c',
  task: 0,
  durationMs: 20,
  records: 7,
  bytes: 490,
  emptyRuns: 0,
  commits: 1,
  nextDueAt: null,
  steps: {},
};

describe('telemetry', () => {
  it('writes one line per event, with its facts and the context of the function', () => {
    const [line, ...more] = linesOf(({ emit }) => emit('source.waiting', waiting), { context: { function: 'task' } });
    expect(more).toEqual([]);
    expect(line).toEqual({
      level: 'WARN',
      timestamp: '2026-11-23T12:00:00.000Z',
      logger: 'drover.worker.source',
      message: 'c-0 waits: no file',
      event: 'source.waiting',
      function: 'task',
      connector: 'c',
      task: 0,
      reason: 'no file',
    });
  });

  it("carries metrics under Connect's names in CloudWatch's format, whatever the log level", () => {
    const [line] = linesOf(({ emit }) => emit('run.ended', ended), { level: 'FATAL' });
    expect(line).toMatchObject({ 'record-total': 7, 'byte-total': 490 });
    expect(line!._aws).toEqual({
      Timestamp: Date.parse('2026-11-23T12:00:00Z'),
      CloudWatchMetrics: [
        {
          Namespace: 'Drover',
          Dimensions: [[]],
          Metrics: [
            { Name: 'record-total', Unit: 'Count' },
            { Name: 'byte-total', Unit: 'Bytes' },
          ],
        },
      ],
    });
  });

  it('says nothing and publishes nothing about a run that found nothing, unless asked', () => {
    const idle = { ...ended, records: 0, bytes: 0, commits: 0 };
    for (const metrics of ['none', 'installation', 'connector'] as const) {
      expect(linesOf(({ emit }) => emit('run.ended', idle), { metrics })).toEqual([]);
    }
    expect(linesOf(({ emit }) => emit('run.ended', idle), { level: 'DEBUG' })).toMatchObject([{ level: 'DEBUG' }]);
    expect(linesOf(({ emit }) => emit('run.ended', ended))).toMatchObject([{ level: 'INFO' }]);
  });

  it('publishes the sums of the installation, or of each connector too, or nothing', () => {
    const dimensionsOf = (event: 'run.ended' | 'source.committed', metrics: TelemetryOptions['metrics']) =>
      linesOf(({ emit }) => (event === 'run.ended' ? emit(event, ended) : emit(event, committed)), {
        metrics,
        level: 'FATAL',
      } as TelemetryOptions).flatMap((line) =>
        (line._aws as { CloudWatchMetrics: { Dimensions: string[][] }[] }).CloudWatchMetrics.map(
          ({ Dimensions }) => Dimensions,
        ),
      );
    expect(dimensionsOf('run.ended', undefined)).toEqual([[[]]]);
    expect(dimensionsOf('run.ended', 'installation')).toEqual([[[]]]);
    expect(dimensionsOf('run.ended', 'connector')).toEqual([[[], ['connector']]]);
    expect(dimensionsOf('run.ended', 'none')).toEqual([]);
    // A line for every commit of every task is for who looks at connectors one by one.
    expect(dimensionsOf('source.committed', 'installation')).toEqual([]);
    expect(dimensionsOf('source.committed', 'connector')).toEqual([[[], ['connector']]]);
  });

  it('publishes under names that CloudWatch takes, apart from those of another cluster', () => {
    expect(metricNamespace('orders')).toBe('Drover/orders');
    expect(metricNamespace('my orders,ü')).toBe('Drover/my_orders__');
  });

  it('of a run that died says whose it was in the line, and counts it for the whole installation', () => {
    const died = { connector: 'c', task: 0, runs: 3, fruitlessRuns: 2, workerId: 'w:1', leaseExpiredAt: 1 };
    const [line] = linesOf(({ emit }) => emit('run.died', died), { level: 'FATAL' });
    expect(line).toMatchObject({ ...died, level: 'ERROR', [runDeathsMetric]: 3 });
    expect(line!.message).toBe(
      'c-0: the last run ended without a word, 3 times in a row (2 without a commit); its log: w:1',
    );
    expect(line!._aws).toMatchObject({
      CloudWatchMetrics: [{ Namespace: 'Drover', Dimensions: [[]], Metrics: [{ Name: runDeathsMetric }] }],
    });
  });

  it.each([
    [[], 'INFO', true],
    [[], 'ERROR', false],
    [[['root', 'ERROR']], 'INFO', false],
    [[['drover.worker', 'ERROR']], 'INFO', false],
    [
      [
        ['drover.worker', 'ERROR'],
        ['drover.worker.source', 'DEBUG'],
      ],
      'INFO',
      true,
    ],
    [[['drover.worker.source', 'OFF']], 'INFO', false],
    [[['drover.worker.sink', 'OFF']], 'INFO', true],
  ] as const)('with levels %j over %s lets a warning of a source through: %s', (levels, level, heard) => {
    const lines = linesOf(
      (telemetry) => {
        telemetry.setLevels(new Map(levels.map(([name, its]) => [name, its])));
        telemetry.emit('source.waiting', waiting);
      },
      { level },
    );
    expect(lines).toHaveLength(heard ? 1 : 0);
  });

  it('never prints a resolved secret, nor what is named like one', () => {
    const secrets = new Secrets();
    secrets.add('hunter"2');
    secrets.add('abc');
    const [line] = linesOf(({ emit }) => emit('source.waiting', { ...waiting, reason: 'login hunter"2 abc' }), {
      secrets,
    });
    expect(line!.reason).toBe('login [hidden] abc');
    expect(line!.message).toBe('c-0 waits: login [hidden] abc');
    expect(
      hideSecrets({
        a: { 'sasl.jaas.config': 'x', Password: 'y', list: [{ apiKey: 'z', key: 'k' }] },
        fencingToken: 3,
      }),
    ).toEqual({
      a: { 'sasl.jaas.config': '[hidden]', Password: '[hidden]', list: [{ apiKey: '[hidden]', key: 'k' }] },
      fencingToken: 3,
    });
  });

  it('prints numbers beyond 2^53 exactly', () => {
    const facts = { ...waiting, position: 9007199254740993n } as Events[EventName & 'source.waiting'];
    expect(linesOf(({ emit }) => emit('source.waiting', facts))[0]!.position).toBe('9007199254740993');
  });
});
