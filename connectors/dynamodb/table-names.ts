import { ConfigError, type ConfigProblem, type ConnectorConfig } from '../../src/api/index.ts';
import { type DynamoDbSettings, tablesKey } from './settings.ts';

const tagKeys = [
  'dynamodb.table.ingestion.tag.key',
  'dynamodb.table.env.tag.key',
  'dynamodb.table.env.tag.value',
] as const;

const validName = /^[a-zA-Z0-9_.-]{3,255}$/;

/** Throws ConfigError. */
export function tablesOf(settings: DynamoDbSettings): readonly string[] {
  const tables = settings[tablesKey] ?? [];
  if (tables.length === 0) {
    throw new ConfigError(
      `${tablesKey} must name the tables, with commas between: they are not looked for by their tags`,
      { key: tablesKey },
    );
  }
  const wrong = tables.find((name) => !validName.test(name));
  if (wrong !== undefined) throw new ConfigError(`${tablesKey}: "${wrong}" is no name of a table`, { key: tablesKey });
  if (new Set(tables).size < tables.length) {
    throw new ConfigError(`${tablesKey} names a table twice`, { key: tablesKey });
  }
  return tables;
}

/** What to do instead, where tables are to be found by their tags: by the settings that say so. */
export function tagProblems(given: ConnectorConfig, settings: DynamoDbSettings): readonly ConfigProblem[] {
  if ((settings[tablesKey] ?? []).length > 0) return [];
  const filters = [
    `Key=${settings['dynamodb.table.ingestion.tag.key']}`,
    `Key=${settings['dynamodb.table.env.tag.key']},Values=${settings['dynamodb.table.env.tag.value']}`,
  ];
  const message =
    `Tables are not looked for by their tags: name them in ${tablesKey}. Those that have these are listed by ` +
    `aws resourcegroupstaggingapi get-resources --resource-type-filters dynamodb:table --tag-filters ${filters.join(' ')}`;
  return tagKeys.filter((key) => given[key] !== undefined).map((key) => ({ key, message }));
}

/** By which the stream of a table is declared as a feed. */
export const tableFeedKey = (region: string, table: string): string => `dynamodb:${region}:table/${table}`;
