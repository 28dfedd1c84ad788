import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import type { Converter, HeaderConverter } from '../../src/api/converter.ts';
import { FakeSchemaRegistry } from './schema-registry.ts';

/**
 * Converts hostile bytes in a process of its own with a small heap: a payload that is not bounded ends it. Tells for
 * each bomb the kind of error that it was, and whether good bytes are still read after it.
 */
export interface BombReport {
  readonly name: string;
  /** The Java class of the error, or what came out instead of one. */
  readonly outcome: string;
  readonly goodAfterwards: boolean;
}

const plugins = createRegistry();
const schemas = await FakeSchemaRegistry.start({ compatibility: 'NONE' });
const registry = { 'schema.registry.url': schemas.url };
const reports: BombReport[] = [];
let subjects = 0;

async function converter(className: string, settings: Record<string, string> = registry): Promise<Converter> {
  const made = await plugins.get('converter', className).create();
  made.configure(settings, { isKey: false });
  return made;
}

async function outcomeOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return 'no error';
  } catch (error) {
    return (error as { javaClass?: string }).javaClass ?? (error as Error).name;
  }
}

/** The bomb many times, as a topic full of it under errors.tolerance=all would be read; then a good record. */
async function drop(
  name: string,
  read: (bytes: Uint8Array) => unknown,
  bomb: Uint8Array,
  good: Uint8Array,
  times = 50,
) {
  let outcome = '';
  for (let i = 0; i < times; i++) outcome = await outcomeOf(() => read(bomb));
  reports.push({ name, outcome, goodAfterwards: (await outcomeOf(() => read(good))) === 'no error' });
}

function framed(id: number, payload: Uint8Array, indexes: readonly number[] = []): Buffer {
  const header = Buffer.alloc(5);
  header.writeUInt32BE(id, 1);
  return Buffer.concat([header, Buffer.from(indexes), payload]);
}

function zigzag(value: number): number[] {
  const bytes: number[] = [];
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  return [...bytes, rest];
}

const bytesOf = (...parts: readonly (readonly number[])[]) => Uint8Array.from(parts.flat());
const times = (count: number, part: readonly number[]) => Array.from({ length: count }, () => part).flat();
const avroReader = await converter('io.confluent.connect.avro.AvroConverter');

async function avro(name: string, schema: object, bomb: Uint8Array, good: Uint8Array): Promise<void> {
  const id = schemas.add(`bomb-${subjects++}`, JSON.stringify(schema));
  await drop(name, (bytes) => avroReader.toConnectData('t', bytes), framed(id, bomb), framed(id, good));
}

const empty = { type: 'record', name: 'Empty', fields: [] };
const arrayOf = (items: object) => ({
  type: 'record',
  name: 'Holder',
  fields: [{ name: 'list', type: { type: 'array', items } }],
});
const blocks = bytesOf(times(2_000, zigzag(100_000)), [0]);
const twoEmpties = bytesOf(zigzag(2), [0]);
await avro('avro: blocks of empty records', arrayOf(empty), blocks, twoEmpties);
await avro('avro: one block of two billion empty records', arrayOf(empty), bytesOf(zigzag(2 ** 31 - 1)), twoEmpties);
await avro(
  'avro: blocks of a fixed type without size',
  arrayOf({ type: 'fixed', name: 'F', size: 0 }),
  blocks,
  twoEmpties,
);
await avro(
  'avro: records of records that take no bytes, ten deep',
  arrayOf(
    Array.from({ length: 10 }).reduce<object>(
      (inner, _, depth) => ({ type: 'record', name: `R${depth}`, fields: [{ name: 'r', type: inner }] }),
      empty,
    ),
  ),
  blocks,
  twoEmpties,
);
await avro('avro: a string of two gigabytes', { type: 'string' }, bytesOf(zigzag(2 ** 31 - 1), [65]), bytesOf([2, 65]));
await avro(
  'avro: a list in a list, a hundred thousand times',
  { type: 'record', name: 'L', fields: [{ name: 'next', type: ['null', 'L'] }] },
  bytesOf(times(100_000, [2]), [0]),
  bytesOf([2, 0]),
);
await avro(
  'avro: a map of more entries than bytes',
  { type: 'map', values: empty },
  bytesOf(times(500, zigzag(-1_000_000))),
  bytesOf([0]),
);

const protobufReader = await converter('io.confluent.connect.protobuf.ProtobufConverter');
const wide = Array.from({ length: 2_000 }, (_, n) => `int64 f${n} = ${n + 2};`).join(' ');
const protobufId = schemas.add(
  'proto',
  `syntax = "proto3"; message M { repeated W wide = 1; M next = 2; string text = 3; message W { ${wide} } }`,
  'PROTOBUF',
);
async function protobuf(name: string, bomb: Uint8Array): Promise<void> {
  const good = framed(protobufId, Uint8Array.of(), [0]);
  await drop(name, (bytes) => protobufReader.toConnectData('t', bytes), framed(protobufId, bomb, [0]), good);
}
await protobuf('protobuf: lists of wide messages without a field', bytesOf(times(100_000, [10, 0])));
await protobuf('protobuf: a string of two gigabytes', bytesOf([26, 255, 255, 255, 255, 7, 65]));
let nested: Buffer = Buffer.alloc(0);
for (let depth = 0; depth < 20_000; depth++) {
  const length: number[] = [];
  let rest = nested.length;
  while (rest > 127) {
    length.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  nested = Buffer.concat([Buffer.from([18, ...length, rest]), nested]);
}
await protobuf('protobuf: a message in a message, twenty thousand times', nested);

const json = await converter('org.apache.kafka.connect.json.JsonConverter', {});
const fields = Array.from({ length: 5_000 }, (_, n) => `{"type":"int8","field":"f${n}","optional":true}`).join(',');
const schema = `{"type":"array","items":{"type":"struct","fields":[${fields}]}}`;
const good = Buffer.from('{"schema":null,"payload":1}');
const read = (bytes: Uint8Array) => json.toConnectData('t', bytes);
const empties = Array.from({ length: 50_000 }, () => '{}').join(',');
await drop(
  'json: a list of wide structs without a field',
  read,
  Buffer.from(`{"schema":${schema},"payload":[${empties}]}`),
  good,
  3,
);
const deep = '['.repeat(100_000);
await drop(
  'json: a list in a list, a hundred thousand times',
  read,
  Buffer.from(`{"schema":null,"payload":${deep}`),
  good,
);

const header: HeaderConverter = await plugins
  .get('header_converter', 'org.apache.kafka.connect.storage.SimpleHeaderConverter')
  .create();
header.configure({});
// What cannot be read as a list is a text.
await drop(
  'header: a list in a list, without end',
  (bytes) => header.toConnectHeader('t', 'h', bytes),
  Buffer.from(deep),
  Buffer.from('1'),
);

// An answer without end: as much as is asked for.
const endless = createServer((_request, response) => {
  const chunk = Buffer.alloc(1024 * 1024, ' ');
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', more);
  response.writeHead(200, { 'content-type': 'application/json' });
  more();
});
await new Promise<void>((resolve) => endless.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${(endless.address() as AddressInfo).port}`;
const endlessReader = await converter('io.confluent.connect.avro.AvroConverter', { 'schema.registry.url': url });
reports.push({
  name: 'a registry that never stops answering',
  outcome: await outcomeOf(() => endlessReader.toConnectData('t', framed(1, Uint8Array.of()))),
  goodAfterwards: true,
});
endless.closeAllConnections();
endless.close();
await schemas.stop();
process.send?.(reports, () => process.exit(0));
if (process.send === undefined) console.log(reports);
