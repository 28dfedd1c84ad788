import { Duration, RemovalPolicy, Token } from 'aws-cdk-lib';
import type { HttpApi } from 'aws-cdk-lib/aws-apigatewayv2';
import type { Alarm, Dashboard } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import { Connections, type IConnectable } from 'aws-cdk-lib/aws-ec2';
import { Grant, type IGrantable, Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { FilterCriteria, type Function as LambdaFunction, Runtime, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { DynamoEventSource, SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { type EnvironmentSetting, environmentConfig, writeEnvironment } from '../src/environment.ts';
import { clusterPk, streamFilters } from '../src/storage/dynamodb/table.ts';
import { metricNamespace } from '../src/telemetry/telemetry.ts';
import { acknowledge, acknowledgeResource } from './acknowledged.ts';
import { createAlarms } from './alarms.ts';
import { createFunction, createSecurityGroup, type FunctionsContext, type Network, permitMsk } from './functions.ts';
import type { DroverLimits, DroverProps, KafkaSecurity } from './props.ts';
import { createRestApi } from './rest-api.ts';
import { createSchedule } from './schedule.ts';
import { createTable, indexNames } from './table.ts';

const readActions = ['dynamodb:GetItem', 'dynamodb:BatchGetItem', 'dynamodb:Query'];
const writeActions = [
  'dynamodb:PutItem',
  'dynamodb:UpdateItem',
  'dynamodb:DeleteItem',
  'dynamodb:BatchWriteItem',
  'dynamodb:ConditionCheckItem',
];

/**
 * Kafka Connect on Lambda: the REST API, the coordinator, the tasks and the mirror, with the one table they share.
 *
 *     new Drover(this, 'Connect', {
 *       bootstrapServers: ['b-1.example:9098'],
 *       security: { type: 'iam', clusterArn },
 *       vpc,
 *     });
 */
export class Drover extends Construct implements IConnectable {
  /** Everything that must survive. */
  readonly table: ITable;
  /** The REST API; its URL is `api.apiEndpoint`. */
  readonly api: HttpApi;
  readonly restFunction: LambdaFunction;
  readonly coordinatorFunction: LambdaFunction;
  /** Runs connectors and tasks: grant it what your plugins need. */
  readonly taskFunction: LambdaFunction;
  readonly mirrorFunction: LambdaFunction;
  /** Events that no function could take. */
  readonly failures: Queue;
  readonly alarms: readonly Alarm[];
  readonly dashboard: Dashboard;
  /** The functions that talk to Kafka, to be let in at the brokers; throws without a VPC. */
  readonly connections: Connections;

  constructor(scope: Construct, id: string, props: DroverProps) {
    super(scope, id);
    if (props.bootstrapServers.length === 0) {
      throw new Error('bootstrapServers is empty: give host:port of at least one broker');
    }
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const logRetention = props.logRetention ?? RetentionDays.ONE_MONTH;
    const limits = resolveLimits(props.limits ?? {});

    this.table = props.table ?? (createTable(this, removalPolicy) as ITable);
    this.failures = new Queue(this, 'Failures', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });

    acknowledge(this.failures, 'AwsSolutions-SQS3', 'It is itself where failures go: nothing consumes it');

    const network = this.#network(props);
    this.connections = new Connections({ securityGroups: network?.securityGroups ?? [] });
    const context: FunctionsContext = {
      environment: writeEnvironment({ ...settingsOf(props, this.table, limits), ...props.environment }),
      pluginsModule: props.plugins,
      runtime: props.runtime ?? Runtime.NODEJS_24_X,
      architecture: props.architecture,
      logRetention,
      removalPolicy,
    };

    this.taskFunction = createFunction(this, 'TaskFunction', 'task', context, {
      description: 'Drover worker: one bounded run of a task, a connector or the probe',
      timeout: limits.runTimeout,
      memorySize: limits.taskMemorySize,
      reservedConcurrentExecutions: limits.runsInFlight,
      network,
    });
    this.coordinatorFunction = createFunction(this, 'CoordinatorFunction', 'coordinator', context, {
      description: 'Drover herder: dispatches what is due',
      timeout: Duration.seconds(75),
      memorySize: 512,
      environment: writeEnvironment({ 'drover.task.function': this.taskFunction.functionName }),
    });
    this.restFunction = createFunction(this, 'RestFunction', 'rest', context, {
      description: 'Drover REST API: reads the table, writes what is wanted',
      timeout: Duration.seconds(29),
      memorySize: 1024,
    });
    this.mirrorFunction = createFunction(this, 'MirrorFunction', 'mirror', context, {
      description: 'Drover mirror: projects the table onto the topics of Kafka Connect',
      timeout: Duration.minutes(2),
      memorySize: 512,
      network,
    });

    this.#permit(props.security, props);
    this.#wire(limits);
    this.api = createRestApi(this, {
      handler: this.restFunction,
      auth: props.auth ?? { type: 'iam' },
      logRetention,
      removalPolicy,
    });
    createSchedule(this, this.coordinatorFunction);
    const { alarms, dashboard } = createAlarms(this, {
      functions: {
        rest: this.restFunction,
        coordinator: this.coordinatorFunction,
        task: this.taskFunction,
        mirror: this.mirrorFunction,
      },
      failures: this.failures,
      metricNamespace: namespaceOf(props),
      topic: props.alarmTopic,
    });
    this.alarms = alarms;
    this.dashboard = dashboard;
  }

  /** Lets somebody call the REST API with signed requests; for the default `auth`. */
  grantApiAccess(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['execute-api:Invoke'],
      resourceArns: [this.api.arnForExecuteApi()],
    });
  }

  /** Lets somebody wake connectors by invoking the coordinator with `{"drover":{"wake":["name"]}}`. */
  grantWakeUp(grantee: IGrantable): Grant {
    return this.coordinatorFunction.grantInvoke(grantee);
  }

  #network(props: DroverProps): Network | undefined {
    if (props.vpc === undefined) {
      if (props.securityGroups !== undefined || props.vpcSubnets !== undefined) {
        throw new Error('securityGroups and vpcSubnets need vpc: name the VPC that they belong to');
      }
      return undefined;
    }
    return {
      vpc: props.vpc,
      vpcSubnets: props.vpcSubnets,
      securityGroups:
        props.securityGroups === undefined ? [createSecurityGroup(this, props.vpc)] : [...props.securityGroups],
    };
  }

  #permit(security: KafkaSecurity, props: DroverProps): void {
    const own = this.table.tableArn;
    const indexes = indexNames.map((name) => `${own}/index/${name}`);
    const readWrite = () =>
      new PolicyStatement({ actions: [...readActions, ...writeActions], resources: [own, ...indexes] });
    for (const fn of [this.restFunction, this.coordinatorFunction, this.taskFunction]) fn.addToRolePolicy(readWrite());
    // Projects what the stream brings; reads what the stream does not tell, and writes the id of the Kafka cluster.
    this.mirrorFunction.addToRolePolicy(new PolicyStatement({ actions: readActions, resources: [own, ...indexes] }));
    this.mirrorFunction.addToRolePolicy(
      new PolicyStatement({
        actions: ['dynamodb:UpdateItem', 'dynamodb:PutItem'],
        resources: [own],
        conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [clusterPk] } },
      }),
    );

    for (const secret of props.connectorSecrets ?? []) secret.grantRead(this.taskFunction);
    for (const fn of [this.taskFunction, this.mirrorFunction]) {
      if (security.type === 'scram' || security.type === 'mtls') security.secret.grantRead(fn);
      if (security.type === 'iam') permitMsk(fn, security.clusterArn);
    }
    // A policy of its own: the function must not wait for one that names the function itself.
    new Policy(this, 'DispatchPolicy', {
      roles: [this.coordinatorFunction.role!],
      statements: [
        new PolicyStatement({
          actions: ['lambda:InvokeFunction'],
          resources: [this.taskFunction.functionArn, this.coordinatorFunction.functionArn],
        }),
      ],
    });
  }

  #wire(limits: ResolvedLimits): void {
    if (this.table.tableStreamArn === undefined) {
      throw new Error('table has no stream: create it with droverTableProps, or import it with its tableStreamArn');
    }
    const filters = (patterns: readonly object[]) =>
      patterns.map((pattern) => FilterCriteria.filter(pattern as Record<string, unknown>));
    const failures = new SqsDlq(this.failures);
    this.coordinatorFunction.addEventSource(
      new DynamoEventSource(this.table, {
        startingPosition: StartingPosition.LATEST,
        batchSize: 100,
        filters: filters(streamFilters.coordinator),
        parallelizationFactor: 2,
        // What is lost here the next tick finds.
        retryAttempts: 2,
        maxRecordAge: Duration.minutes(1),
        bisectBatchOnError: true,
        onFailure: failures,
      }),
    );
    this.mirrorFunction.addEventSource(
      new DynamoEventSource(this.table, {
        startingPosition: StartingPosition.TRIM_HORIZON,
        batchSize: 500,
        // A lease taken and released again, or a second of commits, is one invocation.
        maxBatchingWindow: Duration.seconds(1),
        filters: filters(streamFilters.mirror),
        // In order, and until Kafka takes it: the stream keeps a day.
        retryAttempts: -1,
        onFailure: failures,
      }),
    );
    for (const fn of [this.coordinatorFunction, this.mirrorFunction]) {
      acknowledgeResource(
        fn.role!,
        '*',
        'dynamodb:ListStreams, which Lambda needs to read the stream, knows no resource',
      );
    }
    const onFailure = new SqsDestination(this.failures);
    // A run that fails is still due, and the tick dispatches it: no second try here.
    this.taskFunction.configureAsyncInvoke({
      retryAttempts: 0,
      maxEventAge: Duration.seconds(Math.max(60, limits.runTimeout.toSeconds())),
      onFailure,
    });
    this.coordinatorFunction.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1), onFailure });
  }
}

