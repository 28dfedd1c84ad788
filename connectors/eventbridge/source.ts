import { parseConfig } from '../../src/api/index.ts';
import { DeployedFeedConnector } from '../deployed-feed.ts';
import { eventRecord } from './event-record.ts';
import { eventBridgeConfig } from './settings.ts';

export class EventBridgeSourceConnector extends DeployedFeedConnector {
  constructor() {
    super({
      scheme: 'eventbridge',
      setting: 'eventbridge.feed',
      madeBy: 'eventBridgeSource',
      read(config) {
        const settings = parseConfig(eventBridgeConfig, config);
        const partition = Object.freeze({ feed: settings['eventbridge.feed'] });
        return { recordOf: ({ body, messageId }) => eventRecord(body, messageId, settings, partition) };
      },
    });
  }
}
