import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createKafkaClient } from '../../../src/kafka/kafka-client.ts';
import { createMemoryStores } from '../../../src/storage/memory/stores.ts';
import type { Stores } from '../../../src/storage/stores.ts';
import { readTopic, uniqueName } from '../../support/kafka-records.ts';
import { mirrorTopicsOf, startMirroredDrover, takeOverTopics } from '../../support/mirrored-drover.ts';
import { kafkaAddress, startJavaConnectPeer } from '../../support/services.ts';

/** Connectors move from Drover to Java Connect and back, over the same three topics, and no line is lost or doubled. */
const folder = mkdtempSync(join(tmpdir(), 'drover-takeover-'));
const kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
const prefix = uniqueName('takeover');
const topics = mirrorTopicsOf(prefix);
/** A name of its own: the broker remembers its group from run to run. */
const stoppedSink = `stopped-sink-${prefix}`;
const groupId = `${prefix}-workers`;
const file = join(folder, 'in.txt');
const out = join(folder, 'out.txt');
const data = `${prefix}-data`;
const plain = 'org.apache.kafka.connect.storage.StringConverter';
const source = {
  'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
  'tasks.max': '1',
  topic: data,
  file,
  'key.converter': plain,
  'value.converter': plain,
};
const sink = {
  'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
  'tasks.max': '1',
  topics: data,
  file: out,
  'key.converter': plain,
  'value.converter': plain,
};

const startDrover = () => startMirroredDrover({ bootstrapServers: kafkaAddress(), topics });

async function rest(url: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

const importInto = (stores: Pick<Stores, 'config' | 'offsets'>) => takeOverTopics(kafka, stores, topics, groupId);

const lines = async () => (await readTopic(kafka, data)).map(({ value }) => value);
const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 60_000, interval: 200 });

beforeAll(async () => {
  await kafka.admin.createTopics([{ topic: data, partitions: 1, replicationFactor: 1, configs: {} }]);
});
afterAll(async () => {
  await kafka.close();
  rmSync(folder, { recursive: true, force: true });
});

it('Drover → Java Connect → Drover: each line once, states and offsets taken over', async () => {
  writeFileSync(file, 'one\ntwo\nthree\n');
  const first = await startDrover();
  const { url } = first.drover;
  await rest(url, 'POST', '/connectors', { name: 'lines', config: source });
  await rest(url, 'POST', '/connectors', { name: 'paused-lines', config: { ...source, topic: `${data}-paused` } });
  await rest(url, 'PUT', '/connectors/paused-lines/pause');
  await rest(url, 'POST', '/connectors', { name: 'gone', config: { ...source, topic: `${data}-gone` } });
  await rest(url, 'DELETE', '/connectors/gone');
  await rest(url, 'POST', '/connectors', { name: stoppedSink, initial_state: 'STOPPED', config: sink });
  await eventually(async () => expect(await lines()).toEqual(['one', 'two', 'three']));
  await eventually(async () =>
    expect(await rest(url, 'GET', '/connectors/lines/offsets')).toMatchObject({
      offsets: [{ offset: { position: 14 } }],
    }),
  );
  await first.end();

  appendFileSync(file, 'four\nfive\n');
  {
    await using java = await startJavaConnectPeer({ topicPrefix: `${prefix}-`, groupId });
    await eventually(async () => expect(await lines()).toEqual(['one', 'two', 'three', 'four', 'five']));
    expect(((await rest(java.url, 'GET', '/connectors')) as string[]).sort()).toEqual([
      'lines',
      'paused-lines',
      stoppedSink,
    ]);
    expect(await rest(java.url, 'GET', '/connectors/lines/config')).toEqual({ ...source, name: 'lines' });
    await eventually(async () => {
      expect(await rest(java.url, 'GET', '/connectors/lines/status')).toMatchObject({
        connector: { state: 'RUNNING' },
        tasks: [{ id: 0, state: 'RUNNING' }],
      });
      expect(await rest(java.url, 'GET', '/connectors/paused-lines/status')).toMatchObject({
        connector: { state: 'PAUSED' },
      });
      expect(await rest(java.url, 'GET', `/connectors/${stoppedSink}/status`)).toMatchObject({
        connector: { state: 'STOPPED' },
      });
      expect(await rest(java.url, 'GET', '/connectors/lines/offsets')).toMatchObject({
        offsets: [{ offset: { position: 24 } }],
      });
    });
    await rest(java.url, 'PUT', `/connectors/${stoppedSink}/resume`);
    await eventually(async () =>
      expect(await rest(java.url, 'GET', `/connectors/${stoppedSink}/offsets`)).toMatchObject({
        offsets: [{ offset: { kafka_offset: 5 } }],
      }),
    );
    expect(await kafka.admin.listGroups('connect')).toContain(groupId);
    await expect(importInto(createMemoryStores())).rejects.toMatchObject({ code: 'import.workers_running' });
  }

  appendFileSync(file, 'six\n');
  const second = await startDrover();
  await eventually(async () => expect(await kafka.admin.groupMembers(groupId)).toEqual([]));
  const report = await importInto(second.drover.stores);
  expect(report).toMatchObject({ unreadable: [] });
  expect('imported' in report && report.imported.toSorted()).toEqual(['lines', 'paused-lines', stoppedSink]);
  await eventually(async () => expect(await lines()).toEqual(['one', 'two', 'three', 'four', 'five', 'six']));
  // The sink goes on from its group: Java wrote five lines, Drover the sixth.
  await eventually(async () => {
    expect(readFileSync(out, 'utf8')).toBe('one\ntwo\nthree\nfour\nfive\nsix\n');
  });
  expect(await rest(second.drover.url, 'GET', '/connectors/paused-lines/status')).toMatchObject({
    connector: { state: 'PAUSED' },
  });
  await second.end();
});
