import { App, CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Vpc } from 'aws-cdk-lib/aws-ec2';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { adaptToEmulator } from './emulator.ts';
import { type ApiAuth, Drover, type DroverLimits, type DroverProps, type KafkaSecurity } from './index.ts';
import { addPlayground } from './playground.ts';
import { addPlaygroundBucket } from './playground-bucket.ts';

/**
 * One Drover in one stack, told by context what it should be; an app of your own says the same with `new Drover(…)`.
 *
 *     cdk deploy -c bootstrapServers=b-1.example:9098 -c security=iam -c clusterArn=arn:… -c vpcId=vpc-…
 *
 * | context                                   | meaning                                                        |
 * | ----------------------------------------- | -------------------------------------------------------------- |
 * | bootstrapServers                          | host:port, with commas between                                 |
 * | security                                  | iam (needs clusterArn), scram or mtls (need secretArn), plaintext |
 * | secretKeyArn                              | customer-managed key of that secret, as MSK demands            |
 * | vpcId                                     | where the brokers are; left out: public brokers                |
 * | auth                                      | iam (default) or none                                          |
 * | groupId, plugins, stackName               | as the construct's props                                       |
 * | tableName                                 | of the table; see the prop                                     |
 * | replicationFactor                         | of the mirror topics                                           |
 * | runsInFlight, runSeconds, runTimeoutSeconds | limits; also taskMemorySize                                  |
 * | reserveConcurrency                        | true: runsInFlight is reserved for the task function           |
 * | idleFloorMs, idleCeilingMs                | limits                                                         |
 * | fileFolders, connectorHosts               | as the props, with commas between                              |
 * | connectorSecrets, connectorParameters     | names that configs may refer to, with commas between           |
 * | removalPolicy                             | retain (default) or destroy                                    |
 * | javaPlugins, javaHost, javaMemorySize     | as java.plugins (with commas between) and java.host            |
 * | javaManifest                              | of plugins that are not packed: for the emulator               |
 * | runner                                    | fargate or own, as runner.host; left out: there is none        |
 * | playground                                | true: one event source of each kind, wired as feeds, to try out  |
 * | emulator                                  | true: for the emulator of `npm start` instead of AWS             |
 */
const app = new App();
const get = (name: string): string | undefined => {
  const value: unknown = app.node.tryGetContext(name);
  return value === undefined || value === '' ? undefined : String(value);
};
const need = (name: string, why: string): string => {
  const value = get(name);
  if (value === undefined) throw new Error(`${name} is missing: ${why}; give it with -c ${name}=…`);
  return value;
};
const count = (name: string): number | undefined => {
  const text = get(name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`${name} is "${text}": it must be a whole number`);
  return value;
};

const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;
const stack = new Stack(app, get('stackName') ?? 'Drover', {
  description: 'Drover: Kafka Connect on Lambda',
  ...(account !== undefined && region !== undefined ? { env: { account, region } } : {}),
});

const bootstrapServers = need('bootstrapServers', 'Drover must know host:port of some brokers').split(',');
const vpcId = get('vpcId');
const groupId = get('groupId');
const plugins = get('plugins');
const tableName = get('tableName');
const fileFolders = get('fileFolders')?.split(',');
const connectorHosts = get('connectorHosts')?.split(',');
const connectorSecrets = get('connectorSecrets')
  ?.split(',')
  .map((name) => Secret.fromSecretNameV2(stack, `Secret-${name}`, name));
const connectorParameters = get('connectorParameters')
  ?.split(',')
  .map((name) => StringParameter.fromStringParameterName(stack, `Parameter-${name.replaceAll('/', '-')}`, name));
