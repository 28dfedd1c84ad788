import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Duration, Token } from 'aws-cdk-lib';
import { type Runtime, RuntimeFamily } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { EnvironmentSetting, EnvironmentSettings } from '../src/config/environment-config.ts';
import { checkSettings } from '../src/environment.ts';
import { ConfigError } from '../src/errors.ts';
import type { DroverProps } from './props.ts';

/*
 * What AWS or a function would refuse is refused when the app is synthesised, by the name of the prop and with what to
 * change. What CloudFormation fills in at deployment (tokens) is let through.
 */

/** Where the construct takes a setting from, to name that. The others are said in `environment` only. */
const propOf: Readonly<Partial<Record<EnvironmentSetting, string>>> = {
  'bootstrap.servers': 'bootstrapServers',
  'group.id': 'groupId',
  'security.protocol': 'security.type',
  'sasl.mechanism': 'security.mechanism',
  'drover.security.secret': 'security.secret',
  'config.storage.topic': 'mirrorTopics.configs',
  'offset.storage.topic': 'mirrorTopics.offsets',
  'status.storage.topic': 'mirrorTopics.status',
  'config.storage.replication.factor': 'mirrorTopics.replicationFactor',
  'offset.storage.replication.factor': 'mirrorTopics.replicationFactor',
  'status.storage.replication.factor': 'mirrorTopics.replicationFactor',
  'offset.storage.partitions': 'mirrorTopics.offsetsPartitions',
  'status.storage.partitions': 'mirrorTopics.statusPartitions',
  'drover.worker.settings': 'workerSettings',
  'drover.connector.hosts': 'connectorHosts',
  'drover.table.name': 'table',
  'drover.metrics': 'metrics',
  'drover.runs.in.flight.max': 'limits.runsInFlight',
  'drover.run.max.ms': 'limits.run',
  'drover.run.linger.ms': 'limits.linger',
  'drover.idle.floor.ms': 'limits.idleFloor',
  'drover.idle.ceiling.ms': 'limits.idleCeiling',
};

/** Every setting by the parser of the functions; `own` are those of `props.environment`. */
export function checkFunctionSettings(settings: EnvironmentSettings, own: EnvironmentSettings = {}): void {
  const later = Object.entries(settings).filter(([, value]) => Token.isUnresolved(value));
  try {
    checkSettings(settings, new Set(later.map(([name]) => name)));
  } catch (error) {
    const key = error instanceof ConfigError ? error.facts.key : undefined;
    if (typeof key !== 'string') throw error;
    const prop = Object.hasOwn(own, key) ? undefined : propOf[key as EnvironmentSetting];
    throw new Error(`${prop ?? `environment['${key}']`} is refused: ${(error as Error).message}`, { cause: error });
  }
}

/** Lambda takes a whole number of seconds, and no more than 15 minutes. */
export function checkRunTimeout(run: Duration, runTimeout: Duration): void {
  const [runMs, timeoutMs] = [run.toMilliseconds(), runTimeout.toMilliseconds()];
  if (timeoutMs % 1000 !== 0) throw new Error(`limits.runTimeout is ${timeoutMs} ms: it must be whole seconds`);
  if (timeoutMs > 900_000) {
    throw new Error(`limits.runTimeout is ${timeoutMs / 1000} s: Lambda allows 900 s at most; make limits.run shorter`);
  }
  if (timeoutMs <= runMs) {
    throw new Error('limits.runTimeout must be longer than limits.run: a run needs time to commit and let go');
  }
}

function checkWhole(prop: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || Token.isUnresolved(value)) return;
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new Error(`${prop} is ${value}: it must be a whole number from ${least} to ${most}`);
  }
}

const partition = 'aws(?:-[a-z]+)*';
const region = '[a-z]{2}(?:-[a-z]+)+-\\d';
const arns = {
  cluster: {
    form: 'arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID',
    pattern: new RegExp(`^arn:${partition}:kafka:${region}:\\d{12}:cluster/[\\w-]{1,64}/[\\w-]+$`),
  },
  secret: {
    form: 'arn:aws:secretsmanager:REGION:ACCOUNT:secret:NAME-SUFFIX',
    pattern: new RegExp(`^arn:${partition}:secretsmanager:${region}:\\d{12}:secret:[\\w/+=.@-]+$`),
  },
  topic: {
    form: 'arn:aws:sns:REGION:ACCOUNT:NAME',
    pattern: new RegExp(`^arn:${partition}:sns:${region}:\\d{12}:[\\w-]{1,256}(?:\\.fifo)?$`),
  },
  table: {
    form: 'arn:aws:dynamodb:REGION:ACCOUNT:table/NAME',
    pattern: new RegExp(`^arn:${partition}:dynamodb:${region}:\\d{12}:table/[\\w.-]{3,255}$`),
  },
  stream: {
    form: 'arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/stream/LABEL',
    pattern: new RegExp(`^arn:${partition}:dynamodb:${region}:\\d{12}:table/[\\w.-]{3,255}/stream/[\\d:.T-]+$`),
  },
} as const;

function checkArn(prop: string, kind: keyof typeof arns, arn: string | undefined): void {
  if (arn === undefined || Token.isUnresolved(arn)) return;
  const { form, pattern } = arns[kind];
  if (!pattern.test(arn)) throw new Error(`${prop} is "${arn}"; it must be an ARN of the form ${form}`);
}

