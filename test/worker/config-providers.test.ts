import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Secrets } from '../../src/telemetry/redaction.ts';
import {
  type ConfigProvider,
  envConfigProvider,
  fileConfigProvider,
  parseProperties,
  resolveSettings,
  secretsManagerConfigProvider,
  ssmConfigProvider,
} from '../../src/worker/config-providers.ts';

const echo: ConfigProvider = { get: async (path, key) => (key === 'none' ? undefined : `<${path}|${key}>`) };
const resolve = (text: string, providers: Record<string, ConfigProvider> = { p: echo }, secrets = new Secrets()) =>
  resolveSettings({ x: text }, new Map(Object.entries(providers)), secrets).then(({ x }) => x);

describe('resolveSettings', () => {
  it.each([
    ['plain', 'plain'],
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: these are references as users write them.
    ['${p:key}', '<|key>'],
    ['${p:path:key}', '<path|key>'],
    ['${p:arn:aws:a:b:key}', '<arn:aws:a:b|key>'],
    ['a ${p:b} c ${p:d:e} f', 'a <|b> c <d|e> f'],
    ['${other:key}', '${other:key}'],
    ['${p}', '${p}'],
    ['$p:key', '$p:key'],
  ])('%s → %s', async (text, expected) => {
    expect(await resolve(text)).toBe(expected);
  });

  it('names the setting and the reference when there is no such key, or it cannot be read', async () => {
    await expect(resolve('${p:none}')).rejects.toThrow('The setting x refers to ${p:none}, but there is no such key');
    const broken: ConfigProvider = { get: () => Promise.reject(new Error('access denied')) };
    await expect(resolve('${p:key}', { p: broken })).rejects.toThrow('access denied');
  });

  it('has what it resolved masked wherever text leaves the worker', async () => {
    const secrets = new Secrets();
    await resolve('${env:PASSWORD}', { env: envConfigProvider({ PASSWORD: 'hunter"2\n' }) }, secrets);
    expect(secrets.mask('login with hunter"2\n failed')).toBe('login with [hidden] failed');
    expect(secrets.mask(JSON.stringify({ trace: 'hunter"2\n' }))).toBe('{"trace":"[hidden]"}');
  });
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: see above.
});

describe('providers', () => {
  it('file: reads one key of a properties file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drover-providers-'));
    const path = join(folder, 'a:b.properties');
    writeFileSync(path, '# comment\nuser = me\npassword: se=cret\n');
    expect(await fileConfigProvider.get(path, 'password')).toBe('se=cret');
    expect(await fileConfigProvider.get(path, 'other')).toBeUndefined();
    rmSync(folder, { recursive: true });
  });

  it('properties: separators, escapes, continued lines, comments', () => {
    const text = '! no\na=1\nb : 2\nc 3\nd\\ e=4\nf=x\\\n   y\ng=\\u00e9\\t\\=\nh=\n';
    expect(Object.fromEntries(parseProperties(text))).toEqual({
      a: '1',
      b: '2',
      c: '3',
      'd e': '4',
      f: 'xy',
      g: 'é\t=',
      h: '',
    });
  });

  it('secretsmanager: a field of a JSON secret or the whole, fetched once until it may have been rotated', async () => {
    let now = 0;
    const asked: string[] = [];
    const provider = secretsManagerConfigProvider(
      async (id) => {
        asked.push(id);
        return '{"user":"me","port":5432}';
      },
      () => now,
    );
    expect(await provider.get('db', 'user')).toBe('me');
    expect(await provider.get('db', 'port')).toBe('5432');
    expect(await provider.get('db', 'none')).toBeUndefined();
    expect(await provider.get('', 'db')).toBe('{"user":"me","port":5432}');
    expect(asked).toEqual(['db']);
    now = 3_600_000;
    await provider.get('db', 'user');
    expect(asked).toEqual(['db', 'db']);
  });

  it('ssm: asks again after a failure', async () => {
    let fails = true;
    const provider = ssmConfigProvider(
      async (name) => {
        if (fails) throw new Error('throttled');
        return `value of ${name}`;
      },
      () => 0,
    );
    await expect(provider.get('', '/a/b')).rejects.toThrow('throttled');
    fails = false;
    await expect(provider.get('', '/a/b')).resolves.toBe('value of /a/b');
  });
});
