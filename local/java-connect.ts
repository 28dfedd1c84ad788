import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { kafkaVersion, logToConsole, properties } from './kafka.ts';
import { jars } from './maven.ts';
import { type ServiceHandle, startService } from './service.ts';

const log4j = ['org.apache.logging.log4j:log4j-core:2.25.4', 'org.apache.logging.log4j:log4j-slf4j-impl:2.25.4'];
const runtime = ['connect-runtime', 'connect-json', 'connect-transforms'].map(
  (name) => `org.apache.kafka:${name}:${kafkaVersion}`,
);

export interface JavaConnectOptions {
  readonly folder: string;
  readonly port: number;
  readonly bootstrapServers: string;
  readonly groupId: string;
  /** Prefix of its three topics: `<prefix>configs` and so on. */
  readonly topicPrefix: string;
  readonly settings?: Readonly<Record<string, string>>;
  /** Folders of jars, each a plugin, beside the file connectors. */
  readonly plugins?: readonly string[];
}

/** Apache's own Connect worker (distributed), the peer of the parity tests and races. Resolves when its REST API answers. */
export async function startJavaConnect(options: JavaConnectOptions): Promise<ServiceHandle> {
  const [classPath, plugins] = await Promise.all([
    jars('connect', [...runtime, ...log4j]),
    jars('connect-file', [`org.apache.kafka:connect-file:${kafkaVersion}`]),
  ]);
  mkdirSync(join(options.folder, 'plugins'), { recursive: true });
  for (const folder of [plugins, ...(options.plugins ?? [])]) {
    const link = join(options.folder, 'plugins', basename(folder));
    await rm(link, { force: true });
    symlinkSync(folder, link);
  }
  const file = join(options.folder, 'worker.properties');
  writeFileSync(
    file,
    properties({
      'bootstrap.servers': options.bootstrapServers,
      'group.id': options.groupId,
      'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'config.storage.topic': `${options.topicPrefix}configs`,
      'offset.storage.topic': `${options.topicPrefix}offsets`,
      'status.storage.topic': `${options.topicPrefix}status`,
      'config.storage.replication.factor': '1',
      'offset.storage.replication.factor': '1',
      'status.storage.replication.factor': '1',
      listeners: `http://127.0.0.1:${options.port}`,
      'rest.advertised.host.name': '127.0.0.1',
      'plugin.path': join(options.folder, 'plugins'),
      'offset.flush.interval.ms': '1000',
      ...options.settings,
    }),
  );
  const logSettings = join(options.folder, 'log4j2.properties');
  writeFileSync(logSettings, logToConsole);
  return await startService({
    name: 'Java Connect',
    command: 'java',
    args: [
      '-Xmx1g',
      `-Dlog4j2.configurationFile=${logSettings}`,
      '-cp',
      join(classPath, '*'),
      'org.apache.kafka.connect.cli.ConnectDistributed',
      file,
    ],
    logFile: join(options.folder, 'connect.log'),
    timeoutMs: 120_000,
    ready: async () => {
      const answer = await fetch(`http://127.0.0.1:${options.port}/connectors`, { signal: AbortSignal.timeout(2000) });
      if (!answer.ok) throw new Error(`Connect answered ${answer.status}`);
    },
  });
}
