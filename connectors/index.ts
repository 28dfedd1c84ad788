import { type AnyPlugin, anyFile, type FileAccess, type LoadAvro } from '../src/api/index.ts';
import { fileStreamSink, fileStreamSource } from './file/plugin.ts';
import { aivenS3Sink, confluentS3Sink, s3Source } from './s3/plugin.ts';
import { sqsSource } from './sqs/plugin.ts';

/** What connectors are given by whoever runs them. */
export interface ConnectorNeeds {
  readonly files: FileAccess;
  readonly avro: LoadAvro;
}

/** The connectors that come with Drover: declarations only, the code of each is loaded when it is created. */
export const connectorsOn = ({ files, avro }: ConnectorNeeds): readonly AnyPlugin[] => [
  fileStreamSource(files),
  fileStreamSink(files),
  s3Source(avro),
  confluentS3Sink,
  aivenS3Sink,
  sqsSource,
];

/** For whoever wants to know of them and does not run them. */
export const connectors: readonly AnyPlugin[] = connectorsOn({
  files: anyFile,
  avro: () => Promise.reject(new Error('Connectors that are run are given Avro')),
});
