import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { s3Source } from '../../../connectors/s3/plugin.ts';
import { laneCount } from '../../../connectors/s3/source-lane.ts';
import type { Settings } from '../../../src/api/index.ts';
import { plainAvro } from '../../../src/plugins/converters/avro/plain-avro.ts';
import { ConnectorBench } from '../../../src/testing/index.ts';
import { FakeS3 } from '../../support/fake-s3.ts';
import { formats } from '../../support/s3-objects.ts';

let s3: FakeS3;
let bench: ConnectorBench;

beforeEach(async () => {
  s3 = await FakeS3.start();
  bench = new ConnectorBench(s3Source(async () => plainAvro));
});
afterEach(async () => {
  await bench.close();
  await s3[Symbol.asyncDispose]();
});

const configure = (more: Record<string, string> = {}) => {
  const config: Settings = {
    'connector.class': 'S3Source',
    ...s3.settings,
    'aws.s3.prefix': 'in/',
    topic: 'orders',
    'input.format': 'jsonl',
    'key.converter': 'ByteArrayConverter',
    'value.converter': 'JsonConverter',
    'value.converter.schemas.enable': 'false',
    ...more,
  };
  return bench.configure(config);
};

const tolerant = { 'errors.tolerance': 'all', 'drover.errors.deadletterqueue.topic.name': 'letters' };
const jsonl = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => `{"id":${from + at}}\n`).join('');
const ids = async () => (await bench.records('orders')).map(({ valueBytes }) => JSON.parse(valueBytes!.toString()).id);
const upTo = (count: number, from = 0) => Array.from({ length: count }, (_, at) => from + at);
const warnings = () =>
  bench.events.filter(({ event }) => event === 'plugin.log').map(({ facts }) => String(facts.message));
const traces = async () => (await bench.status()).tasks.map(({ trace }) => trace ?? '').join('\n');

describe('an object', () => {
  it('is downloaded once, however many runs it takes', async () => {
    const text = jsonl(0, 120_000);
    s3.put('in/a.jsonl', text);
    await configure({ 'drover.run.max.records': '50000' });
    await bench.drain();
    expect(await ids()).toEqual(upTo(120_000));
    // A run leaves unread what it had asked for, a part and the next one.
    const runs = bench.events.filter(({ event }) => event === 'run.ended').length;
    expect(s3.bytesRead('in/a.jsonl')).toBeLessThan(text.length + runs * (8 << 20));
    const starts = s3.requests.filter(({ range }) => range?.startsWith('bytes=0-'));
    expect(starts).toHaveLength(1);
  });

  it('of Parquet or Avro that is small is asked for once', async () => {
    const rows = upTo(30).map((id) => ({ id: String(id), text: 'x' }));
    for (const format of ['parquet', 'avro']) {
      s3.put(`in/${format}`, await formats[format]!(rows));
      await configure({ 'input.format': format, 'file.name.template': format });
      await bench.drain();
      expect(s3.requests.filter(({ method, key }) => method === 'GET' && key !== '')).toHaveLength(1);
      s3.requests.length = 0;
    }
    expect(await ids()).toEqual([...rows, ...rows].map(({ id }) => id));
  });

  it('that is done is not read again, and one that is written anew is another', async () => {
    s3.put('in/a.jsonl', jsonl(0, 3));
    await configure();
    await bench.drain();
    const { length } = s3.requests.filter(({ method }) => method === 'GET');
    await bench.drain();
    await bench.run();
    expect(s3.requests.filter(({ key }) => key !== '').length).toBe(1);
    expect(s3.requests.filter(({ method }) => method === 'GET').length).toBeGreaterThan(length);
    s3.put('in/a.jsonl', jsonl(10, 12));
    await bench.drain();
    expect(await ids()).toEqual([0, 1, 2, 10, 11]);
  });

  it('that is packed is read on behind the records that were sent', async () => {
    s3.put('in/a.jsonl.gz', gzipSync(jsonl(0, 5000)));
    await configure({ 'file.compression.type': 'auto', 'drover.run.max.records': '1500' });
    await bench.drain();
    expect(await ids()).toEqual(upTo(5000));
  });

  it('is passed over where it is empty, a folder, or not named so', async () => {
    s3.put('in/', '');
    s3.put('in/empty.jsonl', '');
    s3.put('in/a.txt', 'no JSON');
    s3.put('in/a.jsonl', jsonl(0, 2));
    await configure({ 'file.name.template': '\\.jsonl$' });
    await bench.drain();
    expect(await ids()).toEqual([0, 1]);
  });
});

