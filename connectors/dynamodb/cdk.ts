import { type Duration, Names } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { EventSourceMapping, type IEventSourceDlq, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { type AttachedConnector, attachConnector } from '../../cdk/connector.ts';
import type { Drover } from '../../cdk/drover.ts';

/** What DynamoDbStreamsSource needs of AWS: a table whose stream brings its changes, and that may be scanned. */

/** What is asked of a table: any that the CDK knows. */
export type StreamedTable = Pick<ITable, 'tableName' | 'grant' | 'grantStreamRead' | 'env' | 'node'> & {
  readonly tableStreamArn?: string | undefined;
  readonly encryptionKey?: IKey | undefined;
};

export interface DynamoDbSourceProps {
  /** With a stream, whose view gives new images: NEW_AND_OLD_IMAGES or NEW_IMAGE. */
  readonly table: StreamedTable;
  /**
   * Records of one invocation, of one shard.
   * @default 1000
   */
  readonly batchSize?: number;
  /**
   * How long Lambda may gather records for one invocation.
   * @default - none: each is brought at once
   */
  readonly maxBatchingWindow?: Duration;
  /**
   * Invocations for one shard at a time; an item's changes stay in order.
   * @default 1
   */
  readonly parallelizationFactor?: number;
  /**
   * Where the stream begins when it is attached: with all that it keeps, or with what comes from then on.
   * @default - all that it keeps
   */
  readonly startingPosition?: StartingPosition.TRIM_HORIZON | StartingPosition.LATEST;
  /**
   * Told of records that the stream lets go undelivered, after `maxRecordAge`.
   * @default - nobody
   */
  readonly onFailure?: IEventSourceDlq;
  /**
   * Older records are given up, to `onFailure`.
   * @default - none: each is tried for as long as the stream keeps it, 24 hours
   */
  readonly maxRecordAge?: Duration;
  /**
   * The connector that it feeds, declared with it; its `dynamodb.table.whitelist` is known.
   * @default - none: one whose config names it, created by other means
   */
  readonly connector?: AttachedConnector<'DynamoDBSource', 'dynamodb.table.whitelist'>;
}

const mostRecords = 10_000;
const mostParallel = 10;

/**
 * Lets the stream of a table bring its changes to the connector whose `dynamodb.table.whitelist` names the table alone. Held
 * while none does, and while that is paused, stopped or FAILED. Throws for a table without a stream and for what AWS would
 * refuse.
 */
export function dynamodbSource(drover: Drover, props: DynamoDbSourceProps): EventSourceMapping {
  const { table, batchSize = 1000, parallelizationFactor = 1, onFailure, maxBatchingWindow, maxRecordAge } = props;
  const { tableStreamArn: streamArn } = table;
  if (streamArn === undefined) {
    throw new Error(`The table ${table.node.path} has no stream: give it stream: StreamViewType.NEW_AND_OLD_IMAGES`);
  }
  inRange('batchSize', batchSize, mostRecords);
  inRange('parallelizationFactor', parallelizationFactor, mostParallel);
  const fn = drover.feeds.function;
  const readable = table.grantStreamRead(fn);
  table.grant(fn, 'dynamodb:DescribeTable');
  // A snapshot is a task's to take, and a connector that names several tables polls.
  table.grant(drover.taskFunction, 'dynamodb:DescribeTable', 'dynamodb:Scan');
  table.encryptionKey?.grantDecrypt(drover.taskFunction);
  table.grantStreamRead(drover.taskFunction);
  const mapping = new EventSourceMapping(scopeOf(drover), `Table${Names.nodeUniqueId(table.node)}`, {
    target: fn,
    eventSourceArn: streamArn,
    batchSize,
    startingPosition: props.startingPosition ?? StartingPosition.TRIM_HORIZON,
    // What is in a batch stays in it, by which the connector knows how far it was.
    bisectBatchOnError: false,
    parallelizationFactor,
    ...(maxBatchingWindow === undefined ? {} : { maxBatchingWindow }),
    ...(maxRecordAge === undefined ? {} : { maxRecordAge }),
    ...(onFailure === undefined ? {} : { onFailure }),
  });
  readable.applyBefore(mapping);
  drover.feeds.declare({ key: `dynamodb:${table.env.region}:table/${table.tableName}`, source: streamArn, mapping });
  if (props.connector !== undefined) {
    attachConnector(drover, 'DynamoDBSource', { 'dynamodb.table.whitelist': table.tableName }, props.connector);
  }
  return mapping;
}

function inRange(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new Error(`${name} is ${value}: it must be 1 to ${most}`);
  }
}

/** Mappings lie under the installation: a table may be of another stack, which need not know of it. */
function scopeOf(drover: Drover): Construct {
  return (drover.node.tryFindChild('FeedSources') as Construct | undefined) ?? new Construct(drover, 'FeedSources');
}
