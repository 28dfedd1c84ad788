import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { example as dynamodb } from '../../connectors/dynamodb/example.ts';
import { example as eventBridge } from '../../connectors/eventbridge/example.ts';
import { example as file } from '../../connectors/file/example.ts';
import { connectors } from '../../connectors/index.ts';
import { example as kinesis } from '../../connectors/kinesis/example.ts';
import { sinkExample } from '../../connectors/s3/sink-example.ts';
import { example as s3Source } from '../../connectors/s3/source-example.ts';
import { example as sns } from '../../connectors/sns/example.ts';
import { example as sqs } from '../../connectors/sqs/example.ts';
import { example as webhook } from '../../connectors/webhook/example.ts';
import { type ConnectorPage, connectorIndex, connectorPage } from '../../src/plugins/plugin-reference.ts';

const under = (name: string, kind?: 'source' | 'sink') =>
  connectors.filter((plugin) => plugin.className.includes(`.${name}.`) && plugin.kind === (kind ?? plugin.kind));

/** `folder`: of the connectors that a page is about, where that is not its name. */
const pages: readonly (ConnectorPage & { readonly folder?: string })[] = [
  { name: 'dynamodb', ...dynamodb, plugins: under('dynamodb'), configs: [dynamodb.source] },
  { name: 'eventbridge', ...eventBridge, plugins: under('eventbridge') },
  { name: 'file', title: file.title, intro: file.intro, plugins: under('file'), configs: [file.source, file.sink] },
  { name: 'kinesis', ...kinesis, plugins: under('kinesis'), configs: [kinesis.source] },
  { folder: 's3', name: 's3-source', ...s3Source, plugins: under('s3', 'source'), configs: [s3Source.source] },
  {
    folder: 's3',
    name: 's3-sink',
    ...sinkExample,
    plugins: under('s3', 'sink'),
    configs: [sinkExample.confluent, sinkExample.aiven],
  },
  { name: 'sns', ...sns, plugins: under('sns') },
  { name: 'sqs', ...sqs, plugins: under('sqs'), configs: [sqs.source] },
  { name: 'webhook', ...webhook, plugins: under('webhook') },
];

test.each(pages)('the page of $name says what the connectors declare (vitest -u writes it anew)', async (page) => {
  await expect(connectorPage(page)).toMatchFileSnapshot(`../../docs/connectors/${page.name}.md`);
});

test('the index of connectors says what they declare (vitest -u writes it anew)', async () => {
  await expect(connectorIndex(pages)).toMatchFileSnapshot('../../docs/connectors/README.md');
});

test('every connector and every folder of connectors has its page', () => {
  const names = (plugins: typeof connectors) => plugins.map(({ kind, className }) => `${kind} ${className}`).sort();
  expect(names(pages.flatMap(({ plugins }) => plugins))).toEqual(names(connectors));
  const folders = readdirSync(new URL('../../connectors/', import.meta.url)).filter((name) => !name.endsWith('.ts'));
  expect([...new Set(pages.map(({ folder, name }) => folder ?? name))]).toEqual(folders);
});
