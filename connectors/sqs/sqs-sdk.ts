/** What Drover uses of this client, so that a bundler can leave the rest out: loaded on demand, a package comes whole. */
export { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
