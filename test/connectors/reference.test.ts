import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { example as file } from '../../connectors/file/example.ts';
import { connectors } from '../../connectors/index.ts';
import { example as s3Source } from '../../connectors/s3/source-example.ts';
import { type ConnectorPage, connectorIndex, connectorPage } from '../../src/plugins/plugin-reference.ts';

const under = (name: string) => connectors.filter(({ className }) => className.includes(`.${name}.`));

const sources = (name: string) => under(name).filter(({ kind }) => kind === 'source');

/** `folder`: where the connectors of the page are. */
const pages: readonly (ConnectorPage & { readonly folder: string })[] = [
  {
    folder: 'file',
    name: 'file',
    title: file.title,
    intro: file.intro,
    plugins: under('file'),
    configs: [file.source, file.sink],
  },
  {
    folder: 's3',
    name: 's3-source',
    title: s3Source.title,
    intro: s3Source.intro,
    plugins: sources('s3'),
    configs: [s3Source.source],
  },
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
  expect([...new Set(pages.map(({ folder }) => folder))]).toEqual(folders);
});
