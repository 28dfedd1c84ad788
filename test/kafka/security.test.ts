import { createHash, createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SignatureV4 } from '@smithy/signature-v4';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { currentCredentials, environmentCredentials, mskIamToken, mskRegion } from '../../src/kafka/msk-iam.ts';
import { bearerToken, securityFromProperties } from '../../src/kafka/security.ts';
import { Sha256 } from '../support/sha256.ts';

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

describe('MSK IAM token', () => {
  it("is signed as AWS's own signer signs it, whatever the keys and the time", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1, maxLength: 40 }),
        fc.option(fc.base64String({ minLength: 4, maxLength: 200 }), { nil: undefined }),
        fc.date({ min: new Date('2020-01-01'), max: new Date('2040-01-01'), noInvalidDate: true }),
        fc.constantFrom('eu-central-1', 'us-east-1', 'cn-north-1', 'us-gov-west-1'),
        async (secretAccessKey, sessionToken, now, region) => {
          const credentials = {
            accessKeyId: 'AKIAEXAMPLE',
            secretAccessKey,
            ...(sessionToken ? { sessionToken } : {}),
          };
          const token = mskIamToken(region, credentials, now);
          expect(token).toMatch(/^[A-Za-z0-9_-]+$/);
          const url = new URL(Buffer.from(token, 'base64url').toString());
          const signer = new SignatureV4({
            service: 'kafka-cluster',
            region,
            credentials,
            sha256: Sha256,
            applyChecksum: false,
          });
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
          // It tells who asks, and is not a part of what is signed.
          url.searchParams.delete('User-Agent');
          expect(Object.fromEntries(url.searchParams)).toEqual(signed.query!);
          expect(url.searchParams.get('X-Amz-Expires')).toBe('900');
        },
      ),
      { numRuns: 50 },
    );
  });

  it('puts the signed parameters in their canonical order, then the signature', () => {
    const credentials = { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 's', sessionToken: 'a/b+c=' };
    const token = mskIamToken('eu-west-1', credentials, new Date('2026-01-02T03:04:05.678Z'));
    const url = Buffer.from(token, 'base64url').toString();
    const [signed, unsigned] = url.split(/(?=&X-Amz-Signature=)/) as [string, string];
    expect(signed).toBe(
      'https://kafka.eu-west-1.amazonaws.com/?Action=kafka-cluster%3AConnect&X-Amz-Algorithm=AWS4-HMAC-SHA256' +
        '&X-Amz-Credential=AKIAEXAMPLE%2F20260102%2Feu-west-1%2Fkafka-cluster%2Faws4_request' +
        '&X-Amz-Date=20260102T030405Z&X-Amz-Expires=900&X-Amz-Security-Token=a%2Fb%2Bc%3D&X-Amz-SignedHeaders=host',
    );
    // Step by step as the specification of Signature Version 4 has it.
    const hash = (text: string) => createHash('sha256').update(text).digest('hex');
    const mac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
    const query = signed.slice(signed.indexOf('?') + 1);
    const request = `GET\n/\n${query}\nhost:kafka.eu-west-1.amazonaws.com\n\nhost\n${hash('')}`;
    const scope = '20260102/eu-west-1/kafka-cluster/aws4_request';
    const key = scope.split('/').reduce<string | Buffer>((secret, part) => mac(secret, part), 'AWS4s');
    const signature = mac(key, `AWS4-HMAC-SHA256\n20260102T030405Z\n${scope}\n${hash(request)}`).toString('hex');
    expect(unsigned).toBe(`&X-Amz-Signature=${signature}&User-Agent=drover`);
  });

  it.each([
    [
      'b-1.shop.ab12cd.c2.kafka.eu-central-1.amazonaws.com:9098,b-2.shop.ab12cd.c2.kafka.eu-central-1.amazonaws.com:9098',
      'eu-central-1',
    ],
    ['b-1-public.shop.ab12cd.c2.kafka.us-gov-west-1.amazonaws.com:9198', 'us-gov-west-1'],
    ['b-1.shop.ab12cd.c4.kafka.cn-northwest-1.amazonaws.com.cn:9098', 'cn-northwest-1'],
    ['boot-ab12cd.c1.kafka-serverless.ap-southeast-2.amazonaws.com:9098', 'ap-southeast-2'],
    ['kafka.example.com:9098', null],
    ['127.0.0.1:9092', null],
  ])('is for the region that %s names', (servers, region) => {
    expect(mskRegion(servers)).toBe(region);
  });

  it('is for the region that the properties name', () => {
    const servers = 'b-1.shop.ab12cd.c2.kafka.us-east-2.amazonaws.com:9098';
    const properties = { 'security.protocol': 'SASL_SSL', 'sasl.mechanism': 'AWS_MSK_IAM' };
    expect(securityFromProperties({ ...properties, 'bootstrap.servers': servers }).sasl).toEqual({
      mechanism: 'AWS_MSK_IAM',
      region: 'us-east-2',
    });
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

  it('asks the container’s service where the environment has none, each time anew', async () => {
    let answers = 0;
    const asked: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      asked.push(request.headers.authorization);
      response.end(JSON.stringify({ AccessKeyId: `KEY${answers++}`, SecretAccessKey: 's', Token: 't' }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const environment = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/role`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: 'secret',
    };
    for (const key of ['KEY0', 'KEY1']) {
      expect(await currentCredentials(environment)).toEqual({
        accessKeyId: key,
        secretAccessKey: 's',
        sessionToken: 't',
      });
    }
    expect(asked).toEqual(['secret', 'secret']);
    const own = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
    expect(await currentCredentials({ ...environment, ...own })).toEqual({ accessKeyId: 'a', secretAccessKey: 'b' });
    await new Promise((resolve) => server.close(resolve));
    await expect(currentCredentials(environment)).rejects.toMatchObject({ retriable: true });
  });
});
