import { appendFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConnectorStatus, call, failureOf, status } from '../../local/rest-client.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { type DeployedStack, deployStack } from '../support/deployed-stack.ts';
import { readTopic } from '../support/kafka-records.ts';
import { until } from '../support/until.ts';

/** An offset as REST shows and takes it. */
export interface OffsetEntry {
  readonly partition: Readonly<Record<string, unknown>>;
  readonly offset: Readonly<Record<string, unknown>> | null;
}

interface TaskReport {
  readonly running: boolean;
  readonly runs: number;
}

type Method = 'GET' | 'PUT' | 'PATCH' | 'POST' | 'DELETE';

/** The stack as it is deployed, with a Java function, and what is asked of its REST API and its processes. */
export interface DeployedLab extends AsyncDisposable {
  readonly stack: DeployedStack;
  readonly kafka: KafkaClient;
  api<T>(method: Method, path: string, body?: object): Promise<T>;
  state(connector: string): Promise<ConnectorStatus>;
  /** Of its first task. */
  task(connector: string): Promise<TaskReport>;
  offsets(connector: string): Promise<readonly OffsetEntry[]>;
  /** Resolves with what REST says to it. */
  alterOffsets(connector: string, offsets: readonly OffsetEntry[]): Promise<string>;
  resetOffsets(connector: string): Promise<string>;
  /** Resolves when this is so; rejects with its trace when the connector has failed. */
  reaches(connector: string, what: string, done: () => Promise<boolean>): Promise<void>;
  /** Asks for it, and resolves when no run is left. */
  lettingGo(connector: string, how: 'pause' | 'stop'): Promise<void>;
  resume(connector: string): Promise<unknown>;
  /** As the kernel would, in the middle of a run: the JVM alone, or the function's process, whose JVM ends with it. */
  kill(connector: string, what: 'jvm' | 'function'): Promise<void>;
  /** Resolves when the stack has done, from now on, what another connector asks of it, twice. */
  othersRun(): Promise<void>;
}

/** How long one step may take where others use the machine too. */
export const patience = { withinMs: 240_000, everyMs: 100 };

/** `plugins`: a folder of each, as its project publishes it. */
export async function openDeployedLab(plugins: readonly string[]): Promise<DeployedLab> {
  const folder = mkdtempSync(join(tmpdir(), 'drover-jars-'));
  const path = join(folder, 'plugins');
  mkdirSync(path);
  plugins.forEach((plugin, index) => {
    symlinkSync(plugin, join(path, `plugin-${index}`));
  });
  const limits = { runSeconds: '10', runTimeoutSeconds: '25', idleCeilingMs: '2000' };
  const stack = await deployStack(limits, { javaPlugins: [path] });
  const kafka = createKafkaClient({ bootstrapServers: stack.bootstrapServers });
  const witness = { name: 'witness', file: join(folder, 'witness'), lines: 0 };

  const api = <T>(method: Method, path: string, body?: object) => call<T>(stack.restUrl, method, path, body);
  const state = (connector: string) => status(stack.restUrl, connector);
  const message = async (answer: Promise<{ readonly message: string }>) => (await answer).message;
  const task = async (connector: string) => {
    const { tasks } = await api<{ tasks: TaskReport[] }>('GET', `/drover/connectors/${connector}`);
    if (tasks[0] === undefined) throw new Error(`${connector} has no task`);
    return tasks[0];
  };
  const isRunning = async (connector: string) => {
    const { tasks } = await api<{ tasks: TaskReport[] }>('GET', `/drover/connectors/${connector}`);
    return tasks.some(({ running }) => running);
  };
  return {
    stack,
    kafka,
    api,
    state,
    task,
    offsets: async (connector) =>
      (await api<{ offsets: OffsetEntry[] }>('GET', `/connectors/${connector}/offsets`)).offsets,
    alterOffsets: (connector, offsets) => message(api('PATCH', `/connectors/${connector}/offsets`, { offsets })),
    resetOffsets: (connector) => message(api('DELETE', `/connectors/${connector}/offsets`)),
    reaches: async (connector, what, done) => {
      const over = async () => {
        if (await done()) return { trace: null };
        const trace = failureOf(await state(connector));
        return trace !== null && { trace };
      };
      const { trace } = await until(what, over, patience);
      if (trace !== null) throw new Error(trace);
    },
    lettingGo: async (connector, how) => {
      await api('PUT', `/connectors/${connector}/${how}`);
      const wanted = how === 'pause' ? 'PAUSED' : 'STOPPED';
      await until(
        `${connector} is ${wanted}`,
        async () => {
          const seen = await state(connector);
          const parts = [seen.connector, ...seen.tasks];
          return parts.every(({ state }) => state === wanted) && !(await isRunning(connector));
        },
        patience,
      );
    },
    resume: (connector) => api('PUT', `/connectors/${connector}/resume`),
    kill: async (connector, what) => {
      await until(
        `a run of ${connector} is killed`,
        async () => {
          if (!(await isRunning(connector))) return false;
          const found = what === 'jvm' ? stack.jvms() : stack.environmentsOf(stack.functions['java-task'] ?? '');
          for (const pid of found) process.kill(pid, 'SIGKILL');
          return found.length > 0;
        },
        { ...patience, everyMs: 20 },
      );
    },
    othersRun: async () => {
      if (witness.lines === 0) {
        writeFileSync(witness.file, '');
        await api('PUT', `/connectors/${witness.name}/config`, {
          'connector.class': 'FileStreamSource',
          file: witness.file,
          topic: witness.name,
          'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
        });
      }
      for (let times = 0; times < 2; times++) {
        appendFileSync(witness.file, `${witness.lines++}\n`);
        const isThere = async () => (await readTopic(kafka, witness.name)).length >= witness.lines;
        await until('another connector runs', isThere, patience);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await kafka.close();
      await stack[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
