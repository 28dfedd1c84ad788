import type { AnyPlugin } from '../../api/plugin.ts';
import { anyFile, type FileAccess } from '../../files.ts';
import { fileStreamSink } from './file-stream-sink.ts';
import { fileStreamSource } from './file-stream-source.ts';

/** `files`: those that connectors may name. */
export const connectorsOn = (files: FileAccess): readonly AnyPlugin[] => [
  fileStreamSource(files),
  fileStreamSink(files),
];

export const connectors: readonly AnyPlugin[] = connectorsOn(anyFile);
