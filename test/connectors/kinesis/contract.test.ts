import { describe, expect, it, test } from 'vitest';
import { KinesisSourceConnector } from '../../../connectors/kinesis/connector.ts';
import { kinesisSource } from '../../../connectors/kinesis/plugin.ts';
import type { OpenStream } from '../../../connectors/kinesis/streams.ts';
import { ConnectorBench, sourceContract, type TestRecord } from '../../../src/testing/index.ts';
import { aggregate } from '../../support/kinesis-aggregate.ts';
import { endlessStream, MemoryStream } from '../../support/memory-stream.ts';

const config = {
  'connector.class': 'KinesisSource',
  'tasks.max': '1',
  'kinesis.stream': 'clicks',
  'kafka.topic': 'clicks',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
};

/** Each case has a stream of its own, which its plugin is to open. */
let current: { readonly open: OpenStream } = new MemoryStream();
const plugin = { ...kinesisSource, create: async () => new KinesisSourceConnector((...args) => current.open(...args)) };

const identify = ({ valueBytes }: TestRecord) =>
  Buffer.from(JSON.parse(valueBytes?.toString() ?? '').data, 'base64').toString();

const names = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `record ${from + at}`);

/** Five that were put together, then one alone, and so on. */
function fill(stream: MemoryStream, shard: string, from: number, to: number): void {
  for (let number = from; number < to; ) {
    const parts = number % 6 === 0 ? names(number, Math.min(number + 5, to)) : names(number, number + 1);
    const together = aggregate(parts.map((name) => ({ key: name, data: Buffer.from(name) })));
    stream.put(shard, number, `key ${number}`, parts.length > 1 ? together : parts[0]!);
    number += parts.length;
  }
}

describe('streams that are polled', () => {
  const cases = sourceContract({
    plugin,
    identify,
    mostKills: 12,
    arrange() {
      const stream = new MemoryStream();
      current = stream;
      stream.shards.add('parent');
      fill(stream, 'parent', 0, 24);
      stream.shards.end('parent');
      stream.shards.add('child', [], ['parent']);
      fill(stream, 'child', 24, 40);
      const extend = () => {
        fill(stream, 'child', 40, 50);
        return names(40, 50);
      };
      return { config, expected: names(0, 40), extend };
    },
    arrangeLarge() {
      current = { open: endlessStream(20_000) };
      return { config };
    },
    badConfigs: [
      { change: { 'kinesis.stream': null }, key: 'kinesis.stream' },
      { change: { 'kinesis.stream': 'a/b' }, key: 'kinesis.stream' },
      { change: { 'kafka.topic': '' }, key: 'kafka.topic' },
      { change: { 'kinesis.position': 'AT_SEQUENCE_NUMBER' }, key: 'kinesis.position' },
      { change: { 'kinesis.position': 'AT_TIMESTAMP' }, key: 'kinesis.shard.timestamp' },
      { change: { 'kinesis.shard.timestamp': 'yesterday' }, key: 'kinesis.shard.timestamp' },
      { change: { 'kinesis.shard.id': '(' }, key: 'kinesis.shard.id' },
      { change: { 'kinesis.record.limit': '10001' }, key: 'kinesis.record.limit' },
      { change: { 'kinesis.empty.records.backoff.ms': '499' }, key: 'kinesis.empty.records.backoff.ms' },
      { change: { 'aws.secret.key.id': 'secret' }, key: 'aws.access.key.id' },
    ],
  });
  it.each(cases)('$name', ({ run }) => run());
});

async function seen(stream: MemoryStream, more: Record<string, string>): Promise<string[]> {
  await using bench = new ConnectorBench({
    ...plugin,
    create: async () => new KinesisSourceConnector(stream.open),
  });
  await bench.configure({ ...config, ...more });
  await bench.drain();
  await bench.throwIfFailed();
  return (await bench.records()).map(identify);
}

describe('where a stream is begun', () => {
  const newStream = () => {
    const stream = new MemoryStream();
    stream.put('a', 1, 'k', 'old', Date.parse('2026-01-01T00:00:00Z'));
    stream.put('a', 2, 'k', 'new', Date.parse('2026-02-01T00:00:00Z'));
    stream.put('b', 3, 'k', 'future', Date.now() + 3_600_000);
    return stream;
  };

  test.each([
    [{}, ['future', 'new', 'old']],
    [{ 'kinesis.position': 'LATEST' }, ['future']],
    [{ 'kinesis.position': 'AT_TIMESTAMP', 'kinesis.shard.timestamp': '2026-01-15T00:00:00Z' }, ['future', 'new']],
    [
      { 'kinesis.position': 'AT_TIMESTAMP', 'kinesis.shard.timestamp': String(Date.parse('2026-02-01T00:00:00Z')) },
      ['future', 'new'],
    ],
    [{ 'kinesis.shard.id': 'a' }, ['new', 'old']],
  ])('%j', async (more, expected) => {
    expect((await seen(newStream(), more)).sort()).toEqual(expected);
  });

  test('behind LATEST nothing is lost between runs that find nothing, whatever is configured meanwhile', async () => {
    const stream = new MemoryStream();
    stream.put('a', 1, 'k', 'old');
    await using bench = new ConnectorBench({
      ...plugin,
      create: async () => new KinesisSourceConnector(stream.open),
    });
    await bench.configure({ ...config, 'kinesis.position': 'LATEST' });
    await bench.run();
    stream.put('a', 2, 'k', 'between the runs', Date.now());
    // A changed config begins a new generation of tasks, not a new LATEST.
    await bench.configure({ ...config, 'kinesis.position': 'LATEST', 'kinesis.record.limit': '7' });
    await bench.drain();
    expect((await bench.records()).map(identify)).toEqual(['between the runs']);
  });
});

test('an offset of the Java connector is gone on from', async () => {
  const stream = new MemoryStream();
  fill(stream, 'a', 7, 12);
  await using bench = new ConnectorBench({ ...plugin, create: async () => new KinesisSourceConnector(stream.open) });
  await bench.configure(config);
  await bench.alterOffsets([{ partition: { shardId: 'a' }, offset: { sequenceNumber: '9' } }]);
  await bench.drain();
  expect((await bench.records()).map(identify)).toEqual(names(10, 12));
});
