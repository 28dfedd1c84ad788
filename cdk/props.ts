import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IParameter } from 'aws-cdk-lib/aws-ssm';
import type { EnvironmentSettings } from '../src/config/environment-config.ts';
import type { JavaPlugins } from './java.ts';
import type { RunnerProps } from './runner.ts';

/** How the functions prove to the brokers who they are. */
export type KafkaSecurity =
  /** MSK's IAM access control. */
  | {
      readonly type: 'iam';
      /**
       * Of the MSK cluster. The task function may use its topics and groups, and transactional ids that begin with the
       * `groupId`; the mirror its three topics and nothing else.
       */
      readonly clusterArn: string;
    }
  /** A user name and password over TLS. */
  | {
      readonly type: 'scram';
      /**
       * JSON with `username` and `password`, as MSK keeps them; optionally `ca` (PEM). MSK wants it encrypted with a
       * customer-managed key: import it with `Secret.fromSecretAttributes` and its `encryptionKey`, so that the functions
       * may decrypt it.
       */
      readonly secret: ISecret;
      /** @default 'SCRAM-SHA-512' */
      readonly mechanism?: 'SCRAM-SHA-512' | 'SCRAM-SHA-256' | 'PLAIN';
    }
  /** A client certificate. */
  | {
      readonly type: 'mtls';
      /** JSON with `certificate` and `key` (PEM); optionally `passphrase` and `ca`. As to its key see scram. */
      readonly secret: ISecret;
    }
  /** Neither encrypted nor authenticated: for a broker on the same machine or in a closed network. */
  | { readonly type: 'plaintext' };

/** Who may call the REST API. */
export type ApiAuth =
  /** Callers sign their requests (SigV4) and need `execute-api:Invoke`; see `Drover.grantApiAccess`. */
  | { readonly type: 'iam' }
  /** Callers bring a token of an OpenID Connect issuer. */
  | {
      readonly type: 'jwt';
      readonly issuer: string;
      readonly audience: readonly string[];
      /** A token needs one of these. @default - no scope is needed */
      readonly scopes?: readonly string[];
    }
  /** An authoriser of your own. */
  | {
      readonly type: 'authorizer';
      readonly authorizer: IHttpRouteAuthorizer;
      /** What of the context that a Lambda authoriser answers names the caller in the access log. @default 'principalId' */
      readonly callerProperty?: string;
    }
  /** Anybody who reaches the URL. Connector configs hold the keys to your systems: only for local development. */
  | { readonly type: 'none' };

/** What the REST API takes before it answers 429. */
export interface ApiThrottle {
  /** Requests a second in the long run. @default 50 */
  readonly rate?: number;
  /** Requests at once. @default 100 */
  readonly burst?: number;
}

/** What bounds the work and its cost. */
export interface DroverLimits {
  /**
   * Task runs under way at a time. So many are handed out at once, others as those end or a second later; see
   * `reserveConcurrency` for a hard bound.
   * A hundred thousand connectors that poll by the minute need 2,000.
   * @default 20
   */
  readonly runsInFlight?: number;
  /**
   * Whether `runsInFlight` is the task function's reserved concurrency: a hard bound, and nothing else in the account can
   * take these runs away. AWS takes it from what the account may run at once and wants 100 left over, so an account whose
   * quota is still 10 has none to reserve and the deployment fails.
   * @default false: all tasks that are due may run, as far as the account's quota goes
   */
  readonly reserveConcurrency?: boolean;
  /**
   * How long one run may move records; with more to do the task goes on in the next run.
   * @default Duration.seconds(60)
   */
  readonly run?: Duration;
  /**
   * When a run is killed. A run that dies is taken over at the latest this long after it began, plus a minute.
   * @default - one minute more than `run`
   */
  readonly runTimeout?: Duration;
  /**
   * How long a run that has moved records waits for more before it ends.
   * @default - as long as that is cheaper than another run, by the rhythm of the records that came of late
   */
  readonly linger?: Duration;
  /**
   * Pause after the first run that found nothing; it doubles with each further one.
   * @default Duration.seconds(1)
   */
  readonly idleFloor?: Duration;
  /**
   * Longest pause between runs that find nothing. At a minute or more an idle task costs nothing but its share of the schedule.
   * @default Duration.minutes(1)
   */
  readonly idleCeiling?: Duration;
  /**
   * Memory of the task function in MB; its CPU grows with it. Drover's own connectors were measured to need less than 300
   * (test/bench/results/memory.md); the rest is for records and plugins of any size, and for the CPU.
   * @default 1024
   */
  readonly taskMemorySize?: number;
  /**
   * When an invocation of the feed function is killed, whose events then come again. A queue must hide its messages for
   * longer.
   * @default Duration.seconds(30)
   */
  readonly feedTimeout?: Duration;
}

/** The Kafka topics that mirror the table in Java Connect's own format. */
export interface MirrorTopics {
  /** @default 'connect-configs' */
  readonly configs?: string;
  /** @default 'connect-offsets' */
  readonly offsets?: string;
  /** @default 'connect-status' */
  readonly status?: string;
  /** @default 25 */
  readonly offsetsPartitions?: number;
  /** @default 5 */
  readonly statusPartitions?: number;
  /** Of all three. @default 3 */
  readonly replicationFactor?: number;
}

/**
 * Plugins by class or alias (`FileStreamSource`); `*` at the end stands for any ending
 * (`org.apache.kafka.connect.file.*`).
 */
export interface OfferedPlugins {
  /** These only, of every kind: converters and transformations too. @default - all */
  readonly allow?: readonly string[];
  /** All but these. @default - none is left out */
  readonly deny?: readonly string[];
}

export interface DroverProps {
  /** host:port of some brokers. */
  readonly bootstrapServers: readonly string[];