type ResolvedLimits = Required<DroverLimits>;

function resolveLimits(limits: DroverLimits): ResolvedLimits {
  const run = limits.run ?? Duration.seconds(60);
  const runTimeout = limits.runTimeout ?? run.plus(Duration.minutes(1));
  if (runTimeout.toSeconds() > 900) {
    throw new Error(`limits.runTimeout is ${runTimeout.toSeconds()} s: Lambda allows 900 s at most`);
  }
  if (runTimeout.toMilliseconds() <= run.toMilliseconds()) {
    throw new Error('limits.runTimeout must be longer than limits.run: a run needs time to commit and let go');
  }
  const idleFloor = limits.idleFloor ?? Duration.seconds(1);
  const idleCeiling = limits.idleCeiling ?? Duration.minutes(1);
  if (idleFloor.toMilliseconds() > idleCeiling.toMilliseconds()) {
    throw new Error('limits.idleFloor is above limits.idleCeiling');
  }
  return {
    runsInFlight: limits.runsInFlight ?? 20,
    run,
    runTimeout,
    linger: limits.linger ?? Duration.millis(500),
    idleFloor,
    idleCeiling,
    taskMemorySize: limits.taskMemorySize ?? 1024,
  };
}

/** Where the functions' metrics are: by the same group id that they are told. */
function namespaceOf(props: DroverProps): string {
  const groupId =
    props.environment?.['group.id'] ?? props.groupId ?? String(environmentConfig.keys.get('group.id')?.defaultValue);
  // What only the deployment knows cannot be looked at here.
  return Token.isUnresolved(groupId) ? `Drover/${groupId}` : metricNamespace(groupId);
}