describe('an object that is packed by what is not unpacked here', () => {
  beforeEach(() => {
    s3.put('in/a.jsonl.bz2', 'BZh91AY&SY and more');
    s3.put('in/b.jsonl', jsonl(0, 2), Date.now() + 1000);
  });

  it('is told by its name, and never read as if it were text', async () => {
    await configure({ 'file.compression.type': 'auto' });
    await bench.run();
    expect(await traces()).toMatch(/object in\/a\.jsonl\.bz2 of bucket .* end in \.bz2 cannot be unpacked/);
  });

  it('is one dead letter where that is asked for, and the next one follows', async () => {
    await configure({ ...tolerant, 'file.compression.type': 'auto' });
    await bench.drain();
    expect(await ids()).toEqual([0, 1]);
    expect(await bench.deadLetters()).toHaveLength(1);
  });
});

describe.each(['jsonl', 'json', 'csv', 'lines'])('%s that is packed, and no setting says so', (format) => {
  it('is one dead letter, and not one for each of its lines', async () => {
    s3.put('in/a', gzipSync(jsonl(0, 2000)));
    await configure({ ...tolerant, 'input.format': format, 'file.compression.type': 'none' });
    await bench.drain();
    const letters = await bench.deadLetters();
    expect(letters.map(({ headers }) => headers['__connect.errors.exception.message'])).toEqual([
      expect.stringContaining('no text but packed by gzip: file.compression.type says'),
    ]);
  });
});

describe.each(['jsonl', 'json', 'csv', 'lines'])('%s that is something else, whatever its name says', (format) => {
  it.each<readonly [string, Buffer]>([
    ['Parquet: input.format', Buffer.from('PAR1\x15\x04\x15\n\n\n\n\n')],
    ['an Avro container: input.format', Buffer.from('Obj\x01\x04\n\n\n')],
    ['packed by snappy: file.compression.type', Buffer.from('\x82SNAPPY\0\n\n', 'latin1')],
    ['packed by bzip2: file.compression.type', Buffer.from('BZh91AY&SY\n\n')],
    ['UTF-16: write it as UTF-8', Buffer.from('\ufeff{"id":1}\n{"id":2}\n', 'utf16le')],
  ])('is one dead letter: %s', async (told, bytes) => {
    s3.put('in/a', bytes);
    await configure({ ...tolerant, 'input.format': format, 'file.compression.type': 'none' });
    await bench.drain();
    const letters = await bench.deadLetters();
    expect(letters.map(({ headers }) => headers['__connect.errors.exception.message'])).toEqual([
      expect.stringContaining(`no text but ${told}`),
    ]);
  });
});

