import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Settings } from '../../src/config/config-def.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { canonicalPartition } from '../../src/storage/source-offset-text.ts';
import { readDecidedTopic, readTopic, sendValues } from '../support/kafka-records.ts';
import { type JavaConnectPeer, kafkaAddress, startJavaConnectPeer } from '../support/services.ts';
import { until } from '../support/until.ts';
import { createHarness, type Harness, realKafka, uniqueName } from '../support/worker-harness.ts';

/**
 * Where a task stops at a record at fault, side by side with Java Connect: what lies in its topic, how far its offsets
 * go and what its status is, after the first run and after each of three restarts.
 */
vi.setConfig({ testTimeout: 300_000 });

const folder = mkdtempSync(join(tmpdir(), 'drover-parity-faults-'));
const restarts = 3;
let atLeastOnce: JavaConnectPeer;
let exactlyOnce: JavaConnectPeer;
let drover: Harness;
let kafka: KafkaClient;

beforeAll(async () => {
  [atLeastOnce, exactlyOnce] = await Promise.all([
    startJavaConnectPeer(),
    startJavaConnectPeer({ settings: { 'exactly.once.source.support': 'enabled' } }),
  ]);
  drover = createHarness({ kafka: realKafka(kafkaAddress()) });
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
});
afterAll(async () => {
  await drover?.close();
  await kafka?.close();
  await atLeastOnce?.[Symbol.asyncDispose]();
  await exactlyOnce?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const string = 'org.apache.kafka.connect.storage.StringConverter';
const strings: Settings = { 'tasks.max': '1', 'key.converter': string, 'value.converter': string };
const cast: Settings = {
  transforms: 'cast',
  'transforms.cast.type': 'org.apache.kafka.connect.transforms.Cast$Value',
  'transforms.cast.spec': 'int32',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
};
const once: Settings = {
  'exactly.once.support': 'required',
  // Java may leave the transaction of the task that failed open, and the next one waits for its end: a minute by default.
  'producer.override.transaction.timeout.ms': '15000',
};

/** A connector on one side: run until its task fails or has nothing left, looked at, restarted. */
interface Side {
  create(name: string, config: Settings): Promise<unknown>;
  /** The trace of the `time`th failure. */
  failure(name: string, time: number): Promise<string>;
  restart(name: string): Promise<unknown>;
  state(name: string): Promise<string>;
  /** Of the offset of the file; null: none. */
  position(name: string, file: string): Promise<number | null>;
  remove(name: string): Promise<unknown>;
}

function javaSide(peer: () => JavaConnectPeer): Side {
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${peer().url}${path}`, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  return {
    create: (name, config) => call('PUT', `/connectors/${name}/config`, config),
    failure: (name, time) =>
      until(`Java's task fails for time ${time}`, async () => {
        const statuses = await readTopic(kafka, peer().topics.status);
        const failures = statuses
          .filter(({ key, value }) => key === `status-task-${name}-0` && value !== null)
          .map(({ value }) => JSON.parse(value!) as { state: string; trace: string })
          .filter(({ state }) => state === 'FAILED');
        return failures[time - 1]?.trace;
      }),
    restart: (name) => call('POST', `/connectors/${name}/tasks/0/restart`),
    async state(name) {
      const { tasks } = await call('GET', `/connectors/${name}/status`);
      return tasks[0]?.state ?? '';
    },
    async position(name) {
      const { offsets } = await call('GET', `/connectors/${name}/offsets`);
      return offsets[0]?.offset.position ?? null;
    },
    remove: (name) => call('DELETE', `/connectors/${name}`),
  };
}

const taskOf = async (name: string) => (await drover.stores.config.getTask(name, 0))!;

const droverSide: Side = {
  create: (name, config) => drover.create(name, config),
  failure: (name) =>
    until('the task fails', async () => {
      await drover.runTask(name);
      const { state, trace } = await taskOf(name);
      return state === 'FAILED' && trace!;
    }),
  restart: (name) => drover.stores.config.requestRestart(name, { connector: false, tasks: [0] }, Date.now()),
  async state(name) {
    await drover.runTask(name);
    return (await taskOf(name)).state;
  },
  async position(name, file) {
    const key = canonicalPartition({ filename: file });
    const text = (await drover.stores.offsets.readSourceOffsets(name, [key])).get(key)?.offset;
    return text === undefined || text === null ? null : (JSON.parse(text) as { position: number }).position;
  },
  remove: async () => {},
};

