import type { ConfigProblem, SourceConnector } from '../api/connector.ts';
import type { Settings } from '../config/config-def.ts';
import {
  deadLetterTopic,
  deliverySettings,
  requiresExactlyOnce,
  sinkTopicSettings,
} from '../config/connector-config.ts';
import { validateConfig } from '../config/validate-config.ts';
import { ConfigError, ConnectError } from '../errors.ts';
import { JavaRegex } from '../java/regex.ts';

const topicKeys = ['topics', 'topics.regex'] as const;

/** Which topics a sink reads, and that its dead letter queue is none of them. Java: SinkConnectorConfig.validate. */
export function sinkErrors(settings: Settings): ConfigProblem[] {
  const { topics, pattern } = topicsOf(settings);
  const onBoth = (message: string) => topicKeys.map((key) => ({ key, message }));
  if (topics.length > 0 && pattern !== '') {
    return onBoth('topics and topics.regex are mutually exclusive options, but both are set.');
  }
  if (topics.length === 0 && pattern === '') return onBoth('Must configure one of topics or topics.regex');
  const queue = deadLetterTopic(settings);
  if (queue === null) return [];
  if (topics.includes(queue)) {
    const message = `The DLQ topic '${queue}' may not be included in the list of topics ('topics=[${topics.join(', ')}]') consumed by the connector`;
    return [{ key: 'topics', message }];
  }
  if (pattern === '') return [];
  try {
    if (!new JavaRegex(pattern, 'topics.regex').matches(queue)) return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    // One that cannot be read has an error of its own already.
    return error.facts.key === 'topics.regex' ? [{ key: 'topics.regex', message: error.message }] : [];
  }
  const message = `The DLQ topic '${queue}' may not be matched by the regex for the topics ('topics.regex=${pattern}') consumed by the connector`;
  return [{ key: 'topics.regex', message }];
}

/** As far as they can be read: what is wrong with them is told elsewhere. */
function topicsOf(settings: Settings): { topics: readonly string[]; pattern: string } {
  const values = validateConfig(sinkTopicSettings, settings);
  return {
    topics: values.get('topics')!.value as readonly string[],
    pattern: values.get('topics.regex')!.value as string,
  };
}

/** Whether the connector can do what is asked of it (KIP-618). */
export async function sourceErrors(connector: SourceConnector, settings: Settings): Promise<ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  if (requiresExactlyOnce(settings)) {
    const { said: support, problem } = await asked(async () => connector.exactlyOnceSupport?.(settings));
    if (problem !== null) problems.push({ key: 'exactly.once.support', message: problem });
    else if (support === 'UNSUPPORTED') {
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
  const boundary = validateConfig(deliverySettings, settings).get('transaction.boundary')!.value as string;
  if (boundary.toUpperCase() === 'CONNECTOR') {
    const { said, problem } = await asked(async () => connector.canDefineTransactionBoundaries?.(settings));
    if (problem !== null) problems.push({ key: 'transaction.boundary', message: problem });
    else if (said !== 'SUPPORTED') {
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

/** A class of Java that cannot say it has found a fault of the config. Java: DistributedHerder.validateSourceConnectorConfig. */
async function asked<T>(ask: () => Promise<T>): Promise<{ readonly said?: T; readonly problem: string | null }> {
  try {
    return { said: await ask(), problem: null };
  } catch (error) {
    if (!(error instanceof ConnectError) || error.code !== 'java.failed' || error.retriable) throw error;
    const why = error.message.trim();
    return { problem: `An unexpected error occurred during validation${why === '' ? '' : `: ${why}`}` };
  }
}
