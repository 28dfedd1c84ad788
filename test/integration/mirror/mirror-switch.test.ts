import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it, vi } from 'vitest';
import { call, status } from '../../../local/rest-client.ts';
import { createKafkaClient } from '../../../src/kafka/kafka-client.ts';
import { readCluster } from '../../../src/mirror/import.ts';
import { startTestJava } from '../../support/java-plugins.ts';
import { readDecidedTopic, uniqueName } from '../../support/kafka-records.ts';
import {
  type MirroredDrover,
  mirrorTopicsOf,
  startMirroredDrover,
  takeOverTopics,
} from '../../support/mirrored-drover.ts';
import { kafkaAddress, startJavaConnectPeer } from '../../support/services.ts';
import { until } from '../../support/until.ts';

/**
 * A file source and a file sink change hands between Java's worker and Drover again and again while lines keep coming: by
 * an orderly stop, by workers that are shut down under their connectors, and by kills. In CI a small trip, once;
 * `DROVER_TEST_SWITCH=100000` makes it three trips from Java to Drover and back with so many lines each, under both
 * guarantees. With `DROVER_TEST_SWITCH_JAVA` Drover runs the connectors out of Apache's jar.
 */
const asked = process.env.DROVER_TEST_SWITCH;
const perTrip = Number(asked ?? 3000);
const trips = asked === undefined ? 1 : 3;
const small = ['drover', 'java', 'drover'] as const;
const large = ['java', ...Array.from({ length: trips }, () => ['drover', 'java'] as const).flat()] as const;
const hosts: readonly ('java' | 'drover')[] = asked === undefined ? small : large;
const total = perTrip * trips;
/** So far the writer is in front of what has arrived: there is work in hand at each switch. */
const inHand = Math.max(500, perTrip / 20);
vi.setConfig({ testTimeout: asked === undefined ? 240_000 : 1_800_000 });
const patience = { withinMs: 300_000, everyMs: 20 };

