import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { traceOf } from '../../src/errors.ts';
import { fileAccess } from '../../src/files.ts';
import { Secrets } from '../../src/telemetry/redaction.ts';
import {
  type ConfigProvider,
  envConfigProvider,
  fileConfigProvider,
  parseProperties,
  resolveOrSame,
  resolveSettings,
  secretsManagerConfigProvider,
  ssmConfigProvider,
} from '../../src/worker/config-providers.ts';

const echo: ConfigProvider = { get: async (path, key) => (key === 'none' ? undefined : `<${path}|${key}>`) };
const resolve = (text: string, providers: Record<string, ConfigProvider> = { p: echo }, secrets = new Secrets()) =>
  resolveSettings({ x: text }, new Map(Object.entries(providers)), secrets).then(({ x }) => x);

describe('resolveOrSame', () => {
  it('answers settings without a reference as they are, and resolves others', async () => {
    const plain = { x: 'plain', y: '$z' };
    const providers = new Map([['p', echo]]);
    expect(await resolveOrSame(plain, providers, new Secrets())).toBe(plain);
    expect(await resolveOrSame({ x: '${p:key}' }, providers, new Secrets())).toEqual({ x: '<|key>' });
  });
});

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
    // Settings are trimmed, and URLs escape.
    expect(secrets.mask('login with hunter"2 failed')).toBe('login with [hidden] failed');
    expect(secrets.mask('GET http://u:hunter%222%0A@host')).toBe('GET http://u:[hidden]@host');
  });

  it('has the fields of a whole secret masked too', async () => {
    const secrets = new Secrets();
    const whole: ConfigProvider = { get: async () => '{"user":"me","password":"hunter22"}' };
    await resolve('${s:db}', { s: whole }, secrets);
    expect(secrets.mask('login with hunter22 failed')).toBe('login with [hidden] failed');
  });
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: see above.
});

describe('providers', () => {
  it('file: reads one key of a properties file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'drover-providers-'));
    const path = join(folder, 'a:b.properties');
    writeFileSync(path, '# comment\nuser = me\npassword: se=cret\n');
    const provider = fileConfigProvider(fileAccess({ folders: [folder], advice: 'Allow its folder.' }));
    expect(await provider.get(path, 'password')).toBe('se=cret');
    expect(await provider.get(path, 'other')).toBeUndefined();
    const outside = join(folder, '..', 'other.properties');
    await expect(resolve(`\${file:${outside}:password}`, { file: provider })).rejects.toThrow(
      /x refers to .* cannot be read: File .*other\.properties may not be used: .* Allow its folder\./,
    );
    rmSync(folder, { recursive: true });
  });

  it('env: what the pattern matches as a whole; never the credentials of the function nor its settings', async () => {
    const own = {
      AWS_ACCESS_KEY_ID: 'AKIA',
      AWS_SECRET_ACCESS_KEY: 's1',
      AWS_SESSION_TOKEN: 's2',
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 's3',
      AWS_WEB_IDENTITY_TOKEN_FILE: 's4',
      DROVER_SECURITY_SECRET: 's5',
      DROVER_WORKER_SETTINGS: 's6',
    };
    const variables = { ...own, DB_PASSWORD: 'hunter22', OTHER: 'x', AWS_REGION: 'eu-west-1' };
    for (const provider of [envConfigProvider(variables), envConfigProvider(variables, '.*')]) {
      for (const name of Object.keys(own))
        await expect(provider.get('', name)).rejects.toThrow(`${name} is the function`);
      expect(await provider.get('', 'AWS_REGION')).toBe('eu-west-1');
    }
    const narrow = envConfigProvider(variables, 'DB_.*');
    expect(await narrow.get('', 'DB_PASSWORD')).toBe('hunter22');
    await expect(narrow.get('', 'OTHER')).rejects.toThrow('config.providers.env.param.allowlist.pattern');
    await expect(narrow.get('', 'MY_DB_PASSWORD')).rejects.toThrow('allowlist.pattern');
    expect(await narrow.get('', 'DB_NONE')).toBeUndefined();
    expect(await envConfigProvider({}).get('', 'toString')).toBeUndefined();
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

  it('secretsmanager: an ARN without a key is the whole secret, one with a key a part of it', async () => {
    const provider = secretsManagerConfigProvider(
      async (id) => `{"id":"${id}"}`,
      () => 0,
    );
    const arn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf';
    expect(await resolve(`\${s:${arn}}`, { s: provider })).toBe(`{"id":"${arn}"}`);
    expect(await resolve(`\${s:${arn}:id}`, { s: provider })).toBe(arn);
  });

  it('secretsmanager: a secret that is no JSON is not printed by the error about it', async () => {
    const provider = secretsManagerConfigProvider(
      async () => 'hunter22 in clear',
      () => 0,
    );
    const failed = await resolve('${s:db:password}', { s: provider }).catch((error) => traceOf(error));
    expect(failed).toMatch(/secret db is not a JSON object/);
    expect(failed).not.toMatch(/hunter22/);
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
