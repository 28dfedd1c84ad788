/** What the buffer needs of the SDK: a file of its own, so that its bundle holds no more. */
export { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