  /** How the functions prove to the brokers who they are. */
  readonly security: KafkaSecurity;

  /**
   * Identifies this Connect cluster, as a worker's `group.id`; part of the transactional ids of exactly-once tasks.
   * @default 'drover'
   */
  readonly groupId?: string;

  /**
   * Where the functions that talk to Kafka run. Private subnets do, if they reach the brokers and DynamoDB (a gateway
   * endpoint, free). A secret in `security`, and `connectorSecrets`, need Secrets Manager too (an interface endpoint, or a
   * NAT gateway), `${ssm:…}` in a connector's config needs Systems Manager.
   * @default - outside of any VPC, for brokers with public addresses
   */
  readonly vpc?: IVpc;

  /** @default - the VPC's private subnets */
  readonly vpcSubnets?: SubnetSelection;

  /**
   * Says that `vpcSubnets` are public on purpose: functions get no public address there, so they reach what is in the VPC
   * or has an endpoint in it, and nothing else.
   * @default false
   */
  readonly allowPublicSubnet?: boolean;

  /** Of the functions that talk to Kafka. @default - one is created, with all outbound traffic allowed */
  readonly securityGroups?: readonly ISecurityGroup[];

  /**
   * File of the module whose default export lists your plugins: `export default [myConnector, myTransform]`.
   * It is bundled into the functions. A relative path begins where the app runs, which is its folder under `cdk`.
   * @default - Drover's own plugins only
   */
  readonly plugins?: string;

  /**
   * Plugins of Kafka Connect as they come, in jars: run by a function of their own, with a Java runtime in its layers. Without
   * them nothing of that is deployed.
   * @default - no Java
   */
  readonly java?: JavaPlugins;

  /**
   * Runs the tasks of connectors with `drover.runner=always`, which no run of a function can hold: a service of containers
   * (Fargate) in `vpc`, whose image Docker builds when the stack is deployed. `{}` will do.
   * @default - none: such connectors are refused
   */
  readonly runner?: RunnerProps;

  /** @default - see each limit */
  readonly limits?: DroverLimits;

  /**
   * A table with Drover's keys, indexes and stream, for one that outlives the stack; see `droverTableProps`.
   * @default - one is created
   */
  readonly table?: ITable;

  /**
   * Name of the table that is created. Without one, CloudFormation makes the name, and a construct that gets another id (or
   * moves to another scope) gets another table, an empty one, while the old one stays behind. With one, such a deployment
   * fails instead, since the name is taken: see docs/operations.md.
   * @default - made by CloudFormation
   */
  readonly tableName?: string;

  /**
   * Customer-managed key for what the construct stores: the table, the queue of failures, the log groups. A table of your
   * own keeps its own key, which the functions get rights on too.
   * @default - keys that AWS owns
   */
  readonly encryptionKey?: IKey;

  /**
   * Who may call the REST API.
   * @default { type: 'iam' }
   */
  readonly auth?: ApiAuth;

  /** @default - see each part */
  readonly throttle?: ApiThrottle;

  /**
   * What becomes of the table and the log groups when they leave the stack.
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;

  /** @default - Java Connect's names and sizes */
  readonly mirrorTopics?: MirrorTopics;

  /**
   * Secrets that connector configs may refer to, as `${secretsmanager:…}`; read by the task function alone. Never the one
   * in `security`.
   * @default - none
   */
  readonly connectorSecrets?: readonly ISecret[];

  /**
   * SSM parameters that connector configs may refer to, as `${ssm:…}`; read by the task function alone.
   * @default - none
   */
  readonly connectorParameters?: readonly IParameter[];

  /**
   * Hosts that connector configs may name for Drover's own clients, which are brokers, schema registries and token
   * endpoints: `host`, `host:port`, or `*.domain`. Plugins connect by themselves; what they reach is the network's to hold.
   * @default - any
   */
  readonly connectorHosts?: readonly string[];

  /**
   * Absolute paths of the folders whose files connector configs may name: those of FileStreamSource and FileStreamSink,
   * and stores of keys and certificates. What connectors are to keep belongs on a mounted file system: see `fileSource`.
   * @default - none
   */
  readonly fileFolders?: readonly string[];

  /**
   * Which plugins are offered; the others cannot be found by whoever writes configs.
   * @default - all of Drover's own and of `plugins`
   */
  readonly offeredPlugins?: OfferedPlugins;

  /**
   * Further settings of a Connect worker: its default converters and their settings.
   * @default - Connect's defaults
   */
  readonly workerSettings?: Readonly<Record<string, string>>;

  /**
   * Drover's own settings by name, over everything the construct sets; see src/config/environment-config.ts.
   * @default - none
   */
  readonly environment?: EnvironmentSettings;

  /** A current LTS release of Node. @default Runtime.NODEJS_24_X */
  readonly runtime?: Runtime;

  /** @default Architecture.ARM_64 */
  readonly architecture?: Architecture;

  /** @default RetentionDays.ONE_MONTH */
  readonly logRetention?: RetentionDays;

  /**
   * Whose metrics Drover publishes beside those that Lambda has of the functions: those of all connectors together, or also
   * those of each connector by its name, or none. CloudWatch bills each metric of each connector ($0.30 a month) as long as
   * it is published; test/bench/cost/COST.md adds it up.
   * @default 'installation'
   */
  readonly metrics?: 'none' | 'installation' | 'connector';

  /**
   * Whether there is a dashboard. CloudWatch bills those beyond an account's first three ($3 a month).
   * @default true
   */
  readonly dashboard?: boolean;

  /** Told when an alarm goes off or is over. @default - nobody; the alarms are there to be looked at */
  readonly alarmTopic?: ITopic;
}
