import { definePlugin, type PluginDescriptor } from '../../src/api/index.ts';
import { webhookConfig } from './settings.ts';

export const webhookSource: PluginDescriptor<'source'> = definePlugin({
  kind: 'source',
  className: 'drover.webhook.WebhookSourceConnector',
  version: '1.0.0',
  doc: 'Takes HTTP requests and answers when Kafka has acknowledged their records.',
  config: webhookConfig,
  create: async () => new (await import('./source.ts')).WebhookSourceConnector(),
});
