import { execFile } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../local/folders.ts';

const run = promisify(execFile);
const packages = ['pyarrow==26.0.1', 'duckdb==2.0.1', 'fastavro==1.13.1', 'python-snappy==0.7.3'];

/** Readers that others have written, in an environment of their own that is made once. */
export async function readersPython(): Promise<string> {
  const folder = join(cacheFolder, 'python-readers');
  const done = join(folder, 'complete');
  const python = join(folder, 'bin', 'python');
  if (existsSync(done)) return python;
  rmSync(folder, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', folder]);
  await run(python, ['-m', 'pip', 'install', '--quiet', ...packages]);
  writeFileSync(done, packages.join('\n'));
  return python;
}
