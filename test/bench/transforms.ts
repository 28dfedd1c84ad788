import { execFileSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createRegistry } from '../../functions/builtin-plugins.ts';
import { jars } from '../../local/maven.ts';
import { SourceRecord } from '../../src/api/record.ts';
import type { Predicate, Transformation } from '../../src/api/transformation.ts';
import { Instant } from '../../src/data/logical.ts';
import {
  FLOAT64_SCHEMA,
  INT32_SCHEMA,
  INT64_SCHEMA,
  OPTIONAL_STRING_SCHEMA,
  SchemaBuilder,
  STRING_SCHEMA,
  TIMESTAMP_SCHEMA,
} from '../../src/data/schema-builder.ts';
import { Int32 } from '../../src/data/schemaless.ts';
import { Struct } from '../../src/data/struct.ts';

/**
 * Records per second of each transformation and predicate, on one core, with Java Connect's beside it:
 * `node test/bench/transforms.ts [--ms 500]`. Both sides go through the same thousand records over and over and warm up
 * for as long as they are measured.
 */
interface Workload {
  readonly name: string;
  readonly settings: Readonly<Record<string, string>>;
  readonly data: 'struct' | 'map';
}

const onValue = (name: string, settings: Workload['settings']): Workload[] =>
  (['struct', 'map'] as const).map((data) => ({ name: `${name}$Value`, settings, data }));
const whole = (name: string, settings: Workload['settings']): Workload => ({ name, settings, data: 'struct' });

const workloads: readonly Workload[] = [
  ...onValue('Cast', { spec: 'quantity:int64,amount:string' }),
  ...onValue('ExtractField', { field: 'customer' }),
  ...onValue('Flatten', {}),
  ...onValue('HeaderFrom', { fields: 'customer', headers: 'customer', operation: 'move' }),
  ...onValue('HoistField', { field: 'order' }),
  ...onValue('InsertField', { 'topic.field': 'topic', 'timestamp.field': 'at' }),
  ...onValue('MaskField', { fields: 'customer,amount' }),
  ...onValue('ReplaceField', { exclude: 'amount', renames: 'id:order_id' }),
  ...onValue('SetSchemaMetadata', { 'schema.name': 'bench.Renamed' }).slice(0, 1),
  ...onValue('TimestampConverter', { 'target.type': 'string', field: 'created', format: "yyyy-MM-dd'T'HH:mm:ss.SSS" }),
  ...['struct', 'map'].map(
    (data): Workload => ({ name: 'ValueToKey', settings: { fields: 'id' }, data: data as 'map' }),
  ),
  whole('DropHeaders', { headers: 'trace' }),
  whole('InsertHeader', { header: 'site', 'value.literal': 'eu' }),
  whole('RegexRouter', { regex: '(.*)-(.*)', replacement: '$2_$1' }),
  whole('TimestampRouter', {}),
  whole('predicates.TopicNameMatches', { pattern: 'orders-.*' }),
  whole('predicates.HasHeaderKey', { name: 'trace' }),
];

const distinct = 1000;
const address = SchemaBuilder.struct().field('city', STRING_SCHEMA).field('zip', OPTIONAL_STRING_SCHEMA).build();
const order = SchemaBuilder.struct()
  .name('bench.Order')
  .field('id', INT64_SCHEMA)
  .field('customer', STRING_SCHEMA)
  .field('quantity', INT32_SCHEMA)
  .field('amount', FLOAT64_SCHEMA)
  .field('created', TIMESTAMP_SCHEMA)
  .field('address', address)
  .build();

function record(i: number, data: Workload['data']): SourceRecord {
  const fields: [string, unknown][] = [
    ['id', 10_000_000_000n + BigInt(i)],
    ['customer', `Customer number ${i}`],
    ['quantity', i % 97],
    ['amount', (i * 37) / 100],
  ];
  const created = 1_700_000_000_000 + i * 1000;
  let value: unknown;
  if (data === 'struct') {
    const struct = new Struct(order);
    for (const [name, item] of fields) struct.put(name, item);
    struct
      .put('created', new Instant(created))
      .put('address', new Struct(address).put('city', 'Ulm').put('zip', '89073'));
    value = struct;
  } else {
    const map = new Map(fields).set('quantity', new Int32(i % 97)).set('created', BigInt(created));
    value = map.set(
      'address',
      new Map([
        ['city', 'Ulm'],
        ['zip', '89073'],
      ]),
    );
  }
  const headers = [{ key: 'trace', schema: STRING_SCHEMA, value: 'a1b2' }];
  const schema = data === 'struct' ? order : null;
  return new SourceRecord({}, {}, 'orders-eu', 0, null, null, schema, value, created, headers);
}

function argument(name: string): string | undefined {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? undefined : process.argv[at + 1];
}

let sink = 0;

async function measure(workload: Workload, ms: number): Promise<number> {
  const className = `org.apache.kafka.connect.transforms.${workload.name}`;
  const records = Array.from({ length: distinct }, (_, i) => record(i, workload.data));
  const predicate = workload.name.startsWith('predicates.');
  const plugin = createRegistry().get(predicate ? 'predicate' : 'transformation', className);
  const stage = (await plugin.create()) as Transformation | Predicate;
  stage.configure(workload.settings);
  const once = (one: SourceRecord) => ('apply' in stage ? stage.apply(one) : stage.test(one));
  const run = () => {
    const end = performance.now() + ms;
    let done = 0;
    while (performance.now() < end) {
      for (const one of records) sink += once(one) ? 1 : 0;
      done += distinct;
    }
    return done;
  };
  run();
  const start = performance.now();
  const done = run();
  return done / ((performance.now() - start) / 1000);
}

/** Java's figure of each workload, by the same names. */
function measureJava(classpath: string, ms: number): Map<string, number> {
  const source = join(dirname(fileURLToPath(import.meta.url)), 'java', 'TransformBench.java');
  const input = workloads.map((workload) =>
    [workload.name, workload.data, ...Object.entries(workload.settings).map(([key, value]) => `${key}=${value}`)].join(
      '\t',
    ),
  );
  const output = execFileSync('java', ['-cp', classpath, source, String(ms)], {
    input: input.join('\n'),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const lines = output
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
  return new Map(lines.map(([name, data, rate]) => [`${name} ${data}`, Number(rate)]));
}

const ms = Number(argument('ms') ?? 500);
const version = '4.3.0';
const folder = await jars('transform-bench', [
  `org.apache.kafka:connect-runtime:${version}`,
  `org.apache.kafka:connect-transforms:${version}`,
]);
const java = measureJava(`${folder}/*`, ms);
const million = (rate: number | undefined) => (rate === undefined ? '' : (rate / 1e6).toFixed(2));
console.log('| transformation | data | M records/s | Java | times |');
console.log('| --- | --- | ---: | ---: | ---: |');
for (const workload of workloads) {
  const rate = await measure(workload, ms);
  const other = java.get(`${workload.name} ${workload.data}`);
  const times = other === undefined ? '' : (rate / other).toFixed(1);
  console.log(`| ${workload.name} | ${workload.data} | ${million(rate)} | ${million(other)} | ${times} |`);
}
if (sink < 0) console.log(sink);
