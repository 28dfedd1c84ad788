/** What the runner's queue uses of this client, so that a bundler can leave the rest out. */
export {
  DeleteMessageBatchCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