const replicationFactor = count('replicationFactor');
const drover = new Drover(stack, 'Connect', {
  bootstrapServers,
  security: security(),
  auth: auth(),
  limits: limits(),
  removalPolicy: get('removalPolicy') === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
  ...(groupId === undefined ? {} : { groupId }),
  ...(plugins === undefined ? {} : { plugins }),
  ...java(),
  ...runner(),
  ...(tableName === undefined ? {} : { tableName }),
  ...(fileFolders === undefined ? {} : { fileFolders }),
  ...(connectorHosts === undefined ? {} : { connectorHosts }),
  ...(connectorSecrets === undefined ? {} : { connectorSecrets }),
  ...(connectorParameters === undefined ? {} : { connectorParameters }),
  ...(replicationFactor === undefined ? {} : { mirrorTopics: { replicationFactor } }),
  ...(vpcId === undefined ? {} : { vpc: Vpc.fromLookup(stack, 'Vpc', { vpcId }) }),
});

if (get('emulator') === 'true') adaptToEmulator(stack);
if (get('playground') === 'true') {
  addPlayground(stack, drover);
  addPlaygroundBucket(stack, drover);
}

new CfnOutput(stack, 'RestUrl', { value: drover.api.apiEndpoint });
new CfnOutput(stack, 'ApiId', { value: drover.api.apiId });
new CfnOutput(stack, 'TableName', { value: drover.table.tableName });
new CfnOutput(stack, 'RestFunctionName', { value: drover.restFunction.functionName });
new CfnOutput(stack, 'CoordinatorFunctionName', { value: drover.coordinatorFunction.functionName });
new CfnOutput(stack, 'TaskFunctionName', { value: drover.taskFunction.functionName });
if (drover.javaFunction !== undefined) {
  new CfnOutput(stack, 'JavaFunctionName', { value: drover.javaFunction.functionName });
}
new CfnOutput(stack, 'MirrorFunctionName', { value: drover.mirrorFunction.functionName });
new CfnOutput(stack, 'FailuresQueueUrl', { value: drover.failures.queueUrl });

function security(): KafkaSecurity {
  const type = need('security', 'it is iam, scram, mtls or plaintext');
  switch (type) {
    case 'plaintext':
      return { type };
    case 'iam':
      return { type, clusterArn: need('clusterArn', 'with security=iam the MSK cluster must be named') };
    case 'scram':
    case 'mtls': {
      const arn = need('secretArn', `with security=${type} the credentials lie in a secret`);
      const keyArn = get('secretKeyArn');
      const secret = Secret.fromSecretAttributes(stack, 'KafkaSecret', {
        secretCompleteArn: arn,
        ...(keyArn === undefined ? {} : { encryptionKey: Key.fromKeyArn(stack, 'KafkaSecretKey', keyArn) }),
      });
      return { type, secret };
    }
    default:
      throw new Error(`security is "${type}": it must be iam, scram, mtls or plaintext`);
  }
}

function java(): Pick<DroverProps, 'java'> {
  const folders = get('javaPlugins')?.split(',');
  if (folders === undefined) return {};
  const host = get('javaHost');
  const manifest = get('javaManifest');
  const memorySize = count('javaMemorySize');
  return {
    java: {
      plugins: folders,
      ...(host === undefined ? {} : { host }),
      ...(memorySize === undefined ? {} : { memorySize }),
      ...(manifest === undefined ? {} : { unpacked: { manifest } }),
    },
  };
}

function runner(): Pick<DroverProps, 'runner'> {
  const host = get('runner');
  if (host === undefined) return {};
  if (host !== 'fargate' && host !== 'own') throw new Error(`runner is "${host}": it must be fargate or own`);
  return { runner: { host } };
}

function auth(): ApiAuth {
  const type = get('auth') ?? 'iam';
  if (type !== 'iam' && type !== 'none') throw new Error(`auth is "${type}": it must be iam or none`);
  return { type };
}

function limits(): DroverLimits {
  const runsInFlight = count('runsInFlight');
  const taskMemorySize = count('taskMemorySize');
  const time = (name: string, unit: (amount: number) => Duration) => {
    const amount = count(name);
    return amount === undefined ? undefined : unit(amount);
  };
  const all = {
    runsInFlight,
    reserveConcurrency: get('reserveConcurrency') === 'true',
    taskMemorySize,
    run: time('runSeconds', Duration.seconds),
    runTimeout: time('runTimeoutSeconds', Duration.seconds),
    idleFloor: time('idleFloorMs', Duration.millis),
    idleCeiling: time('idleCeilingMs', Duration.millis),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}
