import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort, isPortFree } from '../../local/ports.ts';
import { silentStep } from '../../local/progress.ts';
import { isRunning, startService, stopService } from '../../local/service.ts';
import { localSettings } from '../../local/settings.ts';
import { readStack, startStack, stopStack } from '../../local/stack.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'drover-local-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const shell = (script: string) => ({
  name: 'Test service',
  command: 'sh',
  args: ['-c', script],
  logFile: join(folder, 'service.log'),
});

const hasStarted = async (file: string) => {
  if (readFileSync(file, 'utf8') === '') throw new Error('not yet');
};

test('a service ends with everything that it has started itself', async () => {
  const childFile = join(folder, 'child');
  const script = `sleep 600 & echo $! > ${childFile}; wait`;
  const service = await startService({ ...shell(script), ready: () => hasStarted(childFile) });
  const child = Number(readFileSync(childFile, 'utf8'));
  expect(isRunning(service)).toBe(true);
  expect(await stopService(service)).toBe(true);
  expect(isRunning(service)).toBe(false);
  await expect.poll(() => isRunning({ ...service, pid: child, identity: '' })).toBe(false);
});

test('a service that ends at once is reported with what it said', async () => {
  const failing = startService({ ...shell('echo no such option; exit 3'), ready: () => Promise.reject(new Error()) });
  await expect(failing).rejects.toThrow(/Test service did not start: it ended with code 3[\s\S]*no such option/);
});

test('a service whose program is missing is reported', async () => {
  const missing = { ...shell(''), command: join(folder, 'missing'), ready: () => Promise.reject(new Error()) };
  await expect(startService(missing)).rejects.toThrow(/could not be started|did not start/);
});

test('a process that only has the number of a service is not ended', async () => {
  const ours = { name: 'This test', pid: process.pid, identity: 'started at another time', logFile: '' };
  expect(isRunning(ours)).toBe(false);
  expect(await stopService(ours)).toBe(false);
});

test('a free port is given once, and is none that an outgoing connection could take', async () => {
  const ports = await Promise.all(Array.from({ length: 500 }, freePort));
  expect(new Set(ports).size).toBe(500);
  expect(Math.max(...ports)).toBeLessThan(32_768);
});

test('a taken port is named with what to do, and nothing is left behind', async () => {
  const server = createServer();
  const kafka = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  try {
    expect(await isPortFree(kafka)).toBe(false);
    const ports = { kafka, kafkaController: await freePort(), aws: await freePort(), rest: await freePort() };
    const starting = startStack({ home: folder, ports, region: 'us-east-1', step: silentStep });
    await expect(starting).rejects.toThrow(new RegExp(`port ${kafka}, for Kafka: .*DROVER_KAFKA_PORT`));
    expect(readStack(folder)).toBeNull();
    expect(await stopStack(folder)).toBe(false);
  } finally {
    server.close();
  }
});

test('a stack that was cut short in its start is ended by stop', async () => {
  const service = await startService({
    ...shell('echo up; exec sleep 600'),
    ready: () => hasStarted(join(folder, 'service.log')),
  });
  mkdirSync(join(folder, 'run'));
  writeFileSync(join(folder, 'run', 'services.json'), JSON.stringify([service]));
  expect(await stopStack(folder)).toBe(true);
  expect(isRunning(service)).toBe(false);
});

test('a port that is none is refused by its variable', () => {
  process.env.DROVER_AWS_PORT = 'many';
  try {
    expect(localSettings).toThrow(/DROVER_AWS_PORT is "many"/);
  } finally {
    delete process.env.DROVER_AWS_PORT;
  }
});
