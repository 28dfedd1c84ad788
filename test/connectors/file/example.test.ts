import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { example } from '../../../connectors/file/example.ts';
import { builtinPluginsOn } from '../../../functions/builtin-plugins.ts';
import type { ConnectorContext } from '../../../src/api/connector.ts';
import { SinkRecord } from '../../../src/api/record.ts';
import type { SinkTaskContext, SourceTaskContext } from '../../../src/api/task.ts';
import { apacheConverters } from '../../../src/config/connector-config.ts';
import { fileAccess } from '../../../src/files.ts';
import { validateForPlugin } from '../../../src/herder/validate-connector-config.ts';
import { registryOf } from '../../../src/plugins/registry.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-file-example-'));
afterAll(() => rmSync(folder, { recursive: true }));

const registryOn = (path: string) =>
  registryOf(builtinPluginsOn(fileAccess({ folders: [path], advice: 'List it in fileFolders.' })));
const here = ({ file, ...rest }: typeof example.source | typeof example.sink): Record<string, string> => ({
  ...rest,
  file: file.replace(example.folder, folder),
});

test.each([example.source, example.sink])(
  'the example $name is a valid config where its folder is allowed',
  async (config) => {
    const errorsOn = async (path: string) => {
      const plugins = registryOn(path);
      const { configs } = await validateForPlugin(
        { plugins, converterDefaults: apacheConverters },
        config['connector.class'],
        config,
      );
      return configs.flatMap(({ value }) => value.errors);
    };
    expect(await errorsOn(example.folder)).toEqual([]);
    expect((await errorsOn('/mnt/other')).join()).toContain('List it in fileFolders.');
  },
);

test("the source's lines are what the sink writes", async () => {
  const plugins = registryOn(folder);
  const [from, to] = [here(example.source), here(example.sink)];
  writeFileSync(from.file!, 'one\ntwo\n');
  const context: ConnectorContext = {
    connector: 'c',
    requestTaskReconfiguration: () => {},
    raiseError: (error) => {
      throw error;
    },
  };
  const taskContext = {
    connector: 'c',
    task: 0,
    signal: new AbortController().signal,
    deadlineAt: 0,
    warn: () => {},
    offsetStorageReader: { offset: async () => null, offsets: async () => [null] },
  } satisfies SourceTaskContext;

  const source = await plugins.get('source', example.source['connector.class']).create();
  await source.start(from, context);
  const reader = source.createTask();
  await reader.start((await source.taskConfigs(1))[0]!, taskContext);
  const records = (await reader.poll())!;
  await reader.stop();
  expect(records.map(({ topic, value }) => [topic, value])).toEqual([
    ['lines', 'one'],
    ['lines', 'two'],
  ]);

  const sink = await plugins.get('sink', example.sink['connector.class']).create();
  await sink.start(to, context);
  const writer = sink.createTask();
  await writer.start((await sink.taskConfigs(1))[0]!, taskContext as unknown as SinkTaskContext);
  await writer.put(
    records.map(({ topic, valueSchema, value }, at) => new SinkRecord(topic, 0, null, null, valueSchema, value, at)),
  );
  await writer.flush?.(new Map());
  await writer.stop();
  expect(readFileSync(to.file!, 'utf8')).toBe('one\ntwo\n');
});
