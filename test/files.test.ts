import { once } from 'node:events';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError, ConnectError } from '../src/errors.ts';
import { anyFile, fileAccess } from '../src/files.ts';
import { until } from './support/until.ts';

const root = mkdtempSync(join(tmpdir(), 'drover-files-'));
const at = (...names: string[]) => join(root, ...names);
const access = fileAccess({ folders: [at('data'), at('mount')], advice: 'Allow its folder with drover.file.folders.' });

beforeAll(() => {
  for (const folder of ['data', 'data-other', 'outside', 'real']) mkdirSync(at(folder));
  mkdirSync(at('data', 'deep'));
  writeFileSync(at('data', 'own.txt'), 'own');
  writeFileSync(at('outside', 'secret.txt'), 'secret');
  writeFileSync(at('data-other', 'secret.txt'), 'secret');
  writeFileSync(at('real', 'own.txt'), 'mounted');
  symlinkSync(at('real'), at('mount'));
  symlinkSync(at('outside', 'secret.txt'), at('data', 'link.txt'));
  symlinkSync(at('outside'), at('data', 'linked'));
  symlinkSync(at('data', 'link.txt'), at('data', 'link-to-link.txt'));
  symlinkSync(at('outside', 'new.txt'), at('data', 'dangling.txt'));
  symlinkSync(at('data', 'own.txt'), at('data', 'within.txt'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

async function textOf(path: string, by = access): Promise<string> {
  const file = await by.open(path, 'r');
  try {
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

describe('folders that connectors may use', () => {
  it('are read and written, also through links that stay in them or where a folder is a link itself', async () => {
    expect(await textOf(at('data', 'own.txt'))).toBe('own');
    expect(await textOf(at('data', 'within.txt'))).toBe('own');
    expect(await textOf(at('data', 'deep', '..', 'own.txt'))).toBe('own');
    expect(await textOf(at('mount', 'own.txt'))).toBe('mounted');
    expect(await textOf(relative(process.cwd(), at('data', 'own.txt')))).toBe('own');
    expect(access.read(at('data', 'own.txt')).toString()).toBe('own');
    const file = await access.open(at('data', 'deep', 'new.txt'), 'a');
    await file.writeFile('line\n');
    await file.close();
    expect(readFileSync(at('data', 'deep', 'new.txt'), 'utf8')).toBe('line\n');
  });

  it.each([
    ['another folder', 'outside/secret.txt'],
    ['a folder whose name begins alike', 'data-other/secret.txt'],
    ['up and out', 'data/../outside/secret.txt'],
    ['a link', 'data/link.txt'],
    ['a link to a link', 'data/link-to-link.txt'],
    ['a folder that is a link', 'data/linked/secret.txt'],
  ])('are left neither by %s', async (_by, path) => {
    const refused = { code: 'file.not_allowed', message: expect.stringContaining('drover.file.folders') };
    await expect(access.open(join(root, path), 'r')).rejects.toMatchObject(refused);
    await expect(access.open(join(root, path), 'a')).rejects.toMatchObject(refused);
    expect(() => access.read(join(root, path))).toThrow(ConnectError);
  });

  it('are not left by a link to a file that is still to be made', async () => {
    await expect(access.open(at('data', 'dangling.txt'), 'a')).rejects.toThrow();
    expect(() => readFileSync(at('outside', 'new.txt'))).toThrow(/ENOENT/);
    await expect(access.open(at('data', 'linked', 'new.txt'), 'a')).rejects.toMatchObject({ code: 'file.not_allowed' });
    expect(() => readFileSync(at('outside', 'new.txt'))).toThrow(/ENOENT/);
  });

  it('tell by the path alone, whether there is such a file or not', () => {
    for (const name of ['secret.txt', 'none.txt']) {
      expect(access.refusal(at('outside', name))).toBe(
        `File ${at('outside', name)} may not be used: connectors of this installation reach the files in ` +
          `${at('data')}, ${at('mount')} only. Allow its folder with drover.file.folders.`,
      );
    }
    expect(access.refusal(at('data', 'none.txt'))).toBeNull();
  });

  it('are none by default on AWS', async () => {
    const none = fileAccess({ folders: [], advice: 'Set drover.file.folders.' });
    expect(none.refusal('/tmp/a')).toMatch(/reach no files\. Set drover\.file\.folders\./);
    await expect(none.open('/tmp/a', 'a')).rejects.toMatchObject({ code: 'file.not_allowed' });
  });

  it('must be absolute', () => {
    expect(() => fileAccess({ folders: ['data'], advice: '' })).toThrow(ConfigError);
  });

  it('a link that is swapped in again and again while a file is opened never gives what is outside', async () => {
    const swapping = new Worker(
      `const { parentPort, workerData: [flip, ...targets] } = require('node:worker_threads');
       const { renameSync, symlinkSync } = require('node:fs');
       let on = true;
       parentPort.on('message', () => { on = false; parentPort.close(); });
       (function swap() {
         for (const target of targets) { symlinkSync(target, flip + '.next'); renameSync(flip + '.next', flip); }
         if (on) setImmediate(swap);
       })();`,
      { eval: true, workerData: [at('data', 'flip.txt'), at('outside', 'secret.txt'), at('data', 'own.txt')] },
    );
    const seen = new Set<string>();
    await until('both targets have been met', async () => {
      for (let round = 0; round < 200; round++) {
        seen.add(await textOf(at('data', 'flip.txt')).catch((error) => error.code));
      }
      return seen.has('own') && seen.has('file.not_allowed');
    });
    swapping.postMessage('stop');
    await once(swapping, 'exit');
    // ENOENT: before the first link was there.
    expect([...seen].filter((text) => !['own', 'file.not_allowed', 'ENOENT', 'ELOOP'].includes(text))).toEqual([]);
  });
});

describe('any file', () => {
  it('is every file of the machine, links followed, but not the processes', async () => {
    expect(await textOf(at('data', 'link.txt'), anyFile)).toBe('secret');
    const file = await anyFile.open(at('data', 'dangling.txt'), 'a');
    await file.close();
    appendFileSync(at('outside', 'new.txt'), 'made');
    expect(await textOf(at('data', 'dangling.txt'), anyFile)).toBe('made');
    expect(anyFile.refusal('/proc/self/environ')).toMatch(/processes/);
    symlinkSync('/proc/self/environ', at('data', 'environ'));
    for (const path of ['/proc/self/environ', '/proc/../proc/self/environ', at('data', 'environ')]) {
      await expect(textOf(path, anyFile)).rejects.toMatchObject({ code: 'file.not_allowed' });
    }
  });
});
