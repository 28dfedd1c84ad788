import { type ConfigProblem, type ConnectorConfig, parseConfig } from '../../src/api/index.ts';
import { DeployedFeedConnector } from '../deployed-feed.ts';
import { messageRecord } from './message-record.ts';
import { snsConfig } from './settings.ts';

export class SnsSourceConnector extends DeployedFeedConnector {
  constructor() {
    super({
      scheme: 'sns',
      setting: 'sns.feed',
      madeBy: 'snsSource',
      read(config) {
        const settings = parseConfig(snsConfig, config);
        const partition = Object.freeze({ feed: settings['sns.feed'] });
        return { recordOf: (message) => messageRecord(message, settings, partition) };
      },
    });
  }

  validate(config: ConnectorConfig): readonly ConfigProblem[] {
    const both = config['sns.record.key.pointer'] !== undefined && config['sns.record.key.attribute'] !== undefined;
    return both ? [{ key: 'sns.record.key.attribute', message: 'Give it or sns.record.key.pointer, not both' }] : [];
  }
}
