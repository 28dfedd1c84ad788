import { type AnyPlugin, anyFile, type FileAccess } from '../src/api/index.ts';
import { fileStreamSink, fileStreamSource } from './file/plugin.ts';
import { aivenS3Sink, confluentS3Sink } from './s3/plugin.ts';
import { sqsSource } from './sqs/plugin.ts';

/** The connectors that come with Drover: declarations only, the code of each is loaded when it is created. */
export const connectorsOn = (files: FileAccess): readonly AnyPlugin[] => [
  fileStreamSource(files),
  fileStreamSink(files),
  confluentS3Sink,
  aivenS3Sink,
  sqsSource,
];

/** For whoever wants to know of them, or has all files to give. */
export const connectors: readonly AnyPlugin[] = connectorsOn(anyFile);
