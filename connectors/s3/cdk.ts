import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { acknowledgeResource } from '../../cdk/acknowledged.ts';
import type { Drover } from '../../cdk/drover.ts';
import { wakeOnObjects } from '../../cdk/wakes.ts';

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
}

/** Lets connectors read the objects of a bucket, and has new ones wake them. */
export function s3Source(drover: Drover, { bucket, prefix = '', wakes, finished }: S3SourceProps): void {
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
}
