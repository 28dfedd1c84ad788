import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { fileOf, specOf } from '../connectors/s3/formats/write.ts';
import { readersPython } from '../support/python-readers.ts';

const run = promisify(execFile);
const count = 3000;

test('files of every format, packed each way, are read by pyarrow, DuckDB and fastavro, every cell of them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-s3-files-'));
  try {
    for (const codec of ['none', 'gzip', 'snappy', 'zstd'] as const) {
      for (const format of ['parquet', 'avro', 'jsonl', 'json', 'csv', 'bytes'] as const) {
        const more = format === 'bytes' ? ({ shape: { kind: 'part', part: 'key' }, separator: '|' } as const) : {};
        // Left to other writers now and then, as it is over runs.
        const file = await fileOf(specOf(format, codec, more), count, [1, 700, 2500]);
        writeFileSync(join(folder, `${codec}.${format}`), file);
      }
    }
    const script = join(import.meta.dirname, '../connectors/s3/formats/check_files.py');
    const { stdout } = await run(await readersPython(), [script, folder, String(count)]);
    expect(JSON.parse(stdout)).toHaveLength(4 * 6 + 7);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
