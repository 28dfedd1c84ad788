import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { jars } from './maven.ts';
import { askOnce } from './ports.ts';
import { type ServiceHandle, startService } from './service.ts';

export const kafkaName = 'Kafka';

export const kafkaVersion = '4.3.0';

const kafkaArtifacts = [
  `org.apache.kafka:kafka_2.13:${kafkaVersion}`,
  `org.apache.kafka:kafka-tools:${kafkaVersion}`,
  'org.apache.logging.log4j:log4j-core:2.25.4',
  'org.apache.logging.log4j:log4j-slf4j-impl:2.25.4',
];

export interface KafkaOptions {
  /** Holds its data, settings and log; data found there is taken up again. */
  readonly folder: string;
  readonly port: number;
  readonly controllerPort: number;
  /** Broker settings beyond ours. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly maxHeapMb?: number;
  /** A JVM that is up soon and small, but slower in the long run. */
  readonly shortLived?: boolean;
  readonly onSpawn?: (service: ServiceHandle) => void;
}

export function kafkaJars(): Promise<string> {
  return jars('kafka', kafkaArtifacts);
}

const quickStart = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC'];

/** One Apache Kafka node that is broker and controller (KRaft); resolves when it answers requests. */
export async function startKafka(options: KafkaOptions): Promise<ServiceHandle> {
  const classPath = join(await kafkaJars(), '*');
  mkdirSync(options.folder, { recursive: true });
  const propertiesFile = join(options.folder, 'server.properties');
  writeFileSync(propertiesFile, properties({ ...serverSettings(options), ...options.settings }));
  const logSettings = join(options.folder, 'log4j2.properties');
  writeFileSync(logSettings, logToConsole);
  const log4j = `-Dlog4j2.configurationFile=${logSettings}`;
  if (!existsSync(join(options.folder, 'data', 'meta.properties'))) {
    const format = ['kafka.tools.StorageTool', 'format', '-t', 'ZHJvdmVyLWxvY2FsLTAwMQ', '-c', propertiesFile];
    await promisify(execFile)('java', [...quickStart, log4j, '-cp', classPath, ...format]);
  }
  return await startService({
    onSpawn: options.onSpawn,
    name: kafkaName,
    command: 'java',
    args: [
      `-Xmx${options.maxHeapMb ?? 1024}m`,
      ...(options.shortLived ? quickStart : []),
      log4j,
      '-cp',
      classPath,
      'kafka.Kafka',
      propertiesFile,
    ],
    logFile: join(options.folder, 'kafka.log'),
    ready: () => askOnce(options.port, apiVersionsRequest, 1000),
  });
}

function serverSettings(options: KafkaOptions): Record<string, string> {
  const one = '1';
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${options.controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${options.port},CONTROLLER://127.0.0.1:${options.controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${options.port}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(options.folder, 'data'),
    'offsets.topic.replication.factor': one,
    'offsets.topic.num.partitions': '5',
    'transaction.state.log.replication.factor': one,
    'transaction.state.log.min.isr': one,
    'transaction.state.log.num.partitions': '5',
    'share.coordinator.state.topic.replication.factor': one,
    'share.coordinator.state.topic.min.isr': one,
    'group.initial.rebalance.delay.ms': '0',
  };
}

export function properties(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

/** ApiVersions v0, correlation 1, no client id: the one request every broker answers. */
const apiVersionsRequest = Buffer.from('0000000a' + '0012' + '0000' + '00000001' + 'ffff', 'hex');

export const logToConsole = `status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %m (%c)%n%ex
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
`;
