import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { FileCompression, FileFormat } from '../../connectors/s3/formats/record-writer.ts';
import { fileOf, specOf } from '../connectors/s3/formats/write.ts';
import { readersPython } from '../support/python-readers.ts';

const run = promisify(execFile);
const count = 3000;

test('files of every format are read by pyarrow, DuckDB and fastavro, every cell of them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'drover-s3-files-'));
  try {
    const write = async (name: string, format: FileFormat, compression: FileCompression) =>
      // Left to other writers now and then, as it is over runs.
      writeFileSync(join(folder, name), await fileOf(specOf(format, compression), count, [1, 700, 2500]));
    for (const codec of ['none', 'gzip', 'snappy', 'zstd'] as const) {
      await write(`${codec}.parquet`, 'parquet', codec);
      await write(`${codec}.avro`, 'avro', codec);
    }
    await write('lines.json', 'jsonl', 'none');
    await write('lines.json.gz', 'jsonl', 'gzip');
    await write('lines.json.zst', 'jsonl', 'zstd');
    await write('rows.csv', 'csv', 'none');
    await write('rows.csv.gz', 'csv', 'gzip');
    const script = join(import.meta.dirname, '../connectors/s3/formats/check_files.py');
    const { stdout } = await run(await readersPython(), [script, folder, String(count)]);
    expect(JSON.parse(stdout)).toHaveLength(14);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
