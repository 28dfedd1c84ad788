import { describe, expect, it } from 'vitest';
import type { ImportRequest } from '../../src/invocation/invocation.ts';
import type { FetchedPartition, KafkaClient } from '../../src/kafka/types.ts';
import { readCluster, writeCluster } from '../../src/mirror/import.ts';
import { runImport } from '../../src/mirror/run-import.ts';
import { createMemoryStores } from '../../src/storage/memory/stores.ts';
import { javaRecords } from './java-records.ts';

const now = 1_700_000_000_000;
const partitionsOf: Record<string, number> = { configs: 1, offsets: 25, status: 5 };

interface Log {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
}

/** Topics as given, one record an answer and partition, with the gaps that transactions and compaction leave. */
function kafkaWith(records: readonly Log[], workers: Readonly<Record<string, readonly string[]>> = {}): KafkaClient {
  const of = (topic: string, partition: number) =>
    records.filter((record) => record.topic === topic && record.partition === partition);
  const edges = async (asked: readonly { topic: string; partition: number }[], end: boolean) => {
    const offsets = new Map<string, Map<number, bigint>>();
    for (const { topic, partition } of asked) {
      const log = of(topic, partition);
      const offset = end ? (log.at(-1)?.offset ?? -1) + 1 : (log[0]?.offset ?? 0);
      offsets.set(topic, (offsets.get(topic) ?? new Map()).set(partition, BigInt(offset)));
    }
    return offsets;
  };
  const fetched = (topic: string, partition: number, offset: number): FetchedPartition => {
    const record = of(topic, partition).find((one) => one.offset >= offset);
    const key = Buffer.from(record?.key ?? '');
    const value = Buffer.from(record?.value ?? '');
    let left = record === undefined ? 0 : 1;
    const cursor = {
      offset: record?.offset ?? offset,
      next: () => left-- > 0,
      buffer: Buffer.concat([key, value]),
      keyStart: record?.key == null ? -1 : 0,
      keyEnd: key.length,
      valueStart: record?.value == null ? -1 : key.length,
      valueEnd: key.length + value.length,
      nextOffset: (record?.offset ?? offset) + 1,
    };
    return { topic, partition, error: null, cursor } as unknown as FetchedPartition;
  };
  return {
    admin: {
      describeTopics: async ([topic]: string[]) =>
        topic !== undefined && topic in partitionsOf ? [{ topic, partitions: partitionsOf[topic] }] : [],
      beginningOffsets: async (asked: { topic: string; partition: number }[]) => edges(asked, false),
      endOffsets: async (asked: { topic: string; partition: number }[]) => edges(asked, true),
      listGroups: async (type: string) => (type === 'connect' ? Object.keys(workers) : []),
      groupMembers: async (group: string) => (workers[group] ?? []).map((host) => ({ clientId: 'connect', host })),
    },
    fetcher: async () => ({
      fetch: async (asked: { topic: string; partition: number; offset: number }[]) =>
        asked.map(({ topic, partition, offset }) => fetched(topic, partition, offset)),
      close: async () => {},
    }),
  } as unknown as KafkaClient;
}

const topics = { configs: 'configs', offsets: 'offsets' };
const typeOf = (name: string) =>
  (/Sink/.test(name) ? 'sink' : /FileStream/.test(name) ? 'source' : undefined) as 'sink' | 'source' | undefined;
const log = (topic: string, entries: [string, string | null][]): Log[] =>
  entries.map(([key, value], offset) => ({ topic, partition: 0, offset, key, value }));

