import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseProperties } from '../../cli/brokers.ts';
import { textOf } from '../../cli/dead-letters.ts';
import { answers, FunctionLogs, patternOf, sinceOf } from '../../cli/logs.ts';
import { joinRuns, runOf } from '../../cli/runs.ts';
import { runningRoles } from '../../cli/stack-resources.ts';
import { runCost } from '../../src/telemetry/run-cost.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { ManualClock } from '../support/manual-clock.ts';

const all = { roles: ['task' as const], connector: null, task: null, events: [] };

test('a question becomes a pattern of CloudWatch’s', () => {
  expect(patternOf(all)).toBeUndefined();
  expect(patternOf({ ...all, connector: 'a "b"', task: 0, events: ['run.ended', 'run.failed'] })).toBe(
    '{ $.connector = "a \\"b\\"" && $.task = 0 && ($.event = "run.ended" || $.event = "run.failed") }',
  );
});

test('a runner’s lines are read from the file of a local stack: what is there, what comes, nothing twice', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-logs-'));
  try {
    const file = join(folder, 'runner.log');
    const line = (second: number, connector: string) =>
      `${JSON.stringify({ timestamp: `2026-11-29T12:00:0${second}.000Z`, event: 'run.ended', connector, task: 0 })}\n`;
    writeFileSync(file, `${line(1, 'orders')}a plugin prints\n${line(2, 'others')}${line(2, 'orders')}`);
    const installation = {
      restUrl: 'http://127.0.0.1',
      send: () => Promise.reject(new Error('nothing is sent')),
      auth: 'none' as const,
      aws: {},
      bootstrapServers: null,
      resources: async () => ({
        functions: {},
        runnerLog: { file },
        failureQueues: [],
        alarms: [],
        restUrl: null,
      }),
    };
    const at = Date.parse('2026-11-29T12:00:00Z');
    const logs = new FunctionLogs(installation, { ...all, roles: runningRoles, connector: 'orders' }, at);
    const seconds = async () => (await logs.next(at)).map((one) => (one.at - at) / 1000);
    expect(await seconds()).toEqual([1, 2]);
    expect(await seconds()).toEqual([]);
    appendFileSync(file, line(3, 'orders'));
    expect(await seconds()).toEqual([3]);
    rmSync(file);
    expect(await seconds()).toEqual([]);
    const of = { ...all, roles: ['rest' as const] };
    await expect(new FunctionLogs(installation, of, at).next(at)).rejects.toThrow('The stack has no rest');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a line answers for its connector and task alone', () => {
  const of = (fields: object | null) => ({ fields: fields as never });
  const question = { ...all, connector: 'orders', task: 1 };
  expect(answers(of({ connector: 'orders', task: 1 }), question)).toBe(true);
  expect(answers(of({ connector: 'orders', task: 2 }), question)).toBe(false);
  expect(answers(of({ connector: 'orders' }), question)).toBe(false);
  expect(answers(of(null), question)).toBe(false);
  expect(answers(of(null), all)).toBe(true);
});

test('a run is read from the line that telemetry writes of it', () => {
  const clock = new ManualClock(Date.parse('2026-11-29T12:00:10Z'));
  const lines: string[] = [];
  const telemetry = createTelemetry({ clock, write: (line) => lines.push(line) });
  const about = { connector: 'orders', task: 0 };
  const ended = { ...about, bytes: 700, nextDueAt: null, steps: {} };
  telemetry.emit('run.ended', { ...ended, durationMs: 2500, records: 7, emptyRuns: 2, commits: 3 });
  telemetry.emit('run.failed', { ...about, error: 'no\nway', trace: 't', retriable: true, nextDueAt: null });
  const trace = 'ConnectException: Exiting\nCaused by: DataException: no JSON\n\tat x\n';
  telemetry.emit('run.failed', { ...about, error: 'Exiting', trace, retriable: false, nextDueAt: null });
  telemetry.emit('run.died', { ...about, runs: 2, fruitlessRuns: 2, workerId: 'w', leaseExpiredAt: 0 });
  const runs = lines.map((line) => runOf({ at: clock.now(), fields: JSON.parse(line) }, 1024));
  expect(runs).toEqual([
    {
      startedAt: '2026-11-29T12:00:07.500Z',
      endedAt: '2026-11-29T12:00:10.000Z',
      connector: 'orders',
      task: 'orders/0',
      result: 'ended',
      durationMs: 2500,
      records: 7,
      bytes: 700,
      commits: 3,
      emptyRuns: 2,
      // A run, two further commits, two runs that found nothing, and 2.5 GB-seconds.
      cost: expect.closeTo(runCost.run + 2 * runCost.commit + 2 * runCost.emptyRun + 2500 * runCost.gbMs, 12),
      error: null,
    },
    expect.objectContaining({ task: 'orders/0', result: 'will be tried again', durationMs: null, error: 'no way' }),
    expect.objectContaining({ result: 'failed', error: 'DataException: no JSON – Exiting' }),
    expect.objectContaining({
      task: 'orders/0',
      result: 'died',
      cost: null,
      error: expect.stringContaining('2 times'),
    }),
  ]);
});

test('a run that failed behind records is one run: why it failed, and what it moved', () => {
  const at = Date.parse('2026-11-29T12:00:10Z');
  const of = (fields: object, later = 0) =>
    runOf({ at: at + later, fields: { connector: 'c', task: 0, ...fields } as never }, 1024);
  const failed = of({ event: 'run.failed', error: 'no way', durationMs: 1000, retriable: false });
  const ended = of({ event: 'run.ended', durationMs: 1020, records: 5, bytes: 50, commits: 1, emptyRuns: 0 }, 20);
  const next = of({ event: 'run.ended', durationMs: 10, records: 1, bytes: 1, commits: 1, emptyRuns: 0 }, 900);
  expect(joinRuns([failed, ended, next])).toEqual([{ ...ended, result: 'failed', error: 'no way' }, next]);
});

test.each([
  ['90s', 1_000_000 - 90_000],
  ['10m', 1_000_000 - 600_000],
  ['2h', 1_000_000 - 7_200_000],
  ['2026-11-29T12:00:00Z', Date.parse('2026-11-29T12:00:00Z')],
])('--since %s', (text, at) => {
  expect(sinceOf(() => 1_000_000)(text)).toBe(at);
});

test.each(['yesterday', '10', '-1h', '1w'])('--since %s is refused', (text) => {
  expect(() => sinceOf(() => 0)(text)).toThrow(`--since is "${text}"`);
});

test('client properties are read as Kafka’s tools read them', () => {
  const text =
    '# comment\n! another\nsecurity.protocol=SASL_SSL\nsasl.mechanism: PLAIN\nsasl.jaas.config=a required \\\n  username="u=1";\n\nempty=\n';
  expect(parseProperties(text)).toEqual({
    'security.protocol': 'SASL_SSL',
    'sasl.mechanism': 'PLAIN',
    'sasl.jaas.config': 'a required username="u=1";',
    empty: '',
  });
});

test('bytes that are no text are told in base64', () => {
  expect(textOf(Buffer.from('ü'))).toBe('ü');
  expect(textOf(Uint8Array.of(0xff, 0x00))).toBe('base64:/wA=');
});