describe('what cannot be read', () => {
  beforeEach(() => s3.put('in/a.jsonl', `{"id":0}\n{"id":\n{"id":2}\n`));

  it('fails the task by bucket, key, state and place, behind what is in front of it', async () => {
    await configure();
    await bench.run();
    expect(await ids()).toEqual([0]);
    expect(await traces()).toMatch(
      /Record 2 of object in\/a\.jsonl of bucket \(ETag [0-9a-f]{32}\), in front of position 16/,
    );
  });

  it('is a dead letter where that is asked for, and the rest of the object follows', async () => {
    await configure(tolerant);
    await bench.drain();
    expect(await ids()).toEqual([0, 2]);
    const letters = await bench.deadLetters();
    expect(letters.map(({ valueBytes }) => valueBytes?.toString())).toEqual(['{"id":']);
    expect(letters[0]?.headers).toMatchObject({ 's3.key': 'in/a.jsonl', 's3.bucket': 'bucket' });
  });

  it.each([
    [404, 'NoSuchKey', 'it is gone'],
    [403, 'AccessDenied', 'access is denied'],
    [403, 'InvalidObjectState', 'it is archived'],
    [400, 'InvalidRequest', 'encrypted with a key that cannot be used'],
    [400, 'KMS.DisabledException', 'encrypted with a key that cannot be used'],
  ])(
    'is an object that answers %i %s: visible, a dead letter by choice, and not for ever',
    async (status, code, said) => {
      s3.put('in/a.jsonl', jsonl(0, 1), Date.now() - 5000);
      s3.put('in/b.jsonl', jsonl(1, 2));
      s3.fault = ({ method, key }) => (method === 'GET' && key === 'in/a.jsonl' ? { status, code } : undefined);
      await configure(tolerant);
      await bench.drain();
      expect(await ids()).toEqual([1]);
      const [letter] = await bench.deadLetters();
      expect(letter?.keyBytes?.toString()).toBe('in/a.jsonl');
      expect(Object.values(letter?.headers ?? {}).join('\n')).toContain(said);
    },
  );

  it('is told in the log where an object is gone and errors are not tolerated, and the next one follows', async () => {
    s3.put('in/a.jsonl', jsonl(0, 1), Date.now() - 5000);
    s3.put('in/b.jsonl', jsonl(1, 2));
    s3.fault = ({ key }) => (key === 'in/a.jsonl' ? { status: 404, code: 'NoSuchKey' } : undefined);
    await configure();
    await bench.drain();
    expect(await ids()).toEqual([1]);
    expect(warnings().join()).toContain('Object in/a.jsonl of bucket cannot be read: it is gone');
  });

  it('fails the task where an object may not be read, and is read once it may', async () => {
    s3.put('in/a.jsonl', jsonl(0, 2));
    s3.fault = ({ method, key }) =>
      method === 'GET' && key !== '' ? { status: 403, code: 'AccessDenied' } : undefined;
    await configure();
    await bench.run();
    expect(await traces()).toMatch(/in\/a\.jsonl.*access is denied/);
    s3.fault = () => undefined;
    await bench.setTargetState('STOPPED');
    await bench.drain();
    await bench.setTargetState('STARTED');
    await bench.drain();
    expect(await ids()).toEqual([0, 1]);
  });

  it('is tried again where that helps: throttling, trouble of the store, a connection that breaks', async () => {
    s3.put('in/a.jsonl', jsonl(0, 20_000));
    let faults = 0;
    const kinds = [
      { status: 503, code: 'SlowDown' },
      { status: 500, code: 'InternalError' },
      { status: 400, code: 'RequestTimeout' },
      { status: 400, code: 'KMS.ThrottlingException' },
      { status: 400, code: 'ExpiredToken' },
      { drop: true },
      { drop: true },
    ];
    s3.fault = ({ method, key }) => (method === 'GET' && key !== '' ? kinds[faults++] : undefined);
    await configure();
    await bench.drain();
    expect(await ids()).toEqual(upTo(20_000));
    expect(faults).toBeGreaterThanOrEqual(kinds.length);
  });

  it('is the rest of an object that is replaced while it is read: told, and the new one is read', async () => {
    s3.put('in/a.jsonl', jsonl(0, 600_000), Date.now() - 5000);
    await configure({ 'drover.run.max.records': '1000' });
    await bench.run();
    s3.put('in/a.jsonl', jsonl(700_000, 700_003));
    await bench.drain();
    const sent = await ids();
    expect(sent.slice(-3)).toEqual(upTo(3, 700_000));
    expect(sent.slice(0, -3)).toEqual(upTo(sent.length - 3));
    expect(warnings().join()).toMatch(/another was written under its key. \d+ records of it were sent/);
  });

  it('is damage in mid-object, of which what is in front is sent', async () => {
    const packed = gzipSync(jsonl(0, 50_000));
    s3.put('in/a.jsonl', packed.subarray(0, packed.length >> 1));
    s3.put('in/b.jsonl', gzipSync(jsonl(100_000, 100_002)));
    await configure({ ...tolerant, 'file.compression.type': 'gzip' });
    await bench.drain();
    const sent = (await ids()).sort((one, other) => one - other);
    expect(sent.slice(-2)).toEqual([100_000, 100_001]);
    expect(sent.slice(0, -2)).toEqual(upTo(sent.length - 2));
    expect(await bench.deadLetters()).toHaveLength(1);
  });
});