describe('import from a Java cluster', () => {
  it('reads what Java Connect wrote', async () => {
    const cluster = await readCluster(kafkaWith(javaRecords), topics);
    expect(
      cluster.connectors.map(({ name, targetState, taskConfigs }) => [name, targetState, taskConfigs.length]),
    ).toEqual([
      ['golden sink/ü', 'STARTED', 2],
      ['golden-broken', 'STOPPED', 0],
      ['golden-eos', 'STOPPED', 0],
    ]);
    expect(cluster.sourceOffsets).toEqual(
      new Map(
        ['golden-source', 'golden-eos'].map((name) => [
          name,
          [{ key: '{"filename":"in.txt"}', partition: '{"filename":"in.txt"}', offset: '{"position":19}' }],
        ]),
      ),
    );
    expect(cluster.loggerLevels).toEqual(new Map([['org.apache.kafka.connect.runtime.WorkerTask', 'INFO']]));
    expect(cluster.unreadable).toEqual([]);
  });

  it('task configs count from the commit record behind them, and only when they are complete', async () => {
    const task = (v: number) => `{"properties":{"v":"${v}"}}`;
    const entries: [string, string | null][] = [
      ['connector-a-1', '{"properties":{"connector.class":"FileStreamSource"}}'],
      ['task-a-1-0', task(1)],
      ['task-a-1-1', task(1)],
      ['commit-a-1', '{"tasks":2}'],
      ['task-a-1-0', task(2)],
      ['commit-a-1', '{"tasks":2}'],
      ['task-a-1-1', task(3)],
    ];
    const cluster = await readCluster(kafkaWith(log('configs', entries)), topics);
    expect(cluster.connectors[0]).toMatchObject({ name: 'a-1', taskConfigs: [{ v: '1' }, { v: '1' }] });
  });

  it('keeps every digit of an offset, knows old target states, and names what it cannot read', async () => {
    const records = [
      ...log('configs', [
        ['connector-a', '{"properties":{"connector.class":"FileStreamSource"}}'],
        ['target-state-a', '{"state":"PAUSED"}'],
        ['connector-b', 'nonsense'],
        ['session-key', '{"key":"x"}'],
      ]),
      ...log('offsets', [
        ['["a",{"z":1,"b":"]\\"}"}]', '{"n":9007199254740993}'],
        ['["a"]', '{}'],
        ['["gone",{"f":1}]', '{"n":1}'],
        ['["gone",{"f":1}]', null],
      ]),
    ];
    const cluster = await readCluster(kafkaWith(records), topics);
    expect(cluster.connectors).toMatchObject([{ name: 'a', targetState: 'PAUSED' }]);
    expect([...cluster.sourceOffsets]).toEqual([
      ['a', [{ key: '{"b":"]\\"}","z":1}', partition: '{"z":1,"b":"]\\"}"}', offset: '{"n":9007199254740993}' }]],
    ]);
    expect(cluster.unreadable).toEqual(['configs-0@2', 'offsets-0@1']);
  });

  it('a topic that is not there is named', async () => {
    await expect(readCluster(kafkaWith([]), { configs: 'nope', offsets: 'offsets' })).rejects.toThrow(
      'Topic nope does not exist',
    );
  });

  it('writes connectors with their offsets, stopped or as they were, and can be repeated', async () => {
    const cluster = await readCluster(kafkaWith(javaRecords), topics);
    for (const start of ['stopped', 'as-was'] as const) {
      const stores = createMemoryStores();
      const report = await writeCluster(cluster, { stores, start, typeOf, now: () => now });
      expect(report).toEqual({
        imported: ['golden sink/ü', 'golden-broken', 'golden-eos'],
        skipped: [],
        sourceOffsets: 2,
      });
      const sink = await stores.config.getConnector('golden sink/ü');
      expect(sink).toMatchObject({
        type: 'sink',
        dueAt: now,
        targetState: start === 'stopped' ? 'STOPPED' : 'STARTED',
      });
      expect(Object.keys(sink?.config ?? {})).toEqual(['connector.class', 'tasks.max', 'topics', 'file', 'name']);
      expect((await stores.offsets.listSourceOffsets('golden-eos', null)).items).toMatchObject([
        { offset: '{"position":19}' },
      ]);
      // Of a connector that is no more: a namesake goes on from there, as in Java.
      expect((await stores.offsets.listSourceOffsets('golden-source', null)).items).toHaveLength(1);
      const again = await writeCluster(cluster, { stores, start, typeOf, now: () => now });
      expect(again.imported).toEqual([]);
      expect(again.skipped.map(({ reason }) => reason)).toEqual(new Array(3).fill('it is there already'));
    }
  });

  it('leaves out what there is no plugin for, and says so', async () => {
    const entries: [string, string | null][] = [
      ['connector-x', '{"properties":{"connector.class":"com.example.Other"}}'],
    ];
    const cluster = await readCluster(kafkaWith(log('configs', entries)), topics);
    const report = await writeCluster(cluster, {
      stores: createMemoryStores(),
      start: 'stopped',
      typeOf,
      now: () => now,
    });
    expect(report).toEqual({
      imported: [],
      skipped: [{ connector: 'x', reason: 'there is no plugin com.example.Other' }],
      sourceOffsets: 0,
    });
  });

  const request: ImportRequest = {
    kind: 'import',
    start: 'stopped',
    configs: 'configs',
    offsets: null,
    connectors: null,
    group: null,
    whileRunning: false,
    dryRun: false,
  };
  const depsWith = (kafka: KafkaClient) => ({
    kafka,
    stores: createMemoryStores(),
    topics: { configs: 'other', offsets: 'offsets' },
    typeOf,
    now: () => now,
  });

  it('reads the topics that it is told, else those of Drover', async () => {
    const report = await runImport(request, depsWith(kafkaWith(javaRecords)));
    expect(report).toMatchObject({ imported: ['golden sink/ü', 'golden-broken', 'golden-eos'], unreadable: [] });
  });

  it('takes only those that it is told, and the offsets of those that are no more', async () => {
    const deps = depsWith(kafkaWith(javaRecords));
    const report = await runImport({ ...request, connectors: ['golden sink/ü'] }, deps);
    expect(report).toMatchObject({ imported: ['golden sink/ü'], skipped: [], sourceOffsets: 1 });
    expect((await deps.stores.offsets.listSourceOffsets('golden-source', null)).items).toHaveLength(1);
    expect((await deps.stores.offsets.listSourceOffsets('golden-eos', null)).items).toEqual([]);
  });

  it('tells in a dry run what is there, workers that run included, and writes nothing', async () => {
    const deps = depsWith(kafkaWith(javaRecords, { 'connect-cluster': ['/10.0.0.1'], idle: [] }));
    expect(await runImport({ ...request, dryRun: true }, deps)).toMatchObject({
      connectors: [
        { name: 'golden sink/ü', type: 'sink', targetState: 'STARTED', sourceOffsets: 0 },
        { name: 'golden-broken', targetState: 'STOPPED', sourceOffsets: 0 },
        { name: 'golden-eos', type: 'source', sourceOffsets: 1 },
      ],
      workers: [{ group: 'connect-cluster', hosts: ['/10.0.0.1'] }],
      unreadable: [],
    });
    expect((await deps.stores.config.listConnectorNames(null)).items).toEqual([]);
    expect((await deps.stores.offsets.listSourceOffsets('golden-source', null)).items).toEqual([]);
  });

  it('does not begin while workers run, but where they are told to be another cluster’s, or no obstacle', async () => {
    const kafka = kafkaWith(javaRecords, { mine: ['/10.0.0.1', '/10.0.0.1'], others: ['/10.0.0.2'] });
    const refused = async (more: Partial<ImportRequest>) => {
      const deps = depsWith(kafka);
      await expect(runImport({ ...request, ...more }, deps)).rejects.toMatchObject({
        code: 'import.workers_running',
        message: expect.stringContaining('group.id mine at /10.0.0.1'),
      });
      expect((await deps.stores.config.listConnectorNames(null)).items).toEqual([]);
    };
    await refused({});
    await refused({ group: 'mine' });
    for (const more of [{ group: 'third' }, { whileRunning: true }]) {
      expect(await runImport({ ...request, ...more }, depsWith(kafka))).toMatchObject({ sourceOffsets: 2 });
    }
  });
});
