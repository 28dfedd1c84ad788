import { definePlugin, type LoadAvro, type PluginDescriptor } from '../../src/api/index.ts';
import { aivenSinkConfig, confluentSinkConfig, s3SourceConfig } from './settings.ts';

/** Under the name, and with the settings, of Confluent's connector. `avro`: for files that are Avro containers. */
export const confluentS3Sink = (avro: LoadAvro): PluginDescriptor<'sink'> =>
  definePlugin({
    kind: 'sink',
    className: 'io.confluent.connect.s3.S3SinkConnector',
    version: '12.2.0',
    doc: 'Writes topics to files in a bucket, by the partitioners and settings of Confluent’s connector.',
    config: confluentSinkConfig,
    create: async () => new (await import('./sink.ts')).S3SinkConnector('confluent', avro),
  });

/** Under the name, and with the settings, of Aiven's connector. */
export const aivenS3Sink = (avro: LoadAvro): PluginDescriptor<'sink'> =>
  definePlugin({
    kind: 'sink',
    className: 'io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector',
    version: '3.4.3',
    doc: 'Writes topics to files in a bucket, by the templates and settings of Aiven’s connector.',
    config: aivenSinkConfig,
    create: async () => new (await import('./sink.ts')).S3SinkConnector('aiven', avro),
  });

/** Under the name, and with the settings, of Aiven's connector. `avro`: for objects that are Avro containers. */
export const s3Source = (avro: LoadAvro): PluginDescriptor<'source'> =>
  definePlugin({
    kind: 'source',
    className: 'io.aiven.kafka.connect.s3.source.S3SourceConnector',
    version: '3.4.3',
    doc: 'Reads the objects of a bucket: each line, row or element of them is a record.',
    config: s3SourceConfig,
    create: async () => new (await import('./source.ts')).S3SourceConnector(avro),
  });
