import { deadLetterTopic } from '../config/connector-config.ts';
import { sourceDeadLetterTopic } from '../config/run-settings.ts';
import { isTopicName, legalTopicNames } from '../config/topic-name.ts';
import { ConnectError } from '../errors.ts';
import { connectorAndTasks } from './connector-lookup.ts';
import type { HerderDeps } from './herder-deps.ts';

const refused = (message: string) => new ConnectError('request.invalid', message);

/**
 * Asks for the dead letters of a connector to be put back, which its next run does. `target` is where letters go that do
 * not say which topic they came from. Returns the answer's message.
 */
export async function replayDeadLetters(deps: HerderDeps, name: string, target: string | null): Promise<string> {
  const { connector } = await connectorAndTasks(deps, name);
  const { type, config } = connector;
  const key = `${type === 'source' ? 'drover.' : ''}errors.deadletterqueue.topic.name`;
  const queue = type === 'source' ? sourceDeadLetterTopic(config) : deadLetterTopic(config);
  if (queue === null) throw refused(`Connector ${name} has no dead letter queue: ${key} is not set`);
  for (const own of ['producer.override.bootstrap.servers', 'consumer.override.bootstrap.servers']) {
    if (config[own] === undefined) continue;
    throw refused(`Dead letters are replayed within the installation's own Kafka cluster only: ${own} is set`);
  }
  if (target === null) {
    if (type === 'sink') return ask(deps, name, target);
    throw refused('The dead letters of a source need a "topic" to go to: not all of them are in the form of their own');
  }
  if (!isTopicName(target)) {
    throw refused(`"${target}" is not a legal topic name (${legalTopicNames})`);
  }
  if (target === queue) throw refused(`The "topic" is the dead letter queue itself: ${target}`);
  return ask(deps, name, target);
}

async function ask(deps: HerderDeps, name: string, target: string | null): Promise<string> {
  await deps.configs.requestReplay(name, target, deps.clock.now());
  return `The replay of the dead letters of connector ${name} was asked for; its report tells how far it is`;
}
