import type { Database } from './databases.ts';

export const postgresConnector = 'io.debezium.connector.postgresql.PostgresConnector';
export const mariaDbConnector = 'io.debezium.connector.mariadb.MariaDbConnector';

const login = (database: Database) => ({
  'tasks.max': '1',
  'database.hostname': database.host,
  'database.port': String(database.port),
  'database.user': database.user,
  'database.password': database.password,
  'poll.interval.ms': '20',
});

/** Debezium's settings for one table of a PostgreSQL, with a slot and a publication of its name. */
export const capturedTable = (database: Database, table: string, topicPrefix: string) => ({
  ...login(database),
  'connector.class': postgresConnector,
  'database.dbname': database.name,
  'plugin.name': 'pgoutput',
  'slot.name': table,
  'publication.name': table,
  'publication.autocreate.mode': 'filtered',
  'topic.prefix': topicPrefix,
  'table.include.list': `public.${table}`,
});

/** Where Debezium keeps the history of the schemas of what it captures under this prefix. */
export const historyTopic = (topicPrefix: string) => `${topicPrefix}-history`;

/** Debezium's settings for one table of a MariaDB, which takes it for a replica with this id. */
export const capturedInMariaDb = (
  database: Database,
  table: string,
  topicPrefix: string,
  more: { readonly serverId: number; readonly bootstrapServers: string },
) => ({
  ...login(database),
  'connector.class': mariaDbConnector,
  'database.ssl.mode': 'disable',
  'database.server.id': String(more.serverId),
  'topic.prefix': topicPrefix,
  'database.include.list': database.name,
  'table.include.list': `${database.name}.${table}`,
  'schema.history.internal.kafka.bootstrap.servers': more.bootstrapServers,
  'schema.history.internal.kafka.topic': historyTopic(topicPrefix),
});
