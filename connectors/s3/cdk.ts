import { Duration, Stack, Token } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { acknowledgeResource } from '../../cdk/acknowledged.ts';
import { type AttachedConnector, attachConnector } from '../../cdk/connector.ts';
import type { Drover } from '../../cdk/drover.ts';
import { wakeOnObjects } from '../../cdk/wakes.ts';
import { statePrefixOf } from './rests.ts';

/** What the connectors of S3 need of AWS. Of the network the gateway endpoint of S3 is enough, which costs nothing. */

/** What is asked of a bucket: any that the CDK knows. */
export type ReadBucket = Pick<
  IBucket,
  'bucketArn' | 'bucketName' | 'enableEventBridgeNotification' | 'encryptionKey' | 'node'
>;

export interface S3SourceProps {
  readonly bucket: ReadBucket;
  /**
   * `aws.s3.prefix` of the connectors: nothing else of the bucket may be read, but for the keys of uploads under way.
   * @default - all of the bucket
   */
  readonly prefix?: string;
  /**
   * Names of connectors, as in their configs, that new objects wake, by way of EventBridge.
   * @default - none: the bucket is listed now and then
   */
  readonly wakes?: readonly string[];
  /**
   * Lets connectors delete what they have read (`objects.finished=delete`), or move it under a prefix
   * (`objects.finished=move`).
   * @default - objects stay where they are
   */
  readonly finished?: 'delete' | { readonly movedTo: string };
  /**
   * A connector that reads it, declared with it, and woken by new objects; the bucket, the prefix and what becomes of
   * objects are known.
   * @default - none, or created by other means
   */
  readonly connector?: AttachedConnector<
    'io.aiven.kafka.connect.s3.source.S3SourceConnector',
    'aws.s3.bucket.name' | 'aws.s3.prefix' | 'objects.finished' | 'objects.finished.prefix'
  >;
}

/** Lets connectors read the objects of a bucket, and has new ones wake them. */
export function s3Source(drover: Drover, props: S3SourceProps): void {
  const { bucket, prefix = '', finished, connector } = props;
  const wakes = connector === undefined ? props.wakes : [...(props.wakes ?? []), connector.name];
  const { taskFunction } = drover;
  const objects = `${bucket.bucketArn}/${prefix}*`;
  const permit = (actions: string[], resource: string, conditions?: Record<string, unknown>) =>
    taskFunction.addToRolePolicy(
      new PolicyStatement({ actions, resources: [resource], ...(conditions === undefined ? {} : { conditions }) }),
    );
  permit(['s3:GetObject', 's3:GetObjectVersion'], objects);
  const scope = prefix === '' ? undefined : { StringLike: { 's3:prefix': `${prefix}*` } };
  permit(['s3:ListBucket'], bucket.bucketArn, scope);
  // This one has no condition by prefix.
  permit(['s3:ListBucketMultipartUploads'], bucket.bucketArn);
  acknowledgeResource(taskFunction.role!, objects, 'The objects that the connectors read');
  if (finished !== undefined) permit(['s3:DeleteObject'], objects);
  if (typeof finished === 'object') {
    const moved = `${bucket.bucketArn}/${finished.movedTo}*`;
    permit(['s3:PutObject'], moved);
    acknowledgeResource(taskFunction.role!, moved, 'Where the connectors move what they have read');
  }
  if (typeof finished === 'object') bucket.encryptionKey?.grantEncryptDecrypt(taskFunction);
  else bucket.encryptionKey?.grantDecrypt(taskFunction);
  if (wakes !== undefined) wakeOnObjects(drover, { bucket, wakes, ...(prefix === '' ? {} : { prefix }) });
  if (connector === undefined) return;
  const given = {
    'aws.s3.bucket.name': bucket.bucketName,
    ...(prefix === '' ? {} : { 'aws.s3.prefix': prefix }),
    ...(finished === 'delete' ? { 'objects.finished': 'delete' } : {}),
    ...(typeof finished === 'object'
      ? { 'objects.finished': 'move', 'objects.finished.prefix': finished.movedTo }
      : {}),
  };
  attachConnector(drover, 'io.aiven.kafka.connect.s3.source.S3SourceConnector', given, connector);
}

/** What is asked of a bucket that is written to: any that the CDK knows. */
export type WrittenBucket = Pick<IBucket, 'bucketArn' | 'bucketName' | 'encryptionKey' | 'node'>;

const confluentSink = 'io.confluent.connect.s3.S3SinkConnector';
const aivenSink = 'io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector';

/** By class: what names the bucket. */
const bucketSettings = { [confluentSink]: 's3.bucket.name', [aivenSink]: 'aws.s3.bucket.name' } as const;

/** A sink of one of the two classes, whose settings it has. */
type WritingConnector<Class extends keyof typeof bucketSettings> = {
  readonly connectorClass: Class;
} & AttachedConnector<Class, (typeof bucketSettings)[Class] | 'state.prefix'>;

