import { join } from 'node:path';
import { kafkaVersion } from '../../local/kafka.ts';
import { jars, unpacked } from '../../local/maven.ts';

const debezium = async (name: string, version: string) =>
  join(
    await unpacked(`debezium-${name}`, `io.debezium:debezium-connector-${name}:tar.gz:plugin:${version}`),
    `debezium-connector-${name}`,
  );

/** Folders of plugins, as their projects publish them. */
export const debeziumPostgres = () => debezium('postgres', '3.6.1.Final');
export const debeziumMariaDb = () => debezium('mariadb', '3.5.0.Final');
export const debeziumJdbc = () => debezium('jdbc', '3.4.0.Final');
export const mirrorMaker = () => jars('connect-mirror', [`org.apache.kafka:connect-mirror:${kafkaVersion}`]);
export const apicurioConverters = () =>
  jars('apicurio-converter', ['io.apicurio:apicurio-registry-utils-converter:2.6.13.Final']);
/** Camel's connectors for any of its components, and two of these. */
export const camel = () =>
  jars('camel', [
    'org.apache.camel.kafkaconnector:camel-kafka-connector:0.11.0',
    'org.apache.camel:camel-timer:3.11.1',
    'org.apache.camel:camel-file:3.11.1',
  ]);
