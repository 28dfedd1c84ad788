import type { AnyPlugin } from '../src/api/plugin.ts';
import { anyFile, type FileAccess } from '../src/files.ts';
import { fileStreamSink } from './file/sink.ts';
import { fileStreamSource } from './file/source.ts';

/** `files`: those that connectors may name. */
export const connectorsOn = (files: FileAccess): readonly AnyPlugin[] => [
  fileStreamSource(files),
  fileStreamSink(files),
];

export const connectors: readonly AnyPlugin[] = connectorsOn(anyFile);
