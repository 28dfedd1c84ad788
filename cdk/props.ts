import type { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type { IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IParameter } from 'aws-cdk-lib/aws-ssm';
import type { EnvironmentSetting } from '../src/environment.ts';

/** How the functions prove to the brokers who they are. */
export type KafkaSecurity =
  /** MSK's IAM access control. */
  | {
      readonly type: 'iam';
      /** Of the MSK cluster; the functions are allowed its topics, groups and transactional ids and no other's. */
      readonly clusterArn: string;
    }
  /** A user name and password over TLS. */
  | {
      readonly type: 'scram';
      /** JSON with `username` and `password`, as MSK keeps them; optionally `ca` (PEM). */
      readonly secret: ISecret;
      /** @default 'SCRAM-SHA-512' */
      readonly mechanism?: 'SCRAM-SHA-512' | 'SCRAM-SHA-256' | 'PLAIN';
    }
  /** A client certificate. */
  | {
      readonly type: 'mtls';
      /** JSON with `certificate` and `key` (PEM); optionally `passphrase` and `ca`. */
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
  | { readonly type: 'authorizer'; readonly authorizer: IHttpRouteAuthorizer }
  /** Anybody who reaches the URL. Connector configs hold the keys to your systems: only for local development. */
  | { readonly type: 'none' };

/** What bounds the work and its cost. */
export interface DroverLimits {
  /**
   * Task runs under way at a time: the task function's reserved concurrency. It is taken from what the account may run
   * at once, of which AWS wants 100 left over; a new account may have to ask for more first.
   * @default 20
   */
  readonly runsInFlight?: number;
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
   * How long a run that has found nothing waits for more before it ends.
   * @default Duration.millis(500)
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
   * endpoint, free); with a secret in `security` also Secrets Manager.
   * @default - outside of any VPC, for brokers with public addresses
   */
  readonly vpc?: IVpc;

  /** @default - the VPC's private subnets */
  readonly vpcSubnets?: SubnetSelection;

  /** Of the functions that talk to Kafka. @default - one is created, with all outbound traffic allowed */
  readonly securityGroups?: readonly ISecurityGroup[];

  /**
   * File of the module whose default export lists your plugins: `export default [myConnector, myTransform]`.
   * It is bundled into the functions.
   * @default - Drover's own plugins only
   */
  readonly plugins?: string;

  /** @default - see each limit */
  readonly limits?: DroverLimits;

  /**
   * A table with Drover's keys, indexes and stream, for one that outlives the stack; see `droverTableProps`.
   * @default - one is created
   */
  readonly table?: ITable;

  /**
   * Who may call the REST API.
   * @default { type: 'iam' }
   */
  readonly auth?: ApiAuth;

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
   * Absolute paths of the folders whose files connector configs may name: those of FileStreamSource and FileStreamSink,
   * and stores of keys and certificates. What connectors are to keep belongs on a mounted file system.
   * @default - none
   */
  readonly fileFolders?: readonly string[];

  /**
   * Which plugins are offered; the others cannot be found by whoever writes configs.
   * @default - all of Drover's own and of `plugins`
   */
  readonly offeredPlugins?: OfferedPlugins;

  /**
   * Further settings of a Connect worker: default converters and their settings, `producer.*`, `consumer.*` and the like.
   * @default - Connect's defaults
   */
  readonly workerSettings?: Readonly<Record<string, string>>;

  /**
   * Drover's own settings by name, over everything the construct sets; see src/environment.ts.
   * @default - none
   */
  readonly environment?: Readonly<Partial<Record<EnvironmentSetting, string>>>;

  /** A current LTS release of Node. @default Runtime.NODEJS_24_X */
  readonly runtime?: Runtime;

  /** @default Architecture.ARM_64 */
  readonly architecture?: Architecture;

  /** @default RetentionDays.ONE_MONTH */
  readonly logRetention?: RetentionDays;

  /** Told when an alarm goes off or is over. @default - nobody; the alarms are there to be looked at */
  readonly alarmTopic?: ITopic;
}
