import { dynamoDbSourceConfig } from '../connectors/dynamodb/settings.ts';
import { eventBridgeConfig } from '../connectors/eventbridge/settings.ts';
import { fileStreamSinkConfig, fileStreamSourceConfig } from '../connectors/file/settings.ts';
import { kinesisSourceConfig } from '../connectors/kinesis/settings.ts';
import { aivenSinkConfig, confluentSinkConfig, s3SourceConfig } from '../connectors/s3/settings.ts';
import { snsConfig } from '../connectors/sns/settings.ts';
import { sqsSourceConfig } from '../connectors/sqs/settings.ts';
import { webhookConfig } from '../connectors/webhook/settings.ts';
import type { ConfigDef } from '../src/config/config-def.ts';

/** The settings of the connectors that come with Drover, by class, without what runs them. */
export const knownSources = {
  'com.trustpilot.connector.dynamodb.DynamoDBSourceConnector': dynamoDbSourceConfig,
  'drover.eventbridge.EventBridgeSourceConnector': eventBridgeConfig,
  'org.apache.kafka.connect.file.FileStreamSourceConnector': fileStreamSourceConfig,
  'com.github.jcustenborder.kafka.connect.kinesis.KinesisSourceConnector': kinesisSourceConfig,
  'io.aiven.kafka.connect.s3.source.S3SourceConnector': s3SourceConfig,
  'drover.sns.SnsSourceConnector': snsConfig,
  'com.nordstrom.kafka.connect.sqs.SqsSourceConnector': sqsSourceConfig,
  'drover.webhook.WebhookSourceConnector': webhookConfig,
};

export const knownSinks = {
  'org.apache.kafka.connect.file.FileStreamSinkConnector': fileStreamSinkConfig,
  'io.confluent.connect.s3.S3SinkConnector': confluentSinkConfig,
  'io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector': aivenSinkConfig,
};

const byName = new Map<string, ConfigDef>(
  Object.entries({ ...knownSources, ...knownSinks }).flatMap(([className, config]) => {
    const simple = className.slice(className.lastIndexOf('.') + 1);
    return [className, simple, simple.replace(/Connector$/, '')].map((name) => [name, config] as const);
  }),
);

/** By a full name or one of the two short ones. */
export const knownSettings = (connectorClass: string): ConfigDef | undefined => byName.get(connectorClass);