describe('finding objects', () => {
  const burst = Number(process.env.DROVER_TEST_OBJECTS ?? 400);
  it(`shares ${burst} objects of one burst among the tasks, about evenly`, {
    timeout: 30_000 + 60 * burst,
  }, async () => {
    const keys = Array.from({ length: burst }, (_, object) => `in/2026/11/29/orders-${object}.jsonl`);
    for (const [object, key] of keys.entries()) s3.put(key, jsonl(3 * object, 3 * object + 3));
    await configure({ 'tasks.max': '4' });
    await bench.drain();
    expect((await ids()).sort((one, other) => one - other)).toEqual(upTo(3 * burst));
    const read = s3.requests.filter(({ method, key }) => method === 'GET' && key !== '').map(({ key }) => key);
    expect(read.sort()).toEqual(keys.sort());
    const shares = (await bench.stores.config.getTasks(bench.name)).map(({ counters }) => counters.records / 3 / burst);
    expect(shares).toHaveLength(4);
    for (const share of shares) {
      expect(share).toBeGreaterThan(0.18);
      expect(share).toBeLessThan(0.32);
    }
    if (process.env.DROVER_TEST_OBJECTS !== undefined) console.log(`shares of the tasks: ${shares.join(', ')}`);
  });

  it('passes over the rests of files that a sink has open there', async () => {
    s3.put('in/a.jsonl', jsonl(0, 2));
    for (const folder of ['in/', 'in/deeper/']) s3.put(`${folder}_drover/sink/t-0/1`, 'no line of anybody');
    await configure();
    await bench.drain();
    expect(await ids()).toEqual([0, 1]);
    expect(s3.requests.some(({ method, key }) => method === 'GET' && key.includes('_drover/'))).toBe(false);
  });

  it('takes one that appears late though its time is early, while uploads are under way however late', async () => {
    const day = 86_120_000;
    s3.uploads = [Date.now() - 2 * day];
    for (let object = 0; object < 30; object++) s3.put(`in/${object}.jsonl`, jsonl(object, object + 1));
    await configure();
    await bench.drain();
    s3.uploads = [];
    for (let object = 0; object < 30; object++) {
      s3.put(`in/late-${object}.jsonl`, jsonl(30 + object, 31 + object), Date.now() - 2 * day + 60_000);
    }
    await bench.drain();
    expect((await ids()).sort((one, other) => one - other)).toEqual(upTo(60));
  });

  it('keeps offsets that do not grow with what is done', async () => {
    const old = Date.now() - 86_120_000;
    for (let object = 0; object < 500; object++)
      s3.put(`in/${object}.jsonl`, jsonl(object, object + 1), old + object * 1000);
    await configure({ 'tasks.max': '1' });
    await bench.drain();
    expect((await ids()).length).toBe(500);
    const offsets = await bench.offsets();
    expect(offsets.length).toBeLessThanOrEqual(laneCount);
    for (const { offset } of offsets) expect(JSON.stringify(offset).length).toBeLessThan(300);
    await bench.drain();
    expect((await ids()).length).toBe(500);
  });

  it('deals them out evenly, and to other tasks without reading any again', async () => {
    for (let object = 0; object < 200; object++) s3.put(`in/${object}.jsonl`, jsonl(object, object + 1));
    await configure({ 'tasks.max': '4' });
    const { tasks } = await bench.run();
    const shares = tasks.map(({ records }) => records);
    expect(shares.reduce((sum, share) => sum + share, 0)).toBe(200);
    expect(shares).toHaveLength(4);
    for (const share of shares) expect(share).toBeGreaterThan(25);
    await configure({ 'tasks.max': '3' });
    s3.put('in/more.jsonl', jsonl(200, 201));
    await bench.drain();
    expect((await ids()).sort((one, other) => one - other)).toEqual(upTo(201));
  });

  it("goes on from the offsets of Aiven's connector", async () => {
    s3.put('in/a.jsonl', jsonl(0, 5));
    s3.put('in/b.jsonl', jsonl(5, 8));
    await configure();
    await bench.setTargetState('STOPPED');
    await bench.run();
    await bench.alterOffsets([
      { partition: { bucket: 'bucket', objectKey: 'in/a.jsonl' }, offset: { recordCount: 3 } },
      { partition: { bucket: 'bucket', objectKey: 'in/b.jsonl' }, offset: { recordCount: 3 } },
    ]);
    await bench.setTargetState('STARTED');
    await bench.drain();
    expect(await ids()).toEqual([3, 4]);
  });

  it('says what is wrong where the bucket cannot be listed', async () => {
    s3.fault = ({ key }) => (key === '' ? { status: 403, code: 'AccessDenied' } : undefined);
    await configure();
    await bench.run();
    expect(await traces()).toMatch(/Listing the objects under in\/ of bucket failed: AccessDenied/);
  });
});

