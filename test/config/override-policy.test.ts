import { describe, expect, it } from 'vitest';
import { overridePolicy, overrideRefusal, requireAllowedOverrides } from '../../src/config/override-policy.ts';

const policyOf = (name: string, allowlist = '') =>
  overridePolicy({
    'connector.client.config.override.policy': name,
    'connector.client.config.override.allowlist': allowlist,
  });

describe('override policy', () => {
  it.each([
    ['All', '', ['acks', 'sasl.jaas.config', 'bootstrap.servers']],
    ['None', '', []],
    ['Principal', '', ['sasl.jaas.config']],
    ['Allowlist', 'acks, bootstrap.servers', ['acks', 'bootstrap.servers']],
    ['Allowlist', '', []],
    ['PrincipalConnectorClientConfigOverridePolicy', '', ['sasl.jaas.config']],
    ['org.apache.kafka.connect.connector.policy.NoneConnectorClientConfigOverridePolicy', '', []],
  ])('%s (%s)', (name, allowlist, allowed) => {
    const policy = policyOf(name, allowlist);
    expect(['acks', 'sasl.jaas.config', 'bootstrap.servers'].filter((key) => policy.allows(key))).toEqual(allowed);
  });

  it('is All where none is named, and no other than these', () => {
    expect(overridePolicy({}).allows('acks')).toBe(true);
    expect(() => policyOf('Everything')).toThrow(/connector\.client\.config\.override\.policy is "Everything"/);
  });

  it("refuses in Java's words", () => {
    expect(overrideRefusal(policyOf('None'), 'acks')).toBe(
      "The 'None' policy does not allow 'acks' to be overridden in the connector configuration.",
    );
  });

  it('holds for the clients that a connector has, when it runs', () => {
    const config = { 'consumer.override.max.poll.records': '5', 'producer.override.acks': '1' };
    const allowed = policyOf('Allowlist', 'max.poll.records');
    expect(() => requireAllowedOverrides(allowed, 'sink', config)).not.toThrow();
    expect(() => requireAllowedOverrides(allowed, 'source', config)).toThrow(/producer\.override\.acks/);
    const letters = { ...config, 'errors.deadletterqueue.topic.name': 'dlq' };
    expect(() => requireAllowedOverrides(allowed, 'sink', letters)).toThrow(/producer\.override\.acks/);
  });
});