const numbered = (count: number, of: string) => Array.from({ length: count }, (_, i) => `${of} ${i}`);
const numbers = (count: number) => Array.from({ length: count }, (_, i) => String(i));
const large = 'x'.repeat(1_200_000);
const valuesOf = async (topic: string) => (await readDecidedTopic(kafka, topic)).map(({ value }) => value);
/** The exception behind the one that ended the task. */
const causeOf = (trace: string) => [...trace.matchAll(/Caused by: (?:[\w.]+\.)?(\w+)/g)].at(-1)?.[1];

describe('a source stops in front of the record at fault', () => {
  const atLeast = javaSide(() => atLeastOnce);
  const exactly = javaSide(() => exactlyOnce);
  const cases: readonly {
    what: string;
    java: Side;
    config?: Settings;
    lines: string[];
    topic?: string;
    /** Records that are there, on both sides and each time. */
    landed: number;
    cause: string;
  }[] = [
    {
      what: 'that is larger than max.request.size, with many behind it',
      java: atLeast,
      lines: [...numbered(100, 'front'), large, ...numbered(20_000, 'behind')],
      landed: 100,
      cause: 'RecordTooLargeException',
    },
    {
      what: 'that is larger than max.request.size, with many in front of it',
      java: atLeast,
      lines: [...numbered(30_000, 'front'), large, ...numbered(10, 'behind')],
      landed: 30_000,
      cause: 'RecordTooLargeException',
    },
    {
      what: 'that a transformation fails on, in the middle of a poll',
      java: atLeast,
      config: cast,
      lines: [...numbers(3000), 'three thousand and one', ...numbers(20_000)],
      landed: 3000,
      cause: 'DataException',
    },
    {
      what: 'that a converter fails on, the first',
      java: atLeast,
      config: { 'value.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter' },
      lines: numbered(3000, 'text'),
      landed: 0,
      cause: 'DataException',
    },
    {
      what: 'whose topic cannot be',
      java: atLeast,
      topic: 'no such topic',
      lines: numbered(3000, 'nowhere'),
      landed: 0,
      cause: 'InvalidTopicException',
    },
    {
      what: 'exactly once: that a transformation fails on, which takes back its poll',
      java: exactly,
      config: { ...cast, ...once },
      lines: [...numbers(3000), 'three thousand and one', ...numbers(20_000)],
      landed: 2000,
      cause: 'DataException',
    },
    {
      what: 'exactly once: that is larger than max.request.size, which takes back its poll',
      java: exactly,
      config: once,
      lines: [...numbered(9000, 'front'), large, ...numbered(20_000, 'behind')],
      landed: 8000,
      cause: 'RecordTooLargeException',
    },
    {
      what: 'exactly once by interval, which takes back all that is open',
      java: exactly,
      config: {
        ...cast,
        ...once,
        'transaction.boundary': 'interval',
        'transaction.boundary.interval.ms': '600000',
      },
      lines: [...numbers(9000), 'nine thousand and one', ...numbers(20_000)],
      landed: 0,
      cause: 'DataException',
    },
  ];

  it.each(cases)('$what', async ({ java, config = {}, lines, topic: odd, landed, cause }) => {
    const file = join(folder, `${uniqueName('in')}.txt`);
    writeFileSync(file, `${lines.join('\n')}\n`);
    const seen = [];
    for (const side of [java, droverSide]) {
      const [name, topic] = [uniqueName('faults'), odd ?? uniqueName('faults')];
      if (odd === undefined) {
        await kafka.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
      }
      await side.create(name, {
        name,
        'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
        ...strings,
        file,
        topic,
        ...config,
      });
      const each = [];
      for (let time = 1; time <= 1 + restarts; time++) {
        if (time > 1) await side.restart(name);
        const trace = await side.failure(name, time);
        const values = odd === undefined ? await valuesOf(topic) : [];
        each.push({ values, position: await side.position(name, file), cause: trace.includes(cause) ? cause : trace });
      }
      await side.remove(name);
      seen.push(each);
    }
    const position = landed === 0 ? null : Buffer.byteLength(lines.slice(0, landed).join('\n')) + 1;
    const expected = { values: odd === undefined ? lines.slice(0, landed) : [], position, cause };
    for (const each of seen) {
      // Compared one by one: what differs in tens of thousands of lines is else hard to see.
      expect(each.map(({ values }) => values.length)).toEqual(Array(1 + restarts).fill(landed));
      expect(each).toEqual(Array(1 + restarts).fill(expected));
    }
  });

  it('but goes past it under errors.tolerance=all', async () => {
    const file = join(folder, `${uniqueName('in')}.txt`);
    const [front, behind] = [numbered(100, 'front'), numbered(20_000, 'behind')];
    writeFileSync(file, `${[...front, large, ...behind].join('\n')}\n`);
    for (const side of [atLeast, droverSide]) {
      const [name, topic] = [uniqueName('faults'), uniqueName('faults')];
      await kafka.admin.createTopics([{ topic, partitions: 1, replicationFactor: 1, configs: {} }]);
      await side.create(name, {
        name,
        'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
        ...strings,
        file,
        topic,
        'errors.tolerance': 'all',
      });
      // Of a file that it has read to its end, Java's source gives out no more than one poll until it grows.
      const most = 1999;
      await until('most have landed', async () => {
        await side.state(name);
        return (await valuesOf(topic)).length >= most;
      });
      expect((await valuesOf(topic)).slice(0, most)).toEqual([...front, ...behind].slice(0, most));
      expect(await side.state(name)).toBe('RUNNING');
      await side.remove(name);
    }
  });
});

