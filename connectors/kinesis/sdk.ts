/** What is used of this client, so that a bundler can leave the rest out: loaded on demand, a package comes whole. */
export {
  DescribeStreamSummaryCommand,
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
} from '@aws-sdk/client-kinesis';
