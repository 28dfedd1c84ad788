import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder, pathWithNode } from '../../local/folders.ts';

/**
 * A `node_modules` with these packages (name to range) but for some, installed by npm once per checkout. Safe to call from
 * several processes at a time.
 */
export async function npmPackages(
  name: string,
  packages: Readonly<Record<string, string>>,
  without: readonly string[],
): Promise<string> {
  const wanted = Object.fromEntries(Object.entries(packages).filter(([name]) => !without.includes(name)));
  const digest = createHash('sha256').update(JSON.stringify(wanted)).digest('hex').slice(0, 10);
  const folder = join(cacheFolder, `${name}-${digest}`);
  if (existsSync(folder)) return join(folder, 'node_modules');
  mkdirSync(cacheFolder, { recursive: true });
  const work = mkdtempSync(join(cacheFolder, 'npm-'));
  try {
    writeFileSync(join(work, 'package.json'), JSON.stringify({ private: true, dependencies: wanted }));
    const flags = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
    await promisify(execFile)('npm', flags, { cwd: work, env: { ...process.env, PATH: pathWithNode() } }).catch(
      (error: { stdout: string; stderr: string }) => {
        throw new Error(`npm could not install ${JSON.stringify(wanted)}:\n${error.stderr}${error.stdout}`);
      },
    );
    try {
      renameSync(work, folder);
    } catch (error) {
      // Another process was quicker.
      if (!existsSync(folder)) throw error;
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return join(folder, 'node_modules');
}
