import { expect, test } from 'vitest';
import { type WorkerSecurity, workerSecurity } from '../../src/kafka/worker-security.ts';

const base: WorkerSecurity = { protocol: 'PLAINTEXT', mechanism: 'AWS_MSK_IAM', region: 'eu-west-1', secret: null };

test('plaintext needs nothing, and uses no mechanism', () => {
  expect(workerSecurity(base)).toEqual({ protocol: 'PLAINTEXT' });
});

test('IAM signs for the region and needs no secret', () => {
  expect(workerSecurity({ ...base, protocol: 'SASL_SSL' })).toEqual({
    protocol: 'SASL_SSL',
    tls: {},
    sasl: { mechanism: 'AWS_MSK_IAM', region: 'eu-west-1' },
  });
});

test("SCRAM takes user name and password from the secret, with the brokers' own CA if it is there", () => {
  const secret = JSON.stringify({ username: 'u', password: 'p', ca: 'PEM' });
  expect(workerSecurity({ ...base, protocol: 'SASL_SSL', mechanism: 'SCRAM-SHA-512', secret })).toEqual({
    protocol: 'SASL_SSL',
    tls: { ca: 'PEM' },
    sasl: { mechanism: 'SCRAM-SHA-512', username: 'u', password: 'p' },
  });
});

test('mutual TLS takes certificate and key, and no SASL', () => {
  const secret = JSON.stringify({ certificate: 'C', key: 'K', passphrase: 'x' });
  expect(workerSecurity({ ...base, protocol: 'SSL', secret })).toEqual({
    protocol: 'SSL',
    tls: { certificate: 'C', key: 'K', passphrase: 'x' },
  });
});

test.each<[string, Partial<WorkerSecurity>, RegExp]>([
  ['no password', { protocol: 'SASL_SSL', mechanism: 'PLAIN', secret: '{"username":"u"}' }, /has no password/],
  ['a certificate without its key', { protocol: 'SSL', secret: '{"certificate":"C"}' }, /has no key/],
  ['no object', { protocol: 'SSL', secret: '["C"]' }, /not a JSON object/],
])('a secret with %s is refused by what it lacks', (_what, change, message) => {
  expect(() => workerSecurity({ ...base, ...change })).toThrow(message);
});

test('a secret that is no JSON is not shown in the error', () => {
  const fails = () => workerSecurity({ ...base, protocol: 'SSL', secret: 'hunter2' });
  expect(fails).toThrow(/not a JSON object/);
  expect(fails).not.toThrow(/hunter2/);
});
