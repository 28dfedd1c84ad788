import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Settings } from '../../src/config/config-def.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import type { KafkaClient } from '../../src/kafka/types.ts';
import { type InProcessDrover, startInProcessDrover } from '../support/in-process-drover.ts';
import { assignedTopics, consumerGroups, createTopic, deleteTopic } from '../support/kafka-tools.ts';
import { type JavaConnectPeer, kafkaAddress, startJavaConnectPeer } from '../support/services.ts';
import { until } from '../support/until.ts';
import { uniqueName } from '../support/worker-harness.ts';

/**
 * A sink whose topic or consumer group others have changed, side by side with Java Connect: the same file, the same
 * answer of GET offsets and the same group in the end, with Kafka's own tools for the group.
 */
vi.setConfig({ testTimeout: 240_000 });

const folder = mkdtempSync(join(tmpdir(), 'drover-parity-group-'));
let java: JavaConnectPeer;
let drover: InProcessDrover;
let kafka: KafkaClient;

beforeAll(async () => {
  java = await startJavaConnectPeer({ bootstrapServers: kafkaAddress() });
  drover = await startInProcessDrover({
    bootstrapServers: kafkaAddress(),
    settings: { idleFloorMs: 200, idleCeilingMs: 500 },
    tickEveryMs: 2000,
  });
  kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
});
afterAll(async () => {
  await drover?.close();
  await kafka?.close();
  await java?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

type Side = 'java' | 'drover';

/** One sink on one side, with topics `a`, `b`, … of its own. */
class Sink {
  readonly side: Side;
  readonly name: string;
  readonly file: string;
  readonly #url: string;

  constructor(side: Side) {
    this.side = side;
    this.name = uniqueName(`group-${side}`);
    this.file = join(folder, `${this.name}.txt`);
    this.#url = side === 'java' ? java.url : drover.url;
  }

  get group(): string {
    return `connect-${this.name}`;
  }

  topic(letter: string): string {
    return `${this.name}.${letter}`;
  }

  async call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`${this.#url}/connectors/${this.name}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === '' ? null : JSON.parse(text) };
  }

  async start(config: Settings): Promise<void> {
    const strings = 'org.apache.kafka.connect.storage.StringConverter';
    const { status } = await this.call('PUT', '/config', {
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
      'tasks.max': '1',
      file: this.file,
      'key.converter': strings,
      'value.converter': strings,
      'consumer.override.metadata.max.age.ms': '1000',
      // Else Java's own consumer makes a deleted topic again.
      'consumer.override.allow.auto.create.topics': 'false',
      ...config,
    });
    expect(status).toBe(201);
  }

  /** Stop, pause or resume, and what that comes to. */
  async turn(verb: 'stop' | 'pause' | 'resume'): Promise<void> {
    await until(`${verb} is taken`, async () => (await this.call('PUT', `/${verb}`)).status < 300);
    const wanted = { stop: 'STOPPED', pause: 'PAUSED', resume: 'RUNNING' }[verb];
    await until(`${this.name} is ${wanted}`, async () => {
      const { connector, tasks } = (await this.call('GET', '/status')).body as {
        connector: { state: string };
        tasks: { state: string }[];
      };
      const tasksAre = verb === 'stop' ? tasks.length === 0 : tasks.length > 0;
      return connector.state === wanted && tasksAre && tasks.every(({ state }) => state === wanted);
    });
  }

  /**
   * Deletes a topic and makes it again. A Java worker that does not look in between keeps its position, and reads a longer
   * topic from the middle: it is given the time to see that the topic is gone.
   */
  async makeAgain(letter: string, partitions = 1): Promise<void> {
    const topic = this.topic(letter);
    await deleteTopic(kafka, topic);
    if (this.side === 'java') {
      await until(`${this.group} has let go of ${topic}`, async () => {
        return !(await assignedTopics(this.group)).includes(topic);
      });
    }
    await createTopic(kafka, topic, partitions);
  }

  async send(letter: string, values: readonly string[], partition = 0): Promise<void> {
    const producer = await kafka.producer();
    const batch = producer.newBatch();
    for (const value of values) batch.append(this.topic(letter), partition, null, value, null, null);
    expect((await producer.send(batch)).failures.size).toBe(0);
    await producer.close();
  }

  lines(): string[] {
    try {
      return readFileSync(this.file, 'utf8').split('\n').slice(0, -1);
    } catch {
      return [];
    }
  }

  /** That many lines, and that they stay so many is for the comparison to see. */
  has(count: number): Promise<unknown> {
    return until(`${this.name} has ${count} lines`, () => this.lines().length >= count, { withinMs: 90_000 });
  }

  /** As the group has them, once it has nothing behind the topics' ends. */
  async committed(): Promise<Record<string, number>> {
    const found: Record<string, number> = {};
    for (const [topic, partitions] of await kafka.admin.groupOffsets(this.group)) {
      for (const [partition, offset] of partitions) found[`${topic.split('.')[1]}-${partition}`] = Number(offset);
    }
    return found;
  }

  async listed(): Promise<Record<string, number>> {
    const { offsets } = (await this.call('GET', '/offsets')).body as {
      offsets: { partition: { kafka_topic: string; kafka_partition: number }; offset: { kafka_offset: number } }[];
    };
    return Object.fromEntries(
      offsets.map(({ partition, offset }) => [
        `${partition.kafka_topic.split('.')[1]}-${partition.kafka_partition}`,
        offset.kafka_offset,
      ]),
    );
  }

  /** What both sides are compared by: lines in order of arrival, the group and GET offsets, which must agree. */
  async result(expected: Record<string, number>) {
    await until(
      `${this.name} has committed ${JSON.stringify(expected)}, not ${JSON.stringify(await this.committed())}`,
      async () => JSON.stringify(sorted(await this.committed())) === JSON.stringify(sorted(expected)),
      { withinMs: 30_000 },
    );
    await until('GET offsets agrees with the group', async () => {
      return JSON.stringify(sorted(await this.listed())) === JSON.stringify(sorted(expected));
    });
    await this.call('DELETE', '');
    return this.lines();
  }
}

const sorted = (offsets: Record<string, number>) =>
  Object.entries(offsets).sort(([one], [other]) => (one < other ? -1 : 1));
const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, number) => `${prefix}${number}`);

/** The same story on both sides, and the same lines in the end. */
async function sideBySide(story: (sink: Sink) => Promise<string[]>): Promise<string[]> {
  const [ofJava, ofDrover] = await Promise.all([story(new Sink('java')), story(new Sink('drover'))]);
  expect(ofDrover).toEqual(ofJava);
  return ofDrover;
}

describe('a topic that is deleted and made again', () => {
  it.each([4, 10, 25])('while the sink is stopped, with %i records where 10 were before', async (count) => {
    const lines = await sideBySide(async (sink) => {
      await createTopic(kafka, sink.topic('a'));
      await sink.send('a', numbered('old', 10));
      await sink.start({ topics: sink.topic('a') });
      await sink.has(10);
      await sink.turn('stop');
      await sink.makeAgain('a');
      await sink.send('a', numbered('new', count));
      await sink.turn('resume');
      await sink.has(10 + count);
      return sink.result({ 'a-0': count });
    });
    expect(lines).toEqual([...numbered('old', 10), ...numbered('new', count)]);
  });

  it.each([4, 10, 40])('while the sink is running, with %i records where 10 were before', async (count) => {
    const lines = await sideBySide(async (sink) => {
      await createTopic(kafka, sink.topic('a'));
      await sink.send('a', numbered('old', 10));
      await sink.start({ topics: sink.topic('a') });
      await sink.has(10);
      await until('the group knows', async () => (await sink.committed())['a-0'] === 10);
      await sink.makeAgain('a');
      await sink.send('a', numbered('new', count));
      await sink.has(10 + count);
      return sink.result({ 'a-0': count });
    });
    expect(lines).toEqual([...numbered('old', 10), ...numbered('new', count)]);
  });

  it.each(['stop', 'run'])('with fewer partitions than before: %s', async (how) => {
    await sideBySide(async (sink) => {
      await createTopic(kafka, sink.topic('a'), 3);
      for (const partition of [0, 1, 2]) await sink.send('a', numbered(`old${partition}-`, 5), partition);
      await sink.start({ topics: sink.topic('a') });
      await sink.has(15);
      if (how === 'stop') await sink.turn('stop');
      else await until('the group knows', async () => (await sink.committed())['a-2'] === 5);
      await sink.makeAgain('a', 1);
      await sink.send('a', numbered('new', 7));
      if (how === 'stop') await sink.turn('resume');
      await sink.has(22);
      return (await sink.result({ 'a-0': 7 })).sort();
    });
  });

  it.each(['stop', 'run'])('as one of two that topics.regex matches: %s', async (how) => {
    await sideBySide(async (sink) => {
      for (const letter of ['a', 'b']) {
        await createTopic(kafka, sink.topic(letter));
        await sink.send(letter, numbered(`old-${letter}`, 10));
      }
      await sink.start({ 'topics.regex': `${sink.name}\\..*` });
      await sink.has(20);
      if (how === 'stop') await sink.turn('stop');
      else await until('the group knows', async () => Object.keys(await sink.committed()).length === 2);
      await sink.makeAgain('b');
      await sink.send('b', numbered('new-b', 15));
      await sink.send('a', numbered('more-a', 2));
      if (how === 'stop') await sink.turn('resume');
      await sink.has(37);
      return (await sink.result({ 'a-0': 12, 'b-0': 15 })).sort();
    });
  });

  it('is in GET offsets no more once it is deleted', async () => {
    await sideBySide(async (sink) => {
      for (const letter of ['a', 'b']) {
        await createTopic(kafka, sink.topic(letter));
        await sink.send(letter, numbered(`old-${letter}`, 3));
      }
      await sink.start({ topics: `${sink.topic('a')},${sink.topic('b')}` });
      await sink.has(6);
      await until('the group knows', async () => Object.keys(await sink.committed()).length === 2);
      await deleteTopic(kafka, sink.topic('b'));
      await sink.send('a', ['more']);
      await sink.has(7);
      // Java's commits of the other topic fail as long as this one is still assigned: which offset it shows is open.
      await until('it is shown no more', async () => Object.keys(await sink.listed()).join() === 'a-0');
      await sink.call('DELETE', '');
      return sink.lines().sort();
    });
  });
});

describe("a group that is changed with Kafka's own tool", () => {
  const stoppedAtTen = async (sink: Sink, letters: readonly string[] = ['a']) => {
    for (const letter of letters) {
      await createTopic(kafka, sink.topic(letter));
      await sink.send(letter, numbered(letter, 10));
    }
    await sink.start({ topics: letters.map((letter) => sink.topic(letter)).join(',') });
    await sink.has(10 * letters.length);
    await sink.turn('stop');
  };

  it('reset to 4 while the sink is stopped', async () => {
    const lines = await sideBySide(async (sink) => {
      await stoppedAtTen(sink);
      const reset = ['--reset-offsets', '--to-offset', '4', '--topic', sink.topic('a'), '--execute'];
      await consumerGroups('--group', sink.group, ...reset);
      await sink.turn('resume');
      await sink.has(16);
      return sink.result({ 'a-0': 10 });
    });
    expect(lines).toHaveLength(16);
  });

  it('deleted while the sink is stopped', async () => {
    const lines = await sideBySide(async (sink) => {
      await stoppedAtTen(sink);
      expect(await consumerGroups('--group', sink.group, '--delete')).toContain('successful');
      await sink.turn('resume');
      await sink.has(20);
      return sink.result({ 'a-0': 10 });
    });
    expect(lines).toHaveLength(20);
  });

  it('deleted while the sink, which begins at the end, is stopped', async () => {
    const lines = await sideBySide(async (sink) => {
      await stoppedAtTen(sink);
      const { body } = await sink.call('GET', '/config');
      const latest = { ...(body as Settings), 'consumer.override.auto.offset.reset': 'latest' };
      expect((await sink.call('PUT', '/config', latest)).status).toBe(200);
      await consumerGroups('--group', sink.group, '--delete');
      await sink.send('a', numbered('missed', 5));
      await sink.turn('resume');
      await until('more is written', async () => {
        await sink.send('a', ['more']);
        return sink.lines().length > 10;
      });
      await sink.call('DELETE', '');
      return [...new Set(sink.lines())];
    });
    expect(lines).toEqual([...numbered('a', 10), 'more']);
  });

  it('of one of two topics deleted while the sink is stopped', async () => {
    await sideBySide(async (sink) => {
      await stoppedAtTen(sink, ['a', 'b']);
      await consumerGroups('--group', sink.group, '--delete-offsets', '--topic', sink.topic('b'));
      await sink.turn('resume');
      await sink.has(30);
      return (await sink.result({ 'a-0': 10, 'b-0': 10 })).sort();
    });
  });
});

describe('offsets that are changed over REST while the sink is stopped', () => {
  it('are in the group at once, one by one and all together', async () => {
    await sideBySide(async (sink) => {
      for (const letter of ['a', 'b']) {
        await createTopic(kafka, sink.topic(letter));
        await sink.send(letter, numbered(letter, 10));
      }
      await sink.start({ topics: `${sink.topic('a')},${sink.topic('b')}` });
      await sink.has(20);
      await sink.turn('stop');
      const change = (letter: string, offset: number | null) => ({
        partition: { kafka_topic: sink.topic(letter), kafka_partition: 0 },
        offset: offset === null ? null : { kafka_offset: offset },
      });
      const agree = (expected: Record<string, number>) =>
        until(`the group has ${JSON.stringify(expected)}`, async () => {
          const [group, listed] = [await sink.committed(), await sink.listed()];
          return [group, listed].every((one) => JSON.stringify(sorted(one)) === JSON.stringify(sorted(expected)));
        });
      expect((await sink.call('PATCH', '/offsets', { offsets: [change('a', 3)] })).status).toBe(200);
      await agree({ 'a-0': 3, 'b-0': 10 });
      expect((await sink.call('PATCH', '/offsets', { offsets: [change('b', null)] })).status).toBe(200);
      await agree({ 'a-0': 3 });
      await sink.turn('resume');
      await sink.has(37);
      await agree({ 'a-0': 10, 'b-0': 10 });
      await sink.turn('stop');
      expect((await sink.call('DELETE', '/offsets')).status).toBe(200);
      await agree({});
      await sink.turn('resume');
      await sink.has(57);
      return (await sink.result({ 'a-0': 10, 'b-0': 10 })).sort();
    });
  });

  it('and of which the sink is then deleted begin anew with its namesake', async () => {
    await sideBySide(async (sink) => {
      await createTopic(kafka, sink.topic('a'));
      await sink.send('a', numbered('a', 10));
      await sink.start({ topics: sink.topic('a') });
      await sink.has(10);
      await sink.turn('stop');
      expect((await sink.call('DELETE', '/offsets')).status).toBe(200);
      expect((await sink.call('DELETE', '')).status).toBe(204);
      await until('it is gone', async () => (await sink.call('GET', '')).status === 404);
      await sink.start({ topics: sink.topic('a') });
      await sink.has(20);
      return sink.result({ 'a-0': 10 });
    });
  });
});

describe('while the sink is running or paused', () => {
  it('Kafka refuses for Java what Drover puts back, and tells of', async () => {
    const stories = (['java', 'drover'] as const).map(async (side) => {
      const sink = new Sink(side);
      await createTopic(kafka, sink.topic('a'));
      await sink.send('a', numbered('a', 10));
      await sink.start({ topics: sink.topic('a') });
      await sink.has(10);
      await until('the group knows', async () => (await sink.committed())['a-0'] === 10);
      const reset = ['--reset-offsets', '--to-offset', '4', '--topic', sink.topic('a'), '--execute'];
      const said = await consumerGroups('--group', sink.group, ...reset);
      // An idle sink's group is looked at once in five minutes, or whenever a run of its task begins.
      if (side === 'drover') await drover.coordinator.onWakeUp([sink.name], Date.now() + 60_000);
      await until('the group is as before', async () => (await sink.committed())['a-0'] === 10);
      if (side === 'java') expect(said).toMatch(/Assignments can only be reset if the group .* is inactive/);
      else {
        const report = await fetch(`${drover.url}/drover/connectors/${sink.name}`);
        expect(await report.json()).toMatchObject({
          position_changes: [
            {
              reason: 'group-restored',
              kafka_topic: sink.topic('a'),
              kafka_partition: 0,
              from_offset: 4,
              to_offset: 10,
            },
          ],
        });
      }
      return sink.result({ 'a-0': 10 });
    });
    const [ofJava, ofDrover] = await Promise.all(stories);
    expect(ofDrover).toEqual(ofJava);
  });
});
