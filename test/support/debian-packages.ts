import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../local/folders.ts';

const run = promisify(execFile);

/** What these Debian packages hold, fetched once per checkout. */
export async function debianFiles(name: string, packages: readonly string[]): Promise<string> {
  const digest = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 10);
  const folder = join(cacheFolder, `${name}-${digest}`);
  if (existsSync(folder)) return folder;
  mkdirSync(cacheFolder, { recursive: true });
  const work = mkdtempSync(join(cacheFolder, 'debian-'));
  try {
    await run('apt-get', ['download', ...packages], { cwd: work }).catch(
      (error: { stderr?: string; message: string }) => {
        throw new Error(`apt-get could not fetch ${packages.join(', ')}: ${error.stderr ?? error.message}`);
      },
    );
    for (const file of readdirSync(work).filter((one) => one.endsWith('.deb'))) {
      await run('dpkg', ['-x', join(work, file), join(work, 'root')]);
    }
    try {
      renameSync(join(work, 'root'), folder);
    } catch (error) {
      // Another process was quicker.
      if (!existsSync(folder)) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}
