import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FileStreamSinkTask } from '../../../connectors/file/sink.ts';
import { FileStreamSourceConnector, FileStreamSourceTask } from '../../../connectors/file/source.ts';
import { SinkRecord, type SourceOffset } from '../../../src/api/record.ts';
import type { SinkTaskContext, SourceTaskContext } from '../../../src/api/task.ts';
import { STRING_SCHEMA } from '../../../src/data/schema-builder.ts';

const folder = mkdtempSync(join(tmpdir(), 'drover-file-stream-'));
afterAll(() => rmSync(folder, { recursive: true }));

function sourceContext(offset: SourceOffset | null) {
  const warnings: string[] = [];
  const context: SourceTaskContext = {
    connector: 'c',
    task: 0,
    signal: new AbortController().signal,
    deadlineAt: 0,
    warn: (message) => warnings.push(message),
    offsetStorageReader: { offset: async () => offset, offsets: async () => [offset] },
  };
  return { context, warnings };
}

describe('FileStreamSourceTask', () => {
  it('gives records as Java does: no key, a string value, the position behind the line', async () => {
    const file = join(folder, 'shape.txt');
    writeFileSync(file, 'one\ntwo\nthree\n');
    const task = new FileStreamSourceTask();
    task.start({ file, topic: 't', 'batch.size': '2' }, sourceContext(null).context);
    const records = (await task.poll())!;
    expect(records).toHaveLength(2);
    expect(records[1]).toMatchObject({
      sourcePartition: { filename: file },
      sourceOffset: { position: 8 },
      topic: 't',
      kafkaPartition: null,
      keySchema: null,
      key: null,
      valueSchema: STRING_SCHEMA,
      value: 'two',
    });
    expect((await task.poll())!.map(({ value }) => value)).toEqual(['three']);
    expect(await task.poll()).toBeNull();
    await task.stop();
  });

  it.each(['0', '-5'])('reads line by line with batch.size=%s, as Java does', async (batchSize) => {
    const file = join(folder, `batches-of-${batchSize}.txt`);
    writeFileSync(file, 'one\ntwo\n');
    const task = new FileStreamSourceTask();
    task.start({ file, topic: 't', 'batch.size': batchSize }, sourceContext(null).context);
    for (const line of ['one', 'two']) expect((await task.poll())!.map(({ value }) => value)).toEqual([line]);
    expect(await task.poll()).toBeNull();
    await task.stop();
  });

  it.each([8, 8n])('goes on from a position that is a number or a bigint', async (position) => {
    const file = join(folder, 'resume.txt');
    writeFileSync(file, 'one\ntwo\nthree\n');
    const task = new FileStreamSourceTask();
    task.start({ file, topic: 't' }, sourceContext({ position }).context);
    expect((await task.poll())!.map(({ value }) => value)).toEqual(['three']);
    await task.stop();
  });

  it('refuses a position that is none', async () => {
    const file = join(folder, 'wrong.txt');
    writeFileSync(file, 'one\n');
    const task = new FileStreamSourceTask();
    task.start({ file, topic: 't' }, sourceContext({ position: 'x' }).context);
    await expect(async () => task.poll()).rejects.toThrow('Offset position is the incorrect type');
    await task.stop();
  });

  it('warns of a file that was truncated below the committed position, and of one that is not there', async () => {
    const file = join(folder, 'short.txt');
    writeFileSync(file, 'one\n');
    const truncated = sourceContext({ position: 100 });
    const task = new FileStreamSourceTask();
    task.start({ file, topic: 't' }, truncated.context);
    expect(await task.poll()).toBeNull();
    expect(truncated.warnings.join()).toContain('fewer than the committed position 100');
    await task.stop();
    const missing = sourceContext(null);
    const other = new FileStreamSourceTask();
    other.start({ file: join(folder, 'none.txt'), topic: 't' }, missing.context);
    expect(await other.poll()).toBeNull();
    expect(missing.warnings.join()).toContain('none.txt is not there');
    await other.stop();
  });

  it('fails on a folder, and without a file', async () => {
    const task = new FileStreamSourceTask();
    task.start({ file: folder, topic: 't' }, sourceContext(null).context);
    await expect(async () => task.poll()).rejects.toThrow(`File ${folder} cannot be read: it is a directory`);
    await task.stop();
    expect(() => new FileStreamSourceTask().start({ topic: 't' }, sourceContext(null).context)).toThrow("'file'");
  });
});

