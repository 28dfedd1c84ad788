import { type AnyPlugin, anyFile, type FileAccess } from '../src/api/index.ts';
import { dynamoDbSource } from './dynamodb/plugin.ts';
import { eventBridgeSource } from './eventbridge/plugin.ts';
import { fileStreamSink, fileStreamSource } from './file/plugin.ts';
import { kinesisSource } from './kinesis/plugin.ts';
import { snsSource } from './sns/plugin.ts';
import { sqsSource } from './sqs/plugin.ts';
import { webhookSource } from './webhook/plugin.ts';

/** The connectors that come with Drover: declarations only, the code of each is loaded when it is created. */
export const connectorsOn = (files: FileAccess): readonly AnyPlugin[] => [
  dynamoDbSource,
  eventBridgeSource,
  fileStreamSource(files),
  fileStreamSink(files),
  kinesisSource,
  snsSource,
  sqsSource,
  webhookSource,
];

/** For whoever wants to know of them, or has all files to give. */
export const connectors: readonly AnyPlugin[] = connectorsOn(anyFile);