const jars = process.env.DROVER_TEST_SWITCH_JAVA === undefined ? null : await startTestJava();
const folder = mkdtempSync(join(tmpdir(), 'drover-switch-'));
const kafka = createKafkaClient({ bootstrapServers: kafkaAddress() });
afterAll(async () => {
  await kafka.close();
  await jars?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Each line takes ten bytes, so that a source's position tells its line. */
const lineOf = (n: number) => String(n).padStart(9, '0');
const strings = {
  'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
  'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
};

/** Of no meaning to a worker. */
const runtime: Readonly<Record<string, string>> = jars === null ? {} : { 'drover.plugin.runtime': 'java' };

const linesIn = (path: string) => readFileSync(path, 'latin1').trim().split('\n');

/** How a host lets go. */
type End = 'stopped' | 'shut down' | 'killed';

/** At one switch, once the old host was gone. */
interface Switch {
  readonly from: string;
  readonly end: End;
  /** The next line that the source's committed offset asks for. */
  readonly line: number;
  /** The group's committed offset. */
  readonly offset: number;
  readonly written: number;
}

it.each(asked === undefined ? [true] : [false, true])('switched under load, exactly once: %s', async (exactlyOnce) => {
  const prefix = uniqueName('switch');
  const topics = mirrorTopicsOf(prefix);
  const groupId = `${prefix}-workers`;
  const [source, sink, data] = [`${prefix}-source`, `${prefix}-sink`, `${prefix}-data`];
  const [file, out] = [join(folder, `${prefix}.in`), join(folder, `${prefix}.out`)];
  writeFileSync(file, '');
  writeFileSync(out, '');
  await kafka.admin.createTopics([{ topic: data, partitions: 1, replicationFactor: 1, configs: {} }]);
  const configs = {
    [source]: {
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSourceConnector',
      'tasks.max': '1',
      topic: data,
      file,
      ...strings,
      ...runtime,
      ...(exactlyOnce ? { 'exactly.once.support': 'required' } : {}),
    },
    [sink]: {
      'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
      'tasks.max': '1',
      topics: data,
      file: out,
      ...strings,
      ...runtime,
      ...(exactlyOnce ? { 'consumer.override.isolation.level': 'read_committed' } : {}),
    },
  };

  let written = 0;
  /** The last lines are written when the last host has taken over. */
  let most = total - inHand;
  const arrived = async () =>
    Number((await kafka.admin.endOffsets([{ topic: data, partition: 0 }], 'read_committed')).get(data)?.get(0) ?? 0n);
  const writing = new AbortController();
  const writer = (async () => {
    while (written < total && !writing.signal.aborted) {
      if (written >= most || written - (await arrived()) > inHand) {
        await sleep(5);
        continue;
      }
      const chunk = Array.from({ length: Math.min(250, most - written) }, (_, n) => `${lineOf(written + n)}\n`);
      appendFileSync(file, chunk.join(''));
      written += chunk.length;
    }
  })();

  const create = async (url: string) => {
    for (const [name, config] of Object.entries(configs)) {
      await patient(() => call(url, 'PUT', `/connectors/${name}/config`, config));
    }
  };
  const running = (url: string) =>
    until(
      'both run',
      async () => {
        for (const name of [source, sink]) {
          const { connector, tasks } = await status(url, name);
          if (connector.state === 'STOPPED') await call(url, 'PUT', `/connectors/${name}/resume`);
          if (tasks[0]?.state === 'FAILED') throw new Error(tasks[0].trace);
          if (tasks[0]?.state !== 'RUNNING') return false;
        }
        return true;
      },
      patience,
    );
  const stopBoth = async (url: string) => {
    for (const name of [source, sink]) await patient(() => call(url, 'PUT', `/connectors/${name}/stop`));
    const haveLetGo = async () => {
      const all = await Promise.all([source, sink].map((name) => status(url, name)));
      return all.every(({ connector, tasks }) => connector.state === 'STOPPED' && tasks.length === 0);
    };
    await until('both have let go', haveLetGo, patience);
  };
  const startDrover = () =>
    startMirroredDrover({
      bootstrapServers: kafkaAddress(),
      topics,
      tickEveryMs: 1000,
      plugins: jars?.plugins ?? [],
      settings: {
        groupId,
        offsetsTopic: topics.offsets.name,
        offsetsTopicReplicationFactor: 1,
        idleFloorMs: 50,
        idleCeilingMs: 200,
      },
    });
  const takeOver = async ({ drover }: MirroredDrover) => {
    await until(
      'no worker is in the group',
      async () => (await kafka.admin.groupMembers(groupId)).length === 0,
      patience,
    );
    const report = await takeOverTopics(kafka, drover.stores, topics, groupId);
    expect('imported' in report && [...report.imported].sort()).toEqual([sink, source]);
  };

  const switches: Switch[] = [];
  const note = async (from: string, end: End) => {
    const cluster = await readCluster(kafka, { configs: topics.configs.name, offsets: topics.offsets.name });
    const [offset] = cluster.sourceOffsets.get(source) ?? [];
    const { position = 0 } = JSON.parse(offset?.offset ?? '{}') as { position?: number };
    const group = await kafka.admin.groupOffsets(`connect-${sink}`);
    const made = { from, end, line: position / 10, offset: Number(group.get(data)?.get(0) ?? 0n), written };
    switches.push(made);
    console.log(`exactly once ${exactlyOnce}:`, JSON.stringify(made), `${await arrived()} arrived`);
  };
  const javaEnds: readonly End[] = asked === undefined ? ['killed'] : ['shut down', 'killed', 'stopped'];
  const droverEnds: readonly End[] = asked === undefined ? ['stopped'] : ['stopped', 'shut down'];
  let javas = 0;
  let drovers = 0;
  try {
    for (const [index, host] of hosts.entries()) {
      const isLast = index === hosts.length - 1;
      if (isLast) most = total;
      const part = ((index + 1) * total) / hosts.length;
      const enough = async () =>
        isLast ? new Set(linesIn(out)).size >= total : (await arrived()) >= part && linesIn(out).length >= part;
      if (host === 'drover') {
        const end = droverEnds[drovers++ % droverEnds.length]!;
        const run = await startDrover();
        const { url } = run.drover;
        await (index === 0 ? create(url) : takeOver(run));
        await running(url);
        await until(`Drover has moved its part, as host ${index}`, enough, patience);
        if (!isLast && end === 'stopped') await stopBoth(url);
        await run.end();
        if (!isLast) await note('Drover', end);
      } else {
        const end = javaEnds[javas++ % javaEnds.length]!;
        await using java = await startJavaConnectPeer({
          topicPrefix: `${prefix}-`,
          groupId,
          settings: {
            'session.timeout.ms': '6000',
            'heartbeat.interval.ms': '2000',
            'consumer.session.timeout.ms': '6000',
            ...(exactlyOnce ? { 'exactly.once.source.support': 'enabled' } : {}),
          },
        });
        if (index === 0) await create(java.url);
        await running(java.url);
        await until(`Java has moved its part, as host ${index}`, enough, patience);
        if (isLast) continue;
        if (end === 'killed') await java.kill();
        if (end === 'stopped') await stopBoth(java.url);
        await java[Symbol.asyncDispose]();
        await note('Java', end);
      }
    }
  } finally {
    writing.abort();
    await writer;
  }

  const lines = Array.from({ length: total }, (_, n) => lineOf(n));
  const records = await readDecidedTopic(kafka, data);
  const values = records.map(({ value }) => value!);
  const inFile = linesIn(out);
  for (const made of switches) expect(made.line, 'the source had more to do').toBeLessThan(total);
  const repeated = repeats(values, lines, exactlyOnce ? [] : switches.map(({ line }) => line));
  const fromOffset = switches.map(({ offset }) => records.findIndex((record) => record.offset >= offset));
  const repeatedInFile = repeats(inFile, values, fromOffset);
  console.log(
    `exactly once ${exactlyOnce}: ${total} lines through ${hosts.join(' → ')}; repeated in the topic ${repeated}, ` +
      `in the sink's file ${repeatedInFile}`,
  );
  if (exactlyOnce) expect(values).toEqual(lines);
});

/**
 * How many of `seen` come again. Throws unless it is all of `wanted` in its order, but for steps back to one of `restarts`
 * (indices): what was committed when a host was gone.
 */
function repeats(seen: readonly string[], wanted: readonly string[], restarts: readonly number[]): number {
  let positions = new Set([0]);
  for (const [index, value] of seen.entries()) {
    const next = new Set<number>();
    const furthest = Math.max(...positions);
    for (const position of [...positions, ...restarts.filter((back) => back <= furthest)]) {
      if (wanted[position] === value) next.add(position + 1);
    }
    if (next.size === 0) {
      throw new Error(`Number ${index} is ${value}, and ${[...positions].map((at) => wanted[at])} should come`);
    }
    positions = next;
  }
  expect([...positions]).toContain(wanted.length);
  return seen.length - wanted.length;
}

/** While a worker is at its rebalance it is asked again. */
const patient = (ask: () => Promise<unknown>) => until('the worker answers', () => ask().then(() => true), patience);
