import { ConfigError } from '../../src/api/index.ts';
import { type DynamoDbSettings, tablesKey } from './settings.ts';

const validName = /^[a-zA-Z0-9_.-]{3,255}$/;

/** Throws ConfigError. */
export function tablesOf(settings: DynamoDbSettings): readonly string[] {
  const tables = settings[tablesKey] ?? [];
  if (tables.length === 0) {
    throw new ConfigError(`${tablesKey} must name the tables: they are not looked for by their tags`, {
      key: tablesKey,
    });
  }
  const wrong = tables.find((name) => !validName.test(name));
  if (wrong !== undefined) throw new ConfigError(`${tablesKey}: "${wrong}" is no name of a table`, { key: tablesKey });
  if (new Set(tables).size < tables.length) {
    throw new ConfigError(`${tablesKey} names a table twice`, { key: tablesKey });
  }
  return tables;
}

/** By which the stream of a table is declared as a feed. */
export const tableFeedKey = (region: string, table: string): string => `dynamodb:${region}:table/${table}`;
