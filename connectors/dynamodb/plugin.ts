import { definePlugin } from '../../src/api/index.ts';
import { dynamoDbSourceConfig } from './settings.ts';

export const dynamoDbSource = definePlugin({
  kind: 'source',
  className: 'com.trustpilot.connector.dynamodb.DynamoDBSourceConnector',
  otherNames: ['DynamoDbStreamsSourceConnector'],
  version: '1.0.0',
  doc: 'Brings the changes of DynamoDB tables from their streams, and on request the items that are there.',
  config: dynamoDbSourceConfig,
  create: async () => new (await import('./connector.ts')).DynamoDbSourceConnector(),
});
