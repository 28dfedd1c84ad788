import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { bundleProgram } from '../../../cdk/bundle.ts';
import { startJavaConnect } from '../../../local/java-connect.ts';
import { freePort } from '../../../local/ports.ts';
import { type ServiceHandle, signalService, stopService } from '../../../local/service.ts';
import type { Settings } from '../../../src/config/config-def.ts';
import type { ConnectorType } from '../../../src/storage/items.ts';
import { type AskedChild, type ChildAnswer, startAskedChild } from '../asked-child.ts';
import type { ArmRequest } from './drover-arm.ts';
import { childrenOf } from './process-cpu.ts';

type WithoutId<T> = T extends unknown ? Omit<T, 'id'> : never;

/** One side of a race. */
export interface Arm {
  readonly label: string;
  readonly side: 'drover' | 'java' | 'peer';
  /** Its processes, whose CPU and memory are its own. */
  readonly pids: readonly number[];
  /** Makes the connectors known before the clock starts, where the race says so, with tasks that wait for records. */
  prepare(names: readonly string[], type: ConnectorType, configOf: (name: string) => Settings): Promise<void>;
  /** Starts the work; resolves when the arm says it is done, or at once if it never says. */
  go(names: readonly string[], type: ConnectorType, configOf: (name: string) => Settings): Promise<void>;
  clear(names: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** What a process needs to run plugins of jars. */
export interface RaceJava {
  readonly manifest: string;
  /** Folder of the host's jars. */
  readonly jars: string;
  readonly pluginPath: readonly string[];
}

export interface DroverEnvironment {
  readonly kafka: string;
  readonly dynamoDb: string;
  readonly table: string;
  readonly offsetsTopic: string;
  readonly java?: RaceJava;
}

/** One process that runs Drover's worker, and answers each request when it is done. */
type DroverProcess = AskedChild<WithoutId<ArmRequest>, ChildAnswer>;

let program: string | undefined;

/**
 * The arm's program, bundled as functions are: with the code, the checksums and without the native modules that run on
 * Lambda. RACE_SOURCE=1 runs it from the source instead.
 */
function droverProgram(): string {
  const source = join(import.meta.dirname, 'drover-arm.ts');
  if (process.env.RACE_SOURCE === '1') return source;
  if (program === undefined) {
    const outdir = mkdtempSync(join(tmpdir(), 'drover-arm-'));
    process.once('exit', () => rmSync(outdir, { recursive: true, force: true }));
    bundleProgram('drover-arm', source, { outdir });
    program = join(outdir, 'dist', 'drover-arm.mjs');
  }
  return program;
}

const droverProcess = (label: string, environment: DroverEnvironment): Promise<DroverProcess> =>
  startAskedChild(label, droverProgram(), {
    env: {
      ...process.env,
      DROVER_TEST_KAFKA: environment.kafka,
      DROVER_TEST_DYNAMODB: environment.dynamoDb,
      RACE_TABLE: environment.table,
      RACE_OFFSETS_TOPIC: environment.offsetsTopic,
      ...(environment.java === undefined ? {} : { RACE_JAVA: JSON.stringify(environment.java) }),
    },
  });

/** As many processes as asked for share the connectors; each runs a few of its own at a time. */
export async function droverArm(label: string, environment: DroverEnvironment, processes = 1): Promise<Arm> {
  const all = await Promise.all(Array.from({ length: processes }, () => droverProcess(label, environment)));
  const dealt = (names: readonly string[]) =>
    all.map((one, index) => ({ one, names: names.filter((_, at) => at % all.length === index) }));
  const prepared = new Set<string>();
  const create: Arm['prepare'] = async (names, type, configOf) => {
    for (const name of names) {
      if (prepared.has(name)) continue;
      prepared.add(name);
      await all[0]!.ask({ kind: 'create', name, type, config: configOf(name) });
    }
  };
  const drain = async (names: readonly string[]) => {
    await Promise.all(dealt(names).map((own) => own.one.ask({ kind: 'drain', names: own.names })));
  };
  return {
    label,
    side: 'drover',
    get pids() {
      return all.flatMap(({ pid }) => [pid, ...childrenOf(pid)]);
    },
    async prepare(names, type, configOf) {
      await create(names, type, configOf);
      // Tasks that have run and found nothing, as Java's are that wait.
      await drain(names);
    },
    async go(names, type, configOf) {
      await create(names, type, configOf);
      await drain(names);
    },
    clear: async () => {},
    async stop() {
      await Promise.all(all.map((one) => one.stop()));
    },
  };
}

export async function javaArm(
  label: string,
  kafka: string,
  settings: Readonly<Record<string, string>> = {},
  plugins: readonly string[] = [],
): Promise<Arm> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-race-'));
  const port = await freePort();
  const groupId = `race-${port}`;
  const service: ServiceHandle = await startJavaConnect({
    folder,
    port,
    groupId,
    topicPrefix: `${groupId}-`,
    bootstrapServers: kafka,
    plugins,
    // Java's own default of a minute, as in production; its test start-up has a second.
    settings: { 'offset.flush.interval.ms': '60000', ...settings },
  });
  // It is in a process group of its own and would outlive an interrupted race.
  const end = () => signalService(service, 'SIGKILL');
  process.once('exit', end);
  const url = `http://127.0.0.1:${port}`;
  const put = async (name: string, config: Settings) => {
    for (;;) {
      const response = await fetch(`${url}/connectors/${name}/config`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(config),
      });
      if (response.ok) return;
      if (response.status !== 409) throw new Error(`Connect answered ${response.status}: ${await response.text()}`);
      await sleep(50);
    }
  };
  const prepared = new Set<string>();
  const create: Arm['prepare'] = async (names, _type, configOf) => {
    for (const name of names) {
      if (prepared.has(name)) continue;
      prepared.add(name);
      await put(name, configOf(name));
    }
  };
  return {
    label,
    side: 'java',
    pids: [service.pid],
    async prepare(names, type, configOf) {
      await create(names, type, configOf);
      for (const name of names) {
        for (;;) {
          const response = await fetch(`${url}/connectors/${name}/status`);
          const status = response.ok ? ((await response.json()) as { tasks: { state: string }[] }) : { tasks: [] };
          if (status.tasks[0]?.state === 'RUNNING') break;
          await sleep(50);
        }
      }
    },
    go: create,
    async clear(names) {
      for (const name of names) {
        while (!(await fetch(`${url}/connectors/${name}`, { method: 'DELETE' })).ok) await sleep(50);
      }
    },
    async stop() {
      await stopService(service);
      process.removeListener('exit', end);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