describe('a dead letter topic', () => {
  const letters = (topic: string, replication: string): Settings => ({
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': topic,
    'errors.deadletterqueue.topic.replication.factor': replication,
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
  });
  const java = javaSide(() => atLeastOnce);

  it.each([
    ['that cannot be made fails a sink before its first record, whether or not one is bad', '3'],
    ['is made when a sink starts', '1'],
  ])('%s', async (_what, replication) => {
    const fails = replication === '3';
    const seen = [];
    for (const side of [java, droverSide]) {
      const [name, topic, dead] = [uniqueName('sink'), uniqueName('sink'), uniqueName('dead')];
      const file = join(folder, `${name}.txt`);
      await sendValues(await kafka.producer(), topic, ['1', '2', ...(fails ? ['bad', '3'] : [])]);
      await side.create(name, {
        name,
        'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
        ...strings,
        topics: topic,
        file,
        ...letters(dead, replication),
      });
      const each = [];
      for (let time = 1; time <= (fails ? 1 + restarts : 1); time++) {
        if (time > 1) await side.restart(name);
        let cause: string | undefined;
        if (fails) {
          const trace = await side.failure(name, time);
          expect(trace).toContain(`Could not initialize dead letter queue with topic=${dead}`);
          cause = causeOf(trace);
        } else {
          await until(
            'its lines are there',
            async () => (await side.state(name)) === 'RUNNING' && linesOf(file).length === 2,
          );
        }
        const found = await kafka.admin.describeTopics([dead]);
        each.push({ lines: linesOf(file), cause, partitions: found[0]?.partitions ?? null });
      }
      await side.remove(name);
      seen.push(each);
    }
    expect(seen[1]).toEqual(seen[0]);
  });

  it('of a source, which Java has none of, likewise', async () => {
    const [name, topic, dead] = [uniqueName('faults'), uniqueName('faults'), uniqueName('dead')];
    const file = join(folder, `${name}.txt`);
    writeFileSync(file, '1\n2\nbad\n3\n');
    await drover.create(name, {
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
      ...strings,
      ...cast,
      file,
      topic,
      'errors.tolerance': 'all',
      'drover.errors.deadletterqueue.topic.name': dead,
      'drover.errors.deadletterqueue.topic.replication.factor': '3',
    });
    expect(await droverSide.failure(name, 1)).toContain('Could not initialize dead letter queue');
    expect(await valuesOf(topic)).toEqual([]);
    expect(await droverSide.position(name, file)).toBeNull();
  });
});

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').slice(0, -1);
  } catch {
    return [];
  }
}
