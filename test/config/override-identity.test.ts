import { describe, expect, it } from 'vitest';
import { type InstallationIdentity, identityProblem, ownConnection } from '../../src/config/override-identity.ts';

const scram: InstallationIdentity = {
  bootstrapServers: 'b-1:9096,b-2:9096',
  protocol: 'SASL_SSL',
  mechanism: 'SCRAM-SHA-512',
  certificate: false,
};
const iam: InstallationIdentity = { ...scram, mechanism: 'AWS_MSK_IAM' };
const mtls: InstallationIdentity = { ...scram, protocol: 'SSL', mechanism: null, certificate: true };
const jaas = 'org.apache.kafka.common.security.scram.ScramLoginModule required username="u" password="p";';

describe("a connector's own connection", () => {
  it('is none where overrides only repeat what the installation has, or have nothing to do with it', () => {
    expect(ownConnection(scram, { 'max.poll.records': '5', 'client.dns.lookup': 'use_all_dns_ips' })).toEqual({});
    expect(
      ownConnection(scram, {
        'bootstrap.servers': ' b-2:9096, b-1:9096 ',
        'security.protocol': 'sasl_ssl',
        'sasl.mechanism': 'SCRAM-SHA-512',
      }),
    ).toEqual({});
    expect(
      ownConnection(iam, {
        'security.protocol': 'SASL_SSL',
        'sasl.mechanism': 'AWS_MSK_IAM',
        'sasl.jaas.config': 'software.amazon.msk.auth.iam.IAMLoginModule required;',
        'sasl.client.callback.handler.class': 'software.amazon.msk.auth.iam.IAMClientCallbackHandler',
      }),
    ).toEqual({});
  });

  it.each([
    { 'bootstrap.servers': 'b-1:9096,elsewhere:9096' },
    { 'bootstrap.servers': '' },
    { 'security.protocol': 'SASL_PLAINTEXT' },
    { 'sasl.mechanism': 'PLAIN' },
    { 'ssl.endpoint.identification.algorithm': '' },
    { 'ssl.truststore.certificates': 'CA' },
    { 'sasl.login.class': 'x' },
    { 'sasl.oauthbearer.token.endpoint.url': 'http://elsewhere' },
  ] as Record<string, string>[])('is one with %j, and then lacks an identity', (overrides) => {
    for (const installation of [scram, iam]) {
      const own = ownConnection(installation, overrides);
      expect(own).toEqual(overrides);
      expect(identityProblem(installation, own, 'producer.override.')).toMatchObject({
        message: expect.stringContaining(`producer.override.${Object.keys(overrides)[0]} is set, so nothing of`),
      });
    }
  });

  it.each<[string, InstallationIdentity, Record<string, string>, string | null]>([
    ['a user of its own', scram, { 'sasl.jaas.config': jaas }, null],
    ['a user of its own elsewhere', scram, { 'bootstrap.servers': 'x:1', 'sasl.jaas.config': jaas }, null],
    ['no user', scram, { 'bootstrap.servers': 'x:1' }, 'sasl.jaas.config'],
    ['an empty user', scram, { 'bootstrap.servers': 'x:1', 'sasl.jaas.config': ' ' }, 'sasl.jaas.config'],
    ['nobody, and says so', scram, { 'bootstrap.servers': 'x:1', 'security.protocol': 'PLAINTEXT' }, null],
    ['the role of the function', scram, { 'sasl.mechanism': 'AWS_MSK_IAM' }, 'sasl.mechanism'],
    ['the role of the function, elsewhere', iam, { 'bootstrap.servers': 'x:1' }, 'sasl.mechanism'],
    ['a user where there was a role', iam, { 'sasl.jaas.config': jaas }, 'sasl.mechanism'],
    ['another way with a user', iam, { 'sasl.mechanism': 'SCRAM-SHA-512', 'sasl.jaas.config': jaas }, null],
    ['a token from nowhere', scram, { 'sasl.mechanism': 'OAUTHBEARER' }, 'sasl.oauthbearer.token.endpoint.url'],
    ['no certificate', mtls, { 'bootstrap.servers': 'x:1' }, 'ssl.keystore.certificate.chain'],
    ['no certificate, and says so', mtls, { 'bootstrap.servers': 'x:1', 'security.protocol': 'SSL' }, null],
    ['a certificate', mtls, { 'bootstrap.servers': 'x:1', 'ssl.keystore.certificate.chain': 'C' }, null],
  ])('that brings %s', (_what, installation, overrides, key) => {
    const own = ownConnection(installation, overrides);
    const problem = identityProblem(installation, own, 'consumer.override.');
    if (key === null) expect(problem).toBeNull();
    else {
      expect(problem).toMatchObject({ key });
      expect(problem?.message).toContain(`consumer.override.${key}`);
    }
  });
});
