/**
 * Records per CPU second of the registry converters, both ways: `node test/bench/registry-converters.ts [Avro]`;
 * profile with `node --cpu-prof`. Beside Avro stands Java's figure, of Apicurio's converter: Confluent's is not in Maven's
 * central repository. The record has eleven fields of the kinds that change-data capture and events have.
 */
import { execFileSync } from 'node:child_process';
import { cpus } from 'node:os';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import { jars } from '../../local/maven.ts';
import type { Converter } from '../../src/api/converter.ts';
import { ConnectSchema } from '../../src/data/connect-schema.ts';
import { Decimal, Instant } from '../../src/data/logical.ts';
import type { Schema } from '../../src/data/schema.ts';
import { Struct } from '../../src/data/struct.ts';
import { FakeSchemaRegistry } from '../support/schema-registry.ts';

const optional = { optional: true };
const address = struct('com.example.Address', {
  street: new ConnectSchema('string'),
  zip: new ConnectSchema('string', optional),
});
const schema = struct('com.example.Order', {
  id: new ConnectSchema('int64'),
  customer: new ConnectSchema('string'),
  note: new ConnectSchema('string', optional),
  quantity: new ConnectSchema('int32'),
  price: new ConnectSchema('bytes', {
    name: 'org.apache.kafka.connect.data.Decimal',
    version: 1,
    parameters: new Map([['scale', '2']]),
  }),
  rate: new ConnectSchema('float64'),
  paid: new ConnectSchema('boolean'),
  created: new ConnectSchema('int64', { name: 'org.apache.kafka.connect.data.Timestamp', version: 1 }),
  tags: new ConnectSchema('array', { valueSchema: new ConnectSchema('string') }),
  attributes: new ConnectSchema('map', {
    keySchema: new ConnectSchema('string'),
    valueSchema: new ConnectSchema('string'),
  }),
  address,
});

function struct(name: string, fields: Record<string, Schema>): ConnectSchema {
  return new ConnectSchema('struct', {
    name,
    fields: Object.entries(fields).map(([field, one], index) => ({ name: field, index, schema: one })),
  });
}

function order(i: number): Struct {
  return new Struct(schema, [
    BigInt(i) * 1_000_003n,
    `customer-${i % 1000}`,
    i % 3 === 0 ? null : 'leave at the door',
    i % 100,
    new Decimal(BigInt(1000 + (i % 90_000)), 2),
    i * 0.37,
    i % 2 === 0,
    new Instant(1_700_000_000_000 + i),
    ['new', 'gift'],
    new Map([['channel', 'web']]),
    new Struct(address, ['1 Main Street', '12345']),
  ]);
}

const batch = 20_000;
const rounds = Number(process.env.ROUNDS ?? 11);

async function main(): Promise<void> {
  const registry = await FakeSchemaRegistry.start();
  const plugins = createRegistry();
  const records = Array.from({ length: batch }, (_, i) => order(i));
  console.log(`${cpus()[0]?.model.trim()}, Node ${process.version}; ${batch} records a round, median of ${rounds}`);
  const folder = await jars('registry-bench', ['io.apicurio:apicurio-registry-utils-converter:2.6.13.Final']);
  const java = measureJava(`${folder}/*`);
  const only = process.argv[2];
  for (const name of ['AvroConverter', 'ProtobufConverter', 'JsonSchemaConverter']) {
    if (only !== undefined && !name.startsWith(only)) continue;
    const converter = await plugins.get('converter', name).create();
    converter.configure({ 'schema.registry.url': registry.url }, { isKey: false });
    await race(name, converter, records, name === 'AvroConverter' ? java : null);
  }
  await registry.stop();
}

interface JavaFigures {
  readonly write: number;
  readonly read: number;
}

/** CPU microseconds of the thread per record. */
function measureJava(classpath: string): JavaFigures {
  const source = new URL('java/RegistryConverterBench.java', import.meta.url).pathname;
  const output = execFileSync('java', ['-cp', classpath, source], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [write = 0, read = 0] = output.trim().split(/\s+/).map(Number);
  return { write, read };
}

async function race(name: string, converter: Converter, records: Struct[], java: JavaFigures | null): Promise<void> {
  const topic = name.toLowerCase();
  await converter.fromConnectData(topic, schema, records[0]);
  const written = records.map((record) => converter.fromConnectData(topic, schema, record) as Uint8Array);
  const bytes = written.reduce((sum, one) => sum + one.length, 0);
  const fetched = Buffer.concat(written);
  await converter.toConnectData(topic, written[0]!);
  const write = () => {
    for (const record of records) converter.fromConnectData(topic, schema, record);
  };
  const read = () => {
    let at = 0;
    for (const one of written) {
      converter.readConnectData!(topic, fetched, at, at + one.length);
      at += one.length;
    }
  };
  for (const [way, work] of [
    ['write', write],
    ['read', read],
  ] as const) {
    for (let i = 0; i < 30; i++) work();
    const seconds = Array.from({ length: rounds }, () => {
      // CPU, not the clock: the machine may be shared, and the goal is CPU per record.
      const start = process.cpuUsage();
      work();
      const { user, system } = process.cpuUsage(start);
      return (user + system) / 1e6;
    }).sort((a, b) => a - b);
    const median = seconds[seconds.length >> 1]!;
    const own = (median * 1e6) / batch;
    const each = `${own.toFixed(2)} µs`;
    const beside = java === null ? '' : `; Java ${java[way].toFixed(2)} µs, ${(java[way] / own).toFixed(1)}x`;
    console.log(
      `${name.padEnd(20)} ${way.padEnd(6)} ${Math.round(batch / median)} records per CPU second, ${each} each, ${Math.round(bytes / batch)} bytes${beside}`,
    );
  }
}

await main();
