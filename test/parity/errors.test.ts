import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Settings } from '../../src/config/config-def.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { readTopic } from '../support/kafka-records.ts';
import { type JavaConnectPeer, kafkaAddress, startJavaConnectPeer } from '../support/services.ts';
import { topicConfigs } from '../support/topic-configs.ts';
import { createHarness, type Harness, realKafka, uniqueName } from '../support/worker-harness.ts';

/**
 * errors.*, dead letters and topic creation side by side with Java Connect: same config, same input, same topics and
 * files out. Not compared: the text of stack traces and of exception messages, and what names the connector and topic.
 */
vi.setConfig({ testTimeout: 180_000 });

const folder = mkdtempSync(join(tmpdir(), 'drover-parity-errors-'));
let java: JavaConnectPeer;
let drover: Harness;
let kafka: KafkaClient;

beforeAll(async () => {
  java = await startJavaConnectPeer({ bootstrapServers: kafkaAddress() });
  drover = createHarness({ kafka: realKafka(kafkaAddress()) });
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
});
afterAll(async () => {
  await drover?.close();
  await kafka?.close();
  await java?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const string = 'org.apache.kafka.connect.storage.StringConverter';
const plainJson: Settings = {
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
};
const cast: Settings = {
  transforms: 'cast',
  'transforms.cast.type': 'org.apache.kafka.connect.transforms.Cast$Value',
  'transforms.cast.spec': 'int32',
};
const deadLetters: Settings = {
  'errors.tolerance': 'all',
  'errors.deadletterqueue.topic.name': '@dlq',
  'errors.deadletterqueue.topic.replication.factor': '1',
};
const withContext: Settings = { ...deadLetters, 'errors.deadletterqueue.context.headers.enable': 'true' };

interface Input {
  readonly key: string | null;
  readonly value: string | null;
  readonly headers?: readonly { key: string; value: string }[];
}
const values = (...all: (string | null)[]): Input[] => all.map((value) => ({ key: null, value }));

/** Runs one connector on one side until `settled`; `@dlq`, `@topic` and the like in its config are that side's own. */
async function run(side: 'java' | 'drover', config: Settings, own: Settings, settled: (state: string) => boolean) {
  const name = uniqueName(`parity-${side}`);
  const mine = Object.fromEntries(
    Object.entries({ name, 'tasks.max': '1', ...config }).map(([key, value]) => [
      key,
      value.replaceAll(/@\w+/g, (placeholder) => own[placeholder] ?? placeholder),
    ]),
  );
  const taskState = side === 'java' ? () => javaTaskState(name) : () => droverTaskState(name);
  if (side === 'java') {
    const answer = await fetch(`${java.url}/connectors/${name}/config`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(mine),
    });
    expect(answer.status, await answer.text()).toBe(201);
  } else {
    await drover.create(name, mine);
  }
  let state = '';
  await expect
    .poll(
      async () => {
        if (side === 'drover') await drover.runTask(name);
        state = await taskState();
        return settled(state);
      },
      { timeout: 60_000, interval: 300 },
    )
    .toBe(true);
  if (side === 'java') await fetch(`${java.url}/connectors/${name}`, { method: 'DELETE' });
  return { name, state };
}

async function javaTaskState(name: string): Promise<string> {
  const answer = await fetch(`${java.url}/connectors/${name}/status`);
  if (!answer.ok) return '';
  const status = (await answer.json()) as { tasks: { state: string }[] };
  return status.tasks[0]?.state ?? '';
}

async function droverTaskState(name: string): Promise<string> {
  return (await drover.stores.config.getTask(name, 0))?.state ?? '';
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}

const told = ['__connect.errors.exception.message', '__connect.errors.exception.stacktrace'];

async function lettersOf(topic: string, own: Settings, name: string) {
  const letters = await readTopic(kafka, topic);
  return letters.map(({ partition, key, value, headers }) => ({
    partition,
    key,
    value,
    headers: headers.map(({ key: header, value: text }) => ({
      key: header,
      value: told.includes(header)
        ? text !== null && text.length > 0
        : (text?.replaceAll(own['@topic']!, '@topic').replaceAll(name, '@name') ?? null),
    })),
  }));
}

describe('a sink', () => {
  const cases: readonly {
    what: string;
    config: Settings;
    input: Input[];
    out: number;
    letters: number;
    fails?: true;
  }[] = [
    {
      what: 'skips what its converter cannot read under errors.tolerance=all',
      config: { ...plainJson, 'errors.tolerance': 'all' },
      input: values('1', '{', '"b"', 'nope'),
      out: 2,
      letters: 0,
    },
    {
      what: 'fails at what its converter cannot read when nothing is tolerated',
      config: plainJson,
      input: values('{'),
      out: 0,
      letters: 0,
      fails: true,
    },
    {
      what: 'writes dead letters without context headers',
      config: { ...plainJson, ...deadLetters },
      input: [
        { key: 'k1', value: '1' },
        { key: 'k2', value: '{', headers: [{ key: 'mine', value: 'kept' }] },
        { key: null, value: null },
      ],
      out: 2,
      letters: 1,
    },
    {
      what: 'writes dead letters of a value converter with context headers',
      config: { ...plainJson, ...withContext },
      input: [{ key: 'k', value: 'nope', headers: [{ key: 'mine', value: 'kept' }] }, ...values('2')],
      out: 1,
      letters: 1,
    },
    {
      what: 'writes dead letters of a key converter',
      config: {
        'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
        'key.converter.schemas.enable': 'true',
        ...withContext,
      },
      input: [{ key: '{"no":"schema"}', value: 'a' }, ...values('b')],
      out: 1,
      letters: 1,
    },
    {
      what: 'writes dead letters of a transformation',
      config: { ...cast, ...withContext },
      input: values('1', 'one', '2', 'two'),
      out: 2,
      letters: 2,
    },
    {
      what: 'fails at a transformation when nothing is tolerated, the dead letter written all the same',
      config: { ...cast, ...withContext, 'errors.tolerance': 'none' },
      input: values('one'),
      out: 0,
      letters: 1,
      fails: true,
    },
  ];

  it.each(cases)('$what', async ({ config, input, out, letters, fails }) => {
    const results = [];
    for (const side of ['java', 'drover'] as const) {
      const file = join(folder, `${uniqueName(side)}.txt`);
      const own = { '@topic': uniqueName(`${side}-topic`), '@dlq': uniqueName(`${side}-dlq`), '@file': file };
      const producer = await kafka.producer();
      const batch = producer.newBatch();
      for (const { key, value, headers } of input) batch.append(own['@topic'], 0, key, value, 1234, headers ?? null);
      await producer.send(batch);
      const sink = {
        'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
        topics: '@topic',
        file: '@file',
        'key.converter': string,
        'value.converter': string,
        ...config,
      };
      const { name, state } = await run(side, sink, own, (now) =>
        fails ? now === 'FAILED' : now === 'FAILED' || (now === 'RUNNING' && linesOf(file).length >= out),
      );
      if (letters > 0) {
        const count = async () => (await readTopic(kafka, own['@dlq'])).length;
        await expect.poll(count, { timeout: 20_000 }).toBe(letters);
      }
      const topics = await kafka.admin.describeTopics([own['@dlq']]);
      results.push({
        state,
        lines: linesOf(file),
        letters: await lettersOf(own['@dlq'], own, name),
        deadLetterPartitions: topics[0]?.partitions ?? null,
      });
    }
    expect(results[1]).toEqual(results[0]);
  });
});

describe('a source', () => {
  const cases: readonly { what: string; config: Settings; lines: string[]; landed: number; fails?: true }[] = [
    {
      what: 'skips what a transformation fails on under errors.tolerance=all',
      config: { ...cast, 'errors.tolerance': 'all' },
      lines: ['1', 'one', '2'],
      landed: 2,
    },
    {
      what: 'fails at it when nothing is tolerated',
      config: cast,
      lines: ['one'],
      landed: 0,
      fails: true,
    },
    {
      what: 'creates its topic as the default group says',
      config: {
        'topic.creation.default.partitions': '3',
        'topic.creation.default.replication.factor': '1',
        'topic.creation.default.retention.ms': '234567',
      },
      lines: ['1'],
      landed: 1,
    },
    {
      what: 'creates its topic as the first matching group says',
      config: {
        'topic.creation.groups': 'other, mine',
        'topic.creation.other.include': 'x.*',
        'topic.creation.mine.include': '.*topic.*',
        'topic.creation.mine.exclude': 'never',
        'topic.creation.mine.partitions': '4',
        'topic.creation.mine.retention.ms': '123456',
        'topic.creation.default.partitions': '2',
        'topic.creation.default.replication.factor': '-1',
      },
      lines: ['1'],
      landed: 1,
    },
    {
      what: 'leaves creation to the broker without topic.creation settings',
      config: {},
      lines: ['1'],
      landed: 1,
    },
    {
      what: 'fails when the topic cannot be created as asked',
      config: { 'topic.creation.default.partitions': '1', 'topic.creation.default.replication.factor': '99' },
      lines: ['1'],
      landed: 0,
      fails: true,
    },
  ];

  it.each(cases)('$what', async ({ config, lines, landed, fails }) => {
    const results = [];
    for (const side of ['java', 'drover'] as const) {
      const file = join(folder, `${uniqueName(side)}.txt`);
      writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
      const own = { '@topic': uniqueName(`${side}-topic`), '@file': file };
      const source = {
        'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
        topic: '@topic',
        file: '@file',
        'key.converter': string,
        'value.converter': string,
        ...config,
      };
      const { state } = await run(side, source, own, (now) => now === (fails ? 'FAILED' : 'RUNNING'));
      const valuesNow = async () => (await readTopic(kafka, own['@topic'])).map(({ key, value }) => ({ key, value }));
      await expect.poll(async () => (await valuesNow()).length, { timeout: 20_000 }).toBe(landed);
      const [topic] = await kafka.admin.describeTopics([own['@topic']]);
      const configs = topic === undefined ? undefined : await topicConfigs(topic.topic);
      results.push({
        state,
        landed: await valuesNow(),
        partitions: topic?.partitions ?? null,
        cleanup: configs?.get('cleanup.policy') ?? null,
        retention: configs?.get('retention.ms') ?? null,
      });
    }
    expect(results[1]).toEqual(results[0]);
  });
});
