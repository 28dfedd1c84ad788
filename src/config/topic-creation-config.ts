import { ConfigError } from '../errors.ts';
import { JavaRegex } from '../java/regex.ts';
import { defineConfig, type Settings } from './config-def.ts';
import { sourceConnectorConfig } from './connector-config.ts';
import { isSet, parseKey, settingsWithPrefix } from './parse-config.ts';
import { lambda } from './validators.ts';

/** How new topics of one group are made (KIP-158). */
export interface TopicGroup {
  readonly name: string;
  /** -1: the broker's default, as with the replication factor. */
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs: Settings;
  matches(topic: string): boolean;
}

const prefix = 'topic.creation.';
const groupsKey = `${prefix}groups`;

/** Java: TopicCreationConfig. */
const groupConfig = defineConfig({
  'replication.factor': {
    type: 'SHORT',
    importance: 'LOW',
    validator: lambda('positive, or -1', (_name, value) =>
      Number(value) === -1 || Number(value) >= 1
        ? undefined
        : "Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default",
    ),
    doc: 'Replication factor of new topics of this group.',
  },
  partitions: {
    type: 'INT',
    importance: 'LOW',
    validator: lambda('positive, or -1', (_name, value) =>
      Number(value) === -1 || Number(value) >= 1
        ? undefined
        : "Number of partitions must be positive, or -1 to use the broker's default",
    ),
    doc: 'Partitions of new topics of this group.',
  },
  include: { type: 'LIST', default: [], importance: 'LOW', doc: 'Java regular expressions of the topics in it.' },
  exclude: { type: 'LIST', default: [], importance: 'LOW', doc: 'And of those that are not.' },
});

/**
 * The groups of a source's settings in the order in which they are tried, `default` last; empty when it does not use
 * topic creation, so that the broker's own auto-creation decides. Throws ConfigError. Java: SourceConnectorConfig.
 */
export function topicGroups(config: Settings): TopicGroup[] {
  const uses = Object.keys(config).some((key) => key.startsWith(`${prefix}default.`) || key === groupsKey);
  if (!uses) return [];
  const byDefault = {
    replicationFactor: ofGroup(config, 'default', 'replication.factor', null),
    partitions: ofGroup(config, 'default', 'partitions', null),
  };
  const names = parseKey(sourceConnectorConfig.keys.get(groupsKey)!, config) as readonly string[];
  const groups = names
    .filter((name) => name !== 'default' && name !== '')
    .map((name) => group(config, name, byDefault));
  return [...groups, { name: 'default', ...byDefault, configs: configsOf(config, 'default'), matches: () => true }];
}

function group(
  config: Settings,
  name: string,
  byDefault: Pick<TopicGroup, 'partitions' | 'replicationFactor'>,
): TopicGroup {
  const include = patterns(config, `${prefix}${name}.include`);
  const exclude = patterns(config, `${prefix}${name}.exclude`);
  return {
    name,
    replicationFactor: ofGroup(config, name, 'replication.factor', byDefault.replicationFactor),
    partitions: ofGroup(config, name, 'partitions', byDefault.partitions),
    configs: configsOf(config, name),
    matches: (topic) => include.some((regex) => regex.matches(topic)) && !exclude.some((regex) => regex.matches(topic)),
  };
}

/** A number of a group, under its full name; else the default group's. */
function ofGroup(
  config: Settings,
  name: string,
  setting: 'replication.factor' | 'partitions',
  fallback: number | null,
): number {
  const key = { ...groupConfig.keys.get(setting)!, name: `${prefix}${name}.${setting}` };
  if (fallback !== null && !isSet(config, key.name)) return fallback;
  return parseKey(key, config) as number;
}

/** Each matches a whole topic name, as in Java. */
function patterns(config: Settings, key: string): JavaRegex[] {
  const setting = key.endsWith('.include') ? 'include' : 'exclude';
  const texts = parseKey({ ...groupConfig.keys.get(setting)!, name: key }, config) as readonly string[];
  return texts.map((text) => {
    try {
      return new JavaRegex(text, key);
    } catch (cause) {
      if (!(cause instanceof ConfigError)) throw cause;
      const message = `Invalid value [${texts.join(', ')}] for configuration ${key}: Syntax error in regular expression: ${cause.message}`;
      throw new ConfigError(message, { key, cause });
    }
  });
}

/** What is none of a group's own settings is one of its topics'. */
function configsOf(config: Settings, name: string): Settings {
  const own = settingsWithPrefix(config, `${prefix}${name}.`);
  return Object.fromEntries(Object.entries(own).filter(([key]) => !(key in groupConfig.spec)));
}
