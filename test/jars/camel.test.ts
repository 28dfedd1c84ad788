import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sendValues } from '../support/kafka-records.ts';
import { createTopic } from '../support/kafka-tools.ts';
import { camel } from './archives.ts';
import { killJvm, openLab, runUntil } from './lab.ts';

// Camel's connectors, as Maven has them with what they need, and Camel's components for a timer and for files behind them.
const lab = openLab({ plugins: async () => [await camel()], beside: async () => null });
const room = 'org.apache.camel.kafkaconnector';
const string = 'org.apache.kafka.connect.storage.StringConverter';
const strings = { 'key.converter': string, 'value.converter': string };

test("its source brings what a timer's thread makes, each acknowledged to Camel, run by run, its JVM killed in between", async () => {
  const bench = lab.bench('source', `${room}.CamelSourceConnector`, 'camel-in');
  const topic = `camel-in-${process.pid}`;
  await bench.configure({
    ...strings,
    'connector.class': `${room}.CamelSourceConnector`,
    'tasks.max': '1',
    topics: topic,
    // No more than this may be unacknowledged: what is behind them shows that they were.
    'camel.source.maxNotCommittedRecords': '8',
    'camel.source.maxPollDuration': '200',
    'camel.source.url': 'timer:tick?period=10&delay=0&includeMetadata=true',
    'topic.creation.default.partitions': '1',
    'topic.creation.default.replication.factor': '1',
    'drover.run.max.records': '40',
  });
  const counters = async () =>
    (await bench.records(topic)).map(({ headers }) => Number(headers['CamelProperty.CamelTimerCounter']));
  await runUntil(bench, 'the timer has run', async () => (await counters()).some((counter) => counter > 8));
  killJvm(lab.java);
  const before = (await counters()).length;
  await runUntil(bench, 'another timer has', async () =>
    (await counters()).slice(before).some((counter) => counter > 8),
  );
  // Camel counts anew in each run.
  const seen = await counters();
  expect(seen.filter((counter, index) => counter !== 1 && counter !== seen[index - 1]! + 1)).toEqual([]);
});

test('its sink hands each record to Camel, its JVM killed in between', async () => {
  const file = join(lab.java.folder, 'out', 'lines');
  const topic = `camel-out-${process.pid}`;
  await createTopic(lab.kafka, topic);
  const producer = await lab.kafka.producer();
  const bench = lab.bench('sink', `${room}.CamelSinkConnector`, 'camel-out');
  await bench.configure({
    ...strings,
    'connector.class': `${room}.CamelSinkConnector`,
    'tasks.max': '1',
    topics: topic,
    'camel.sink.url': `file:${join(file, '..')}?fileName=lines&fileExist=Append&appendChars=;`,
    'consumer.override.auto.offset.reset': 'earliest',
  });
  const holds = (text: string) => async () => existsSync(file) && readFileSync(file, 'utf8') === text;
  await sendValues(producer, topic, ['one', 'two']);
  await runUntil(bench, 'both are written', holds('one;two;'));
  killJvm(lab.java);
  await sendValues(producer, topic, ['three']);
  await runUntil(bench, 'the next one is written', holds('one;two;three;'));
  await producer.close();
});
