import type { Database } from './databases.ts';

export const postgresConnector = 'io.debezium.connector.postgresql.PostgresConnector';

/** Debezium's settings for one table of a PostgreSQL, with a slot and a publication of its name. */
export const capturedTable = (database: Database, table: string, topicPrefix: string) => ({
  'connector.class': postgresConnector,
  'tasks.max': '1',
  'database.hostname': database.host,
  'database.port': String(database.port),
  'database.user': database.user,
  'database.password': database.password,
  'database.dbname': database.name,
  'plugin.name': 'pgoutput',
  'slot.name': table,
  'publication.name': table,
  'publication.autocreate.mode': 'filtered',
  'topic.prefix': topicPrefix,
  'table.include.list': `public.${table}`,
  'poll.interval.ms': '20',
});
