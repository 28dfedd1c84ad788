import { definePlugin, type PluginDescriptor } from '../../src/api/index.ts';
import { eventBridgeConfig } from './settings.ts';

export const eventBridgeSource: PluginDescriptor<'source'> = definePlugin({
  kind: 'source',
  className: 'drover.eventbridge.EventBridgeSourceConnector',
  version: '1.0.0',
  doc: 'Writes the events of a rule, of any bus, to a topic.',
  config: eventBridgeConfig,
  create: async () => new (await import('./source.ts')).EventBridgeSourceConnector(),
});
