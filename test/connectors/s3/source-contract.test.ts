import { describe, it } from 'vitest';
import { s3Source } from '../../../connectors/s3/plugin.ts';
import { plainAvro } from '../../../src/plugins/converters/avro/plain-avro.ts';
import { sourceContract } from '../../../src/testing/index.ts';
import { FakeS3, type MadeContent } from '../../support/fake-s3.ts';

const text = { 'key.converter': 'ByteArrayConverter', 'value.converter': 'StringConverter' };
const lines = (object: number, from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => `object ${object} line ${from + at}`);
const textOf = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');
const objectOf = (id: string) => id.replace(/ line .*/, '');

/** A line of so many bytes, again and again. */
function longLines(size: number): MadeContent {
  const lineBytes = 1000;
  const line = Buffer.from(`${'x'.repeat(lineBytes - 1)}\n`);
  return {
    size,
    bytes(start, end) {
      const from = start % lineBytes;
      const times = Math.ceil((end - start + from) / lineBytes);
      return Buffer.concat(Array(times).fill(line)).subarray(from, from + end - start);
    },
  };
}

const configOf = (s3: FakeS3) => ({
  'connector.class': 'S3Source',
  ...s3.settings,
  'aws.s3.prefix': 'in/',
  topic: 'lines',
  'input.format': 'lines',
  'max.poll.records': '3',
  ...text,
});

const contractOf = (more: Readonly<Record<string, string>>, mostKills: number) =>
  sourceContract({
    plugin: s3Source(async () => plainAvro),
    mostKills,
    // Parts of 4 MiB, one of them ahead, at both ends of the connection: the store is in this process as well.
    memoryBytes: 64 << 20,
    orderedBy: objectOf,
    async arrange() {
      const s3 = await FakeS3.start();
      const objects = Array.from({ length: 5 }, (_, object) => lines(object, 0, 8));
      for (const [object, all] of objects.entries()) s3.put(`in/${object}.txt`, textOf(all));
      s3.put('elsewhere/9.txt', 'not under the prefix\n');
      return {
        config: { ...configOf(s3), ...more },
        expected: objects.flat(),
        release: () => s3[Symbol.asyncDispose](),
        extend() {
          s3.put('in/5.txt', textOf(lines(5, 0, 6)));
          return lines(5, 0, 6);
        },
      };
    },
    async arrangeLarge(bytes) {
      const s3 = await FakeS3.start();
      s3.put('in/large.txt', longLines(bytes));
      const config = { ...configOf(s3), 'max.poll.records': '2000' };
      return { config, release: () => s3[Symbol.asyncDispose]() };
    },
    badConfigs: [
      { change: { topic: null }, key: 'topic' },
      { change: { 'aws.s3.bucket.name': null }, key: 'aws.s3.bucket.name' },
      { change: { 'input.format': 'xml' }, key: 'input.format' },
      { change: { 'file.name.template': '(' }, key: 'file.name.template' },
      { change: { 'csv.types': 'id:number' }, key: 'csv.types' },
      { change: { 'record.key': '{{id' }, key: 'record.key' },
      { change: { 'objects.finished': 'move' }, key: 'objects.finished.prefix' },
      {
        change: { 'objects.finished': 'move', 'objects.finished.prefix': 'in/done/' },
        key: 'objects.finished.prefix',
      },
      { change: { 'distribution.type': 'partition' }, key: 'file.name.template' },
    ],
  });

describe('S3Source', () => {
  it.each(contractOf({}, 60))('$name', ({ run }) => run());
});

describe('S3Source that clears away what it has read', () => {
  const killed = contractOf({ 'objects.finished': 'delete' }, 40).filter(({ name }) => name.startsWith('killed'));
  it.each(killed)('$name', ({ run }) => run());
});
