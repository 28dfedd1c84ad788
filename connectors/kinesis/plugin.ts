import { definePlugin } from '../../src/api/index.ts';
import { kinesisSourceConfig } from './settings.ts';

export const kinesisSource = definePlugin({
  kind: 'source',
  className: 'com.github.jcustenborder.kafka.connect.kinesis.KinesisSourceConnector',
  otherNames: ['io.confluent.connect.kinesis.KinesisSourceConnector'],
  version: '1.0.0',
  doc: 'Brings the records of a Kinesis stream, those apart that were put together.',
  config: kinesisSourceConfig,
  create: async () => new (await import('./connector.ts')).KinesisSourceConnector(),
});
