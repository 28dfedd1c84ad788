import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createTopic } from '../support/kafka-tools.ts';
import { camelFiles } from './archives.ts';
import { killJvm, openLab, runUntil } from './lab.ts';

// Camel's connectors, as Maven has them with what they need, and Camel's component for files behind them.
const lab = openLab({ plugins: async () => [await camelFiles()], beside: async () => null });
const room = 'org.apache.camel.kafkaconnector';
const string = 'org.apache.kafka.connect.storage.StringConverter';
const strings = { 'key.converter': string, 'value.converter': string };

test('its source brings the files of a folder, each once it is acknowledged done with', async () => {
  const folder = join(lab.java.folder, 'in');
  mkdirSync(folder);
  const put = (name: string) => writeFileSync(join(folder, name), `of ${name}`);
  const left = () => readdirSync(folder).filter((name) => !name.startsWith('.'));
  put('one');
  put('two');
  const bench = lab.bench('source', `${room}.CamelSourceConnector`, 'camel-in');
  const topic = `camel-in-${process.pid}`;
  await bench.configure({
    ...strings,
    'connector.class': `${room}.CamelSourceConnector`,
    'tasks.max': '1',
    topics: topic,
    'camel.source.url': `file:${folder}?delay=100&initialDelay=0`,
    'topic.creation.default.partitions': '1',
    'topic.creation.default.replication.factor': '1',
  });
  const seen = async () => (await bench.records(topic)).map(({ value }) => String(value)).sort();
  await runUntil(bench, 'both files are there', async () => (await seen()).length >= 2);
  expect(await seen()).toEqual(['of one', 'of two']);
  await runUntil(bench, 'they are done with', async () => left().length === 0);
  put('three');
  killJvm(lab.java);
  await runUntil(bench, 'the next one is there', async () => (await seen()).includes('of three'));
});

test('its sink writes a file of each record', async () => {
  const folder = join(lab.java.folder, 'out');
  const topic = `camel-out-${process.pid}`;
  await createTopic(lab.kafka, topic);
  const producer = await lab.kafka.producer();
  const send = async (key: string) => {
    const batch = producer.newBatch();
    batch.append(topic, 0, key, `of ${key}`, null, null);
    await producer.send(batch);
  };
  const bench = lab.bench('sink', `${room}.CamelSinkConnector`, 'camel-out');
  await bench.configure({
    ...strings,
    'connector.class': `${room}.CamelSinkConnector`,
    'tasks.max': '1',
    topics: topic,
    'camel.sink.url': `file:${folder}?fileName=\${header.camel.kafka.connector.record.key}`,
    'consumer.override.auto.offset.reset': 'earliest',
  });
  await send('one');
  await send('two');
  const isThere = (name: string) => async () => readdirSync(folder).includes(name);
  await runUntil(bench, 'both files are there', isThere('two'));
  await send('three');
  killJvm(lab.java);
  await runUntil(bench, 'the next one is there', isThere('three'));
  await producer.close();
  for (const name of ['one', 'two', 'three']) expect(readFileSync(join(folder, name), 'utf8')).toBe(`of ${name}`);
});
