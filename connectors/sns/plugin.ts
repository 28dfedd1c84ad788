import { definePlugin, type PluginDescriptor } from '../../src/api/index.ts';
import { snsConfig } from './settings.ts';

export const snsSource: PluginDescriptor<'source'> = definePlugin({
  kind: 'source',
  className: 'drover.sns.SnsSourceConnector',
  version: '1.0.0',
  doc: 'Writes the messages of an SNS topic, standard or FIFO, to a topic of Kafka.',
  config: snsConfig,
  create: async () => new (await import('./source.ts')).SnsSourceConnector(),
});
