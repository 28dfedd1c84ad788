import { type Duration, Names } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IStream, IStreamConsumer } from 'aws-cdk-lib/aws-kinesis';
import { EventSourceMapping, type IEventSourceDlq, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { type AttachedConnector, attachConnector } from '../../cdk/connector.ts';
import type { Drover } from '../../cdk/drover.ts';

/** What KinesisSource needs of AWS: a stream that brings its records. */

export interface KinesisSourceProps {
  readonly stream: IStream;
  /**
   * Of the stream, for a throughput of its own in place of the one that all readers share.
   * @default - none
   */
  readonly consumer?: IStreamConsumer;
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
   * Invocations for one shard at a time; what has one partition key stays in order. With more than one, do not turn to
   * polling before all that was brought is done: a position is then of one of them alone.
   * @default 1
   */
  readonly parallelizationFactor?: number;
  /**
   * Where the stream begins when it is attached.
   * @default - all that it keeps
   */
  readonly startingPosition?: StartingPosition;
  /** Epoch seconds, for the position AT_TIMESTAMP. */
  readonly startingPositionTimestamp?: number;
  /**
   * Told of records that are given up after `maxRecordAge`.
   * @default - nobody
   */
  readonly onFailure?: IEventSourceDlq;
  /**
   * Older records are given up, to `onFailure`.
   * @default - none: each is tried for as long as the stream keeps it
   */
  readonly maxRecordAge?: Duration;
  /**
   * The connector that it feeds, declared with it; its `kinesis.stream` is known.
   * @default - none: one whose config names it, created by other means
   */
  readonly connector?: AttachedConnector<'KinesisSource', 'kinesis.stream'>;
}

const mostRecords = 10_000;
const mostParallel = 10;

/**
 * Lets a stream bring its records to the connector whose `kinesis.stream` names it. Held while none does, and while that is
 * paused, stopped or FAILED. Throws for what AWS would refuse.
 */
export function kinesisSource(drover: Drover, props: KinesisSourceProps): EventSourceMapping {
  const { stream, consumer, batchSize = 1000, parallelizationFactor = 1 } = props;
  const { startingPosition = StartingPosition.TRIM_HORIZON, startingPositionTimestamp } = props;
  inRange('batchSize', batchSize, mostRecords);
  inRange('parallelizationFactor', parallelizationFactor, mostParallel);
  if ((startingPosition === StartingPosition.AT_TIMESTAMP) !== (startingPositionTimestamp !== undefined)) {
    throw new Error(
      'startingPositionTimestamp belongs to startingPosition: StartingPosition.AT_TIMESTAMP, and that to it',
    );
  }
  const fn = drover.feeds.function;
  const readable = stream.grantRead(fn);
  if (consumer !== undefined) {
    const resources = [consumer.streamConsumerArn];
    fn.addToRolePolicy(new PolicyStatement({ actions: ['kinesis:SubscribeToShard'], resources }));
  }
  // Where the connector has to poll after all.
  stream.grantRead(drover.taskFunction);
  const source = consumer?.streamConsumerArn ?? stream.streamArn;
  const { maxBatchingWindow, maxRecordAge, onFailure } = props;
  const mapping = new EventSourceMapping(scopeOf(drover), `Stream${Names.nodeUniqueId(stream.node)}`, {
    target: fn,
    eventSourceArn: source,
    batchSize,
    startingPosition,
    // What is in a batch stays in it, by which the connector knows how far it was.
    bisectBatchOnError: false,
    parallelizationFactor,
    ...(startingPositionTimestamp === undefined ? {} : { startingPositionTimestamp }),
    ...(maxBatchingWindow === undefined ? {} : { maxBatchingWindow }),
    ...(maxRecordAge === undefined ? {} : { maxRecordAge }),
    ...(onFailure === undefined ? {} : { onFailure }),
  });
  readable.applyBefore(mapping);
  drover.feeds.declare({ key: `kinesis:${stream.env.region}:stream/${stream.streamName}`, source, mapping });
  if (props.connector !== undefined) {
    attachConnector(drover, 'KinesisSource', { 'kinesis.stream': stream.streamName }, props.connector);
  }
  return mapping;
}

function inRange(name: string, value: number, most: number): void {
  if (!Number.isInteger(value) || value < 1 || value > most) {
    throw new Error(`${name} is ${value}: it must be 1 to ${most}`);
  }
}

/** Mappings lie under the installation: a stream may be of another stack, which need not know of it. */
function scopeOf(drover: Drover): Construct {
  return (drover.node.tryFindChild('FeedSources') as Construct | undefined) ?? new Construct(drover, 'FeedSources');
}
