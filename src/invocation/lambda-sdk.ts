/** What Drover uses of this client, so that a bundler can leave the rest out: loaded on demand, a package comes whole. */
export {
  GetEventSourceMappingCommand,
  InvokeCommand,
  LambdaClient,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
