import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { example as dynamodb } from '../../connectors/dynamodb/example.ts';
import { example as eventBridge } from '../../connectors/eventbridge/example.ts';
import { example as file } from '../../connectors/file/example.ts';
import { connectors } from '../../connectors/index.ts';
import { example as kinesis } from '../../connectors/kinesis/example.ts';
import { example as sns } from '../../connectors/sns/example.ts';
import { example as sqs } from '../../connectors/sqs/example.ts';
import { example as webhook } from '../../connectors/webhook/example.ts';
import { type ConnectorPage, connectorIndex, connectorPage } from '../../src/plugins/plugin-reference.ts';

const under = (name: string) => connectors.filter(({ className }) => className.includes(`.${name}.`));

const pages: readonly ConnectorPage[] = [
  { name: 'dynamodb', ...dynamodb, plugins: under('dynamodb'), configs: [dynamodb.source] },
  { name: 'eventbridge', ...eventBridge, plugins: under('eventbridge') },
  { name: 'file', title: file.title, intro: file.intro, plugins: under('file'), configs: [file.source, file.sink] },
  { name: 'kinesis', ...kinesis, plugins: under('kinesis'), configs: [kinesis.source] },
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
  expect(pages.flatMap(({ plugins }) => plugins)).toEqual(connectors);
  const folders = readdirSync(new URL('../../connectors/', import.meta.url)).filter((name) => !name.endsWith('.ts'));
  expect(pages.map(({ name }) => name)).toEqual(folders);
});
