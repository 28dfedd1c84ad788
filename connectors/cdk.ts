/**
 * How a CDK app attaches what connectors work with: `s3Source(drover, { bucket, … })` and the like, one function for each
 * direction of a system. Each grants the functions (task; feed, where it is fed) what its connectors need, and nothing more.
 */
export { type DynamoDbSourceProps, dynamodbSource, type StreamedTable } from './dynamodb/cdk.ts';
export { type EventBridgeSourceProps, eventBridgeSource } from './eventbridge/cdk.ts';
export { type FileSinkProps, type FileSourceProps, fileSink, fileSource } from './file/cdk.ts';
export { type KinesisSourceProps, kinesisSource } from './kinesis/cdk.ts';
export {
  type ReadBucket,
  type S3SinkProps,
  type S3SourceProps,
  s3Sink,
  s3Source,
  type WrittenBucket,
} from './s3/cdk.ts';
export { type SnsSourceProps, snsSource } from './sns/cdk.ts';
export { type SqsSourceProps, sqsSource } from './sqs/cdk.ts';
export { type Webhooks, type WebhooksProps, webhooks } from './webhook/cdk.ts';
