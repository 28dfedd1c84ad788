import type { AnyPlugin } from '../../api/plugin.ts';
import { fileStreamSink } from './file-stream-sink.ts';
import { fileStreamSource } from './file-stream-source.ts';

export const connectors: readonly AnyPlugin[] = [fileStreamSource, fileStreamSink];
