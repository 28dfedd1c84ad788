import { CfnOutput, Duration, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Alarm, Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Connections, type IConnectable } from 'aws-cdk-lib/aws-ec2';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Architecture, type Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { IParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import type { EnvironmentSetting, EnvironmentSettings } from '../src/config/environment-config.ts';
import { environmentVariable, writeEnvironment } from '../src/environment.ts';
import { metricNamespace } from '../src/telemetry/events.ts';
import { acknowledge } from './acknowledged.ts';
import { countFailedRuns, createAlarms } from './alarms.ts';
import { checkEnvironmentSize, checkFunctionSettings, checkProps, checkRunTimeout } from './check-props.ts';
import { Connectors } from './connectors.ts';
import { tellFailedInvocations, tellFailedTicks } from './failed-invocations.ts';
import { Feeds } from './feeds.ts';
import { createFunction, createSecurityGroup, type FunctionsContext, type Network } from './functions.ts';
import { connectorsExport, type DroverAttributes, type IDrover, ImportedDrover } from './imported-drover.ts';
import { createJavaFunction, deployJava } from './java.ts';
import { permitAlarms, permitSecret, permitServices } from './keys.ts';
import type { DroverProps, KafkaSecurity } from './props.ts';
import { createRestApi } from './rest-api.ts';
import { acknowledgeFailuresKey, permitDispatch, permitMirror, permitTable, permitWorker } from './rights.ts';
import { createRunnerQueue, Runner } from './runner.ts';
import { createSchedule } from './schedule.ts';
import { checkConnectorAccess, requireAbsolute, resolveLimits, settingOf, settingsOf } from './settings.ts';
import { readStream } from './stream.ts';
import { createTable } from './table.ts';

/**
 * Kafka Connect on Lambda: the REST API, the coordinator, the tasks and the mirror, with the one table they share.
 *
 *     new Drover(this, 'Connect', {
 *       bootstrapServers: ['b-1.example:9098'],
 *       security: { type: 'iam', clusterArn },
 *       vpc,
 *     });
 */
export class Drover extends Construct implements IConnectable, IDrover {
  /**
   * The installation of a stack that another app has deployed, of this account and region, for connectors to be declared on:
   * its app must have called `shareConnectors`.
   */
  static fromStackName(scope: Construct, id: string, stackName: string): IDrover {
    return ImportedDrover.ofStack(scope, id, stackName);
  }

  /** The same, by what the other app tells otherwise. */
  static fromDroverAttributes(scope: Construct, id: string, attributes: DroverAttributes): IDrover {
    return new ImportedDrover(scope, id, attributes);
  }

  /** Everything that must survive. */
  readonly table: ITable;
  /** The REST API; its URL is `api.apiEndpoint`. */
  readonly api: HttpApi;
  readonly restFunction: LambdaFunction;
  readonly coordinatorFunction: LambdaFunction;
  /** Runs connectors and tasks: grant it what your plugins need. */
  readonly taskFunction: LambdaFunction;
  readonly mirrorFunction: LambdaFunction;
  /** Runs connectors that need Java, with the prop `java`: grant it what they need. */
  readonly javaFunction: LambdaFunction | undefined;
  /** Runs what no function can hold, with the prop `runner`: grant `taskFunction` what it needs, whose role it has. */
  readonly runner: Runner | undefined;
  /** Event sources that bring records to connectors; the functions of each system add theirs. */
  readonly feeds: Feeds;
  /** Connectors that the app declares; see DroverConnector. */
  readonly connectors: Connectors;
  /** Events that no function could take. */
  readonly failures: Queue;
  readonly alarms: readonly Alarm[];
  /** Who is told of alarms; those of event sources tell it too. */
  readonly alarmTopic: ITopic | undefined;
  /** Undefined without one: see the prop. */
  readonly dashboard: Dashboard | undefined;
  /** The functions that talk to Kafka, to be let in at the brokers; throws without a VPC. */
  readonly connections: Connections;
  readonly #wakeSources: { readonly source: string; readonly wakes: readonly string[] }[] = [];
  readonly #secrets: ISecret[];
  readonly #parameters: IParameter[];
  readonly #security: KafkaSecurity;
  #settings: EnvironmentSettings;

  constructor(scope: Construct, id: string, props: DroverProps) {
    super(scope, id);
    checkProps(props);
    checkConnectorAccess(props);
    this.#security = props.security;
    this.#secrets = [...(props.connectorSecrets ?? [])];
    this.#parameters = [...(props.connectorParameters ?? [])];
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const logRetention = props.logRetention ?? RetentionDays.ONE_MONTH;
    const limits = resolveLimits(props.limits ?? {});

    const { encryptionKey, tableName } = props;
    if (encryptionKey !== undefined) permitServices(this, encryptionKey);
    this.table = props.table ?? (createTable(this, { removalPolicy, tableName, encryptionKey }) as ITable);
    this.failures = new Queue(this, 'Failures', {
      ...(encryptionKey === undefined
        ? { encryption: QueueEncryption.SQS_MANAGED }
        : { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }),
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });

    acknowledge(this.failures, 'AwsSolutions-SQS3', 'It is itself where failures go: nothing consumes it');

    const network = this.#network(props);
    this.connections = new Connections({ securityGroups: network?.securityGroups ?? [] });
    const architecture = props.architecture ?? Architecture.ARM_64;
    const java = props.java === undefined ? undefined : deployJava(this, props.java, architecture);
    const runs = props.runner === undefined ? undefined : createRunnerQueue(this, encryptionKey);
    const settings: EnvironmentSettings = {
      ...settingsOf(props, this.table, limits),
      ...java?.settings,
      ...(runs === undefined ? {} : { 'drover.runner.queue': runs.queueUrl }),
      ...props.environment,
    };
    this.#settings = settings;
    checkFunctionSettings(settings, props.environment);
    checkRunTimeout(limits.run, limits.runTimeout);
    const variables = writeEnvironment(settings);
    checkEnvironmentSize(variables);
    const context: FunctionsContext = {
      environment: variables,
      pluginsModule: props.plugins,
      java,
      runtime: props.runtime ?? Runtime.NODEJS_24_X,
      architecture,
      logRetention,
      removalPolicy,
      encryptionKey,
    };

    // Of each function that runs tasks.
    const running = {
      timeout: limits.runTimeout,
      network,
      ...(limits.reserveConcurrency ? { reservedConcurrentExecutions: limits.runsInFlight } : {}),
    };
    this.taskFunction = createFunction(this, 'TaskFunction', 'task', context, {
      ...running,
      description: 'Drover worker: one bounded run of a task, a connector or the probe',
      memorySize: limits.taskMemorySize,
    });
    this.javaFunction =
      java === undefined
        ? undefined
        : createJavaFunction(this, java, context, { ...running, memorySize: props.java?.memorySize ?? 1024 });
    this.runner =
      runs === undefined
        ? undefined
        : new Runner(this, 'Runner', props.runner ?? {}, {
            queue: runs,
            taskFunction: this.taskFunction,
            functions: context,
            network,
            java,
          });
    const toJava: EnvironmentSettings =
      this.javaFunction === undefined ? {} : { 'drover.java.function': this.javaFunction.functionName };
    this.coordinatorFunction = createFunction(this, 'CoordinatorFunction', 'coordinator', context, {
      description: 'Drover herder: dispatches what is due',
      timeout: Duration.seconds(75),
      memorySize: 512,
      environment: writeEnvironment({ 'drover.task.function': this.taskFunction.functionName, ...toJava }),
    });
    this.restFunction = createFunction(this, 'RestFunction', 'rest', context, {
      description: 'Drover REST API: reads the table, writes what is wanted',
      timeout: Duration.seconds(29),
      memorySize: 1024,
      environment: writeEnvironment(toJava),
    });
    this.mirrorFunction = createFunction(this, 'MirrorFunction', 'mirror', context, {
      description: 'Drover mirror: projects the table onto the topics of Kafka Connect',
      timeout: Duration.minutes(2),
      memorySize: 512,
      network,
    });

    this.feeds = new Feeds(this, () => {
      const environment = writeEnvironment(this.#settings);
      const fn = createFunction(
        this,
        'FeedFunction',
        'feed',
        { ...context, environment },
        {
          description: 'Drover worker: events of declared event sources',
          timeout: limits.feedTimeout,
          memorySize: limits.taskMemorySize,
          network,
        },
      );
      this.#permitWorker(fn, props.security, settings);
      countFailedRuns(this, 'FailedFeeds', fn);
      return fn;
    });
    this.connectors = new Connectors(this, (scope) => {
      const environment = writeEnvironment(this.#settings);
      const fn = createFunction(
        scope,
        'Function',
        'connectors',
        { ...context, environment },
        {
          description: 'Drover: connectors that stacks declare, as CloudFormation asks for them',
          timeout: Duration.minutes(5),
          memorySize: 512,
        },
      );
      permitTable(fn, this.table);
      this.feeds.tell(fn);
      return fn;
    });
    this.#wire(props.security, settings, encryptionKey);
    runs?.grantSendMessages(this.coordinatorFunction);
    this.api = createRestApi(this, {
      handler: this.restFunction,
      auth: props.auth ?? { type: 'iam' },
      logRetention,
      removalPolicy,
      encryptionKey,
      throttle: { rate: props.throttle?.rate ?? 50, burst: props.throttle?.burst ?? 100 },
    });
    createSchedule(this, this.coordinatorFunction);
    this.alarmTopic = props.alarmTopic;
    if (props.alarmTopic !== undefined) permitAlarms(this, props.alarmTopic);
    const { alarms, dashboard } = createAlarms(this, {
      functions: {
        rest: this.restFunction,
        coordinator: this.coordinatorFunction,
        task: this.taskFunction,
        mirror: this.mirrorFunction,
        ...(this.javaFunction === undefined ? {} : { 'java-task': this.javaFunction }),
      },
      failures: this.failures,
      runs,
      metricNamespace: namespaceOf(settingOf(settings, 'group.id')),
      topic: props.alarmTopic,
      dashboard: props.dashboard ?? true,
      metrics:
        settingOf(settings, 'drover.metrics') === 'none' ? undefined : namespaceOf(settingOf(settings, 'group.id')),
    });
    this.alarms = alarms;
    this.dashboard = dashboard;
  }

  /** Lets somebody call the REST API with signed requests; for the default `auth`. */
  grantApiAccess(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['execute-api:Invoke'],
      // Every request goes to the one route there is, which IAM knows by the request's own method and path or as
      // `$default`: the whole API is what matches for certain, `/`-separated parts counted by nobody.
      resourceArns: [Stack.of(this).formatArn({ service: 'execute-api', resource: this.api.apiId, resourceName: '*' })],
    });
  }

  /** Lets somebody wake connectors by invoking the coordinator with `{"drover":{"wake":["name"]}}`. */
  grantWakeUp(grantee: IGrantable): Grant {
    return this.coordinatorFunction.grantInvoke(grantee);
  }

  /** Lets connector configs name files in this folder of the task function, as the prop `fileFolders` does. */
  allowFiles(folder: string): void {
    requireAbsolute('allowFiles', [folder]);
    this.#list('drover.file.folders', folder);
  }

  /** Lets connector configs refer to this secret, as the prop `connectorSecrets` does. Throws for the one in `security`. */
  allowConnectorSecret(secret: ISecret): void {
    if (this.#secrets.some(({ secretArn }) => secretArn === secret.secretArn)) return;
    checkConnectorAccess({ security: this.#security, connectorSecrets: [secret] });
    this.#secrets.push(secret);
    this.#list('drover.connector.secrets', secret.secretArn);
    for (const fn of this.#workers) permitSecret(secret, fn);
  }

  /** Lets connector configs refer to this parameter, as the prop `connectorParameters` does. */
  allowConnectorParameter(parameter: IParameter): void {
    if (this.#parameters.some(({ parameterName }) => parameterName === parameter.parameterName)) return;
    this.#parameters.push(parameter);
    this.#list('drover.connector.parameters', parameter.parameterName);
    for (const fn of this.#workers) parameter.grantRead(fn);
  }

  /**
   * Lets other apps declare connectors here, by `Drover.fromStackName`: makes the function that they call, and exports its
   * ARN from the stack. Who may deploy and invoke it may declare any connector.
   */
  shareConnectors(): LambdaFunction {
    const stack = Stack.of(this);
    const exportName = connectorsExport(stack.stackName);
    const fn = this.connectors.function;
    this.node.tryFindChild('ConnectorsFunctionArn') ??
      new CfnOutput(this, 'ConnectorsFunctionArn', { value: fn.functionArn, exportName });
    return fn;
  }

  /** Whatever the queue or topic of this ARN sends to the coordinator wakes these connectors: see `wakeOnQueue`. */
  addWakeSource(arn: string, wakes: readonly string[]): void {
    this.#wakeSources.push({ source: arn, wakes });
    const isKnown = this.#wakeSources.every(({ source }) => !Token.isUnresolved(source));
    const text = isKnown ? JSON.stringify(this.#wakeSources) : Stack.of(this).toJsonString(this.#wakeSources);
    this.#set('drover.wake.sources', text, [this.coordinatorFunction]);
  }

  #list(setting: EnvironmentSetting, entry: string): void {
    const known = this.#settings[setting];
    this.#set(setting, known ? `${known},${entry}` : entry, this.#functions);
  }

  #set(setting: EnvironmentSetting, value: string, functions: readonly LambdaFunction[]): void {
    this.#settings = { ...this.#settings, [setting]: value };
    const variables = writeEnvironment(this.#settings);
    checkEnvironmentSize(variables);
    const variable = environmentVariable(setting);
    for (const fn of functions) fn.addEnvironment(variable, variables[variable]!);
    if (functions.includes(this.taskFunction)) this.runner?.setVariable(variable, variables[variable]!);
  }

  get #functions(): readonly LambdaFunction[] {
    const made = [this.restFunction, this.coordinatorFunction, this.taskFunction, this.mirrorFunction];
    return [...made, this.javaFunction, this.feeds?.made, this.connectors?.made].filter((fn) => fn !== undefined);
  }

  /** Those that runs are handed to. */
  get #taskFunctions(): readonly LambdaFunction[] {
    return [this.taskFunction, this.javaFunction].filter((fn) => fn !== undefined);
  }

  /** What runs connectors. */
  get #workers(): readonly LambdaFunction[] {
    return [...this.#taskFunctions, this.feeds.made].filter((fn) => fn !== undefined);
  }

  #network(props: DroverProps): Network | undefined {
    if (props.vpc === undefined) {
      if ([props.securityGroups, props.vpcSubnets, props.allowPublicSubnet].some((prop) => prop !== undefined)) {
        throw new Error('securityGroups, vpcSubnets and allowPublicSubnet need vpc: name the VPC that they belong to');
      }
      return undefined;
    }
    return {
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
      allowPublicSubnet: props.allowPublicSubnet,
      securityGroups:
        props.securityGroups === undefined ? [createSecurityGroup(this, props.vpc)] : [...props.securityGroups],
    };
  }

  #wire(security: KafkaSecurity, settings: EnvironmentSettings, encryptionKey: IKey | undefined): void {
    const { table, coordinatorFunction: coordinator, mirrorFunction: mirror, failures } = this;
    for (const fn of [this.restFunction, coordinator]) permitTable(fn, table);
    for (const fn of this.#taskFunctions) this.#permitWorker(fn, security, settings);
    permitMirror(mirror, { table, security, settings });
    permitDispatch(this, coordinator, this.#taskFunctions);
    acknowledgeFailuresKey(failures, this.#functions);
    // What only the class of a Java plugin can say.
    this.javaFunction?.grantInvoke(this.restFunction);
    readStream(table, { coordinator, mirror, failures });
    tellFailedInvocations(this, this.#taskFunctions, coordinator, encryptionKey);
    tellFailedTicks(this, coordinator, failures, encryptionKey);
  }

  #permitWorker(fn: LambdaFunction, security: KafkaSecurity, settings: EnvironmentSettings): void {
    const { table } = this;
    permitWorker(fn, { table, security, settings, secrets: this.#secrets, parameters: this.#parameters });
  }
}

/** Undefined: known at deployment only, so that no graph can name it. */
function namespaceOf(groupId: string): string {
  // What only the deployment knows cannot be looked at here.
  return Token.isUnresolved(groupId) ? `Drover/${groupId}` : metricNamespace(groupId);
}
