import { definePlugin, type FileAccess, type PluginDescriptor } from '../../src/api/index.ts';
import { fileStreamSinkConfig, fileStreamSourceConfig } from './settings.ts';

/** The version of Apache Kafka whose connectors these stand for. */
const version = '4.3.0';

/** `files`: those that its connectors may read. */
export const fileStreamSource = (files: FileAccess): PluginDescriptor<'source'> =>
  definePlugin({
    kind: 'source',
    className: 'org.apache.kafka.connect.file.FileStreamSourceConnector',
    version,
    doc: 'Follows a text file and writes each of its lines to a topic.',
    config: fileStreamSourceConfig,
    create: async () => new (await import('./source.ts')).FileStreamSourceConnector(files),
  });

/** `files`: those that its connectors may write. */
export const fileStreamSink = (files: FileAccess): PluginDescriptor<'sink'> =>
  definePlugin({
    kind: 'sink',
    className: 'org.apache.kafka.connect.file.FileStreamSinkConnector',
    version,
    doc: 'Appends the value of every record to a text file, one line each.',
    config: fileStreamSinkConfig,
    create: async () => new (await import('./sink.ts')).FileStreamSinkConnector(files),
  });
