import { type AnyPlugin, anyFile, type FileAccess, type LoadAvro } from '../src/api/index.ts';
import { dynamoDbSource } from './dynamodb/plugin.ts';
import { eventBridgeSource } from './eventbridge/plugin.ts';
import { fileStreamSink, fileStreamSource } from './file/plugin.ts';
import { kinesisSource } from './kinesis/plugin.ts';
import { aivenS3Sink, confluentS3Sink, s3Source } from './s3/plugin.ts';
import { snsSource } from './sns/plugin.ts';
import { sqsSource } from './sqs/plugin.ts';
import { webhookSource } from './webhook/plugin.ts';

/** What connectors are given by whoever runs them. */
export interface ConnectorNeeds {
  readonly files: FileAccess;
  readonly avro: LoadAvro;
}

/** The connectors that come with Drover: declarations only, the code of each is loaded when it is created. */
export const connectorsOn = ({ files, avro }: ConnectorNeeds): readonly AnyPlugin[] => [
  dynamoDbSource,
  eventBridgeSource,
  fileStreamSource(files),
  fileStreamSink(files),
  kinesisSource,
  s3Source(avro),
  confluentS3Sink(avro),
  aivenS3Sink(avro),
  snsSource,
  sqsSource,
  webhookSource,
];

/** For whoever wants to know of them and does not run them. */
export const connectors: readonly AnyPlugin[] = connectorsOn({
  files: anyFile,
  avro: () => Promise.reject(new Error('Connectors that are run are given Avro')),
});
