import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { fileStreamSink, fileStreamSource } from '../../../connectors/file/plugin.ts';
import { anyFile, type FileAccess } from '../../../src/files.ts';
import { type SourceContract, sinkContract, sourceContract } from '../../../src/testing/index.ts';

const converter = { 'value.converter': 'StringConverter', 'key.converter': 'StringConverter' };
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => `line ${from + at}`);
const textOf = (all: readonly string[]) => all.map((line) => `${line}\n`).join('');
const newFolder = () => mkdtempSync(join(tmpdir(), 'drover-file-contract-'));

describe('FileStreamSource', () => {
  const newSource = (text: string) => {
    const folder = newFolder();
    const file = join(folder, 'in.txt');
    writeFileSync(file, text);
    const config = { 'connector.class': 'FileStreamSource', file, topic: 'lines', 'batch.size': '7', ...converter };
    return { file, config, release: () => rmSync(folder, { recursive: true }) };
  };
  const contract: SourceContract = {
    plugin: fileStreamSource(anyFile),
    arrange() {
      const { file, config, release } = newSource(textOf(lines(0, 40)));
      const extend = () => {
        appendFileSync(file, textOf(lines(40, 50)));
        return lines(40, 50);
      };
      return { config, release, expected: lines(0, 40), extend };
    },
    arrangeLarge(bytes) {
      const line = 'x'.repeat(1000);
      const { config, release } = newSource(textOf(Array(Math.ceil(bytes / line.length)).fill(line)));
      return { config: { ...config, 'batch.size': '2000' }, release };
    },
    badConfigs: [
      { change: { topic: null }, key: 'topic' },
      { change: { topic: '' }, key: 'topic' },
      { change: { 'batch.size': 'many' }, key: 'batch.size' },
      { change: { file: null }, key: 'file' },
    ],
  };
  const cases = sourceContract(contract);
  it.each(cases)('$name', ({ run }) => run());

  const exactlyOnce = sourceContract({
    ...contract,
    mostKills: 40,
    arrange() {
      const { config, release } = newSource(textOf(lines(0, 40)));
      return { config: { ...config, 'exactly.once.support': 'required' }, release, expected: lines(0, 40) };
    },
  });
  it.each(exactlyOnce.filter(({ name }) => /^(killed|delivers)/.test(name)))(
    'exactly once: $name, and repeats nothing (I4)',
    ({ run }) => run(),
  );
});

/** What a killed process had in mind to write would be gone with it, but its timers go on here: who opened a file last writes. */
function onlyTheLivingWrite(): FileAccess {
  const newest = new Map<string, FileHandle>();
  const open = async (path: string, flags: 'r' | 'a') => {
    const handle = await anyFile.open(path, flags);
    newest.set(path, handle);
    const write = handle.writeFile.bind(handle);
    handle.writeFile = async (...given) => {
      if (newest.get(path) === handle) await write(...given);
    };
    return handle;
  };
  return { ...anyFile, open };
}

describe('FileStreamSink', () => {
  const cases = sinkContract({
    plugin: fileStreamSink(onlyTheLivingWrite()),
    mostKills: 50,
    arrange() {
      const folder = newFolder();
      const file = join(folder, 'out.txt');
      const expected = lines(0, 40);
      return {
        config: { 'connector.class': 'FileStreamSink', topics: 'lines', file, ...converter },
        records: expected.map((value) => ({ topic: 'lines', value })),
        expected,
        written: () => (existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : []),
        release: () => rmSync(folder, { recursive: true }),
      };
    },
    badConfigs: [
      { change: { topics: null }, key: 'topics' },
      { change: { file: '/nowhere/at/all.txt' }, key: 'file' },
    ],
  });
  it.each(cases)('$name', ({ run }) => run());
});
