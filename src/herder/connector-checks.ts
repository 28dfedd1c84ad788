import type { ConfigProblem, SourceConnector } from '../api/connector.ts';
import type { Settings } from '../config/config-def.ts';
import { JavaRegex } from '../config/java-regex.ts';
import { javaTrim } from '../config/java-text.ts';
import { ConfigError } from '../errors.ts';

const topicKeys = ['topics', 'topics.regex'] as const;

/** Which topics a sink reads, and that its dead letter queue is none of them. Java: SinkConnectorConfig.validate. */
export function sinkErrors(settings: Settings): ConfigProblem[] {
  const topics = javaTrim(settings.topics ?? '');
  const pattern = javaTrim(settings['topics.regex'] ?? '');
  const onBoth = (message: string) => topicKeys.map((key) => ({ key, message }));
  if (topics !== '' && pattern !== '') {
    return onBoth('topics and topics.regex are mutually exclusive options, but both are set.');
  }
  if (topics === '' && pattern === '') return onBoth('Must configure one of topics or topics.regex');
  const queue = javaTrim(settings['errors.deadletterqueue.topic.name'] ?? '');
  if (queue === '') return [];
  const list = topics.split(',').map(javaTrim);
  if (topics !== '' && list.includes(queue)) {
    const message = `The DLQ topic '${queue}' may not be included in the list of topics ('topics=[${list.join(', ')}]') consumed by the connector`;
    return [{ key: 'topics', message }];
  }
  if (pattern !== '' && matches(pattern, queue)) {
    const message = `The DLQ topic '${queue}' may not be included in the regex matching the topics ('topics.regex=${pattern}') consumed by the connector`;
    return [{ key: 'topics.regex', message }];
  }
  return [];
}

/** A pattern that cannot be read has an error of its own already. */
function matches(pattern: string, topic: string): boolean {
  try {
    return new JavaRegex(pattern).matches(topic);
  } catch (error) {
    if (error instanceof ConfigError) return false;
    throw error;
  }
}

/** Whether the connector can do what is asked of it (KIP-618). */
export function sourceErrors(connector: SourceConnector, settings: Settings): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  if (javaTrim(settings['exactly.once.support'] ?? '').toUpperCase() === 'REQUIRED') {
    const support = connector.exactlyOnceSupport?.(settings);
    if (support === 'UNSUPPORTED') {
      problems.push({
        key: 'exactly.once.support',
        message: 'The connector does not support exactly-once semantics with the provided configuration.',
      });
    } else if (support === undefined) {
      problems.push({
        key: 'exactly.once.support',
        message:
          'The connector does not implement the API required for preflight validation of exactly-once source support. ' +
          'Please consult the documentation for the connector to determine whether it supports exactly-once semantics, ' +
          'and then consider reconfiguring the connector to use the value "requested" for this property ' +
          '(which will disable this preflight check and allow the connector to be created).',
      });
    }
  }
  if (javaTrim(settings['transaction.boundary'] ?? '').toUpperCase() === 'CONNECTOR') {
    if (connector.canDefineTransactionBoundaries?.(settings) !== 'SUPPORTED') {
      problems.push({
        key: 'transaction.boundary',
        message:
          'The connector does not support connector-defined transaction boundaries with the given configuration. ' +
          'Please reconfigure it to use a different transaction boundary definition.',
      });
    }
  }
  return problems;
}
