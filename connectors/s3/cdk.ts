import { Duration, Stack, Token } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { Drover } from '../../cdk/drover.ts';

/** What the S3 sinks need of AWS: a bucket below a prefix, and rules that take away what died runs have left there. */

export interface S3SinkProps {
  readonly bucket: IBucket;
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
   * Whether to add the rules to the bucket's lifecycle: uploads that were begun ten days ago are taken away, and rests of
   * open files after forty. A bucket that is imported has its lifecycle elsewhere: set them there.
   * @default true for a bucket of this app, else false
   */
  readonly lifecycleRules?: boolean;
}

const uploadDays = 10;
const restDays = 40;

/**
 * Allows the task function to write files below a prefix of a bucket, and nothing else of it. Throws for a prefix that is
 * none, and for rules that a bucket of another app cannot get from here.
 */
export function s3Sink(drover: Drover, props: S3SinkProps): void {
  const { bucket, prefix } = props;
  const statePrefix = props.statePrefix ?? `${prefix.slice(0, prefix.lastIndexOf('/') + 1)}_drover/`;
  for (const [name, value] of Object.entries({ prefix, statePrefix })) {
    if (!Token.isUnresolved(value) && (value.startsWith('/') || value.includes('*'))) {
      throw new Error(
        `${name} is "${value}": it is the beginning of object keys, as in topics/, without * and no / first`,
      );
    }
  }
  const prefixes = statePrefix.startsWith(prefix) ? [prefix] : [prefix, statePrefix];
  const objects = prefixes.map((one) => bucket.arnForObjects(`${one}*`));
  const role = drover.taskFunction;
  role.addToRolePolicy(
    new PolicyStatement({
      actions: [
        's3:PutObject',
        's3:GetObject',
        's3:DeleteObject',
        's3:AbortMultipartUpload',
        's3:ListMultipartUploadParts',
        's3:PutObjectTagging',
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
  role.addToRolePolicy(
    new PolicyStatement({ actions: ['s3:ListBucketMultipartUploads'], resources: [bucket.bucketArn] }),
  );
  const key = props.encryptionKey ?? bucket.encryptionKey;
  key?.grantEncryptDecrypt(role);
  addRules(drover, props, statePrefix);
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
