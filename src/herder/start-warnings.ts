import { overrideFaults } from '../config/client-config.ts';
import type { Settings } from '../config/config-def.ts';
import type { ConfigInfo, ConfigInfos } from '../config/describe-config.ts';
import { overridingClients } from '../config/override-policy.ts';
import { settingsWithPrefix } from '../config/parse-config.ts';
import { topicGroups } from '../config/topic-creation-config.ts';
import { isTopicName, legalTopicNames } from '../config/topic-name.ts';
import { ConfigError } from '../errors.ts';
import { javaTrim } from '../java/text.ts';
import { predicateStages, stageAliases, transformStages } from '../plugins/transform-settings.ts';
import type { ConnectorType } from '../storage/items.ts';

/** Where a connector's own records go, by the names that connectors have for it. */
const sourceTopicKeys = ['topic', 'kafka.topic'];
const deadLetterKey = 'errors.deadletterqueue.topic.name';

/**
 * Kafka Connect takes some configs that no task can run with: what Kafka's clients refuse when they are made, and what the
 * broker refuses when a topic is. So does Drover, and each such setting is told so beside its errors. `settings`: those
 * without references, which only a run may resolve.
 */
export function withStartWarnings(type: ConnectorType, settings: Settings, infos: ConfigInfos): ConfigInfos {
  const warnings = new Map([
    ...clientWarnings(type, settings),
    ...topicWarnings(type, settings),
    ...predicateWarnings(settings),
  ]);
  if (type === 'source') {
    const problem = topicCreationProblem(settings);
    // Its own settings have no line of their own, in Java's answer neither.
    if (problem !== null) warnings.set('topic.creation.groups', problem);
  }
  if (warnings.size === 0) return infos;
  return { ...infos, configs: infos.configs.map((info) => withWarning(info, warnings.get(info.value.name))) };
}

function withWarning(info: ConfigInfo, problem: string | undefined): ConfigInfo {
  const { value } = info;
  if (problem === undefined || value.errors.length > 0) return info;
  const warning = `The connector is made, and fails when it starts: ${problem}`;
  return { ...info, value: { ...value, warnings: [...(value.warnings ?? []), warning] } };
}

function clientWarnings(type: ConnectorType, settings: Settings): [string, string][] {
  return overridingClients(type, settings).flatMap((client) => {
    const prefix = `${client}.override.`;
    return overrideFaults(client, settingsWithPrefix(settings, prefix)).map(({ key, message }): [string, string] => [
      prefix + key,
      message,
    ]);
  });
}

function topicWarnings(type: ConnectorType, settings: Settings): [string, string][] {
  const named = (key: string) => javaTrim(settings[key] ?? '');
  // A transformation may send records elsewhere.
  const ofRecords = type === 'sink' || named('transforms') !== '' ? [] : sourceTopicKeys;
  const keys = type === 'sink' ? [deadLetterKey] : [...ofRecords, `drover.${deadLetterKey}`, 'offsets.storage.topic'];
  const topics = keys.map((key): [string, string[]] => [key, [named(key)]]);
  if (type === 'sink') topics.push(['topics', named('topics').split(',').map(javaTrim)]);
  return topics.flatMap(([key, names]): [string, string][] => {
    const bad = names.find((name) => name !== '' && !isTopicName(name));
    return bad === undefined ? [] : [[key, `"${bad}" is no name that a topic may have (${legalTopicNames})`]];
  });
}

function predicateWarnings(settings: Settings): [string, string][] {
  const predicates = stageAliases(settings, predicateStages.listKey);
  return stageAliases(settings, transformStages.listKey).flatMap((alias): [string, string][] => {
    const key = `${transformStages.listKey}.${alias}.predicate`;
    const named = settings[key];
    if (named === undefined || predicates.includes(javaTrim(named))) return [];
    return [[key, `predicates does not list "${named}"`]];
  });
}

function topicCreationProblem(settings: Settings): string | null {
  try {
    topicGroups(settings);
    return null;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message;
  }
}