function settingsOf(
  props: DroverProps,
  table: ITable,
  limits: ResolvedLimits,
): Partial<Record<EnvironmentSetting, string>> {
  const ms = (duration: Duration) => String(duration.toMilliseconds());
  const topics = props.mirrorTopics ?? {};
  const replication = topics.replicationFactor === undefined ? undefined : String(topics.replicationFactor);
  const partitions = (count: number | undefined) => (count === undefined ? undefined : String(count));
  const optional = {
    'group.id': props.groupId,
    'config.storage.topic': topics.configs,
    'offset.storage.topic': topics.offsets,
    'status.storage.topic': topics.status,
    'config.storage.replication.factor': replication,
    'offset.storage.replication.factor': replication,
    'status.storage.replication.factor': replication,
    'offset.storage.partitions': partitions(topics.offsetsPartitions),
    'status.storage.partitions': partitions(topics.statusPartitions),
    'drover.worker.settings': props.workerSettings === undefined ? undefined : JSON.stringify(props.workerSettings),
  } satisfies Partial<Record<EnvironmentSetting, string | undefined>>;
  const given = Object.entries(optional).filter((entry) => entry[1] !== undefined);
  return {
    'drover.table.name': table.tableName,
    'bootstrap.servers': props.bootstrapServers.join(','),
    ...securitySettings(props.security),
    'drover.runs.in.flight.max': String(limits.runsInFlight),
    'drover.run.max.ms': ms(limits.run),
    'drover.run.linger.ms': ms(limits.linger),
    'drover.idle.floor.ms': ms(limits.idleFloor),
    'drover.idle.ceiling.ms': ms(limits.idleCeiling),
    ...Object.fromEntries(given),
  };
}

function securitySettings(security: KafkaSecurity): Partial<Record<EnvironmentSetting, string>> {
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
