import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { s3Source } from '../../connectors/s3/plugin.ts';
import { plainAvro } from '../../src/plugins/converters/avro/plain-avro.ts';
import { ConnectorBench } from '../../src/testing/index.ts';
import type { Point } from '../../src/testing/life.ts';
import { formats, idOf, objectOf } from '../support/s3-objects.ts';
import { dynamoDbEndpoint, kafkaAddress } from '../support/services.ts';

/**
 * A burst of objects of every format, read by runs of several tasks that are killed wherever it comes, into a real Kafka and
 * out of the emulator's S3: every record is there, and none twice but what a kill left uncommitted (I3).
 * `DROVER_TEST_SEED` repeats a choice.
 */
vi.setConfig({ testTimeout: 300_000 });
const seed = Number(process.env.DROVER_TEST_SEED ?? Date.now() % 1_000_000);
const bucket = `burst-${randomUUID()}`;
const credentials = { accessKeyId: 'id', secretAccessKey: 'secret' };
let s3: S3Client;

beforeAll(async () => {
  s3 = new S3Client({ endpoint: dynamoDbEndpoint(), region: 'us-east-1', credentials, forcePathStyle: true });
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
});
afterAll(() => s3.destroy());

const objects = 30;
const rowsEach = 20;

async function putBurst(format: string): Promise<string[]> {
  const expected: string[] = [];
  const puts = Array.from({ length: objects }, async (_, object) => {
    const rows = Array.from({ length: rowsEach }, (_, row) => ({ id: `${object}-${row}`, text: `"a",\n${row} äöü` }));
    expected.push(...rows.map(({ id }) => id));
    const { ending, body } = await objectOf(format, object, rows);
    await s3.send(
      new PutObjectCommand({ Bucket: bucket, Key: `${format}/${object % 7}/${object}${ending}`, Body: body }),
    );
  });
  await Promise.all(puts);
  return expected.sort();
}

const configOf = (format: string) => ({
  'connector.class': 'S3Source',
  'aws.s3.bucket.name': bucket,
  'aws.s3.endpoint': dynamoDbEndpoint(),
  'aws.s3.region': 'us-east-1',
  'aws.access.key.id': credentials.accessKeyId,
  'aws.secret.access.key': credentials.secretAccessKey,
  'aws.s3.prefix': `${format}/`,
  topic: `burst-${format}-${bucket}`,
  'input.format': format,
  'file.compression.type': 'auto',
  'transformer.max.buffer.size': '16',
  'max.poll.records': '20',
  'tasks.max': '3',
  'key.converter': 'ByteArrayConverter',
  'value.converter': format === 'bytes' ? 'ByteArrayConverter' : 'JsonConverter',
  'value.converter.schemas.enable': 'false',
  'drover.run.max.records': '20',
  'drover.commit.interval.ms': '5',
});

/** Repeats a choice by its seed. */
function randomOf(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (state >> 8) % below;
  };
}

describe(`a burst of objects (seed ${seed})`, () => {
  it.each(Object.keys(formats))('of %s, by runs that are killed', async (format) => {
    const random = randomOf(seed);
    const expected = await putBurst(format);
    await using bench = new ConnectorBench(
      s3Source(async () => plainAvro),
      { bootstrapServers: kafkaAddress() },
    );
    await bench.configure(configOf(format));
    const ids = async () =>
      (await bench.records(configOf(format).topic)).map(({ valueBytes }) => idOf(format, valueBytes!));

    // How often this process has come by each place, and how often its last run did.
    const passed = new Map<string, number>();
    let lately = new Map<string, number>();
    const onPoint = ({ name, time }: Point) => {
      passed.set(name, time);
      lately.set(name, (lately.get(name) ?? 0) + 1);
    };
    let kills = 0;
    for (let kill = 0; kill < 6; kill++) {
      lately = new Map();
      await bench.run({ onPoint });
      // A place that a run comes by often is there in the next one too.
      const often = [...lately].filter(([, times]) => times > 1);
      if (often.length === 0) break;
      const [name, times] = often[random(often.length)]!;
      const killAt = { name, time: passed.get(name)! + 1 + random(times) };
      if (!(await bench.run({ onPoint, killAt })).killed) continue;
      kills++;
      passed.clear();
    }
    await bench.drain();
    expect([...new Set(await ids())].sort()).toEqual(expected);
    // None was committed twice: only what a kill had left uncommitted came again.
    expect(await bench.committedRecords()).toBe(expected.length);
    expect(kills).toBeGreaterThan(1);
  });

  it('leaves nothing behind where finished objects are deleted', async () => {
    const prefix = 'once/';
    const keys = Array.from({ length: 30 }, (_, object) => `${prefix}${object} äöü+&.jsonl`);
    for (const key of keys)
      await s3.send(
        new PutObjectCommand({ Bucket: bucket, Key: key, Body: await formats.jsonl!([{ id: key, text: '' }]) }),
      );
    await using bench = new ConnectorBench(
      s3Source(async () => plainAvro),
      { bootstrapServers: kafkaAddress() },
    );
    const config = {
      ...configOf('jsonl'),
      'aws.s3.prefix': prefix,
      topic: `once-${bucket}`,
      'objects.finished': 'move',
      'objects.finished.prefix': 'done/',
    };
    await bench.configure(config);
    await bench.drain();
    const found = (await bench.records(config.topic)).map(({ valueBytes }) => idOf('jsonl', valueBytes!));
    expect(found.sort()).toEqual(keys.sort());
    for (const key of keys) {
      const moved = key.replace(prefix, 'done/');
      // Fails where it is not there.
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: moved }));
    }
    await bench.run();
    expect((await bench.records(config.topic)).length).toBe(keys.length);
  });
});
