import { join } from 'node:path';
import { unpacked } from '../../local/maven.ts';

/** The folder of the plugin, as its project publishes it. */
export async function debeziumPostgres(): Promise<string> {
  const archive = 'io.debezium:debezium-connector-postgres:tar.gz:plugin:3.6.1.Final';
  return join(await unpacked('debezium-postgres', archive), 'debezium-connector-postgres');
}
