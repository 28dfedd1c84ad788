import { type AnyPlugin, anyFile, type FileAccess } from '../src/api/index.ts';
import { fileStreamSink, fileStreamSource } from './file/plugin.ts';
import { aivenS3Sink, confluentS3Sink } from './s3/plugin.ts';

/** The connectors that come with Drover: declarations only, the code of each is loaded when it is created. */
export const connectorsOn = (files: FileAccess): readonly AnyPlugin[] => [
  fileStreamSource(files),
  fileStreamSink(files),
  confluentS3Sink,
  aivenS3Sink,
];

/** For whoever wants to know of them, or has all files to give. */
export const connectors: readonly AnyPlugin[] = connectorsOn(anyFile);
