import { isAbsolute } from 'node:path';
import { Duration, Fn, Token, Tokenization } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import {
  type EnvironmentSetting,
  type EnvironmentSettings,
  environmentConfig,
} from '../src/config/environment-config.ts';
import type { DroverLimits, DroverProps, KafkaSecurity } from './props.ts';

/* What the props say to the functions: their settings, and the limits with their defaults. */

/** As the functions will read it. */
export function settingOf(settings: EnvironmentSettings, name: EnvironmentSetting): string {
  return settings[name] ?? String(environmentConfig.keys.get(name)?.defaultValue);
}

type ResolvedLimits = Required<Omit<DroverLimits, 'linger'>> & Pick<DroverLimits, 'linger'>;

export function resolveLimits(limits: DroverLimits): ResolvedLimits {
  const run = limits.run ?? Duration.seconds(60);
  const runTimeout = limits.runTimeout ?? run.plus(Duration.minutes(1));
  return {
    runsInFlight: limits.runsInFlight ?? 20,
    reserveConcurrency: limits.reserveConcurrency ?? false,
    run,
    runTimeout,
    ...(limits.linger === undefined ? {} : { linger: limits.linger }),
    idleFloor: limits.idleFloor ?? Duration.seconds(1),
    idleCeiling: limits.idleCeiling ?? Duration.minutes(1),
    taskMemorySize: limits.taskMemorySize ?? 1024,
    feedTimeout: limits.feedTimeout ?? Duration.seconds(30),
  };
}

/** The functions' settings, as far as props say something of them. */
export function settingsOf(props: DroverProps, table: ITable, limits: ResolvedLimits): EnvironmentSettings {
  const ms = (duration: Duration) => String(duration.toMilliseconds());
  const topics = props.mirrorTopics ?? {};
  const number = (count: number) => (Token.isUnresolved(count) ? Tokenization.stringifyNumber(count) : String(count));
  const optionalNumber = (count: number | undefined) => (count === undefined ? undefined : number(count));
  const replication = optionalNumber(topics.replicationFactor);
  const servers = props.bootstrapServers;
  const optional = {
    'group.id': props.groupId,
    'drover.metrics': props.metrics,
    'drover.run.linger.ms': limits.linger === undefined ? undefined : ms(limits.linger),
    'config.storage.topic': topics.configs,
    'offset.storage.topic': topics.offsets,
    'status.storage.topic': topics.status,
    'config.storage.replication.factor': replication,
    'offset.storage.replication.factor': replication,
    'status.storage.replication.factor': replication,
    'offset.storage.partitions': optionalNumber(topics.offsetsPartitions),
    'status.storage.partitions': optionalNumber(topics.statusPartitions),
    'drover.connector.secrets': listOf(props.connectorSecrets?.map(({ secretArn }) => secretArn)),
    'drover.connector.parameters': listOf(props.connectorParameters?.map(({ parameterName }) => parameterName)),
    'drover.connector.hosts': listOf(props.connectorHosts),
    'drover.file.folders': listOf(props.fileFolders),
    'drover.plugins.allow': listOf(props.offeredPlugins?.allow),
    'drover.plugins.deny': listOf(props.offeredPlugins?.deny),
    'drover.worker.settings': props.workerSettings === undefined ? undefined : JSON.stringify(props.workerSettings),
  } satisfies Partial<Record<EnvironmentSetting, string | undefined>>;
  const given = Object.entries(optional).filter((entry) => entry[1] !== undefined);
  return {
    'drover.table.name': table.tableName,
    'bootstrap.servers': Token.isUnresolved(servers) ? Fn.join(',', [...servers]) : servers.join(','),
    ...securitySettings(props.security),
    'drover.runs.in.flight.max': number(limits.runsInFlight),
    'drover.run.max.ms': ms(limits.run),
    'drover.idle.floor.ms': ms(limits.idleFloor),
    'drover.idle.ceiling.ms': ms(limits.idleCeiling),
    ...Object.fromEntries(given),
  };
}

function listOf(values: readonly string[] | undefined): string | undefined {
  return values === undefined || values.length === 0 ? undefined : values.join(',');
}

/** The function refuses them as well: a secret may be spelled in several ways, and a token tells nothing at synthesis. */
export function checkConnectorAccess(props: Pick<DroverProps, 'security' | 'connectorSecrets' | 'fileFolders'>): void {
  const { security } = props;
  const own = 'secret' in security ? security.secret.secretArn : null;
  if (own !== null && props.connectorSecrets?.some(({ secretArn }) => secretArn === own)) {
    throw new Error(
      "connectorSecrets lists the secret of security: whoever writes a config would get the installation's Kafka " +
        'credentials. Give connectors a user and a secret of their own',
    );
  }
  requireAbsolute('fileFolders', props.fileFolders ?? []);
}

export function requireAbsolute(prop: string, folders: readonly string[]): void {
  const folder = folders.find((path) => !Token.isUnresolved(path) && !isAbsolute(path));
  if (folder !== undefined) throw new Error(`${prop} holds "${folder}": give absolute paths, as in the function`);
}

function securitySettings(security: KafkaSecurity): EnvironmentSettings {
  switch (security.type) {
    case 'plaintext':
      return { 'security.protocol': 'PLAINTEXT' };
    case 'iam':
      return { 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'AWS_MSK_IAM' };
    case 'scram':
      return {
        'security.protocol': 'SASL_SSL',
        'sasl.mechanism': security.mechanism ?? 'SCRAM-SHA-512',
        'drover.security.secret': security.secret.secretArn,
      };
    case 'mtls':
      return { 'security.protocol': 'SSL', 'drover.security.secret': security.secret.secretArn };
  }
}
