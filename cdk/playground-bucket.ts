import { CfnOutput, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket } from 'aws-cdk-lib/aws-s3';
import { s3Source } from '../connectors/cdk.ts';
import type { Drover } from './drover.ts';

/** A bucket to try connectors with: what is put under `in/` wakes the connector `orders-in`. */
export function addPlaygroundBucket(stack: Stack, drover: Drover): void {
  const bucket = new Bucket(stack, 'PlaygroundBucket', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  s3Source(drover, { bucket, prefix: 'in/', wakes: ['orders-in'], finished: { movedTo: 'done/' } });
  new CfnOutput(stack, 'PlaygroundBucketName', { value: bucket.bucketName });
}
