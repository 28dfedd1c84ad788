import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { DemoReport } from '../../local/demo.ts';
import { localSettings } from '../../local/settings.ts';
import type { LocalStack } from '../../local/stack.ts';
import { summary } from '../../local/summary.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover local '));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('settings of npm start', () => {
  it('have defaults, and take a port for each', () => {
    expect(localSettings({}).ports).toEqual({ kafka: 9092, kafkaController: 9093, aws: 4566, rest: 8083 });
    const moved = localSettings({ DROVER_REST_PORT: ' 8084 ', DROVER_AWS_PORT: '', DROVER_REGION: 'eu-central-1' });
    expect(moved.ports).toEqual({ kafka: 9092, kafkaController: 9093, aws: 4566, rest: 8084 });
    expect(moved.region).toBe('eu-central-1');
  });

  it.each(['0', '65536', '80.5', '-1', 'http', '1e3', '0x50'])(
    'refuse the port %s by the name of its variable',
    (text) => {
      expect(() => localSettings({ DROVER_AWS_PORT: text })).toThrow(
        `DROVER_AWS_PORT is "${text}": it must be a port, 1 to 65535`,
      );
    },
  );

  it('refuse a port that two would use, also one that is a default', () => {
    expect(() => localSettings({ DROVER_REST_PORT: '9092' })).toThrow(
      'Kafka and the REST API would both use port 9092: give each its own with DROVER_KAFKA_PORT and DROVER_REST_PORT',
    );
    expect(() => localSettings({ DROVER_AWS_PORT: '7001', DROVER_KAFKA_CONTROLLER_PORT: '7001' })).toThrow(/7001/);
  });

  it('have a console where there is room, or at its own port', () => {
    expect(localSettings({}).console).toEqual({ port: null });
    expect(localSettings({ DROVER_CONSOLE_PORT: '7002' }).console).toEqual({ port: 7002 });
    expect(() => localSettings({ DROVER_CONSOLE_PORT: '9092' })).toThrow(
      'Kafka and the console would both use port 9092: give each its own with DROVER_KAFKA_PORT and DROVER_CONSOLE_PORT',
    );
  });

  it('take folders of Java plugins, and refuse one that is not there', () => {
    expect(localSettings({}).javaPlugins).toEqual([]);
    expect(localSettings({ DROVER_JAVA_PLUGINS: ` ${folder} ,,` }).javaPlugins).toEqual([folder]);
    expect(() => localSettings({ DROVER_JAVA_PLUGINS: join(folder, 'nowhere') })).toThrow(
      /DROVER_JAVA_PLUGINS names .*nowhere, and there is no such folder/,
    );
  });

  it('refuse a region that is none', () => {
    expect(() => localSettings({ DROVER_REGION: 'Frankfurt' })).toThrow(/DROVER_REGION is "Frankfurt"/);
  });
});

describe('npm start and npm stop', () => {
  const run = (program: string, variables: Record<string, string>) =>
    new Promise<{ code: number | null; stderr: string }>((resolve) => {
      const env = { ...process.env, DROVER_HOME: folder, ...variables };
      const child = execFile(process.execPath, [join('local', program)], { env }, (_error, _stdout, stderr) =>
        resolve({ code: child.exitCode, stderr }),
      );
    });

  it.each(['start.ts', 'stop.ts'])('%s tells a bad setting in one line', async (program) => {
    expect(await run(program, { DROVER_REST_PORT: 'http' })).toEqual({
      code: 1,
      stderr: '\nDROVER_REST_PORT is "http": it must be a port, 1 to 65535\n',
    });
  });

  it('stop.ts tells of notes that it cannot read in one line', async () => {
    mkdirSync(join(folder, 'run'), { recursive: true });
    const file = join(folder, 'run', 'services.json');
    writeFileSync(file, '[{');
    const { code, stderr } = await run('stop.ts', {});
    expect(code).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([expect.stringContaining(file)]);
  });
});

describe('what npm start prints', () => {
  it.each(["it's a folder", 'plain', '$HOME `x` "y" *'])('can be pasted where the path is %s', (name) => {
    const home = join(folder, name);
    mkdirSync(home, { recursive: true });
    const [sourceFile, sinkFile] = [join(home, 'source.txt'), join(home, 'sink.txt')];
    writeFileSync(sinkFile, 'the sink\n');
    const functions = { rest: 'r', coordinator: 'c', task: 't', mirror: 'm', feed: 'f' };
    const stack = { restUrl: 'http://127.0.0.1:8083', functions } as LocalStack;
    const demo = { connectors: [], sourceFile, sinkFile } as unknown as DemoReport;
    const hook = { url: 'http://127.0.0.1:8083/hooks/demo-hook', topic: 'hooks', answeredMs: 9 };
    const lines = summary(stack, demo, hook, home, 1000).split('\n');
    const command = lines.find((line) => line.includes('echo'))!.replace('tail -f', 'cat');
    expect(execFileSync('sh', ['-c', command], { encoding: 'utf8' })).toBe('the sink\n');
    expect(readFileSync(sourceFile, 'utf8')).toBe('one more\n');
    // zsh takes a bare question mark for a wildcard.
    expect(lines).toContain("  curl -s 'http://127.0.0.1:8083/connectors?expand=status'");
  });
});
