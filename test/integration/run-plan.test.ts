import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type InProcessDrover, startInProcessDrover } from '../support/in-process-drover.ts';
import { kafkaAddress } from '../support/services.ts';

/** When tasks run again on their own, as /drover/ tells it. */

let drover: InProcessDrover;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-plan-'));
  drover = await startInProcessDrover({ bootstrapServers: kafkaAddress() });
});
afterAll(async () => {
  await drover.close();
  await rm(folder, { recursive: true });
});

const minute = 60_000;
let connectors = 0;

async function create(config: Record<string, string>): Promise<string> {
  const name = `run-plan-${process.pid}-${++connectors}`;
  const response = await fetch(`${drover.url}/connectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, config: { 'connector.class': 'FileStreamSource', topic: name, ...config } }),
  });
  expect(response.status).toBe(201);
  return name;
}

interface TaskReport {
  readonly state: string;
  readonly running: boolean;
  readonly runs: number;
  readonly records: number;
  readonly next_due_at: string | null;
  readonly last_run_at: string;
  readonly restart_attempts: number;
}

async function taskOnce(name: string, holds: (task: TaskReport) => boolean): Promise<TaskReport> {
  return expect
    .poll(
      async () => {
        const response = await fetch(`${drover.url}/drover/connectors/${name}`);
        const { tasks } = (await response.json()) as { tasks: TaskReport[] };
        return tasks.find(holds);
      },
      { timeout: 30_000, interval: 50 },
    )
    .toBeDefined()
    .then(async () => {
      const response = await fetch(`${drover.url}/drover/connectors/${name}`);
      return ((await response.json()) as { tasks: TaskReport[] }).tasks[0]!;
    });
}

const pause = ({ next_due_at: next, last_run_at: last }: TaskReport) =>
  next === null ? null : (Date.parse(next) - Date.parse(last)) / minute;

describe('a task that has FAILED', () => {
  it('stays FAILED unless its connector says otherwise', async () => {
    const task = await taskOnce(await create({ file: folder }), ({ state, running }) => state === 'FAILED' && !running);
    expect([pause(task), task.restart_attempts]).toEqual([null, 0]);
  });

  it('is started again after two minutes, six, and so on, where it does', async () => {
    const name = await create({ file: folder, 'drover.restart.enabled': 'true' });
    const first = await taskOnce(name, ({ state, running }) => state === 'FAILED' && !running);
    expect([pause(first), first.restart_attempts]).toEqual([2, 1]);
  });

  it('counts anew after a restart by hand', async () => {
    const name = await create({ file: folder, 'drover.restart.enabled': 'true' });
    await taskOnce(name, ({ state, running }) => state === 'FAILED' && !running);
    await fetch(`${drover.url}/connectors/${name}/tasks/0/restart`, { method: 'POST' });
    const again = await taskOnce(name, ({ state, runs, running }) => state === 'FAILED' && runs === 2 && !running);
    expect([pause(again), again.restart_attempts]).toEqual([2, 1]);
  });
});

describe('a task with a schedule', () => {
  it('runs at once, drains what there is, and then waits for its time or a wake-up', async () => {
    const file = join(folder, 'lines.txt');
    await writeFile(file, 'one\ntwo\n');
    const name = await create({ file, 'drover.schedule': 'rate(2 hours)' });
    const task = await taskOnce(name, ({ records, running }) => records === 2 && !running);
    expect(pause(task)).toBe(120);

    await writeFile(file, 'three\n', { flag: 'a' });
    expect(await drover.coordinator.onWakeUp([name], Date.now() + minute)).toEqual({
      connectors: [name],
      woken: 1,
    });
    const woken = await taskOnce(name, ({ records, running }) => records === 3 && !running);
    expect(pause(woken)).toBe(120);
  });

  it('has no further run after once', async () => {
    const file = join(folder, 'once.txt');
    await writeFile(file, 'one\n');
    const name = await create({ file, 'drover.schedule': 'once' });
    const task = await taskOnce(name, ({ records, running }) => records === 1 && !running);
    expect([task.state, pause(task)]).toEqual(['RUNNING', null]);
  });
});