/** Tokens that stand for a part of a well-formed ARN make it unresolved as a whole. */
export function checkProps(props: DroverProps): void {
  const { security, auth, runtime, plugins } = props;
  if (security.type === 'iam') checkArn('security.clusterArn', 'cluster', security.clusterArn);
  if (security.type === 'scram' || security.type === 'mtls') {
    checkArn('security.secret', 'secret', security.secret.secretArn);
    checkKeyOfMskSecret(security.secret);
  }
  for (const [index, secret] of (props.connectorSecrets ?? []).entries()) {
    checkArn(`connectorSecrets[${index}]`, 'secret', secret.secretArn);
  }
  for (const [index, { parameterName }] of (props.connectorParameters ?? []).entries()) {
    if (!Token.isUnresolved(parameterName) && parameterName.startsWith('/aws/reference/secretsmanager')) {
      throw new Error(
        `connectorParameters[${index}] is "${parameterName}", which is a secret: list it in connectorSecrets`,
      );
    }
  }
  checkArn('alarmTopic', 'topic', props.alarmTopic?.topicArn);
  checkArn('table', 'table', props.table?.tableArn);
  checkArn('table (its stream)', 'stream', props.table?.tableStreamArn);
  if (props.table !== undefined) {
    if (props.tableName !== undefined) throw new Error('tableName names a table to create: leave it out beside table');
    if (props.table.tableStreamArn === undefined) {
      throw new Error('table has no stream: create it with droverTableProps, or import it with its tableStreamArn');
    }
  }
  if (
    props.tableName !== undefined &&
    !Token.isUnresolved(props.tableName) &&
    !/^[\w.-]{3,255}$/.test(props.tableName)
  ) {
    throw new Error(`tableName is "${props.tableName}": it must be 3 to 255 letters, digits, "_", "-" and "."`);
  }
  if (auth?.type === 'jwt') checkJwt(auth.issuer, auth.audience);
  checkWhole('limits.taskMemorySize', props.limits?.taskMemorySize, 128, 10_240);
  checkWhole('java.memorySize', props.java?.memorySize, 256, 10_240);
  checkWhole('runner.count', props.runner?.count, 0, 1000);
  checkWhole('runner.tasks', props.runner?.tasks, 1, 1000);
  checkWhole('runner.memorySize', props.runner?.memorySize, 512, 122_880);
  checkWhole('runner.cpu', props.runner?.cpu, 256, 16_384);
  checkWhole('throttle.rate', props.throttle?.rate, 1, 10_000);
  checkWhole('throttle.burst', props.throttle?.burst, 1, 5_000);
  if (runtime !== undefined) checkRuntime(runtime);
  if (plugins !== undefined && !existsSync(resolve(plugins))) {
    throw new Error(`plugins is "${plugins}": there is no file ${resolve(plugins)}`);
  }
}

/** Nothing but a customer-managed key encrypts a secret that an MSK cluster takes, and MSK takes no other name. */
function checkKeyOfMskSecret(secret: ISecret): void {
  if (secret.encryptionKey !== undefined || Token.isUnresolved(secret.secretArn)) return;
  if (!/:secret:AmazonMSK_/.test(secret.secretArn)) return;
  throw new Error(
    "security.secret is one of MSK's (AmazonMSK_…), which are always encrypted with a customer-managed key, and the " +
      'functions need rights on that key: import it by Secret.fromSecretAttributes(scope, id, { secretCompleteArn, encryptionKey })',
  );
}

function checkJwt(issuer: string, audience: readonly string[]): void {
  if (!Token.isUnresolved(issuer) && !/^https:\/\/[^\s/?#]+(?:\/[^\s?#]*)?$/.test(issuer)) {
    throw new Error(`auth.issuer is "${issuer}": it must be the https URL of an OpenID Connect issuer`);
  }
  if (audience.length === 0) throw new Error('auth.audience is empty: name whom the tokens are for');
}

const leastNode = 22;

function checkRuntime(runtime: Runtime): void {
  const major = Number(/^nodejs(\d+)/.exec(runtime.name)?.[1] ?? 0);
  // `nodejs22.x` and later; a provided runtime would run no JavaScript.
  if (runtime.family !== RuntimeFamily.NODEJS || (major !== 0 && major < leastNode)) {
    throw new Error(`runtime is ${runtime.name}: it must be Node ${leastNode} or later`);
  }
}

const environmentBytes = 4096;

/** Lambda measures all variables together, as JSON. A value that is not known yet counts as nothing. */
export function checkEnvironmentSize(variables: Readonly<Record<string, string>>): void {
  const known = Object.entries(variables).map(([name, value]) => [name, Token.isUnresolved(value) ? '' : value]);
  const bytes = Buffer.byteLength(JSON.stringify(Object.fromEntries(known)));
  if (bytes <= environmentBytes) return;
  const [name, value] = known.toSorted(([, a], [, b]) => b!.length - a!.length)[0]!;
  throw new Error(
    `The functions' environment is ${bytes} bytes, Lambda allows ${environmentBytes}: shorten workerSettings, environment ` +
      `or bootstrapServers (the longest variable is ${name} with ${value!.length}); what belongs to one connector goes into its config`,
  );
}