describe('FileStreamSourceConnector.alterOffsets', () => {
  const connector = new FileStreamSourceConnector();
  const alter = (partition: object, offset: object | null, file = 'f') =>
    connector.alterOffsets({ file }, [{ partition: partition as never, offset: offset as never }]);

  it('takes positions and tombstones', () => {
    expect(alter({ filename: 'f' }, { position: 3 })).toBe(true);
    expect(alter({ filename: 'f' }, { position: 2n ** 60n })).toBe(true);
    expect(alter({ other: 'x' }, null)).toBe(true);
  });

  it.each([
    [{ filename: 'f' }, {}, "Offset objects should either be null or contain the key 'position'"],
    [
      { filename: 'f' },
      { position: '3' },
      "The value for the 'position' key in the offset is expected to be a Long value",
    ],
    [
      { filename: 'f' },
      { position: 1.5 },
      "The value for the 'position' key in the offset is expected to be a Long value",
    ],
    [
      { filename: 'f' },
      { position: -1 },
      "The value for the 'position' key in the offset should be a non-negative value",
    ],
    [{ other: 'f' }, { position: 1 }, "Partition objects should contain the key 'filename'"],
  ])('refuses %j → %j in the words of Java', (partition, offset, message) => {
    expect(() => alter(partition, offset)).toThrow(message);
  });

  it('refuses without a file', () => {
    expect(() => alter({ filename: 'f' }, { position: 1 }, '')).toThrow('stdin is used for input');
  });
});

describe('FileStreamSinkTask', () => {
  const context = {} as SinkTaskContext;
  const record = (value: unknown) => new SinkRecord('t', 0, null, null, null, value, 0);

  it('appends values as Java prints them, written by flush at the latest', async () => {
    const file = join(folder, 'sink.txt');
    writeFileSync(file, 'before\n');
    const task = new FileStreamSinkTask();
    await task.start({ file }, context);
    await task.put([record('text'), record(null), record(5n), record(new Map([['a', true]]))]);
    await task.flush();
    await task.stop();
    expect(readFileSync(file, 'utf8')).toBe('before\ntext\nnull\n5\n{a=true}\n');
  });

  it('shows a line soon, without a flush', async () => {
    const file = join(folder, 'soon.txt');
    const task = new FileStreamSinkTask();
    await task.start({ file }, context);
    const shown = once(watch(file), 'change');
    await task.put([record('one')]);
    await task.put([record('two')]);
    await shown;
    await task.stop();
    expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
  });

  it('tells with flush that an earlier write has failed, and goes on with what comes again', async () => {
    const task = new FileStreamSinkTask();
    await task.start({ file: '/dev/full' }, context);
    const put = async (text: string) => task.put([record(text)]);
    await put('x'.repeat(300_000));
    await expect(put('x'.repeat(300_000))).rejects.toThrow('/dev/full cannot be written');
    await put('one');
    await expect(task.flush()).rejects.toThrow('/dev/full cannot be written');
    await task.flush();
    await task.stop();
  });

  it('creates its file at the start, or says why it cannot', async () => {
    const file = join(folder, 'created.txt');
    const task = new FileStreamSinkTask();
    await task.start({ file }, context);
    expect(existsSync(file)).toBe(true);
    await task.stop();
    const missing = join(folder, 'no', 'such', 'folder.txt');
    await expect(new FileStreamSinkTask().start({ file: missing }, context)).rejects.toThrow(missing);
  });
});