export interface S3SinkProps {
  readonly bucket: WrittenBucket;
  /** All that the connectors write lies below it, as in `topics/`; their `topics.dir`, template or prefix begins with it. */
  readonly prefix: string;
  /**
   * Where the rests of open files wait between runs: the connectors' `state.prefix`.
   * @default - `_drover/` within the prefix
   */
  readonly statePrefix?: string;
  /**
   * The key that the bucket encrypts with, where `bucket` does not tell.
   * @default - the bucket's `encryptionKey`
   */
  readonly encryptionKey?: IKey;
  /**
   * Whether connectors give their files an ACL (`s3.acl.canned`), which takes a right of its own.
   * @default - whether the config of `connector` has one
   */
  readonly cannedAcl?: boolean;
  /**
   * Whether to add the rules to the bucket's lifecycle: uploads that were begun ten days ago are taken away, and rests of
   * open files after forty. A bucket that is imported has its lifecycle elsewhere: set them there.
   * @default true for a bucket of this app, else false
   */
  readonly lifecycleRules?: boolean;
  /**
   * A connector that writes to it, declared with it; the bucket and the `state.prefix` are known. Where in the prefix it writes,
   * its config says: `topics.dir`, a template or a prefix.
   * @default - none, or created by other means
   */
  readonly connector?: WritingConnector<typeof confluentSink> | WritingConnector<typeof aivenSink>;
}

const uploadDays = 10;
const restDays = 40;

/**
 * Allows the task function to write files below a prefix of a bucket, and nothing else of it. Throws for a prefix that is
 * none, and for rules that a bucket of another app cannot get from here.
 */
export function s3Sink(drover: Drover, props: S3SinkProps): void {
  const { bucket, prefix } = props;
  const statePrefix = props.statePrefix ?? statePrefixOf(null, prefix);
  for (const [name, value] of Object.entries({ prefix, statePrefix })) {
    if (!Token.isUnresolved(value) && (value.startsWith('/') || value.includes('*'))) {
      throw new Error(
        `${name} is "${value}": it is the beginning of object keys, as in topics/, without * and no / first`,
      );
    }
  }
  const prefixes = statePrefix.startsWith(prefix) ? [prefix] : [prefix, statePrefix];
  const objects = prefixes.map((one) => `${bucket.bucketArn}/${one}*`);
  const role = drover.taskFunction;
  const cannedAcl = props.cannedAcl ?? 's3.acl.canned' in (props.connector?.config ?? {});
  role.addToRolePolicy(
    new PolicyStatement({
      actions: [
        's3:PutObject',
        's3:GetObject',
        's3:DeleteObject',
        's3:AbortMultipartUpload',
        's3:ListMultipartUploadParts',
        's3:PutObjectTagging',
        ...(cannedAcl ? ['s3:PutObjectAcl'] : []),
      ],
      resources: objects,
    }),
  );
  // Whether an object is there is told only to who may list.
  role.addToRolePolicy(
    new PolicyStatement({
      actions: ['s3:ListBucket'],
      resources: [bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': prefixes.map((one) => `${one}*`) } },
    }),
  );
  // This one has no condition by prefix.
  role.addToRolePolicy(
    new PolicyStatement({ actions: ['s3:ListBucketMultipartUploads'], resources: [bucket.bucketArn] }),
  );
  for (const one of objects) acknowledgeResource(role.role!, one, 'The files that the connectors write');
  const key = props.encryptionKey ?? bucket.encryptionKey;
  key?.grantEncryptDecrypt(role);
  addRules(drover, props, statePrefix);
  if (props.connector === undefined) return;
  const { connectorClass, ...connector } = props.connector;
  const given = { [bucketSettings[connectorClass]]: bucket.bucketName, 'state.prefix': statePrefix };
  attachConnector(drover, connectorClass, given, connector);
}

function addRules(drover: Drover, { bucket, prefix, lifecycleRules }: S3SinkProps, statePrefix: string): void {
  const own = bucket instanceof Bucket;
  if (lifecycleRules === false || (lifecycleRules === undefined && !own)) return;
  if (!own) {
    throw new Error(
      `The bucket ${bucket.node.path} is not made in this app, so that it cannot get lifecycleRules from here: ` +
        `where it is made, abort incomplete uploads below ${prefix} after ${uploadDays} days`,
    );
  }
  const id = (what: string) => `Drover${what}-${Stack.of(drover).stackName}-${prefix}`.slice(0, 200);
  bucket.addLifecycleRule({
    id: id('Uploads'),
    prefix,
    abortIncompleteMultipartUploadAfter: Duration.days(uploadDays),
  });
  bucket.addLifecycleRule({ id: id('Rests'), prefix: statePrefix, expiration: Duration.days(restDays) });
}
