import { CfnOutput, RemovalPolicy, type Stack } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket } from 'aws-cdk-lib/aws-s3';
import { s3Sink, s3Source } from '../connectors/cdk.ts';
import type { Drover } from './drover.ts';

/** A bucket to try connectors with: what is put under `in/` wakes the connector `orders-in`, and sinks write under `out/`. */
export function addPlaygroundBucket(stack: Stack, drover: Drover): void {
  const bucket = new Bucket(stack, 'PlaygroundBucket', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  s3Source(drover, { bucket, prefix: 'in/', wakes: ['orders-in'], finished: { movedTo: 'done/' } });
  s3Sink(drover, { bucket, prefix: 'out/' });
  new CfnOutput(stack, 'PlaygroundBucketName', { value: bucket.bucketName });
}
