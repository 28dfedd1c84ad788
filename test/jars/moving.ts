import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readTopic } from '../support/kafka-records.ts';
import { capturedInMariaDb, capturedTable } from './captured-table.ts';
import { changesIn, idsOf } from './changes.ts';
import { plainJson } from './lab.ts';
import { mirrorConfig, newTopic, produceNumbered } from './mirror.ts';
import { sendRows, upsertsInto } from './upserts.ts';
import type { WholeLab } from './whole-lab.ts';

/** What a connector moves, by numbers from 0: the connector, its table and its topic have one name. */
export interface Moving {
  readonly name: string;
  /** Makes what it reads from or writes to. */
  open(): Promise<unknown>;
  config(): Readonly<Record<string, string>>;
  add(from: number, count: number): Promise<unknown>;
  /** Numbers as often and in the order in which they have landed. */
  landed(): Promise<number[]>;
}

/** The alias of the far cluster. */
export const farAlias = 'far';

export const waysOf = (lab: WholeLab) => ({
  alias: farAlias,
  source: lab.far.bootstrapServers,
  target: lab.stack.bootstrapServers,
});

export const capturedRows = (lab: WholeLab, name: string): Moving => ({
  name,
  open: () => lab.postgres.query(`CREATE TABLE ${name} (id int primary key, v text)`),
  config: () => ({ ...plainJson, ...capturedTable(lab.postgres, name, 'shop') }),
  add: (from, count) =>
    lab.postgres.query(`INSERT INTO ${name} SELECT i, 'v' FROM generate_series(${from}, ${from + count - 1}) i`),
  landed: async () => idsOf(await changesIn(lab.kafka, `shop.public.${name}`)),
});

/** Of a MariaDB, under a prefix of its own. */
export const capturedGoods = (lab: WholeLab, name: string): Moving => ({
  name,
  open: () => lab.mariaDb.query(`CREATE TABLE ${name} (id int primary key, v varchar(20))`),
  config: () => {
    const { bootstrapServers } = lab.stack;
    return { ...plainJson, ...capturedInMariaDb(lab.mariaDb, name, name, { serverId: 4711, bootstrapServers }) };
  },
  add: (from, count) => {
    const rows = Array.from({ length: count }, (_, n) => `(${from + n}, 'v')`);
    return lab.mariaDb.query(`INSERT INTO ${name} (id, v) VALUES ${rows.join()}`);
  },
  landed: async () => idsOf(await changesIn(lab.kafka, `${name}.shop.${name}`)),
});

export const mirroredTopic = (lab: WholeLab, name: string): Moving => ({
  name,
  open: () => newTopic(lab.far.kafka, name),
  config: () => ({ ...mirrorConfig('MirrorSourceConnector', waysOf(lab)), topics: name }),
  add: (from, count) => produceNumbered(lab.far.kafka, name, from, count),
  landed: async () => (await readTopic(lab.kafka, `${farAlias}.${name}`)).map(({ value }) => Number(value?.slice(1))),
});

const sendNumbered = (lab: WholeLab, topic: string, from: number, count: number) =>
  sendRows(
    lab.kafka,
    topic,
    Array.from({ length: count }, (_, n) => [from + n, `v${from + n}`]),
  );

/** A table that the sink makes, in which a row that comes again is the same. */
export const upsertedRows = (lab: WholeLab, name: string): Moving => ({
  name,
  open: () => newTopic(lab.kafka, name),
  config: () => upsertsInto(lab.postgres, name, name),
  add: (from, count) => sendNumbered(lab, name, from, count),
  landed: async () => {
    const [table] = await lab.postgres.query(`SELECT to_regclass('${name}') AS name`);
    if (table?.name === null) return [];
    return (await lab.postgres.query(`SELECT id FROM ${name} ORDER BY id`)).map(({ id }) => Number(id));
  },
});

/** By Camel's sink for any component, to a file. */
export const appendedLines = (lab: WholeLab, name: string): Moving => {
  const string = 'org.apache.kafka.connect.storage.StringConverter';
  const file = () => join(lab.stack.folder, name);
  return {
    name,
    open: () => newTopic(lab.kafka, name),
    config: () => ({
      'connector.class': 'org.apache.camel.kafkaconnector.CamelSinkConnector',
      'tasks.max': '1',
      'key.converter': string,
      'value.converter': string,
      topics: name,
      'camel.sink.url': `file:${lab.stack.folder}?fileName=${name}&fileExist=Append&appendChars=;`,
      'consumer.override.auto.offset.reset': 'earliest',
    }),
    add: (from, count) => produceNumbered(lab.kafka, name, from, count),
    landed: async () =>
      existsSync(file()) ? [...readFileSync(file(), 'utf8').matchAll(/v(\d+)/g)].map(([, n]) => Number(n)) : [],
  };
};
