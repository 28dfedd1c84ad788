import { definePlugin } from '../../src/api/index.ts';
import { sqsSourceConfig } from './settings.ts';

/** Under the name, and with the settings, of Nordstrom's connector. */
export const sqsSource = definePlugin({
  kind: 'source',
  className: 'com.nordstrom.kafka.connect.sqs.SqsSourceConnector',
  version: '1.6.3',
  doc: 'Writes the messages of an SQS queue, standard or FIFO, to a topic.',
  config: sqsSourceConfig,
  create: async () => new (await import('./source.ts')).SqsSourceConnector(),
});