describe('what is read', () => {
  const finished = { 'objects.finished': 'delete' };

  it('is deleted once it is committed, and moved where that is asked for', async () => {
    s3.put('in/a.jsonl', jsonl(0, 2));
    await configure(finished);
    await bench.drain();
    expect(s3.keys()).toEqual([]);
    s3.put('in/b.jsonl', jsonl(2, 3));
    await configure({ 'objects.finished': 'move', 'objects.finished.prefix': 'done/' });
    await bench.drain();
    expect(s3.keys()).toEqual(['done/b.jsonl']);
    expect(await ids()).toEqual([0, 1, 2]);
  });

  it('is cleared away later where that failed, and not read again', async () => {
    s3.put('in/a.jsonl', jsonl(0, 2));
    s3.fault = ({ method }) => (method === 'DELETE' ? { status: 403, code: 'AccessDenied' } : undefined);
    await configure(finished);
    await bench.drain();
    expect(s3.keys()).toEqual(['in/a.jsonl']);
    expect(warnings().join()).toContain('could not be cleared away');
    s3.fault = () => undefined;
    await bench.drain();
    await bench.run();
    expect(s3.keys()).toEqual([]);
    expect(await ids()).toEqual([0, 1]);
  });

  it('stays where something in it could not be read', async () => {
    s3.put('in/a.jsonl', '{"id":0}\nno JSON\n');
    await configure({ ...finished, ...tolerant });
    await bench.drain();
    await bench.run();
    expect(s3.keys()).toEqual(['in/a.jsonl']);
  });
});

describe('templates', () => {
  it('name topic, key, partition and headers by the key, its parts and the value', async () => {
    s3.put('in/orders-1-000.jsonl', '{"id":7,"who":{"name":"ann"}}\n{"id":8}\n');
    await configure({
      topic: '{{topic}}',
      'file.name.template': 'in/{{topic}}-{{partition}}-{{start_offset}}',
      'record.key': '{{/who/name}}',
      'record.partition': '0',
      'record.headers': 'key={{key}},id=order-{{/id}},nothing={{/none}},start={{start_offset}}',
      'record.timestamp': 'modified',
      'key.converter': 'StringConverter',
    });
    await bench.drain();
    const records = await bench.records('orders');
    expect(records.map(({ key }) => key)).toEqual(['ann', null]);
    expect(records.map(({ headers }) => headers)).toEqual([
      { key: 'in/orders-1-000.jsonl', id: 'order-7', start: '000' },
      { key: 'in/orders-1-000.jsonl', id: 'order-8', start: '000' },
    ]);
  });

  it('make a record one that cannot be read where they give no partition', async () => {
    s3.put('in/a.jsonl', '{"p":"x"}\n');
    await configure({ 'record.partition': '{{/p}}' });
    await bench.run();
    expect(await traces()).toContain('"x" is no partition');
  });
});
