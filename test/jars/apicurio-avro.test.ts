import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { freePort } from '../../local/ports.ts';
import { startSchemaRegistry } from '../../local/schema-registry.ts';
import { stopService } from '../../local/service.ts';
import { uniqueName } from '../support/kafka-records.ts';
import { apicurioConverters } from './archives.ts';
import { openLab } from './lab.ts';

// Apicurio's Avro converter, as its jar comes, over its own registry, between Apache's file source and file sink.
async function startRegistry() {
  const folder = mkdtempSync(join(tmpdir(), 'drover-apicurio-'));
  const { service, url } = await startSchemaRegistry({ folder, port: await freePort() });
  return {
    folder,
    url: new URL('/apis/registry/v2', url).href,
    [Symbol.asyncDispose]: async () => {
      await stopService(service);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const lab = openLab({ plugins: async () => [await apicurioConverters()], beside: startRegistry });

test.each([
  ['bare strings', {}, (line: string) => line],
  [
    'structs with fields of strings',
    {
      transforms: 'hoist',
      'transforms.hoist.type': 'org.apache.kafka.connect.transforms.HoistField$Value',
      'transforms.hoist.field': 'line',
    },
    (line: string) => `Struct{line=${line}}`,
  ],
])('%s are written and read', async (what, transforms, read) => {
  const { folder, url } = lab.beside;
  const topic = uniqueName('avro');
  const [from, to] = [join(folder, `${topic}.from`), join(folder, `${topic}.to`)];
  const common = {
    'tasks.max': '1',
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'io.apicurio.registry.utils.converter.AvroConverter',
    'value.converter.apicurio.registry.url': url,
    'value.converter.apicurio.registry.auto-register': 'true',
    'topic.creation.default.partitions': '1',
    'topic.creation.default.replication.factor': '1',
  };
  // What Apache's source counts are characters, and it goes on from there in bytes.
  const lines = ['one', 'two', 'three'];
  appendFileSync(from, `${lines.join('\n')}\n`);
  const classOf = (kind: string) => `org.apache.kafka.connect.file.FileStream${kind}Connector`;
  const source = lab.bench('source', classOf('Source'), `${topic}-from`);
  await source.configure({ ...common, ...transforms, 'connector.class': classOf('Source'), file: from, topic });
  await source.drain();
  const sink = lab.bench('sink', classOf('Sink'), `${topic}-to`);
  await sink.configure({ ...common, 'connector.class': classOf('Sink'), file: to, topics: topic });
  await sink.drain();
  expect(readFileSync(to, 'utf8').split('\n').slice(0, -1), what).toEqual(lines.map(read));
});
