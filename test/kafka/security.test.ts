import { createHash, createHmac } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { environmentCredentials, mskIamToken } from '../../src/kafka/msk-iam.ts';
import { bearerToken, propertiesOf, securityFromProperties } from '../../src/kafka/security.ts';

const jaas = (text: string) => ({
  'security.protocol': 'SASL_SSL',
  'sasl.mechanism': 'PLAIN',
  'sasl.jaas.config': text,
});

describe('security from Kafka properties', () => {
  it('defaults to PLAINTEXT', () => {
    expect(securityFromProperties({})).toEqual({ protocol: 'PLAINTEXT' });
  });

  it.each([
    ['…PlainLoginModule required username="u" password="p";', 'u', 'p'],
    ['…PlainLoginModule required password="a \\"b\\" \\\\c=d;" username="u;x";', 'u;x', 'a "b" \\c=d;'],
    ['…ScramLoginModule required username=u password=p;', 'u', 'p'],
  ])('reads the JAAS line %s', (line, username, password) => {
    expect(securityFromProperties(jaas(line)).sasl).toEqual({ mechanism: 'PLAIN', username, password });
  });

  it('takes PEM text for TLS and compares the broker with its certificate unless told not to', () => {
    const tls = securityFromProperties({
      'security.protocol': 'SSL',
      'ssl.truststore.certificates': 'CA',
      'ssl.keystore.certificate.chain': 'CERT',
      'ssl.keystore.key': 'KEY',
      'ssl.key.password': 'pass',
      'ssl.endpoint.identification.algorithm': '',
    }).tls;
    expect(tls).toEqual({ ca: 'CA', certificate: 'CERT', key: 'KEY', passphrase: 'pass', checkServerName: false });
    expect(securityFromProperties({ 'security.protocol': 'SSL' }).tls).toEqual({ checkServerName: true });
  });

  it.each([
    [{ 'security.protocol': 'TLS' }, 'security.protocol'],
    [{ 'security.protocol': 'SASL_SSL' }, 'sasl.mechanism'],
    [{ 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'GSSAPI' }, 'sasl.mechanism'],
    [jaas('…PlainLoginModule required username="u";'), 'sasl.jaas.config'],
    [{ 'security.protocol': 'SSL', 'ssl.keystore.certificate.chain': 'CERT' }, 'ssl.keystore.key'],
    [{ 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'OAUTHBEARER' }, 'sasl.oauthbearer.token.endpoint.url'],
  ] as [Record<string, string>, string][])('names the setting at fault in %j', (properties, key) => {
    let error: unknown;
    try {
      securityFromProperties(properties);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).facts.key).toBe(key);
  });
});

describe('overrides of the connection', () => {
  it('replace only what they name', () => {
    const base = securityFromProperties({
      ...jaas('…PlainLoginModule required username="u" password="p";'),
      'ssl.truststore.certificates': 'CA',
      'ssl.endpoint.identification.algorithm': '',
    });
    expect(securityFromProperties(propertiesOf(base))).toEqual(base);
    const line = '…PlainLoginModule required username="v" password="w";';
    expect(securityFromProperties({ ...propertiesOf(base), 'sasl.jaas.config': line })).toEqual({
      ...base,
      sasl: { mechanism: 'PLAIN', username: 'v', password: 'w' },
    });
  });
});

/** What @smithy/signature-v4 wants of a hash. */
class Sha256 {
  readonly #hash;
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Buffer);
  }
  update(data: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(data as Buffer);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}

describe('MSK IAM token', () => {
  it("is signed as AWS's own signer signs it, whatever the keys and the time", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1, maxLength: 40 }),
        fc.option(fc.base64String({ minLength: 4, maxLength: 200 }), { nil: undefined }),
        fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
        fc.constantFrom('eu-central-1', 'us-east-1'),
        async (secretAccessKey, sessionToken, now, region) => {
          const credentials = {
            accessKeyId: 'AKIAEXAMPLE',
            secretAccessKey,
            ...(sessionToken ? { sessionToken } : {}),
          };
          const url = new URL(Buffer.from(mskIamToken(region, credentials, now), 'base64url').toString());
          const signer = new SignatureV4({ service: 'kafka-cluster', region, credentials, sha256: Sha256 });
          const hostname = `kafka.${region}.amazonaws.com`;
          const signed = await signer.presign(
            {
              method: 'GET',
              protocol: 'https:',
              hostname,
              path: '/',
              headers: { host: hostname },
              query: { Action: 'kafka-cluster:Connect' },
            },
            { signingDate: now, expiresIn: 900 },
          );
          expect(url.hostname).toBe(hostname);
          expect(url.searchParams.get('User-Agent')).toBe('drover');
          url.searchParams.delete('User-Agent');
          const expected = Object.fromEntries(
            Object.entries(signed.query!).filter(([name]) => name !== 'X-Amz-Content-Sha256'),
          );
          expect(Object.fromEntries(url.searchParams)).toEqual(expected);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is made anew for every log-in, from what the environment holds then', async () => {
    let uses = 0;
    const provider = bearerToken({
      mechanism: 'AWS_MSK_IAM',
      region: 'eu-west-1',
      credentials: async () => ({ accessKeyId: `KEY${uses++}`, secretAccessKey: 's' }),
    });
    for (const key of ['KEY0', 'KEY1']) {
      expect(Buffer.from(await provider!(), 'base64url').toString()).toContain(key);
    }
  });

  it('says which variables are missing', () => {
    expect(() => environmentCredentials({})).toThrow(/AWS_ACCESS_KEY_ID/);
    expect(
      environmentCredentials({ AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_SESSION_TOKEN: '' }),
    ).toEqual({ accessKeyId: 'a', secretAccessKey: 'b' });
  });
});
